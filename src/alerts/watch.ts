/** Work with its pings before and after, and with the alerts at its end; it changes no outcome. */
import { randomUUID } from 'node:crypto';
import type { Invocation } from '../commands/invocation.ts';
import { asError, EXIT, type ExitCode, FatalError } from '../errors.ts';
import { closeDatabase, type Db, databasePath, openDatabase } from '../state/database.ts';
import { isDamage } from '../state/failures.ts';
import { forgetCheck } from '../state/page-check.ts';
import { announce } from './announce.ts';
import { noteChannel, signal } from './book.ts';
import { channelsOf } from './channels.ts';
import { endingOf, ping, pingAddress } from './ping.ts';
import { type AlertSettings, alertSettings } from './settings.ts';
import { surroundingsOf } from './surroundings.ts';
import { tellWithoutState } from './unwritable.ts';

/** What watched work leaves behind. */
export interface Watched {
  readonly exit: ExitCode;
  readonly runs: readonly string[];
}

type Said = Pick<Invocation, 'env' | 'cwd' | 'stderr'>;

/**
 * Runs `work` as the job `job` with a ping before and after it. Rethrows what it threw; nothing of the pings may fail
 * it or hide that. The alerts follow when the caller calls `announceState`: once for several jobs.
 */
export async function pinged<Ended extends Watched>(
  job: string,
  said: Said,
  work: () => Promise<Ended>,
): Promise<Ended> {
  const url = settingsOf(said)?.alerts.healthcheckUrl ?? null;
  if (url === null) return await work();
  const rid = randomUUID();
  let reason = await ping(pingAddress(url, job, rid, '/start'), job);
  let [exit, runs]: [ExitCode, readonly string[]] = [EXIT.internal, []];
  try {
    const ended = await work();
    ({ exit, runs } = ended);
    return ended;
  } catch (thrown) {
    if (thrown instanceof FatalError) exit = thrown.exit;
    throw thrown;
  } finally {
    const text = [`${job}: exit ${exit}`, ...runs.map((run) => `run ${run}`)].join('\n');
    reason = (await ping(pingAddress(url, job, rid, endingOf(exit)), text)) ?? reason;
    if (reason !== null) said.stderr.write(`the health check did not take a ping: ${reason}\n`);
    noting(said, (db) => noteChannel(db, 'healthcheck', reason, Date.now()));
  }
}

/**
 * Runs `work` and tells what changed. What it throws before a run is on record becomes a signal of its own, until the
 * same work gets further; a state or portal that another process holds is no failure.
 */
export async function announced<T>(job: string, said: Said, work: () => Promise<T>): Promise<T> {
  const startedMs = Date.now();
  try {
    const result = await work();
    noting(said, (db) => signal(db, job, null, Date.now()));
    return result;
  } catch (thrown) {
    const exit = thrown instanceof FatalError ? thrown.exit : EXIT.internal;
    if (exit !== EXIT.locked) noting(said, (db) => signalUnlessRun(db, job, exit, startedMs));
    throw thrown;
  } finally {
    await announceState(said, Date.now());
  }
}

/** For a process that watches another one: that it died, with its exit code. */
export const noteSignal = (job: string, exit: number, said: Said): void =>
  noting(said, (db) => signal(db, job, `exit-${exit}`, Date.now()));

/** A run that was refused is on record already, with its own alert. */
function signalUnlessRun(db: Db, job: string, exit: ExitCode, startedMs: number): void {
  const found = db.prepare('SELECT 1 FROM runs WHERE started_at >= ? LIMIT 1').get(startedMs);
  if (found === undefined) signal(db, job, `exit-${exit}`, Date.now());
}

/** Tells what changed in the state; also for a trigger that found nothing to run. Never throws. */
export async function announceState(said: Said, nowMs: number): Promise<void> {
  try {
    const settings = settingsOf(said);
    const channels = settings === null ? [] : channelsOf(settings.alerts);
    if (settings === null || channels.length === 0) return;
    const { environment } = settings;
    const around = await surroundingsOf(settings);
    const db = openForNotes(settings);
    if (db === null) return await tellWithoutState({ ...settings, env: said.env, channels }, nowMs);
    try {
      const { failed } = await announce({ db, channels, environment, around }, nowMs);
      for (const { channel, reason } of failed) said.stderr.write(`alerts by ${channel} failed: ${reason}\n`);
    } finally {
      closeDatabase(db);
    }
  } catch (thrown) {
    said.stderr.write(`no alert was sent: ${asError(thrown).name}\n`);
  }
}

/** Null when the state cannot be opened for writing: a full disk, a damaged file. */
function openForNotes({ stateDir }: AlertSettings): Db | null {
  try {
    return openDatabase(stateDir, null, { checksPages: false });
  } catch {
    return null;
  }
}

/** A note that cannot be written is not worth a word: the state's own trouble is told by whoever needs it. */
function noting(said: Said, note: (db: Db) => void): void {
  const settings = settingsOf(said);
  if (settings === null || !isAnyConfigured(settings)) return;
  const db = openForNotes(settings);
  try {
    if (db !== null) note(db);
  } catch (thrown) {
    // a full disk; the next one tries again
    if (isDamage(thrown)) forgetCheck(databasePath(settings.stateDir));
  } finally {
    if (db !== null) closeDatabase(db);
  }
}

const isAnyConfigured = ({ alerts }: AlertSettings): boolean =>
  alerts.healthcheckUrl !== null || channelsOf(alerts).length > 0;

function settingsOf({ env, cwd, stderr }: Said): AlertSettings | null {
  try {
    return alertSettings({ env, cwd });
  } catch {
    stderr.write('the configuration cannot be read: no ping and no alert is sent\n');
    return null;
  }
}
