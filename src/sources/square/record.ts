/** An order of Square as a record of the pipe. */
import type { Instant, RejectedRow, SourceRecord } from '../../pipe.ts';
import { type Fields, fieldsIn, textOrNull } from './exact-json.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** `order` must already be reduced to what may be kept. */
export function recordOf(order: Fields): SourceRecord | RejectedRow {
  const id = textOrNull(order.id)?.trim() ?? '';
  if (id === '') return { raw: order, reason: 'the order has no id' };
  const modifiedAt = instantOf(order.updated_at) ?? instantOf(order.created_at);
  if (modifiedAt === null) return { raw: order, reason: 'the order has no readable updated_at' };
  return { id, entities: entitiesOf(id, order), modifiedAt, raw: order };
}

export const isRecord = (row: SourceRecord | RejectedRow): row is SourceRecord => 'id' in row;

/** Milliseconds and UTC, whatever decimals and offset came. */
function instantOf(value: unknown): Instant | null {
  const ms = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}

/**
 * A sale is its own entity; a return is part of every sale it names; an exchange is both. What a return gives back
 * without naming a sale stays with the return itself, so that no amount is lost.
 */
function entitiesOf(id: string, order: Fields): string[] {
  const returns = fieldsIn(order.returns);
  const sources = returns.map((entry) => textOrNull(entry.source_order_id)?.trim() ?? '');
  const named = [...new Set(sources.filter((source) => source !== '' && source !== id))];
  const isSale = returns.length === 0 || fieldsIn(order.line_items).length > 0;
  return isSale || sources.includes('') ? [id, ...named] : named.length > 0 ? named : [id];
}
