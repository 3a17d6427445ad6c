/** `jobs tick` and `jobs run`: what is due, once; or one job now, because a person says so. */
import { announced, pinged } from '../../alerts/watch.ts';
import { systemClock } from '../../clock.ts';
import { type Config, loadConfig } from '../../config.ts';
import { EXIT, type ExitCode, FatalError } from '../../errors.ts';
import { shortenOwnLog } from '../../install/own-log.ts';
import { loadJobs } from '../../jobs.ts';
import { logOf, openLog } from '../../log.ts';
import { keepAwake } from '../../schedule/awake.ts';
import { type GateOptions, NETWORK_WAIT_MS, passGate } from '../../schedule/gate.ts';
import { bringUpToDate, RETRY_MS } from '../../schedule/ledger.ts';
import { isOff, previousSlot, type Schedule, type ScheduledJob } from '../../schedule/plan.ts';
import { loadSchedule } from '../../schedule/settings.ts';
import { minutes, type Outcome, settle, type TickReport, tick, withDeadline } from '../../schedule/tick.ts';
import { dateIn, minuteIn } from '../../schedule/zone.ts';
import { pathsOf } from '../../sinks/hubspot/paths.ts';
import { lockSchedule, type PortalLock } from '../../state/lock.ts';
import { claimSlot, slotOf, unfinishedSlots } from '../../state/slots.ts';
import { worstOf } from '../exits.ts';
import type { Invocation } from '../invocation.ts';
import { LOCK_WAIT_MS } from '../sync.ts';
import { ledgerOf } from './opened.ts';
import { runScheduledJob } from './work.ts';

export interface TickFlags {
  readonly json?: boolean;
}

/** Runs what is due and not done, and tells what changed. Returns 0 when nothing was due, else the first bad exit. */
export const jobsTick = (flags: TickFlags, invocation: Invocation): Promise<ExitCode> =>
  announced('tick', invocation, () => tickNow(flags, invocation));

async function tickNow(flags: TickFlags, invocation: Invocation): Promise<ExitCode> {
  const { stop, stdout } = invocation;
  shortenOwnLog(invocation.trigger);
  const { config, schedule, lock, notice } = await openTick(invocation);
  const awake = keepAwake();
  try {
    const ledger = ledgerOf(config);
    const report = await tick({
      ...{ ledger, schedule, clock: systemClock, trigger: invocation.trigger, stop },
      gate: (signal) => passGate(gateOf(config, NETWORK_WAIT_MS, notice), signal),
      runJob: (job, signal) =>
        pinged(job.name, invocation, () =>
          runScheduledJob(job, { waitMs: LOCK_WAIT_MS, isShown: !flags.json }, { ...invocation, stop: signal }),
        ),
      onNotice: notice,
    });
    const exit = worstOf(report.done.map(({ outcome }) => outcome.exit));
    const next = ledger((db) =>
      unfinishedSlots(db).find(
        ({ job, state, attempts }) => state === 'open' && attempts === 0 && !isOff(schedule, job),
      ),
    );
    if (flags.json) stdout.write(`${JSON.stringify(documentOf(report, exit), null, 2)}\n`);
    else if (report.done.length === 0) {
      stdout.write(
        `Nothing is due.${next ? ` Next: ${next.job} at ${minuteIn(schedule.zone, next.plannedAtMs)} ${schedule.zone}` : ''}\n`,
      );
    }
    return exit;
  } finally {
    awake.end();
    lock.release();
  }
}

interface OpenedTick {
  readonly config: Config<'hubspot'>;
  readonly schedule: Schedule;
  readonly lock: PortalLock;
  readonly notice: (message: string) => void;
}

async function openTick({ env, cwd, stderr }: Invocation): Promise<OpenedTick> {
  const config: Config<'hubspot'> = loadConfig({ env, cwd, needs: ['hubspot'] });
  const schedule = loadSchedule(config.schedule, await loadJobs());
  const log = await openLog({ ...logOf(config), stream: stderr, env });
  const lock = lockSchedule(config.stateDir);
  if (lock) return { config, schedule, lock, notice: (message) => log.info(message) };
  throw new FatalError(
    EXIT.locked,
    'the schedule is being worked on already: another tick or jobs run holds its lock',
    'nothing needs to be done: it runs what is due; retail-sync jobs history shows it',
  );
}

