/** A row as a drifting server sends it. */
import { fraction, STREAM } from '../data/dice.ts';
import type { Row } from '../data/rows.ts';
import type { ErpDrift, Resource } from './drift.ts';

export interface DriftedRow {
  readonly resource: Resource;
  readonly idField: string;
  /** The row's position: which rows a share hits depends on it alone. */
  readonly index: number;
  readonly row: Row;
}

const HOUR_MS = 3_600_000;

export function drifted({ resource, idField, index, row }: DriftedRow, drift: ErpDrift): Row {
  const served: Record<string, unknown> = { ...row };
  const hit = (share: number): boolean => fraction(0, STREAM.drift, index) < share;
  const { newEnumValue, nullField, renamedField } = drift;
  if (newEnumValue?.resource === resource && hit(newEnumValue.share)) served[newEnumValue.field] = newEnumValue.value;
  if (nullField?.resource === resource && hit(nullField.share)) served[nullField.field] = null;
  const { changedType } = drift;
  if (changedType?.resource === resource && changedType.field in served) {
    const value = served[changedType.field];
    served[changedType.field] = changedType.to === 'object' ? { value } : `${String(value)} units`;
  }
  if (renamedField?.resource === resource && renamedField.from in served) {
    served[renamedField.to] = served[renamedField.from];
    delete served[renamedField.from];
  }
  if (drift.extraFields) Object.assign(served, { changedBy: 'svc-sync', rowVersion: index + 7, udf: { udf01: null } });
  if (index < drift.missingId) delete served[idField];
  return drift.numbersAsText
    ? Object.fromEntries(Object.entries(served).map(([name, value]) => [name, asText(value)]))
    : served;
}

function asText(value: unknown): unknown {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asText(inner)]));
  return value;
}

/** The same id as it was an hour before its last change. */
export function olderVersion(resource: Resource, row: Row): Row {
  const before = { items: { onHand: 1, available: 0 }, accounts: { balanceDue: '0.01' }, quotes: { marginPct: '1.0' } };
  const changedMs = Date.parse(String(row.lastChanged));
  return { ...row, ...before[resource], lastChanged: new Date(changedMs - HOUR_MS).toISOString() };
}
