/** `jobs list`, `jobs next` and `jobs history`: the plan, and what became of it. Reads only. */
import { EXIT, type ExitCode } from '../../errors.ts';
import { tableLines } from '../../report/table.ts';
import { isOff, nextSlots, type PlannedSlot, type Schedule, type ScheduledJob } from '../../schedule/plan.ts';
import { minutes } from '../../schedule/tick.ts';
import { dateIn, daysAfter, minuteIn, weekdayOf } from '../../schedule/zone.ts';
import { type SlotRow, slotsSince, unfinishedSlots } from '../../state/slots.ts';
import type { Invocation } from '../invocation.ts';
import { openSchedule, readLedger } from './opened.ts';

interface ShowFlags {
  readonly json?: boolean;
}
interface DaysFlags extends ShowFlags {
  readonly days: number;
}

const DAY_MS = 86_400_000;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export async function jobsList({ json }: ShowFlags, invocation: Invocation): Promise<ExitCode> {
  const { schedule, config } = await openSchedule(invocation);
  const rows = readLedger(config.stateDir, (db) => slotsSince(db, Date.now() - 8 * DAY_MS), []);
  const lastOf = (job: string): SlotRow | null =>
    rows.find((row) => row.job === job && row.plannedAtMs <= Date.now()) ?? null;
  const jobs = schedule.jobs.map((job) => ({
    job,
    next: nextOf(job, schedule.zone, 1)[0] ?? null,
    last: lastOf(job.name),
  }));
  if (json) invocation.stdout.write(print(listDocument(schedule, jobs)));
  else invocation.stdout.write(listText(schedule, jobs));
  return EXIT.ok;
}

const nextOf = (job: ScheduledJob, zone: string, count: number): PlannedSlot[] =>
  job.isOn ? nextSlots(job, zone, Date.now(), count) : [];

interface Listed {
  readonly job: ScheduledJob;
  readonly next: PlannedSlot | null;
  readonly last: SlotRow | null;
}

const listDocument = ({ zone, runMsMax }: Schedule, jobs: readonly Listed[]) => ({
  ...{
    schemaVersion: 1,
    runId: null,
    status: 'ok',
    counts: { jobs: jobs.length },
    zone,
    maxRunMinutes: runMsMax / 60_000,
  },
  jobs: jobs.map(({ job, next, last }) => ({
    ...{
      name: job.name,
      task: job.task,
      pipes: job.pipes,
      at: job.at,
      on: job.weekday === null ? null : DAYS[job.weekday],
    },
    ...{
      after: job.after,
      windowHours: job.windowMs / 3_600_000,
      jitterMinutes: job.jitterMs / 60_000,
      isOn: job.isOn,
    },
    next: iso(next?.plannedAtMs ?? null),
    last: last && { date: last.date, state: last.state, exit: last.exit },
  })),
});

function listText({ zone }: Schedule, jobs: readonly Listed[]): string {
  const columns = [
    { head: 'job' },
    { head: 'at' },
    { head: 'next' },
    { head: 'window', align: 'right' },
    { head: 'last' },
  ] as const;
  const rows = jobs.map(({ job, next, last }) => [
    job.name,
    `${job.at}${job.weekday === null ? '' : ` ${DAYS[job.weekday]}`}`,
    next ? minuteIn(zone, next.plannedAtMs) : 'off',
    minutes(job.windowMs),
    last ? `${last.state} ${last.date}` : '-',
  ]);
  return `${[...tableLines(columns, rows), `Hours are those of ${zone}. A missed slot runs once within its window.`].join('\n')}\n`;
}

export async function jobsNext({ json, days }: DaysFlags, invocation: Invocation): Promise<ExitCode> {
  const { schedule, config } = await openSchedule(invocation);
  const { zone } = schedule;
  const lastDate = daysAfter(dateIn(zone, Date.now()), days);
  const slots = schedule.jobs
    .flatMap((job) => nextOf(job, zone, days + 1))
    .filter(({ date }) => date <= lastDate)
    .sort((a, b) => a.plannedAtMs - b.plannedAtMs);
  const due = readLedger(config.stateDir, unfinishedSlots, []).filter(
    ({ plannedAtMs, state, job }) => plannedAtMs <= Date.now() && (state === 'running' || !isOff(schedule, job)),
  );
  if (json) invocation.stdout.write(print(nextDocument(zone, due, slots)));
  else invocation.stdout.write(nextText(zone, due, slots));
  return EXIT.ok;
}

