/** `cutover watch`: looks at production again and again, until every pipe of the ERP is fed from it. */
import { announceState } from '../../alerts/watch.ts';
import { type Clock, systemClock } from '../../clock.ts';
import { type Config, loadConfig } from '../../config.ts';
import {
  type Answer,
  type CutoverJob,
  considerFlip,
  erpJobs,
  fedFrom,
  type ShadowReader,
  shadowReader,
} from '../../cutover.ts';
import { EXIT, type ExitCode, FatalError } from '../../errors.ts';
import { safe } from '../../report/style.ts';
import { openDatabase } from '../../state/database.ts';
import { lockFolder, lockPortal } from '../../state/lock.ts';
import type { Invocation } from '../invocation.ts';

/** What tests bring of their own. */
export interface WatchTools {
  readonly clock: Clock;
  readonly reader: (job: CutoverJob, config: Config<'erp'>, stop: AbortSignal) => ShadowReader;
  /** Told of each flip, with its sentence. */
  readonly onFlip: (sentence: string) => Promise<void>;
}

const TOOLS: WatchTools = {
  clock: systemClock,
  reader: (job, config, stop) => shadowReader({ job, config, stop }),
  onFlip: async () => {},
};

const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const;
const EVERY_MS_MAX = 24 * UNITS_MS.h;

/** Looks at production whenever a look is due, until every ERP pipe is fed from it or a signal ends it. */
export async function cutoverWatch(
  flags: { readonly every?: string; readonly json?: boolean },
  invocation: Invocation,
  tools: WatchTools = TOOLS,
): Promise<ExitCode> {
  const everyMs = durationMs(flags.every ?? '15m');
  const config = loadConfig({ env: invocation.env, cwd: invocation.cwd, needs: ['hubspot', 'erp'] });
  if (config.erp.productionUrl === null) throw noProduction();
  const jobs = await erpJobs();
  const said = new Map<string, string>();
  for (;;) {
    // ends with the last flip, or by a signal
    const round = await lookOnce(jobs, config, invocation, tools);
    const atMs = tools.clock.now();
    if (flags.json) invocation.stdout.write(`${JSON.stringify(roundDocument(round, atMs))}\n`);
    else printNews(round, atMs, said, invocation);
    for (const { answer } of round) if (answer.flipped) await tools.onFlip(answer.sentence);
    if (round.some(({ answer }) => answer.flipped)) await announceState(invocation, atMs);
    if (round.length > 0 && round.every(({ isLive }) => isLive)) return EXIT.ok;
    await tools.clock.sleep(everyMs, invocation.stop);
  }
}

interface Looked {
  readonly pipe: string;
  readonly isLive: boolean;
  readonly answer: Answer;
}

/** One look at each pipe, under the portal's lock; none while a run holds it, which looks by itself. */
async function lookOnce(
  jobs: readonly CutoverJob[],
  config: Config<'hubspot' | 'erp'>,
  { env, stop }: Invocation,
  { clock, reader }: WatchTools,
): Promise<Looked[]> {
  const lock = await lockPortal(lockFolder(env), config.hubspot.portalId, 0, (ms) => clock.sleep(ms, stop)).catch(
    unlessLocked,
  );
  if (lock === null) return [];
  try {
    const { environment, stateDir, hubspot } = config;
    const db = openDatabase(stateDir, { environment, portalId: hubspot.portalId });
    try {
      const looked: Looked[] = [];
      for (const job of jobs) {
        const read = reader(job, config, stop);
        const answer = await considerFlip({ db, job, config, nowMs: clock.now(), read, jobs });
        looked.push({ pipe: job.pipe, isLive: fedFrom(db, job.pipe, config) === 'production', answer });
      }
      return looked;
    } finally {
      db.close();
    }
  } finally {
    lock.release();
  }
}

function unlessLocked(thrown: unknown): null {
  if (thrown instanceof FatalError && thrown.exit === EXIT.locked) return null;
  throw thrown;
}

const roundDocument = (round: readonly Looked[], atMs: number): unknown => ({
  schemaVersion: 1,
  runId: null,
  status: 'ok',
  at: new Date(atMs).toISOString(),
  counts: { pipes: round.length, production: round.filter(({ isLive }) => isLive).length },
  pipes: round.map(({ pipe, isLive, answer: { flipped, sentence, seen } }) => ({
    pipe,
    fedFrom: isLive ? 'production' : 'staging',
    flipped,
    sentence,
    seen,
  })),
});

/** Only what has changed since the round before. */
function printNews(round: readonly Looked[], atMs: number, said: Map<string, string>, { stdout }: Invocation): void {
  const at = new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
  for (const { pipe, answer } of round) {
    const seen = answer.seen === null ? '' : `\n  saw: ${safe(answer.seen.reason)}`;
    if (said.get(pipe) !== answer.sentence || seen !== '') stdout.write(`${at}  ${safe(answer.sentence)}${seen}\n`);
    said.set(pipe, answer.sentence);
  }
}

/** `90s`, `15m` or `2h`. Throws FatalError (exit 2). */
function durationMs(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const ms = unit === 's' || unit === 'm' || unit === 'h' ? Number(digits) * UNITS_MS[unit] : 0;
  if (ms >= UNITS_MS.s && ms <= EVERY_MS_MAX) return ms;
  throw new FatalError(EXIT.usage, `--every is "${text}", not a time from 1s to 24h`, 'give for example --every 15m');
}

const noProduction = (): FatalError =>
  new FatalError(
    EXIT.usage,
    'there is nothing to watch: ERP_PRODUCTION_URL is not set',
    "set it to the address of the ERP's production instance, whether it answers yet or not",
  );
