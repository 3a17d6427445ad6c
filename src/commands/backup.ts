/** `backup`: a copy of the state, the list of those there are, and the way back to one of them. */
import { resolve } from 'node:path';
import { sizeOf } from '../bytes.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { safe } from '../report/style.ts';
import { backupNow, listBackups } from '../state/backup.ts';
import { type Binding, bindingMismatch, databasePath, openReadOnly } from '../state/database.ts';
import { lockFolder, lockPortal } from '../state/lock.ts';
import { inspectCopy, presentBinding, restoreCopy } from '../state/restore.ts';
import type { Invocation } from './invocation.ts';

const print = (invocation: Invocation, json: boolean, document: object, text: string): ExitCode => {
  const whole = { schemaVersion: 1, runId: null, status: 'ok', ...document };
  invocation.stdout.write(json ? `${JSON.stringify(whole, null, 2)}\n` : `${text}\n`);
  return EXIT.ok;
};

/** Copies the state as it is now; a sync may be running. Throws FatalError for a file that exists or does not fit. */
export function backup(
  flags: { readonly to?: string; readonly json?: boolean },
  invocation: Invocation,
  nowMs = Date.now(),
): ExitCode {
  const { stateDir } = loadConfig({ env: invocation.env, cwd: invocation.cwd, needs: [] });
  const db = openReadOnly(stateDir);
  if (!db) throw new FatalError(EXIT.usage, `there is no state in ${stateDir} yet`, 'run a sync first');
  try {
    const file = flags.to === undefined ? null : resolve(invocation.cwd, flags.to);
    const path = backupNow(db, stateDir, file, nowMs);
    return print(invocation, flags.json === true, { counts: { files: 1 }, path }, safe(path));
  } finally {
    db.close();
  }
}

/** The copies in the state folder, the newest first. */
export function backupList(flags: { readonly json?: boolean }, invocation: Invocation): ExitCode {
  const { stateDir } = loadConfig({ env: invocation.env, cwd: invocation.cwd, needs: [] });
  const backups = listBackups(stateDir).map(({ path, bytes, atMs }) => ({
    path,
    bytes,
    at: new Date(atMs).toISOString(),
  }));
  const lines = backups.map(({ path, bytes, at }) => {
    return `${at.slice(0, 16).replace('T', ' ')} UTC  ${sizeOf(bytes).padStart(10)}  ${safe(path)}`;
  });
  const text = lines.length > 0 ? lines.join('\n') : 'there is no backup yet: retail-sync backup makes one';
  return print(invocation, flags.json === true, { counts: { files: backups.length }, backups }, text);
}

/**
 * Puts a copy in the place of the state, after checking all of it, while no run can write to its portal. Throws
 * FatalError: 2 for a file that is no whole copy, 5 for one of another portal or environment, 75 while a run goes on.
 */
export async function backupRestore(
  file: string,
  flags: { readonly json?: boolean },
  invocation: Invocation,
  nowMs = Date.now(),
): Promise<ExitCode> {
  const { env, cwd, stop } = invocation;
  const config = loadConfig({ env, cwd, needs: [] });
  const path = resolve(cwd, file);
  const present = databasePath(config.stateDir);
  const { binding } = inspectCopy(path);
  const configured = config.hubspot && { environment: config.environment, portalId: config.hubspot.portalId };
  for (const owner of [configured, presentBinding(present)]) if (owner && binding) mustAgree(path, binding, owner);
  const portalId = (binding ?? configured)?.portalId ?? 'none';
  const lock = await lockPortal(lockFolder(env), portalId, 0, (ms) => systemClock.sleep(ms, stop));
  try {
    const aside = restoreCopy(path, present, nowMs);
    const was = aside === null ? '' : `\nthe state before it: ${safe(aside)}`;
    const text = `restored ${safe(path)}${was}\nthe next sync sends everything once more, without duplicates: retail-sync sync all`;
    return print(invocation, flags.json === true, { counts: { files: 1 }, restored: path, aside }, text);
  } finally {
    lock.release();
  }
}

function mustAgree(path: string, copy: Binding, owner: Binding): void {
  if (copy.portalId !== owner.portalId) throw bindingMismatch(path, 'portalId', copy.portalId, owner.portalId);
  if (copy.environment !== owner.environment) {
    throw bindingMismatch(path, 'environment', copy.environment, owner.environment);
  }
}