const nextDocument = (zone: string, due: readonly SlotRow[], slots: readonly PlannedSlot[]) => ({
  ...{ schemaVersion: 1, runId: null, status: 'ok', counts: { due: due.length, planned: slots.length }, zone },
  due: due.map(slotDocument),
  planned: slots.map(({ job, date, plannedAtMs, notBeforeMs }) => ({
    ...{ job, date, planned: iso(plannedAtMs), notBefore: iso(notBeforeMs), local: minuteIn(zone, plannedAtMs) },
  })),
});

function nextText(zone: string, due: readonly SlotRow[], slots: readonly PlannedSlot[]): string {
  const planned = tableLines(
    [{ head: `${zone}` }, { head: 'UTC' }, { head: 'job' }],
    slots.map(({ job, date, plannedAtMs }) => [
      `${DAYS[weekdayOf(date)]} ${minuteIn(zone, plannedAtMs)}`,
      minuteIn('UTC', plannedAtMs),
      job,
    ]),
  );
  const now = due.map(({ job, date, state, attempts }) => `${job} of ${date}: ${stateText(state, attempts)}`);
  return `${[...now, ...(now.length > 0 ? [''] : []), ...planned].join('\n')}\n`;
}

const stateText = (state: SlotRow['state'], attempts: number): string => {
  if (state !== 'open') return state;
  return attempts === 0 ? 'due' : `will be tried again (${attempts} of 3 attempts)`;
};

interface HistoryFlags extends DaysFlags {
  readonly job?: string;
}

export async function jobsHistory({ json, days, job }: HistoryFlags, invocation: Invocation): Promise<ExitCode> {
  const { schedule, config } = await openSchedule(invocation);
  const nowMs = Date.now();
  const rows = readLedger(config.stateDir, (db) => slotsSince(db, nowMs - days * DAY_MS, job ?? null), []).filter(
    (row) => row.plannedAtMs <= nowMs,
  );
  if (json) {
    const counts = Object.fromEntries(
      Map.groupBy(rows, ({ state }) => state)
        .entries()
        .map(([state, all]) => [state, all.length]),
    );
    const document = {
      schemaVersion: 1,
      runId: null,
      status: 'ok',
      counts,
      zone: schedule.zone,
      slots: rows.map(slotDocument),
    };
    invocation.stdout.write(print(document));
  } else invocation.stdout.write(historyText(schedule.zone, rows, days));
  return EXIT.ok;
}

const slotDocument = (row: SlotRow) => ({
  ...{ job: row.job, date: row.date, state: row.state, planned: iso(row.plannedAtMs), started: iso(row.startedAtMs) },
  ...{ ended: iso(row.endedAtMs), notBefore: iso(row.notBeforeMs) },
  lateMs: row.startedAtMs === null ? null : row.startedAtMs - row.plannedAtMs,
  ...{ attempts: row.attempts, ownerPid: row.ownerPid, trigger: row.trigger, exit: row.exit, runs: row.runs },
  ...{ reason: row.reason, hint: row.hint },
});

/** Planned against actual, the latest first; below the table the reason of whatever is not ok. */
export function historyText(zone: string, rows: readonly SlotRow[], days: number): string {
  if (rows.length === 0) return `Nothing was planned in the last ${days} days. retail-sync jobs next shows what is.\n`;
  const columns = [
    { head: 'planned' },
    { head: 'job', max: 22 },
    { head: 'began' },
    { head: 'late', align: 'right' },
    { head: 'state' },
    { head: 'tries', align: 'right' },
    { head: 'exit', align: 'right' },
  ] as const;
  const cells = rows.map((row) => [
    minuteIn(zone, row.plannedAtMs).slice(5),
    row.job,
    row.startedAtMs === null ? '-' : beganText(zone, row.startedAtMs, row.date),
    row.startedAtMs === null ? '-' : lateText(row.startedAtMs - row.plannedAtMs),
    row.state === 'open' ? (row.attempts === 0 ? 'due' : 'retry') : row.state,
    String(row.attempts),
    row.exit === null ? '-' : String(row.exit),
  ]);
  const reasons = rows
    .filter(({ state, reason }) => !['ok', 'superseded'].includes(state) && reason !== null)
    .slice(0, 10)
    .flatMap(({ job, date, reason, hint }) => [
      `${job} of ${date}: ${reason}`,
      ...(hint === null ? [] : [`  ${hint}`]),
    ]);
  return `${[...tableLines(columns, cells), ...(reasons.length > 0 ? ['', ...reasons] : [])].join('\n')}\n`;
}

/** Hours and minutes, as on a clock. */
const lateText = (ms: number): string => {
  const whole = Math.max(0, Math.floor(ms / 60_000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
};

const beganText = (zone: string, atMs: number, date: string): string => {
  const began = minuteIn(zone, atMs);
  return began.startsWith(date) ? began.slice(11) : began.slice(5);
};
