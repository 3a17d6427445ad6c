/** The proof of completeness that each run leaves behind, slice by slice. */
import type { Database } from 'better-sqlite3';
import * as z from 'zod';

/** How the reading of one slice ended; what a newer version adds is kept. */
const sliceSchema = z.looseObject({
  partition: z.string(),
  label: z.string(),
  expected: z.number().nullable(),
  fetched: z.number(),
  repeats: z.number(),
  pages: z.number(),
  sweeps: z.number(),
  ms: z.number(),
  verdict: z.enum(['complete', 'unproven', 'failed', 'limited']),
  reason: z.string().nullable(),
  again: z.string().nullish(),
});

export type SliceProof = z.infer<typeof sliceSchema>;

export interface RunProof {
  readonly runId: string;
  readonly status: string;
  readonly startedAtMs: number;
  /** Instant from which changes were read, whether everything was, and whether it was about a part only. */
  readonly mode: {
    readonly since: string | null;
    readonly full: boolean;
    readonly dryRun: boolean;
    readonly restricted: boolean;
  };
  readonly slices: readonly SliceProof[];
  /** All slices together against the source's total; null where there is one slice, or no total. */
  readonly union: SliceProof | null;
}

/** Stands for all slices together. */
const UNION = '*';

/** The proof of the run with this id, or with `last` of the latest run that read slices; null when there is none. */
export function proofOf(db: Database, pipe: string, run: string): RunProof | null {
  const found = db
    .prepare<[string, string, string], { id: string; status: string; startedAtMs: number; mode: string }>(
      `SELECT id, status, started_at AS startedAtMs, mode FROM runs
        WHERE pipe = ? AND (id = ? OR (? = 'last' AND id IN (SELECT run FROM run_partitions)))
        ORDER BY started_at DESC, id DESC LIMIT 1`,
    )
    .get(pipe, run, run);
  if (!found) return null;
  const proofs = db
    .prepare<[string], { proof: string }>('SELECT proof FROM run_partitions WHERE run = ? ORDER BY partition')
    .all(found.id)
    .map(({ proof }) => sliceSchema.parse(JSON.parse(proof)));
  return {
    runId: found.id,
    status: found.status,
    startedAtMs: found.startedAtMs,
    mode: JSON.parse(found.mode),
    slices: proofs.filter(({ partition }) => partition !== UNION),
    union: proofs.find(({ partition }) => partition === UNION) ?? null,
  };
}
