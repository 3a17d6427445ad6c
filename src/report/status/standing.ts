/** What `status` knows, and what of it needs a person. Pure. */

import { minuteIn } from '../../schedule/zone.ts';
import type { LastRun, PipeStatus } from '../../state/overview.ts';
import type { SlotRow } from '../../state/slots.ts';

/** The state as `status` read it, at one instant. */
export interface Standing {
  readonly nowMs: number;
  /** IANA name: on whose clock times are shown. */
  readonly zone: string;
  readonly environment: string;
  readonly portalId: string | null;
  readonly pipes: readonly PipeStatus[];
  /** Ways of alerts that do not get through, and since when. */
  readonly deafChannels: readonly { readonly channel: string; readonly sinceMs: number }[];
  /** Of the last two days, and all that are not over, however old; empty where nobody uses the schedule. */
  readonly slots: readonly SlotRow[];
  /** Whether a job or a pipe is switched off in the schedule. */
  readonly isOff: (name: string) => boolean;
  /** Whether a process lives; a run that says `running` without one has died. */
  readonly isAlive: (pid: number) => boolean;
}

/** Something a person has to see to. */
export interface Need {
  readonly weight: 'red' | 'yellow';
  readonly what: string;
  /** What to do before the command; null when there is nothing. */
  readonly advice: string | null;
  /** The command to type. */
  readonly command: string;
}

/** The first command of a hint; what stands around it is for people to do. */
export function adviceOf(hint: string, otherwise: string): Pick<Need, 'advice' | 'command'> {
  const place = hint.indexOf('retail-sync ');
  if (place < 0) return { advice: hint, command: otherwise };
  const [command = otherwise, ...after] = hint.slice(place).split(/[;,]\s+|[.)]?$/);
  const before = hint
    .slice(0, place)
    .replace(/[,;:]?\s*(?:(?:and|then|or)\s+)?(?:run|type|with|see(?: all of it)?(?: with)?)?:?\s*$/i, '')
    .trim();
  const advice = [before, ...after.map((text) => text.trim())].filter((text) => text !== '').join('; ');
  return { advice: advice === '' ? null : advice, command };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A trigger calls every 15 min, so a slot that waits longer has none. */
const OVERDUE_MS = 30 * 60_000;
/** A link's other end comes with the next daily run of its pipe; after two of them something is wrong. */
const LINKS_OLD_MS = 2 * DAY_MS;
/** A daily pipe whose data is older has missed a run and the next one. */
const DATA_OLD_MS = 50 * HOUR_MS;

/** What needs a person, the worst first; the same cause once. */
export function needsOf(standing: Standing): Need[] {
  const needs = [
    ...scheduleNeeds(standing),
    ...standing.pipes.flatMap((pipe) => pipeNeeds(pipe, standing)),
    ...standing.deafChannels.map(({ channel, sinceMs }) => ({
      weight: 'red' as const,
      what: `alerts have not got through by ${channel} for ${age(standing.nowMs - sinceMs)}`,
      advice: null,
      command: `retail-sync alerts test --channel ${channel}`,
    })),
  ];
  return [...needs.filter(({ weight }) => weight === 'red'), ...needs.filter(({ weight }) => weight === 'yellow')];
}

function pipeNeeds(status: PipeStatus, { nowMs, isAlive, isOff, slots }: Standing): Need[] {
  const { pipe, lastRun } = status;
  if (!lastRun) return [];
  const again = `retail-sync sync ${pipe}`;
  const needs: Need[] = runNeeds(status, lastRun, isAlive);
  if (status.openDeadLetters > 0) needs.push(letterNeed(status, nowMs));
  if (status.waiting > 0 && lastRun.status === 'ok')
    needs.push({
      weight: 'yellow',
      what: `${pipe}: ${many(status.waiting, 'record')} not settled`,
      advice: null,
      command: again,
    });
  const linksAgeMs = nowMs - (status.oldestPendingLinkMs ?? nowMs);
  if (status.pendingLinks > 0 && linksAgeMs > LINKS_OLD_MS) {
    const what = `${pipe}: ${many(status.pendingLinks, 'link')} without the other end, the oldest for ${age(linksAgeMs)}`;
    needs.push({ weight: 'yellow', what, advice: null, command: 'retail-sync sync all --full' });
  }
  if (status.flippedAtMs !== null && nowMs - status.flippedAtMs < DAY_MS) {
    const what = `${pipe}: fed from the ERP's production for ${age(nowMs - status.flippedAtMs)}`;
    needs.push({ weight: 'yellow', what, advice: null, command: 'retail-sync cutover status' });
  }
  needs.push(...owedNeeds(status), ...countNeeds(status));
  const dataAgeMs = nowMs - (status.dataFromMs ?? nowMs);
  if (slots.length > 0 && !isOff(pipe) && dataAgeMs > DATA_OLD_MS)
    needs.push({
      ...{ weight: 'red', what: `${pipe}: no run has been ok for ${age(dataAgeMs)}`, advice: null },
      command: 'retail-sync jobs history',
    });
  return needs;
}

