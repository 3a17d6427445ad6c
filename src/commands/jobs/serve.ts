/** `jobs serve`: the always-on trigger. It decides nothing; what is due is asked of the ledger, and done by `jobs tick`. */
import { spawn } from 'node:child_process';
import { systemClock } from '../../clock.ts';
import { loadConfig } from '../../config.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { shortenOwnLog } from '../../install/own-log.ts';
import { logOf, openLog } from '../../log.ts';
import { ROOT } from '../../pipe-names.ts';
import { isAnythingDue } from '../../schedule/ledger.ts';
import { serve } from '../../schedule/serve.ts';
import type { Invocation } from '../invocation.ts';
import { openSchedule, readLedger } from './opened.ts';

/** bin/retail-sync.js: a process with this mark and a channel follows its parent's signals, and dies with it. */
const FOLLOWS_PARENT = 'RETAIL_SYNC_RERUN';

/** Until a signal. A fault in configuration or schedule at the start is thrown (exit 2); one that comes later is logged. */
export async function jobsServe(invocation: Invocation): Promise<ExitCode> {
  const { env, cwd, stderr, stop } = invocation;
  shortenOwnLog(invocation.trigger); // also where a faulty configuration ends it every minute
  await openSchedule(invocation);
  const config = loadConfig({ env, cwd, needs: ['hubspot'] });
  const log = await openLog({ ...logOf(config), stream: stderr, env });
  await serve({
    clock: systemClock,
    stop,
    schedule: async () => (await openSchedule(invocation)).schedule,
    isDue: (schedule, nowMs) => readLedger(config.stateDir, (db) => isAnythingDue(db, schedule, nowMs), true),
    // A process of its own for each tick: it gives its memory back, and runs the code and mappers as they are then.
    tick: async () => {
      shortenOwnLog(invocation.trigger);
      const exit = await tickInChild(invocation);
      // It tells what it finds by itself, unless it never got that far.
      if (exit === EXIT.internal || exit === EXIT.usage) await announceDeadTick(exit, invocation);
      return exit;
    },
    onNotice: (message) => log.info(message),
    onWarning: (message) => log.warn(message),
  });
  return EXIT.ok;
}

/** The service's own watch: of a tick that dies at its start nobody else would tell. */
async function announceDeadTick(exit: number, invocation: Invocation): Promise<void> {
  const { announceState, noteSignal } = await import('../../alerts/watch.ts');
  noteSignal('tick', exit, invocation);
  await announceState(invocation, Date.now());
}

function tickInChild({ env, cwd, stop }: Invocation): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, `${ROOT}/bin/retail-sync.js`, 'jobs', 'tick'], {
      cwd,
      env: { ...env, RETAIL_SYNC_TRIGGER: 'service', [FOLLOWS_PARENT]: '1' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const tell = (): void =>
      void (child.connected && child.send(stop.reason?.exit === EXIT.interrupted ? 'SIGINT' : 'SIGTERM'));
    stop.addEventListener('abort', tell, { once: true });
    const end = (code: number): void => {
      stop.removeEventListener('abort', tell);
      resolve(code);
    };
    child.once('error', () => end(EXIT.internal));
    child.once('exit', (code) => end(code ?? EXIT.internal));
  });
}
