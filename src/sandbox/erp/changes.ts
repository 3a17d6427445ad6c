/** What people do to an ERP during a day, on demand: edits, deletions, new quotes, a new sales rep. */
import { z } from 'zod';
import { money } from '../data/accounts.ts';
import { afterFirstCommitMs } from '../data/days.ts';
import { STREAM, shuffle } from '../data/dice.ts';
import type { Revision } from '../data/opportunities.ts';
import type { Row } from '../data/rows.ts';
import { type Resource, resourceSchema } from './drift.ts';
import type { ErpEnvironment } from './environment.ts';
import type { Table } from './table.ts';

const ROWS_MAX = 100_000;
const environment = z.enum(['staging', 'production']).default('staging');
const ids = z.array(z.string()).max(ROWS_MAX);
const any = { environment, resource: resourceSchema };

/** The bodies that `POST /_sandbox/change` takes; `environment` is staging unless said. */
export const changeSchema = z.union([
  z.strictObject({ ...any, share: z.number().min(0).max(1) }),
  z.strictObject({ ...any, ids, set: z.record(z.string(), z.unknown()) }),
  z.strictObject({ ...any, delete: ids }),
  z.strictObject({ ...any, restore: ids }),
  z.strictObject({ environment, resource: z.literal('quotes'), add: z.int().min(1).max(10_000) }),
  z.strictObject({
    environment,
    resource: z.literal('accounts'),
    moveRep: z.tuple([z.string(), z.string().nullable()]),
  }),
]);

export type ErpChange = z.infer<typeof changeSchema>;

export interface ChangeContext {
  readonly environment: ErpEnvironment;
  /** By the server's clock: the stamp of what changes. */
  readonly nowMs: number;
  readonly lineEditDoesNotTouch: boolean;
  /** Differs from change to change, so that a second one hits other rows. */
  readonly seed: number;
}

/** Makes the change; returns the ids of the rows it hit, or null when it names a rep that does not exist. */
export function makeChange(change: ErpChange, context: ChangeContext): readonly string[] | null {
  const table = context.environment.tables[change.resource];
  if ('share' in change) return changeShare(change.resource, table, change.share, context);
  if ('set' in change) return setFields(change, table, context);
  if ('add' in change) return addQuotes(change.add, context);
  if ('moveRep' in change) return moveRep(change.moveRep, table, context);
  if ('restore' in change) return change.restore.filter((id) => table.restore(id));
  const found = change.delete.flatMap((id) => table.find(id) ?? []);
  for (const index of found) table.remove(index);
  return found.map((index) => table.idOf(index));
}

function changeShare(resource: Resource, table: Table, share: number, context: ChangeContext): readonly string[] {
  const all = table.byId();
  const amount = share === 0 ? 0 : Math.min(all.length, Math.max(1, Math.round(all.length * share)));
  const place = shuffle(context.seed, STREAM.change, all.length);
  const untouched = resource === 'quotes' && context.lineEditDoesNotTouch;
  const stampMs = stamps(amount, table, context);
  return Array.from({ length: amount }, (_, nth) => {
    const index = all[place(nth)] ?? 0;
    table.edit(index, EDITS[resource](table.row(index)), untouched ? null : stampMs(nth, index));
    return table.idOf(index);
  });
}

/**
 * The stamps of a job whose last commit is now; up to the rows of a commit (assumed, see COMMIT_ROWS) it is a single one.
 * A row that was saved while the job ran is stamped with the end: its dates never go back.
 */
function stamps(
  amount: number,
  table: Table,
  { nowMs, environment: { commitRows } }: ChangeContext,
): (nth: number, index: number) => number {
  const firstMs = nowMs - afterFirstCommitMs(Math.max(0, amount - 1), commitRows);
  return (nth, index) => {
    const atMs = firstMs + afterFirstCommitMs(nth, commitRows);
    return table.changedAtMs(index) < atMs ? atMs : nowMs;
  };
}

const cents = (value: unknown): number => Math.round(Number(value) * 100);

