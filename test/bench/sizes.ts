/** Which sizes are measured, of whom, and why not the others. */
import type { Shop } from './vendors.ts';

export interface Size {
  /** Products that are sold. */
  readonly products: number;
  /** Rows of the ERP's item file: all that are read. */
  readonly items: number;
}

/** The emulated distributor of ordinary size: of 30,214 items it sells 12,000. */
const PRODUCTS_AT_SCALE_1 = 12_000;
const ITEMS_AT_SCALE_1 = 30_214;

/** @param products sizes by products sold, @param items by rows of the item file */
export const sizesOf = (products: readonly number[], items: readonly number[]): readonly Size[] => [
  ...products.map((size) => ({
    products: size,
    items: Math.round((size / PRODUCTS_AT_SCALE_1) * ITEMS_AT_SCALE_1),
  })),
  ...items.map((size) => ({
    products: Math.round((size / ITEMS_AT_SCALE_1) * PRODUCTS_AT_SCALE_1),
    items: size,
  })),
];

/** Where only products are measured, the rest of the shop stays ordinary: a million customers would be made for nothing. */
export function shopFor(pipe: string, { products, items }: Size): Shop {
  const scale = products / PRODUCTS_AT_SCALE_1;
  return pipe === 'products' ? { scale: Math.min(1, scale), items } : { scale };
}

/** Runs of one size: large ones take minutes each and scatter little. */
export const runsOf = (asked: number | null, { products }: Size): number =>
  asked ?? (products > PRODUCTS_AT_SCALE_1 ? 1 : 3);

interface Most {
  readonly products: number;
  /** With HubSpot's limits, where they allow less. */
  readonly real?: number;
  readonly why: string;
}

const OTHER_PIPE: Most = {
  products: 12_000,
  why: 'they wait for the vendors far more than they work, and take hours at a million',
};
const SCRIPT: Most = { products: 100_000, why: 'each sends everything in each phase and holds all of it in memory' };

export const MOST: Readonly<Record<string, Most>> = {
  'one-by-one': { products: 1_000, real: 200, why: 'a search and a write per product, at five searches a second' },
  'in-sequence': SCRIPT,
  'at-once': SCRIPT,
  customers: OTHER_PIPE,
  'pos-orders': OTHER_PIPE,
  quotes: OTHER_PIPE,
  all: OTHER_PIPE,
};

/** Why somebody is not measured at a size; null when he is. */
export function leftOut(what: string, { products }: Size, regime: string): string | null {
  const most = MOST[what];
  if (most === undefined) return null;
  const limit = regime === 'real' ? (most.real ?? most.products) : most.products;
  return products <= limit ? null : `left out above ${limit.toLocaleString('en-US')} products: ${most.why}`;
}
