/** `status`: what an ops person reads in the morning. Reads the state only; nothing is asked of any vendor. */
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { pipeNames } from '../pipe-names.ts';
import { painter, safe } from '../report/style.ts';
import { openReadOnly } from '../state/database.ts';
import { type PipeStatus, pipeStatus } from '../state/overview.ts';
import type { Invocation } from './invocation.ts';

export async function status(flags: { readonly json?: boolean }, invocation: Invocation): Promise<ExitCode> {
  const { stdout, env, cwd } = invocation;
  const config = loadConfig({ env, cwd, needs: [] });
  const db = openReadOnly(config.stateDir);
  const pipes = pipeNames().map((pipe) => (db ? pipeStatus(db, pipe) : nothingYet(pipe)));
  db?.close();
  if (flags.json) {
    const counts = { pipes: pipes.length, openDeadLetters: pipes.reduce((sum, pipe) => sum + pipe.openDeadLetters, 0) };
    stdout.write(`${JSON.stringify({ schemaVersion: 1, runId: null, status: 'ok', counts, pipes }, null, 2)}\n`);
  } else stdout.write(render(pipes, Date.now(), painter(stdout, env), db === null));
  return EXIT.ok;
}

const nothingYet = (pipe: string): PipeStatus => ({
  pipe,
  lastRun: null,
  lastOkAtMs: null,
  openDeadLetters: 0,
  waiting: 0,
  pendingLinks: 0,
});

const INK = { ok: 'green', partial: 'yellow', running: 'cyan' } as const;

function render(
  pipes: readonly PipeStatus[],
  nowMs: number,
  paint: ReturnType<typeof painter>,
  empty: boolean,
): string {
  const lines = pipes.map(({ pipe, lastRun, openDeadLetters, waiting }) => {
    const name = pipe.padEnd(12);
    if (!lastRun) return `  ${name} never run`;
    const word = lastRun.status;
    const ink = word === 'ok' || word === 'partial' || word === 'running' ? INK[word] : 'red';
    const when = `${age(nowMs - (lastRun.endedAtMs ?? lastRun.startedAtMs))} ago`;
    const trouble = [
      openDeadLetters > 0 ? `${openDeadLetters} dead letter${openDeadLetters === 1 ? '' : 's'}` : null,
      waiting > 0 ? `${waiting} waiting` : null,
    ].filter((part) => part !== null);
    return `  ${name} ${paint(ink, word.padEnd(8))} ${when.padEnd(12)} ${trouble.join(', ')}`.trimEnd();
  });
  const needs = pipes.flatMap(({ pipe, lastRun, openDeadLetters }) => {
    if (!lastRun) return [];
    const why =
      lastRun.status === 'ok' || lastRun.status === 'running'
        ? []
        : [`${pipe}: ${safe(lastRun.reason ?? lastRun.status)}`];
    const next =
      lastRun.status === 'ok' || lastRun.status === 'running'
        ? []
        : [`  ${lastRun.hint ?? `retail-sync sync ${pipe}`}`];
    return openDeadLetters > 0 || why.length > 0 ? [...why, ...next] : [];
  });
  const head = empty ? 'Nothing has run yet. Start with: retail-sync demo, or retail-sync setup' : 'Last runs';
  return `${[head, ...lines, ...(needs.length > 0 ? ['', 'Needs a person:', ...needs.map((line) => `  ${line}`)] : [])].join('\n')}\n`;
}

function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'moments';
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
