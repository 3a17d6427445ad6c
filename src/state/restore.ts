/** What a copy must be before it may take the state's place, and what it must not undo. */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { EXIT, FatalError } from '../errors.ts';
import { putInPlace } from './backup.ts';
import { APPLICATION_ID, type Binding, schemaOf } from './database.ts';
import { explain } from './failures.ts';
import { MIGRATIONS } from './migrations.ts';

export interface Copy {
  readonly schema: number;
  /** Of the environment and portal it belongs to; null before the first run. */
  readonly binding: Binding | null;
}

/** Reads every page and index. Throws FatalError (exit 2) for what is no whole copy of ours. */
export function inspectCopy(file: string): Copy {
  if (!existsSync(file)) {
    throw new FatalError(EXIT.usage, `there is no file ${file}`, 'see what there is: retail-sync backup list');
  }
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true });
    try {
      const schema = schemaOf(db);
      const isOurs = db.pragma('application_id', { simple: true }) === APPLICATION_ID;
      if (!isOurs || schema === 0) throw unusable(file, 'is no state database of retail-sync');
      if (schema > MIGRATIONS.length) throw unusable(file, `has schema ${schema}, newer than this retail-sync`);
      const isWhole = db.pragma('integrity_check(1)', { simple: true }) === 'ok';
      if (!isWhole || db.prepare('PRAGMA foreign_key_check').get() !== undefined) throw unusable(file, 'is damaged');
      return { schema, binding: bindingOf(db) };
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof FatalError) throw error;
    throw unusable(file, explain(error, file) instanceof FatalError ? 'is damaged or cannot be read' : 'is unusable');
  }
}

const unusable = (file: string, what: string): FatalError =>
  new FatalError(EXIT.usage, `${file} ${what}: nothing was changed`, 'choose another: retail-sync backup list');

/** Who a database belongs to; null when nobody has bound it yet. */
export function bindingOf(db: Database.Database): Binding | null {
  const read = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?');
  const environment = read.get('environment')?.value;
  const portalId = read.get('portalId')?.value;
  return environment === undefined || portalId === undefined ? null : { environment, portalId };
}

/** The state's own binding; null without a state, and for one that is damaged. */
export function presentBinding(present: string): Binding | null {
  return readPresent(present, bindingOf);
}

/**
 * Exchanges the state for a copy, with the portal's lock held. A pipe that is fed from production by now stays so: a
 * change of source never goes back. Returns where the former state is, or null when there was none.
 */
export function restoreCopy(file: string, present: string, nowMs: number): string | null {
  const sources = readPresent(present, instancesOf) ?? [];
  return putInPlace(file, present, nowMs, (copy) => {
    const keep = copy.prepare(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE excluded.value = 'production'",
    );
    for (const { key, value } of sources) keep.run(key, value);
  });
}

const instancesOf = (db: Database.Database): { key: string; value: string }[] =>
  db.prepare<[], { key: string; value: string }>("SELECT key, value FROM meta WHERE key GLOB 'instance:*'").all();

function readPresent<T>(present: string, read: (db: Database.Database) => T): T | null {
  if (!existsSync(present)) return null;
  try {
    const db = new Database(present, { readonly: true, fileMustExist: true });
    try {
      return read(db);
    } finally {
      db.close();
    }
  } catch {
    return null; // damaged: the reason for which it is replaced
  }
}
