/** Records that changed while their date stood still: no run that asks for changes can see that. */
import { canonicalJson } from '../fingerprint.ts';
import type { SourceRecord } from '../pipe.ts';
import { type Finding, percent } from './finding.ts';

/** A record as it was when it was last synced. */
export interface MirroredRecord {
  readonly modifiedAt: string;
  readonly raw: unknown;
}

/** `mirror`: by id; records that were never synced are left out. */
export function silentChanges(
  what: string,
  records: readonly SourceRecord[],
  mirror: ReadonlyMap<string, MirroredRecord>,
): Finding[] {
  const fields = new Map<string, number>();
  let compared = 0;
  let changed = 0;
  for (const { id, modifiedAt, raw } of records) {
    const known = mirror.get(id);
    if (known === undefined || known.modifiedAt !== modifiedAt) continue;
    compared++;
    const differing = differingFields(known.raw, raw);
    if (differing.length > 0) changed++;
    for (const field of differing) fields.set(field, (fields.get(field) ?? 0) + 1);
  }
  if (changed === 0) return [];
  const [field = null] = [...fields].toSorted((a, b) => b[1] - a[1])[0] ?? [];
  return [
    {
      kind: 'silent-change',
      field,
      message: `${what} change without their date moving: edits of ${[...fields.keys()].slice(0, 5).join(', ')} are seen by no run`,
      evidence: `${changed} of ${compared} records with the date they had when last synced hold something else (${percent(changed, compared)})`,
      fix: `run retail-sync sync ${what} --full daily, or ask the vendor to date such edits`,
    },
  ];
}

function differingFields(before: unknown, after: unknown): string[] {
  const [old, now] = [new Map(entriesOf(before)), new Map(entriesOf(after))];
  return [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) => canonicalJson(old.get(name) ?? null) !== canonicalJson(now.get(name) ?? null),
  );
}

const entriesOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];
