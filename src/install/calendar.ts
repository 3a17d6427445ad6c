/** The hours of a job as a calendar wants them: of launchd in the Mac's own zone, of systemd in the schedule's. */
import { type ScheduledJob, slotsBetween } from '../schedule/plan.ts';
import { dateIn, daysAfter, minuteIn, weekdayOf } from '../schedule/zone.ts';

const DAY_MINUTES = 1_440;
/** A failed attempt is taken up a quarter of an hour after its end: by these further looks. */
const LOOKS_MINUTES = [0, 20, 40];
/** Both sides of both changes of the clock. */
const DAYS_AHEAD = 370;
const SHORT_DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Keys of StartCalendarInterval, launchd.plist(5); 0 is Sunday. */
export interface CalendarEntry {
  readonly Weekday?: number;
  readonly Hour: number;
  readonly Minute: number;
}

/**
 * All times of a day at which the job's hour may be on a clock in `machineZone`, within a year: two where only one of
 * the zones changes its clock. The look that comes an hour early finds nothing due.
 */
export function calendarEntries(
  job: ScheduledJob,
  zone: string,
  machineZone: string,
  nowMs: number,
): readonly CalendarEntry[] {
  const first = dateIn(zone, nowMs);
  const found = new Map<string, CalendarEntry>();
  for (const { plannedAtMs } of slotsBetween({ ...job, jitterMs: 0 }, zone, first, daysAfter(first, DAYS_AHEAD))) {
    for (const minutes of LOOKS_MINUTES) {
      const shown = minuteIn(machineZone, plannedAtMs + minutes * 60_000);
      const entry = {
        ...(job.weekday === null ? {} : { Weekday: weekdayOf(shown.slice(0, 10)) }),
        ...{ Hour: Number(shown.slice(11, 13)), Minute: Number(shown.slice(14, 16)) },
      };
      found.set(JSON.stringify(entry), entry);
    }
  }
  const minuteOf = ({ Weekday = 0, Hour, Minute }: CalendarEntry): number => (Weekday * 24 + Hour) * 60 + Minute;
  return [...found.values()].sort((a, b) => minuteOf(a) - minuteOf(b));
}

/** The same for OnCalendar=, systemd.time(7), which knows zones: `Sun *-*-* 04:00:00 America/Chicago`. */
export function calendarLines({ at, weekday }: Pick<ScheduledJob, 'at' | 'weekday'>, zone: string): readonly string[] {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  return LOOKS_MINUTES.map((later) => {
    const total = hour * 60 + minute + later;
    const [day, rest] = [Math.floor(total / DAY_MINUTES), total % DAY_MINUTES];
    const clock = [Math.floor(rest / 60), rest % 60].map((part) => String(part).padStart(2, '0')).join(':');
    const on = weekday === null ? '' : `${SHORT_DAYS[(weekday + day) % 7]} `;
    return `${on}*-*-* ${clock}:00 ${zone}`;
  });
}

/** A job's name where only letters, digits, dots and dashes may stand. */
export const fileWord = (job: string): string => job.replaceAll('+', '-and-').replace(/[^\w.-]/g, '-');