function gateOf(config: Config<'hubspot'>, waitMs: number, onNotice: (message: string) => void): GateOptions {
  const { hubspot, erp } = config;
  const erpUrls = [erp?.productionUrl, erp?.stagingUrl].filter((url) => typeof url === 'string');
  const url = `${hubspot.baseUrl}${pathsOf(hubspot.apiVersion).account}`;
  return { hubspot: { url, token: hubspot.token }, erpUrls, clock: systemClock, waitMs, onNotice };
}

const statusOf = (exit: ExitCode): string =>
  exit === EXIT.ok ? 'ok' : exit === EXIT.deadLetters ? 'partial' : 'failed';

const documentOf = ({ done, waiting }: TickReport, exit: ExitCode) => ({
  ...{ schemaVersion: 1, runId: null, status: statusOf(exit), exit },
  counts: { done: done.length, waiting: waiting.length },
  done: done.map(({ slot: { job, date }, outcome }) => ({ job, date, ...outcome })),
  waiting: waiting.map(({ slot: { job, date }, for: other }) => ({ job, date, waitsFor: other })),
});

export interface RunFlags extends TickFlags {
  readonly wait?: boolean;
}

/** One job now. A slot of its that is due and not done counts as done by it; otherwise it is an extra run. */
export const jobsRun = (name: string, flags: RunFlags, invocation: Invocation): Promise<ExitCode> =>
  announced(name, invocation, () => runNow(name, flags, invocation));

async function runNow(name: string, flags: RunFlags, invocation: Invocation): Promise<ExitCode> {
  const { stdout, stop } = invocation;
  const { config, schedule, lock, notice } = await openTick(invocation);
  const awake = keepAwake();
  try {
    const job = chooseJob(schedule, name);
    await passGate(gateOf(config, 0, notice), stop);
    if (job.name !== name) notice(`${name} belongs to the job ${job.name}, which runs as a whole`);
    const ledger = ledgerOf(config);
    const nowMs = Date.now();
    const slot = ledger((db) => {
      bringUpToDate(db, schedule, nowMs, true);
      const planned = previousSlot(job, schedule.zone, nowMs);
      const found = planned && slotOf(db, job.name, planned.date);
      if (!found || found.date !== dateIn(schedule.zone, nowMs)) return null;
      const claim = { pid: process.pid, trigger: invocation.trigger, atMs: nowMs, retryAtMs: nowMs + RETRY_MS };
      return claimSlot(db, found, { ...claim, from: ['open', 'failed', 'missed', 'skipped'] }) ? found : null;
    });
    const waitMs = flags.wait ? LOCK_WAIT_MS : 0;
    const outcome = await withDeadline({ clock: systemClock, stop, schedule }, (signal) =>
      pinged(job.name, invocation, () =>
        runScheduledJob(job, { waitMs, isShown: !flags.json }, { ...invocation, stop: signal }),
      ),
    );
    if (slot) ledger((db) => settle(db, slot, outcome, Date.now()));
    if (flags.json) {
      const document = {
        schemaVersion: 1,
        runId: null,
        status: statusOf(outcome.exit),
        job: job.name,
        slot: slot?.date ?? null,
      };
      stdout.write(`${JSON.stringify({ ...document, ...outcome }, null, 2)}\n`);
    } else stdout.write(tellRun(job.name, outcome, slot?.date ?? null, slot ? Date.now() - slot.plannedAtMs : 0));
    return outcome.exit;
  } finally {
    awake.end();
    lock.release();
  }
}

function tellRun(job: string, { exit, reason, hint }: Outcome, date: string | null, lateMs: number): string {
  const slot =
    date === null ? 'an extra run; no slot was due' : `the slot of ${date}, ${minutes(lateMs)} after its hour`;
  const why = reason === null ? [] : [`  why   ${reason}`];
  const next = hint === null ? [] : [`  next  ${hint}`];
  return `${[`${job}: ${statusOf(exit)} (${slot})`, ...(exit === EXIT.ok ? [] : [...why, ...next])].join('\n')}\n`;
}

/** By its name, or by that of one of its pipes. */
function chooseJob({ jobs }: Schedule, name: string): ScheduledJob {
  const job = jobs.find((one) => one.name === name) ?? jobs.find((one) => one.pipes.includes(name));
  if (job) return job;
  const names = jobs.map((one) => one.name).join(', ');
  throw new FatalError(EXIT.usage, `the schedule has no job called ${name}`, `choose one of: ${names}`);
}
