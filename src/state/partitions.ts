/** What earlier runs learned of each slice of a source: how it ended, how large and slow it was, how it had to be cut. */
import * as z from 'zod';
import type { Partition } from '../pipe.ts';
import type { Statements } from './statements.ts';

/** How the reading of one slice, or of a part of it, ended. */
export interface SliceResult {
  readonly partition: string;
  readonly label: string;
  readonly fetched: number;
  readonly ms: number;
  readonly verdict: string;
}

export interface SliceMemory {
  readonly partition: string;
  readonly label: string;
  readonly records: number | null;
  readonly ms: number | null;
  readonly verdict: string;
  /** Keys of the parts it is asked in; empty when it is asked whole. */
  readonly cut: readonly string[];
  readonly cutAtMs: number | null;
}

const partsSchema = z.array(z.object({ key: z.string(), label: z.string(), filter: z.record(z.string(), z.string()) }));

/** A slice that was cut is tried whole again after this: customers leave too. */
const CUT_DAYS = 30;

export class PartitionMemory {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Those that failed last time first, so that a failure late in the list cannot keep them out for ever. */
  inOrder(slices: readonly Partition[]): Partition[] {
    const failed = new Set(
      this.#sql
        .all<{ partition: string }>("SELECT partition FROM partition_memory WHERE stream = ? AND verdict = 'failed'")
        .map((row) => row.partition),
    );
    return [...slices.filter((slice) => failed.has(slice.key)), ...slices.filter((slice) => !failed.has(slice.key))];
  }

  /** The parts a slice was last cut into with success; null when it is to be asked whole. */
  cutOf(slice: Partition): readonly Partition[] | null {
    const row = this.#sql.first<{ cut: string | null; cut_at: number | null }>(
      'SELECT cut, cut_at FROM partition_memory WHERE stream = ? AND partition = ?',
      slice.key,
    );
    if (!row?.cut || (row.cut_at ?? 0) < this.#sql.now() - CUT_DAYS * 86_400_000) return null;
    const parts = partsSchema.parse(JSON.parse(row.cut));
    return parts.flatMap((part) => this.cutOf(part) ?? [part]); // a part may have been cut further
  }

  rememberCut(whole: Partition, parts: readonly Partition[]): void {
    this.#put({ partition: whole.key, label: whole.label, fetched: 0, ms: 0, verdict: 'cut' });
    this.#sql.change(
      'UPDATE partition_memory SET cut = ?3, cut_at = ?4 WHERE stream = ?1 AND partition = ?2',
      whole.key,
      JSON.stringify(parts),
      this.#sql.now(),
    );
  }

  /** How a slice ended, or its parts when it was cut. A cut whose part failed is forgotten: it is cut anew. */
  remember(slice: Partition, results: readonly SliceResult[]): void {
    for (const result of results) {
      this.#put(result);
      if (result.partition === slice.key) {
        this.#sql.change('UPDATE partition_memory SET cut = NULL WHERE stream = ? AND partition = ?', slice.key);
      }
    }
  }

  all(): SliceMemory[] {
    return this.#sql
      .all<Omit<SliceMemory, 'cut'> & { cut: string | null }>(
        `SELECT partition, label, records, ms, verdict, cut, cut_at AS cutAtMs FROM partition_memory
          WHERE stream = ? ORDER BY partition`,
      )
      .map(({ cut, ...row }) => ({
        ...row,
        cut: cut ? partsSchema.parse(JSON.parse(cut)).map((part) => part.key) : [],
      }));
  }

  #put({ partition, label, fetched, ms, verdict }: SliceResult): void {
    this.#sql.change(
      `INSERT INTO partition_memory (stream, partition, label, records, ms, verdict, run) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream, partition) DO UPDATE SET label = excluded.label, records = excluded.records,
         ms = excluded.ms, verdict = excluded.verdict, run = excluded.run`,
      partition,
      label,
      fetched,
      ms,
      verdict,
      this.#sql.run,
    );
  }
}
