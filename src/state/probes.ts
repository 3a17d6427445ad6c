/** What earlier probes saw, without anybody's data: figures, codes and shapes. */
import type { Database } from 'better-sqlite3';

export interface StoredProbe {
  readonly id: number;
  readonly atMs: number;
  /** `sample`: a person's probe; `gate`: the small one before a run. */
  readonly kind: 'sample' | 'gate';
  /** The summary as JSON. */
  readonly summary: string;
}

export interface ProbeSubject {
  readonly system: string;
  readonly resource: string;
  /** The source instance: another address is another subject. */
  readonly instance: string;
}

/** Probes kept of one subject and kind: a quarter of daily ones. */
const KEPT_MAX = 90;

/** Keeps one probe and forgets the oldest beyond the limit. */
export function keepProbe(
  db: Database,
  { system, resource, instance }: ProbeSubject,
  probe: Omit<StoredProbe, 'id'>,
): void {
  db.prepare('INSERT INTO probes (system, resource, instance, kind, at, summary) VALUES (?, ?, ?, ?, ?, ?)').run(
    ...[system, resource, instance, probe.kind, probe.atMs, probe.summary],
  );
  db.prepare(
    `DELETE FROM probes WHERE system = ? AND resource = ? AND instance = ? AND kind = ? AND id NOT IN
      (SELECT id FROM probes WHERE system = ? AND resource = ? AND instance = ? AND kind = ? ORDER BY id DESC LIMIT ${KEPT_MAX})`,
  ).run(...[system, resource, instance, probe.kind, system, resource, instance, probe.kind]);
}

/** The newest probe of a subject made at or before an instant; null when there is none. */
export function probeBefore(
  db: Database,
  { system, resource, instance }: ProbeSubject,
  kind: StoredProbe['kind'],
  atMs: number,
): StoredProbe | null {
  return (
    db
      .prepare<unknown[], StoredProbe>(
        `SELECT id, at AS atMs, kind, summary FROM probes
          WHERE system = ? AND resource = ? AND instance = ? AND kind = ? AND at <= ? ORDER BY at DESC, id DESC LIMIT 1`,
      )
      .get(system, resource, instance, kind, atMs) ?? null
  );
}
