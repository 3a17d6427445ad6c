/**
 * Finds out that the database is older than what was sent to HubSpot: a backup was restored, or commits were lost.
 *
 * Each writing process counts itself in, in the database first and then in a file beside it, both on the disk before
 * its first request. A file that is ahead means that some process sent what this database does not know. A crash
 * between the two leaves the file behind, which says nothing and is made good by the next start; the file is never
 * ahead by accident. Without the file the database is believed, unless it carries the mark of a copy: that one is
 * doubted wherever it turns up, also on a new machine and also when no process has started since it was made.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { writeDurably } from '../durable-file.ts';
import { COPIED_AT } from './backup.ts';
import { explain } from './failures.ts';
import { syncFolder } from './folder.ts';

export interface GenerationCheck {
  /** What the database remembers of HubSpot may no longer be so. */
  readonly restored: boolean;
  /** For a person; null when all is well. */
  readonly sentence: string | null;
}

interface Noted {
  readonly generation: number;
  /** When the last writing process ended in order, epoch milliseconds; null when it was killed or still runs. */
  readonly closedAtMs: number | null;
}

export const generationPath = (stateDir: string): string => join(stateDir, 'generation');

const SENTENCE =
  'the state database is older than what was sent to HubSpot (a backup was restored, or the last commits were lost): everything is sent once more, without duplicates';
const VANISHED =
  'this state folder had a database, and it is gone: started from nothing; everything is read and sent again, without duplicates (retail-sync backup list shows what can be restored)';

/** Reads only; one row and one small file. */
export function checkGeneration(db: Database, stateDir: string): GenerationCheck {
  const noted = readNote(stateDir)?.generation ?? 0;
  const counted = generationOf(db);
  if (metaOf(db, COPIED_AT) !== null) return { restored: true, sentence: SENTENCE };
  if (noted <= counted) return { restored: false, sentence: null };
  return { restored: true, sentence: counted === 0 ? VANISHED : SENTENCE };
}

/**
 * A process that is going to write begins: to be called with the portal's lock held, before the first request. Counts
 * it in, and distrusts what is remembered when the database turns out to be the older one.
 */
export function startGeneration(
  db: Database,
  stateDir: string,
  nowMs: number,
): GenerationCheck & { readonly generation: number } {
  const check = checkGeneration(db, stateDir);
  const noted = readNote(stateDir);
  const generation = Math.max(generationOf(db), noted?.generation ?? 0) + 1;
  db.transaction(() => {
    if (check.restored) distrust(db, noted?.closedAtMs ?? nowMs, nowMs, generation);
    db.prepare('DELETE FROM meta WHERE key = ?').run(COPIED_AT);
    setMeta(db, 'generation', String(generation));
  }).immediate();
  note(stateDir, { generation, closedAtMs: null });
  return { ...check, generation };
}

/** The process ends in order: nothing it sent is under way any more, other than what left before now. */
export function endGeneration(stateDir: string, nowMs: number): void {
  const noted = readNote(stateDir);
  if (noted) note(stateDir, { ...noted, closedAtMs: nowMs });
}

/**
 * Nothing remembered counts as proven any more: each object is as if a write of unknown content, which may have left as
 * late as `sentAtMs`, had got no answer. So all are sent once more, by key, and without duplicates. What HubSpot was
 * last known to hold stays: the circuit breakers measure by it.
 */
function distrust(db: Database, sentAtMs: number, nowMs: number, generation: number): void {
  const { changes } = db
    .prepare("UPDATE objects SET intent = '*', intent_at = ? WHERE fingerprint IS NOT NULL OR intent IS NOT NULL")
    .run(sentAtMs);
  db.exec("UPDATE entities SET state = 'pending' WHERE state IN ('clean', 'sending', 'held')");
  // An excluded record may have been in scope meanwhile: when it is read again, it is judged again.
  db.exec("UPDATE records SET content = '' WHERE rule IS NOT NULL");
  // Objects made since then are unknown here: each stream asks HubSpot for them before it trusts itself again.
  setMeta(db, DISTRUSTED, String(generation));
  // Links are made again; their ends stay known, so that one no longer wanted can still be removed.
  db.exec("UPDATE links SET state = 'pending' WHERE state = 'made'");
  db.prepare(
    "INSERT INTO journal (at, run, stream, kind, subject, detail) VALUES (?, ?, NULL, 'distrusted', 'state', ?)",
  ).run(nowMs, `generation ${generation}`, JSON.stringify({ objects: changes }));
}

/** Whether HubSpot may hold objects of this stream that a process wrote of which this database knows nothing. */
export const isInDoubt = (db: Database, stream: number): boolean =>
  Number(metaOf(db, DISTRUSTED) ?? 0) > Number(metaOf(db, trustedSince(stream)) ?? 0);

/** A whole pass of this stream has met all of them. */
export const trustAgain = (db: Database, stream: number): void =>
  setMeta(db, trustedSince(stream), metaOf(db, DISTRUSTED) ?? '0');

const DISTRUSTED = 'distrusted';
const trustedSince = (stream: number): string => `trustedSince:${stream}`;

/** How many writing processes this database has seen. */
export const generationOf = (db: Database): number => Number(metaOf(db, 'generation') ?? 0);

const metaOf = (db: Database, key: string): string | null =>
  db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)?.value ?? null;

function setMeta(db: Database, key: string, value: string): void {
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(
    key,
    value,
  );
}

/** A file that is not there, or is not ours, says nothing. */
function readNote(stateDir: string): Noted | null {
  try {
    const read: unknown = JSON.parse(readFileSync(generationPath(stateDir), 'utf8'));
    if (typeof read !== 'object' || read === null || !('generation' in read)) return null;
    const { generation } = read;
    if (typeof generation !== 'number' || !Number.isSafeInteger(generation) || generation < 0) return null;
    const closed = 'closedAtMs' in read ? read.closedAtMs : null;
    return { generation, closedAtMs: typeof closed === 'number' ? closed : null };
  } catch {
    return null;
  }
}

/** Whole or not at all, and on the disk when this returns. */
function note(stateDir: string, noted: Noted): void {
  const path = generationPath(stateDir);
  try {
    rmSync(`${path}.new`, { force: true }); // of a process that died
    writeDurably(`${path}.new`, `${JSON.stringify(noted)}\n`);
    renameSync(`${path}.new`, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw explain(error, path);
  }
}
