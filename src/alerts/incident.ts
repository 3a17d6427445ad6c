/** What is wrong, derived from facts alone: every trigger finds the same. Pure; nothing here reads a clock. */
import { oddSilence } from './volume.ts';

/** One section each in docs/operations.md. */
export const KINDS = [
  'run-failed',
  'drift',
  'billable-contact',
  'incomplete',
  'dead-letters',
  'rejects',
  'no-records',
  'nothing-ran',
  'cursor-old',
  'job-failed',
  'slot-missed',
  'differs',
  'quota',
  'disk',
  'cutover',
  'channel',
] as const;
export type Kind = (typeof KINDS)[number];

/** Numbers that the message names. */
export type Figures = Readonly<Record<string, number>>;

export interface Incident {
  readonly kind: Kind;
  /** A pipe, a job or a channel: a name of ours. */
  readonly subject: string;
  /** A code of ours. */
  readonly cause: string;
  readonly sinceMs: number;
  readonly figures: Figures;
  /** The run that shows it. */
  readonly run: string | null;
}

/** A run that is over; the newest first in `Facts`. */
export interface RunFact {
  readonly id: string;
  readonly pipe: string;
  readonly isFull: boolean;
  /** It read only a part, or was over before it began. */
  readonly restricted: boolean;
  readonly startedMs: number;
  readonly status: string;
  readonly exit: number | null;
  readonly code: string | null;
  readonly read: number;
  readonly deadLettered: number;
  readonly unproven: boolean;
  readonly quota: { readonly limit: number; readonly left: number } | null;
}

export interface Facts {
  readonly nowMs: number;
  /** Of the schedule: decides which weekday a run belongs to. */
  readonly zone: string;
  /** Pipes that the schedule runs every day. */
  readonly daily: ReadonlySet<string>;
  readonly runs: readonly RunFact[];
  readonly letters: readonly { readonly pipe: string; readonly open: number; readonly oldestMs: number }[];
  /** The newest instant up to which each pipe's present source has been read. */
  readonly cursors: readonly { readonly pipe: string; readonly positionMs: number }[];
  /** The newest slot of each job that is over. */
  readonly slots: readonly SlotFact[];
  readonly signals: readonly { readonly job: string; readonly cause: string; readonly sinceMs: number }[];
  readonly differences: readonly { readonly pipe: string; readonly count: number; readonly atMs: number }[];
  readonly flips: readonly { readonly pipe: string; readonly atMs: number; readonly count: number }[];
  readonly channels: readonly { readonly channel: string; readonly failedMs: number | null }[];
  /** Free bytes where the state lies, and what is low and what too little; null where nobody can tell. */
  readonly disk: { readonly free: number; readonly low: number; readonly least: number } | null;
}

