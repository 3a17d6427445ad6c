/** When the state itself cannot be written, nothing remembers what was told: one message a day, by a mark beside the locks. */
import { createHash } from 'node:crypto';
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../state/folder.ts';
import { lockFolder } from '../state/lock.ts';
import type { Channel } from './channels.ts';

const DAY_MS = 86_400_000;

interface Without {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateDir: string;
  readonly environment: string;
  readonly channels: readonly Channel[];
}

/** A mark that cannot be made either (the same full disk) costs a message each time: better twice than never. */
export async function tellWithoutState(
  { env, stateDir, environment, channels }: Without,
  nowMs: number,
): Promise<void> {
  const folder = lockFolder(env);
  const mark = join(folder, `told-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`);
  const toldMs = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
  if (nowMs - toldMs < DAY_MS) return;
  const what = 'the state cannot be opened or written: the disk is full, or the file is damaged or of a newer version';
  const effect = 'no run starts; nothing is lost';
  const command = 'retail-sync doctor';
  const now = new Date(nowMs).toISOString();
  const incident = {
    key: 'state:state:unwritable',
    kind: 'state',
    subject: 'state',
    cause: 'unwritable',
    state: 'opened',
  };
  const message = {
    subject: `retail-sync (${environment}): 1 thing needs a person`,
    text: [what, `  since   ${now}`, `  effect  ${effect}`, `  type    ${command}`].join('\n'),
    document: {
      ...{ schemaVersion: 1, sentAt: now, environment, more: 0 },
      incidents: [{ ...incident, since: now, resolvedAt: null, what, effect, command, figures: {}, runId: null }],
    },
  };
  const reasons = await Promise.all(channels.map(({ send }) => send(message)));
  if (reasons.some((reason) => reason === null)) leaveMark(folder, mark, nowMs);
}

function leaveMark(folder: string, mark: string, nowMs: number): void {
  try {
    makeFolder(folder);
    writeFileSync(mark, '', { mode: 0o600 });
    utimesSync(mark, nowMs / 1000, nowMs / 1000);
  } catch {
    // told again the next time
  }
}