/** After a run that only saw a part: one that saw all has said so itself. */
const owedNeeds = ({ pipe, owedReadings, lastRun }: PipeStatus): Need[] => {
  if (owedReadings === 0 || lastRun?.status !== 'ok') return [];
  const what = `${pipe}: read whole again by the next run, because the last whole reading was not proven`;
  return [{ weight: 'yellow', what, advice: null, command: `retail-sync sync ${pipe}` }];
};

/** People archived, merged or made objects; a comparison by key tells which. */
const countNeeds = ({ pipe, miscounted }: PipeStatus): Need[] =>
  miscounted.map(({ object, known, counted }) => ({
    ...({ weight: 'yellow', advice: null } as const),
    what: `${pipe}: HubSpot counts ${counted} ${object} with our key, ${known} are known here`,
    command: `retail-sync reconcile ${pipe}`,
  }));

/** What the last run left to do; nothing when it is ok, under way, or short of its dead letters alone. */
function runNeeds(status: PipeStatus, lastRun: LastRun, isAlive: Standing['isAlive']): Need[] {
  const { pipe } = status;
  const again = `retail-sync sync ${pipe}`;
  if (lastRun.status === 'running') {
    const what = `${pipe}: its run died; the next one goes on where it stopped`;
    return isAlive(lastRun.pid) ? [] : [{ weight: 'red', what, advice: null, command: again }];
  }
  if (lastRun.status === 'ok' || onlyLetters(status)) return [];
  // The letters have a line of their own, with their command.
  const hint = hasLettersHint(lastRun) ? again : (lastRun.hint ?? again);
  const weight = lastRun.status === 'partial' ? 'yellow' : 'red';
  return [{ weight, what: `${pipe}: ${lastRun.reason ?? lastRun.status}`, ...adviceOf(hint, again) }];
}

/** A run that is `partial` for its dead letters alone: the letters are what has to be looked at. */
const onlyLetters = ({ lastRun, openDeadLetters }: PipeStatus): boolean =>
  lastRun?.status === 'partial' && openDeadLetters > 0 && ONLY_LETTERS.test(lastRun.reason ?? '');

const hasLettersHint = ({ status, hint }: LastRun): boolean =>
  status === 'partial' && (hint ?? '').includes('dead-letters list');

/** The whole reason of such a run; anything beside it, such as a slice that is not proven, has to be said. */
const ONLY_LETTERS = /^\d+ dead letters? (?:was|were) added$/;

function letterNeed({ pipe, openDeadLetters, oldestDeadLetterMs }: PipeStatus, nowMs: number): Need {
  const since = oldestDeadLetterMs === null ? '' : `, the oldest for ${age(nowMs - oldestDeadLetterMs)}`;
  const what = `${pipe}: ${many(openDeadLetters, 'dead letter')}${since}`;
  return { weight: 'yellow', what, advice: null, command: `retail-sync dead-letters list --pipe ${pipe}` };
}

function scheduleNeeds({ slots, pipes, nowMs, zone, isOff }: Standing): Need[] {
  const isMadeGood = ({ job, plannedAtMs }: SlotRow): boolean =>
    pipes.some(({ pipe }) => job.split('+').includes(pipe)) &&
    pipes.every(({ pipe, dataFromMs }) => !job.split('+').includes(pipe) || (dataFromMs ?? 0) > plannedAtMs);
  const overdue = slots.filter(
    ({ job, state, attempts, notBeforeMs }) =>
      state === 'open' && attempts === 0 && nowMs - notBeforeMs > OVERDUE_MS && !isOff(job),
  );
  const missed = slots.filter(
    (slot) => slot.state === 'missed' && nowMs - (slot.endedAtMs ?? 0) < DAY_MS && !isMadeGood(slot),
  );
  return [
    ...overdue.map(({ job, plannedAtMs }) => ({
      weight: 'red' as const,
      what: `${job}: planned for ${minuteIn(zone, plannedAtMs)}, and nothing has started it`,
      advice: null,
      command: 'retail-sync jobs tick',
    })),
    ...missed.map(({ job, plannedAtMs }) => ({
      weight: 'red' as const,
      what: `${job}: the run planned for ${minuteIn(zone, plannedAtMs)} was missed`,
      advice: null,
      command: `retail-sync jobs run ${job}`,
    })),
  ];
}

/** The next slot of a pipe that is planned or due; null for one that is switched off, or where nobody uses the schedule. */
export const nextSlotOf = (pipe: string, { slots, isOff }: Standing): SlotRow | null =>
  slots
    .filter(({ job, state }) => state === 'open' && job.split('+').includes(pipe) && !isOff(pipe))
    .toSorted((a, b) => a.plannedAtMs - b.plannedAtMs)[0] ?? null;

export const many = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/** `5 min`, `3 h`, `2 days`. */
export function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return 'moments';
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
