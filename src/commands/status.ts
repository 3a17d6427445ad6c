/** `status`: what an ops person reads in the morning. Reads the state only; nothing is asked of any vendor. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Config, loadOwnConfig } from '../config/own.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { pipeNames } from '../pipe-names.ts';
import { writePrivately } from '../report/private-file.ts';
import { statusScreen } from '../report/status/screen.ts';
import { needsOf, nextSlotOf, type Standing } from '../report/status/standing.ts';
import { painter } from '../report/style.ts';
import { SCHEDULE_ZONE } from '../schedule/zone.ts';
import { channelsOf } from '../state/alert-channels.ts';
import { type Db, openReadOnly, schemaOf } from '../state/database.ts';
import { kpisOf, NO_KPIS, runsSince } from '../state/history.ts';
import { MIGRATIONS } from '../state/migrations.ts';
import { boundTo, neverRun, pipeStatus } from '../state/overview.ts';
import { type SlotRow, slotsSince, unfinishedSlots } from '../state/slots.ts';
import type { Invocation } from './invocation.ts';

export interface StatusFlags {
  readonly json?: boolean;
  readonly html?: string;
}

/** Of slots that are over, those of the last days can still need a person. */
const SLOTS_BACK_MS = 2 * 86_400_000;
/** On the page. */
const HISTORY_DAYS = 30;

export async function status(flags: StatusFlags, invocation: Invocation): Promise<ExitCode> {
  const { stdout, env, cwd } = invocation;
  const config = loadOwnConfig({ env, cwd, needs: [] });
  const db = openReadOnly(config.stateDir);
  try {
    const standing = await standingOf(db, config);
    if (flags.html !== undefined) await writePage(resolve(cwd, flags.html), standing, db);
    if (flags.json) stdout.write(`${JSON.stringify(documentOf(standing, db), null, 2)}\n`);
    else stdout.write(statusScreen(standing, painter(stdout, env)));
    return EXIT.ok;
  } finally {
    db?.close();
  }
}

/** Only the page: the report at the end of the demo. */
export async function writeStatusPage(path: string, { env, cwd }: Pick<Invocation, 'env' | 'cwd'>): Promise<void> {
  const config = loadOwnConfig({ env, cwd, needs: [] });
  const db = openReadOnly(config.stateDir);
  try {
    await writePage(path, await standingOf(db, config), db);
  } finally {
    db?.close();
  }
}

async function standingOf(db: Db | null, config: Config): Promise<Standing> {
  const nowMs = Date.now();
  const bound = db && boundTo(db);
  return {
    nowMs,
    ...(await scheduleOf(config)),
    environment: bound?.environment ?? config.environment,
    portalId: bound?.portalId ?? config.hubspot?.portalId ?? null,
    pipes: pipeNames().map((pipe) => (db ? pipeStatus(db, pipe) : neverRun(pipe))),
    deafChannels: db ? deafChannels(db) : [],
    slots: db && hasSlots(db) ? slotsOf(db, nowMs) : [],
    isAlive,
  };
}

/** One that nothing has started stays, however long ago: a service that died last week plans nothing since. */
function slotsOf(db: Db, nowMs: number): SlotRow[] {
  const sinceMs = nowMs - SLOTS_BACK_MS;
  return [...slotsSince(db, sinceMs), ...unfinishedSlots(db).filter(({ plannedAtMs }) => plannedAtMs < sinceMs)];
}

/**
 * What its file says; read only where there is one, so that the screen comes at once: without it every job is on. One
 * with faults is told by whoever runs it.
 */
async function scheduleOf({ schedule }: Config): Promise<Pick<Standing, 'zone' | 'isOff'>> {
  if (!existsSync(schedule.path)) return { zone: SCHEDULE_ZONE, isOff: () => false };
  const [{ loadSchedule, zoneOf }, { isOff }, { loadJobs }] = await Promise.all([
    import('../schedule/settings.ts'),
    import('../schedule/plan.ts'),
    import('../jobs.ts'),
  ]);
  try {
    const known = loadSchedule(schedule, await loadJobs());
    return { zone: known.zone, isOff: (name) => isOff(known, name) };
  } catch {
    return { zone: zoneOf(schedule), isOff: () => false };
  }
}

/** A state of a version that had no schedule is read too. */
const hasSlots = (db: Db): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'slots'").get() !== undefined;

const deafChannels = (db: Db): Standing['deafChannels'] =>
  schemaOf(db) < MIGRATIONS.length
    ? []
    : channelsOf(db).flatMap(({ channel, failedMs }) => (failedMs === null ? [] : [{ channel, sinceMs: failedMs }]));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function documentOf(standing: Standing, db: Db | null) {
  const { pipes, zone, environment, portalId } = standing;
  const sum = (of: (pipe: (typeof pipes)[number]) => number): number =>
    pipes.reduce((total, pipe) => total + of(pipe), 0);
  const needs = needsOf(standing);
  return {
    ...{ schemaVersion: 1, runId: null, status: 'ok', environment, portalId, zone },
    counts: {
      pipes: pipes.length,
      openDeadLetters: sum((pipe) => pipe.openDeadLetters),
      waiting: sum((pipe) => pipe.waiting),
      pendingLinks: sum((pipe) => pipe.pendingLinks),
      needs: needs.length,
    },
    pipes: pipes.map((pipe) => ({ ...pipe, nextRunAtMs: nextSlotOf(pipe.pipe, standing)?.plannedAtMs ?? null })),
    needs,
    kpis: db && hasSlots(db) ? kpisOf(db, standing.nowMs, HISTORY_DAYS) : null,
  };
}

/** The page, its charts and their library are loaded only for it. */
async function writePage(path: string, standing: Standing, db: Db | null): Promise<void> {
  const { statusPage } = await import('../report/status/page.ts');
  const known = db !== null && hasSlots(db);
  const runs = known ? runsSince(db, standing.nowMs - HISTORY_DAYS * 86_400_000) : [];
  const kpis = known ? kpisOf(db, standing.nowMs, HISTORY_DAYS) : NO_KPIS;
  writePrivately(path, statusPage(standing, { runs, kpis }), '--html');
}
