/** What the cut-over remembers: looks at production, who holds a pipe, and the flip itself with its receipt. */
import type { Database } from 'better-sqlite3';
import { sourceInstance } from './runs.ts';

/** A row of `cutover`. */
interface Read {
  readonly atMs: number;
  readonly agrees: boolean;
  readonly records: number | null;
  readonly reason: string;
}

/** The change of a pipe from staging to production. */
export interface Flip {
  readonly atMs: number;
  /** Records that production held at the look before: a backfill that creates more is not what was proven. */
  readonly count: number;
}

export interface Receipt extends Flip {
  readonly pipe: string;
  /** Addresses, without credentials. */
  readonly from: string | null;
  readonly to: string;
  readonly reads: readonly Read[];
}

/** Streams of the ERP's instances, by the beginning of their ids. */
export const STAGING = 'erp:staging:%';
export const PRODUCTION = 'erp:production:%';
/** Stands for all pipes. */
const ALL_PIPES = '*';

function meta(db: Database, key: string): string | null {
  return db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)?.value ?? null;
}

function setMeta(db: Database, key: string, value: string): void {
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(
    key,
    value,
  );
}

// ---------------------------------------------------------------------------------------------------- reads

export function noteRead(db: Database, pipe: string, { atMs, agrees, records, reason }: Read): void {
  db.prepare('INSERT OR REPLACE INTO cutover (pipe, at, agrees, records, reason) VALUES (?, ?, ?, ?, ?)').run(
    pipe,
    atMs,
    agrees ? 1 : 0,
    records,
    reason,
  );
}

/** The newest looks at production, newest first. */
export function latestReads(db: Database, pipe: string, limit: number): Read[] {
  return db
    .prepare<[string, number], { at: number; agrees: number; records: number | null; reason: string }>(
      'SELECT at, agrees, records, reason FROM cutover WHERE pipe = ? ORDER BY at DESC LIMIT ?',
    )
    .all(pipe, limit)
    .map(({ at, agrees, records, reason }) => ({ atMs: at, agrees: agrees === 1, records, reason }));
}

/**
 * Notes at which address production is looked for. True when it was another one before: what was seen there says nothing
 * about this one, and a disagreement is noted that ends those reads.
 */
export function noteAddress(db: Database, pipe: string, address: string, nowMs: number): boolean {
  const key = `cutover-address:${pipe}`;
  return db
    .transaction(() => {
      const before = meta(db, key);
      if (before === address) return false;
      setMeta(db, key, address);
      if (before !== null) noteRead(db, pipe, { ...MOVED, atMs: nowMs - 1 });
      return before !== null;
    })
    .immediate();
}

const MOVED = { agrees: false, records: null, reason: 'another address: what was seen before does not count' };

// ---------------------------------------------------------------------------------------------------- hold

/** Holds a pipe, or all of them with null. */
export function hold(db: Database, pipe: string | null, nowMs: number): void {
  setMeta(db, `cutover-hold:${pipe ?? ALL_PIPES}`, new Date(nowMs).toISOString());
}

/** Lets a pipe go, or all of them with null; a hold on all of them stays when only one is let go. */
export function release(db: Database, pipe: string | null): void {
  if (pipe === null) db.prepare("DELETE FROM meta WHERE key LIKE 'cutover-hold:%'").run();
  else db.prepare('DELETE FROM meta WHERE key = ?').run(`cutover-hold:${pipe}`);
}

/** By what a pipe is held: a hold on all pipes, one on this one, or none. */
export function holdOn(db: Database, pipe: string): 'all' | 'pipe' | null {
  if (meta(db, `cutover-hold:${ALL_PIPES}`) !== null) return 'all';
  return meta(db, `cutover-hold:${pipe}`) === null ? null : 'pipe';
}

// ---------------------------------------------------------------------------------------------------- flip

/** Null before the flip, and for a pipe that was fed from production from its first run. */
export function flipOf(db: Database, pipe: string): Flip | null {
  const text = meta(db, `flip:${pipe}`);
  return text === null ? null : JSON.parse(text);
}

/** Keeps a pipe on production that has been there from the start, also when a staging address is added later. */
export function keepOnProduction(db: Database, pipe: string): void {
  db.prepare('INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)').run(`instance:${pipe}`, 'production');
}

/**
 * From now on production feeds the pipe, out of an empty stream: without cursors, so that everything is read, and without
 * fingerprints, so that everything is sent once. Letters about staging's records are closed: nobody will read those
 * again. False when it is there already. To be called inside a transaction.
 */
export function flip(db: Database, { pipe, atMs, count, ...receipt }: Receipt): boolean {
  if (sourceInstance(db, pipe) === 'production') return false;
  // Whatever an earlier trial left of production would pass for what HubSpot holds now.
  db.prepare("UPDATE streams SET instance = 'former:' || id || ':' || instance WHERE pipe = ? AND instance LIKE ?").run(
    pipe,
    PRODUCTION,
  );
  const { changes: lettersClosed } = db
    .prepare(
      `UPDATE dead_letters SET state = 'discarded', last_seen = ?
        WHERE state = 'open' AND stream IN (SELECT id FROM streams WHERE pipe = ? AND instance LIKE ?)`,
    )
    .run(atMs, pipe, STAGING);
  setMeta(db, `instance:${pipe}`, 'production');
  setMeta(db, `flip:${pipe}`, JSON.stringify({ atMs, count } satisfies Flip));
  const detail = JSON.stringify({ ...receipt, count, lettersClosed });
  db.prepare("INSERT INTO journal (at, run, kind, subject, detail) VALUES (?, 'cutover', 'flip', ?, ?)").run(
    atMs,
    `pipe ${pipe}`,
    detail,
  );
  return true;
}
