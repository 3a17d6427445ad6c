/** What the state knows of runs, slots, letters and channels, as the rules of incidents want it. Reads only. */
import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { channelsOf } from '../state/alert-channels.ts';
import { flipOf } from '../state/cutover.ts';
import { sourceInstance } from '../state/runs.ts';
import type { Facts, RunFact, SlotFact } from './incident.ts';

/** Nine weeks of four pipes a day, with room for retries; a streak of trouble longer than this seems to begin later. */
const RUNS_MAX = 500;

/** What the state does not know. */
export type Surroundings = Pick<Facts, 'nowMs' | 'zone' | 'daily' | 'disk'> & {
  /** Channels that are configured: of others nobody need hear. */
  readonly channels: readonly string[];
};

export function factsOf(db: Database, { channels, ...around }: Surroundings): Facts {
  return {
    ...around,
    runs: runsOf(db),
    letters: lettersOf(db),
    cursors: cursorsOf(db),
    slots: slotsOf(db),
    signals: signalsOf(db),
    differences: differencesOf(db),
    flips: pipesOf(db).flatMap((pipe) => {
      const flip = flipOf(db, pipe);
      return flip ? [{ pipe, ...flip }] : [];
    }),
    channels: channelsOf(db).filter(({ channel }) => channels.includes(channel)),
  };
}

const pipesOf = (db: Database): string[] =>
  db
    .prepare<[], { pipe: string }>('SELECT DISTINCT pipe FROM streams ORDER BY pipe')
    .all()
    .map(({ pipe }) => pipe);

interface StoredRun extends Pick<RunFact, 'id' | 'pipe' | 'startedMs' | 'status' | 'exit'> {
  readonly mode: string;
  readonly report: string | null;
}

const runsOf = (db: Database): RunFact[] =>
  db
    .prepare<[number], StoredRun>(
      `SELECT id, pipe, mode, started_at AS startedMs, status, exit, report FROM runs
        WHERE json_extract(mode, '$.dryRun') = 0 ORDER BY started_at DESC, id DESC LIMIT ?`,
    )
    .all(RUNS_MAX)
    .map(runFact);

/** The parts of a run's report that alerts look at; of an older version some are missing. */
const reported = z.object({
  code: z.string().nullish(),
  deadLettersAdded: z.number().optional(),
  counts: z.object({ read: z.number(), held: z.number(), deadLettered: z.number() }).partial().optional(),
  upserts: z.object({ unknown: z.number() }).partial().optional(),
  partitions: z.object({ complete: z.number(), total: z.number() }).optional(),
  quota: z.object({ limit: z.number(), left: z.number() }).nullish(),
});
const asked = z.object({ full: z.boolean().optional(), restricted: z.boolean().optional() });

function runFact({ mode, report, ...run }: StoredRun): RunFact {
  const { code, deadLettersAdded = 0, counts, upserts, partitions, quota } = read(reported, report) ?? {};
  const { full = false, restricted = false } = read(asked, mode) ?? {};
  return {
    ...run,
    isFull: full,
    restricted,
    code: code ?? null,
    read: counts?.read ?? 0,
    deadLettered: counts?.deadLettered ?? 0,
    // What else than dead letters can have made a run partial?
    unproven:
      deadLettersAdded === 0 ||
      (counts?.held ?? 0) > 0 ||
      (upserts?.unknown ?? 0) > 0 ||
      partitions?.complete !== partitions?.total,
    quota: quota ?? null,
  };
}

function read<Shape extends z.ZodType>(shape: Shape, text: string | null): z.output<Shape> | null {
  if (text === null) return null;
  const parsed = shape.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}

const lettersOf = (db: Database): Facts['letters'] =>
  db
    .prepare<[], Facts['letters'][number]>(
      `SELECT s.pipe, count(*) AS open, min(d.first_seen) AS oldestMs FROM dead_letters d
        JOIN streams s ON s.id = d.stream WHERE d.state = 'open' GROUP BY s.pipe`,
    )
    .all();

/** A slice that lags behind is unproven, which has an alert of its own: here the newest of a pipe counts. */
function cursorsOf(db: Database): Facts['cursors'] {
  const ask = db.prepare<{ pipe: string; like: string }, { position: string | null }>(
    `SELECT max(position) AS position FROM cursors JOIN streams ON streams.id = cursors.stream
      WHERE pipe = @pipe AND (instance LIKE @like OR instance NOT LIKE 'erp:%') AND instance NOT LIKE 'former:%'`,
  );
  return pipesOf(db).flatMap((pipe) => {
    const position = ask.get({ pipe, like: `erp:${sourceInstance(db, pipe) ?? ''}%` })?.position;
    const positionMs = Date.parse(position ?? '');
    return Number.isNaN(positionMs) ? [] : [{ pipe, positionMs }];
  });
}

const slotsOf = (db: Database): readonly SlotFact[] =>
  db
    .prepare<[], SlotFact>(
      `SELECT job, max(planned_at) AS plannedMs, coalesce(ended_at, planned_at) AS endedMs, state, exit,
         json_array_length(runs) AS runs
        FROM slots WHERE state IN ('ok', 'partial', 'failed', 'missed') GROUP BY job`,
    )
    .all();

const signalsOf = (db: Database): Facts['signals'] =>
  db.prepare<[], Facts['signals'][number]>('SELECT job, cause, since AS sinceMs FROM alert_signals').all();

/** Of each pipe the newest comparison, of the source that feeds it. */
const differencesOf = (db: Database): Facts['differences'] =>
  db
    .prepare<[], { pipe: string; atMs: number; count: number | null }>(
      `SELECT pipe, max(at) AS atMs, (SELECT sum(value) FROM json_each(counts)) AS count
        FROM reconciliations JOIN streams ON streams.id = stream GROUP BY pipe`,
    )
    .all()
    .flatMap(({ pipe, atMs, count }) => (count ? [{ pipe, atMs, count }] : []));