export interface SlotFact {
  readonly job: string;
  readonly plannedMs: number;
  readonly endedMs: number;
  readonly state: string;
  readonly exit: number | null;
  /** Runs it put on record: they tell what went wrong better. */
  readonly runs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A daily job is late after this: a day and six hours. */
const SILENCE_MS_MAX = 30 * HOUR_MS;
/** Two daily runs that were ok must have moved a cursor. */
const CURSOR_AGE_MS_MAX = 49 * HOUR_MS;
const LETTERS_MANY = 25;
const LETTERS_OLD_MS = 7 * DAY_MS;
/** Of the records read by a run; fewer letters than the number are a matter of the letters, not of the run. */
const REJECTS = { share: 0.02, atLeast: 10 };
const QUOTA_SHARE_LOW = 0.1;
/** A change-over is told once, and is no news after this. */
const FLIP_NEWS_MS = 7 * DAY_MS;

export const keyOf = ({ kind, subject, cause }: Pick<Incident, 'kind' | 'subject' | 'cause'>): string =>
  `${kind}:${subject}:${cause}`;

export function incidentsOf(facts: Facts): Incident[] {
  const { nowMs } = facts;
  const pipes = Map.groupBy(facts.runs.filter(counts), ({ pipe }) => pipe);
  return [
    ...[...pipes].flatMap(([pipe, runs]) => ofPipe(pipe, runs, facts)),
    ...facts.letters.filter(({ open }) => open > 0).map((letters) => ofLetters(letters, nowMs)),
    ...facts.slots.flatMap((slot) => ofSlot(slot, nowMs)),
    ...facts.signals.map(({ job, cause, sinceMs }) => incident('job-failed', job, cause, sinceMs)),
    ...facts.differences.map(({ pipe, count, atMs }) => incident('differs', pipe, 'differences', atMs, { count })),
    ...quotaOf(facts),
    ...diskOf(facts),
    ...facts.flips
      .filter(({ atMs }) => nowMs - atMs < FLIP_NEWS_MS)
      .map(({ pipe, atMs, count }) => incident('cutover', pipe, 'flipped', atMs, { count })),
    ...facts.channels.flatMap(({ channel, failedMs }) =>
      failedMs === null ? [] : [incident('channel', channel, 'failing', failedMs)],
    ),
  ];
}

const incident = (
  ...[kind, subject, cause, sinceMs, figures, run]: [Kind, string, string, number, Figures?, (string | null)?]
): Incident => ({ kind, subject, cause, sinceMs, figures: figures ?? {}, run: run ?? null });

/** A failed run counts whoever started it; one that read only a part proves nothing about the whole. */
const counts = ({ restricted, status }: RunFact): boolean =>
  status !== 'running' && status !== 'stopped' && (!restricted || status === 'failed' || status === 'crashed');

function ofPipe(pipe: string, runs: readonly RunFact[], facts: Facts): Incident[] {
  const [last] = runs;
  if (last === undefined) return [];
  const isSilent = facts.daily.has(pipe) && facts.nowMs - last.startedMs > SILENCE_MS_MAX;
  return [
    ...(isSilent ? [incident('nothing-ran', pipe, 'silence', last.startedMs)] : cursorOf(pipe, last, facts)),
    ...streak(pipe, last, runs),
    ...rejectsOf(last),
    ...volumeOf(pipe, last, runs, facts.zone),
  ];
}

/** One that holds on since the oldest of its runs without a better one between. */
function streak(pipe: string, last: RunFact, runs: readonly RunFact[]): Incident[] {
  const what = troubleOf(last);
  if (what === null) return [];
  const healthy = runs.findIndex((run) => troubleOf(run)?.cause !== what.cause);
  const first = runs.at(healthy < 0 ? -1 : healthy - 1) ?? last;
  const times = healthy < 0 ? runs.length : healthy;
  return [incident(what.kind, pipe, what.cause, first.startedMs, { times }, last.id)];
}

function troubleOf({ status, exit, code, unproven }: RunFact): Pick<Incident, 'kind' | 'cause'> | null {
  if (status === 'ok') return null;
  if (status === 'partial') return unproven ? { kind: 'incomplete', cause: 'unproven' } : null;
  if (code?.startsWith('drift.')) return { kind: 'drift', cause: code.slice('drift.'.length) };
  if (code === 'billable-contact') return { kind: 'billable-contact', cause: 'billable' };
  if (code === 'quota-spent') return { kind: 'quota', cause: 'spent' };
  return { kind: 'run-failed', cause: code ?? (status === 'crashed' ? 'crashed' : `exit-${exit ?? 1}`) };
}

function rejectsOf({ id, pipe, startedMs, read, deadLettered }: RunFact): Incident[] {
  if (deadLettered < REJECTS.atLeast || deadLettered <= read * REJECTS.share) return [];
  return [incident('rejects', pipe, 'share', startedMs, { rejected: deadLettered, read }, id)];
}

function volumeOf(pipe: string, last: RunFact, runs: readonly RunFact[], zone: string): Incident[] {
  const usual = oddSilence(last, runs.slice(1), zone);
  if (usual === null) return [];
  const first = runs.at(runs.findIndex(({ read }) => read > 0) - 1) ?? last;
  return [incident('no-records', pipe, 'zero', first.startedMs, usual, last.id)];
}

/** Of a pipe whose runs are said to be ok: others have an alert of their own. */
function cursorOf(pipe: string, last: RunFact, { cursors, nowMs }: Facts): Incident[] {
  const cursor = cursors.find((one) => one.pipe === pipe);
  if (!cursor || last.status !== 'ok' || nowMs - cursor.positionMs < CURSOR_AGE_MS_MAX) return [];
  const hours = Math.floor((nowMs - cursor.positionMs) / HOUR_MS);
  return [incident('cursor-old', pipe, 'stuck', cursor.positionMs, { hours }, last.id)];
}

function ofLetters({ pipe, open, oldestMs }: Facts['letters'][number], nowMs: number): Incident {
  const cause = open >= LETTERS_MANY ? 'many' : nowMs - oldestMs > LETTERS_OLD_MS ? 'old' : 'open';
  return incident('dead-letters', pipe, cause, oldestMs, { open });
}

function ofSlot({ job, plannedMs, endedMs, state, exit, runs }: SlotFact, nowMs: number): Incident[] {
  if (state === 'missed') return nowMs - plannedMs < DAY_MS ? [incident('slot-missed', job, 'missed', plannedMs)] : [];
  if (state !== 'failed' || runs > 0) return [];
  return [incident('job-failed', job, `exit-${exit ?? 1}`, endedMs)];
}

/** Resets within a day: older figures say nothing. */
function quotaOf({ runs, nowMs }: Facts): Incident[] {
  const last = runs.find(({ quota }) => quota !== null);
  if (!last?.quota || nowMs - last.startedMs > DAY_MS) return [];
  const { left, limit } = last.quota;
  return left < limit * QUOTA_SHARE_LOW ? [incident('quota', 'hubspot', 'low', last.startedMs, { left, limit })] : [];
}

function diskOf({ disk, nowMs }: Facts): Incident[] {
  if (disk === null || disk.free >= disk.low) return [];
  const cause = disk.free < disk.least ? 'full' : 'low';
  return [incident('disk', 'state', cause, nowMs, { freeMegabytes: Math.floor(disk.free / 1_000_000) })];
}
