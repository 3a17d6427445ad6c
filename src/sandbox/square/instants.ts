/** RFC 3339 as Square takes it: with or without decimals, any offset. */
import { badRequest } from './refusal.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Epoch milliseconds; a refusal INVALID_TIME if the text is no instant. */
function readInstant(value: unknown, field: string): number {
  const ms = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw badRequest('INVALID_TIME', `Invalid RFC3339 timestamp.`, field);
  return ms;
}

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

/** Both ends inclusive. Without an end, `nowMs` is it. */
export function readRange(range: { start_at?: unknown; end_at?: unknown }, field: string, nowMs: number): Range {
  const startMs =
    range.start_at === undefined ? Number.NEGATIVE_INFINITY : readInstant(range.start_at, `${field}.start_at`);
  const endMs = range.end_at === undefined ? nowMs : readInstant(range.end_at, `${field}.end_at`);
  if (endMs < startMs) throw badRequest('INVALID_TIME_RANGE', 'end_at must not be before start_at.', field);
  return { startMs, endMs };
}