/** An ordinary edit of a row: a price and a stock count, a balance, one more of a quote's first line. */
const EDITS: Readonly<Record<Resource, (row: Row) => Row>> = {
  items: (row) => ({
    unitPrice: Math.round(Number(row.unitPrice) * 102 + 1) / 100,
    onHand: Number(row.onHand) + 12,
    available: Number(row.available) + 12,
  }),
  accounts: (row) => ({
    balanceDue: money(cents(row.balanceDue) + 12_540),
    salesYtd: money(cents(row.salesYtd) + 12_540),
  }),
  quotes: (row) => {
    const [first, ...others]: readonly unknown[] = Array.isArray(row.lines) ? row.lines : [];
    if (typeof first !== 'object' || first === null || !('qty' in first) || !('price' in first)) return {};
    const more = cents(first.price);
    return {
      lines: [{ ...first, qty: String(Number(first.qty) + 1) }, ...others],
      subTotal: money(cents(row.subTotal) + more),
      grandTotal: money(cents(row.grandTotal) + more),
    };
  },
};

interface FieldsSet {
  readonly resource: Resource;
  readonly ids: readonly string[];
  readonly set: Row;
}

/** A `lastChanged` among the fields is taken as it is; otherwise it is stamped like a job's. */
function setFields({ resource, ids: wanted, set }: FieldsSet, table: Table, context: ChangeContext): readonly string[] {
  const { lastChanged, ...fields } = set;
  const givenMs = typeof lastChanged === 'string' ? Date.parse(lastChanged) : Number.NaN;
  const untouched = context.lineEditDoesNotTouch && resource === 'quotes' && 'lines' in fields;
  const found = wanted.flatMap((id) => table.find(id) ?? []);
  const ownMs = stamps(found.length, table, context);
  const stampMs = (nth: number, index: number): number | null =>
    Number.isNaN(givenMs) ? (untouched ? null : ownMs(nth, index)) : givenMs;
  for (const [nth, index] of found.entries()) table.edit(index, fields, stampMs(nth, index));
  return found.map((index) => table.idOf(index));
}

function moveRep(
  [id, repId]: readonly [string, string | null],
  table: Table,
  { environment: { reps }, nowMs }: ChangeContext,
): readonly string[] | null {
  const rep = reps.find((candidate) => candidate.id === repId);
  if (repId !== null && rep === undefined) return null;
  const index = table.find(id);
  if (index === undefined) return [];
  table.edit(index, { rep: rep ? { id: rep.id, name: rep.name, email: rep.email } : null }, nowMs);
  return [id];
}

/** By turns the next revision of an existing quote, and the first one of a new opportunity. */
function addQuotes(amount: number, { environment, nowMs, seed }: ChangeContext): readonly string[] {
  const { tables, quoteFile, newRevisions } = environment;
  const known = [...quoteFile.revisions, ...newRevisions];
  const place = shuffle(seed, STREAM.change, Math.max(1, known.length));
  const counters = highest(known);
  const lastRevs = new Map<number, number>();
  for (const { quote, rev } of known) lastRevs.set(quote, Math.max(rev, lastRevs.get(quote) ?? 0));
  return Array.from({ length: amount }, (_, nth) => {
    const old = nth % 2 === 0 ? known[place(nth) % known.length] : undefined;
    const rev = old ? (lastRevs.get(old.quote) ?? 0) + 1 : 0;
    const { deal, opportunity, quote } = old ?? {
      deal: ++counters.deal,
      opportunity: ++counters.opportunity,
      quote: ++counters.quote,
    };
    const revision: Revision = {
      deal,
      opportunity,
      quote,
      rev,
      stage: 'SENT',
      createdMs: nowMs,
      changedMs: nowMs,
      decidedMs: null,
    };
    lastRevs.set(quote, rev);
    const id = tables.quotes.nextId;
    tables.quotes.add(quoteFile.rowOf(revision, id), nowMs);
    newRevisions.push(revision);
    return id;
  });
}

/** The highest number given out so far, of each kind. */
function highest(known: readonly Revision[]): { deal: number; opportunity: number; quote: number } {
  const most = { deal: 0, opportunity: 0, quote: 0 };
  for (const { deal, opportunity, quote } of known) {
    most.deal = Math.max(most.deal, deal);
    most.opportunity = Math.max(most.opportunity, opportunity);
    most.quote = Math.max(most.quote, quote);
  }
  return most;
}
