/** Which field of an unknown record is which of ours, by name and by what it holds. */
import type { Json } from './ask.ts';
import type { Guess } from './paging.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  sku: ['sku', 'itemcode', 'itemnumber', 'partno', 'code'],
  name: ['name', 'title', 'displayname', 'customername', 'itemname'],
  description: ['description'],
  listPrice: ['listprice', 'price', 'unitprice', 'standardrate'],
  quoteNumber: ['quotenumber', 'number'],
  total: ['total', 'grandtotal', 'totalamount'],
  customerId: ['customerid', 'customer'],
  phone: ['phone', 'phonenumber', 'telephone'],
  status: ['status', 'state'],
};
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Unique, present in each row and named so. */
export function guessId(rows: readonly Json[]): Guess<string> | null {
  const unique = Object.keys(rows[0] ?? {}).filter((key) => new Set(rows.map((row) => row[key])).size === rows.length);
  const named = unique.find((key) => plain(key) === 'id') ?? unique.find((key) => /id$|^name$|code$/i.test(key));
  if (named) return { value: named, confidence: 'high', reason: `unique in ${rows.length} records, and named so` };
  return unique[0] ? { value: unique[0], confidence: 'low', reason: `unique in ${rows.length} records` } : null;
}

export function guessFields(rows: readonly Json[], known: readonly string[]): Map<string, Guess<string>> {
  const keys = Object.keys(rows[0] ?? {});
  const found = new Map<string, Guess<string>>();
  for (const field of known) {
    const exact = keys.find((key) => plain(key) === field.toLowerCase());
    const near = exact ?? keys.find((key) => NAMES[field]?.includes(plain(key)));
    if (near) found.set(field, { value: near, confidence: exact ? 'high' : 'medium', reason: `named ${near}` });
  }
  return found;
}
