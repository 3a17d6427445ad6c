/** Cursors as people see and move them. */
import type { Database } from 'better-sqlite3';

export interface CursorRow {
  readonly pipe: string;
  readonly partition: string;
  /** Instant of the source's clock up to which everything has been read. */
  readonly position: string;
  readonly movedAtMs: number;
  readonly run: string;
}

export interface CursorMove {
  readonly partition: string;
  readonly from: string | null;
  readonly to: string;
}

/** The stream of a pipe and source instance; null before its first run. */
export const streamOf = (db: Database, pipe: string, instance: string): number | null =>
  db
    .prepare<[string, string], { id: number }>('SELECT id FROM streams WHERE pipe = ? AND instance = ?')
    .get(pipe, instance)?.id ?? null;

/** The stream that feeds a pipe, as far as the state alone can tell: that of its latest run. */
export const latestStream = (db: Database, pipe: string): number | null =>
  db
    .prepare<[string, string], { id: number }>(
      `SELECT s.id FROM streams s LEFT JOIN runs r ON r.stream = s.id
        WHERE s.pipe = ? AND s.instance NOT LIKE 'former:%'
          AND s.instance LIKE coalesce((SELECT 'erp:' || value || ':%' FROM meta WHERE key = 'instance:' || ?), '%')
        ORDER BY r.started_at DESC, s.id DESC LIMIT 1`,
    )
    .get(pipe, pipe)?.id ?? null;

/** The cursors of a stream, by partition. */
export const cursorsOf = (db: Database, stream: number): readonly CursorRow[] =>
  db
    .prepare<[number], CursorRow>(
      `SELECT s.pipe, c.partition, c.position, c.moved_at AS movedAtMs, c.run
         FROM cursors c JOIN streams s ON s.id = c.stream WHERE c.stream = ? ORDER BY c.partition`,
    )
    .all(stream);

/** The earliest change that was read and is not settled: no cursor passes it. Null when nothing waits. */
export const oldestWaiting = (db: Database, stream: number): string | null =>
  db
    .prepare<[number], { oldest: string | null }>(
      `SELECT min(oldest) AS oldest FROM entities INDEXED BY entities_open
        WHERE stream = ? AND state IN ('pending', 'sending', 'held')`,
    )
    .get(stream)?.oldest ?? null;

/** Partitions that earlier runs have read. */
export const knownPartitions = (db: Database, stream: number): readonly string[] =>
  db
    .prepare<[number], { partition: string }>(
      'SELECT partition FROM partition_memory WHERE stream = ? ORDER BY partition',
    )
    .all(stream)
    .map(({ partition }) => partition);

/** Moves cursors, each with an entry of the journal, all of them or none. */
export function moveCursors(
  db: Database,
  stream: number,
  moves: readonly CursorMove[],
  decision: { readonly atMs: number; readonly by: string; readonly reason: string; readonly forced: boolean },
): void {
  const { atMs, by, reason, forced } = decision;
  const put = db.prepare(
    `INSERT INTO cursors (stream, partition, position, moved_at, run) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (stream, partition) DO UPDATE SET position = excluded.position, moved_at = excluded.moved_at,
       run = excluded.run`,
  );
  const note = db.prepare(
    "INSERT INTO journal (at, run, stream, kind, subject, detail) VALUES (?, ?, ?, 'cursor', ?, ?)",
  );
  db.transaction(() => {
    for (const { partition, from, to } of moves) {
      put.run(stream, partition, to, atMs, by);
      note.run(atMs, by, stream, `cursor ${partition}`, JSON.stringify({ from, to, reason, forced }));
    }
  }).immediate();
}
