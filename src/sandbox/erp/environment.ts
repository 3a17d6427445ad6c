/** Staging and production: two row sets of one distributor, mostly alike. */

import { COMMIT_ROWS, DAY_MS, instantOf } from '../data/days.ts';
import { fraction, STREAM } from '../data/dice.ts';
import type { Revision } from '../data/opportunities.ts';
import type { QuoteSource } from '../data/quotes.ts';
import type { RepRow } from '../data/reps.ts';
import type { Row, RowSource } from '../data/rows.ts';
import type { ErpWorld } from '../world.ts';
import { Table } from './table.ts';

export type EnvironmentName = 'staging' | 'production';

export interface ErpEnvironment {
  readonly name: EnvironmentName;
  readonly company: string;
  readonly reps: readonly RepRow[];
  readonly tables: { readonly items: Table; readonly accounts: Table; readonly quotes: Table };
  readonly quoteFile: QuoteSource;
  /** Rows that a bulk job commits, and stamps, at once. */
  readonly commitRows: number;
  /** Revisions made while the server runs, in the order of their rows. */
  readonly newRevisions: Revision[];
}

export const staging = (world: ErpWorld): ErpEnvironment => ({
  name: 'staging',
  company: world.company,
  reps: world.reps,
  tables: { items: new Table(world.items), accounts: new Table(world.accounts), quotes: new Table(world.quotes) },
  quoteFile: world.quotes,
  commitRows: world.commitRows ?? COMMIT_ROWS,
  newRevisions: [],
});

/** Share of the rows that differ, and one row in so many that was only ever a test on staging. */
const DIFFERENT = 0.08;
const STAGING_ONLY_EVERY = 250;
const isStagingOnly = (index: number): boolean => index % STAGING_ONLY_EVERY === 17;

/** The same ids, with newer values on a share of the rows; some staging rows are absent, some others are there. */
export function production(world: ErpWorld): ErpEnvironment {
  const table = (source: RowSource, newer: (row: Row) => Row): Table =>
    new Table(newerOnSome(source, world.seed, newer), (index) => index < source.count && isStagingOnly(index));
  return {
    name: 'production',
    company: world.company,
    reps: world.reps,
    tables: {
      items: table(world.items, (row) => ({ unitPrice: Math.round(Number(row.unitPrice) * 103) / 100 })),
      accounts: table(world.accounts, () => ({ priceLevel: 'A', creditLimit: '75000.00' })),
      quotes: table(world.quotes, () => ({ marginPct: '27.5' })),
    },
    quoteFile: world.quotes,
    commitRows: world.commitRows ?? COMMIT_ROWS,
    newRevisions: [],
  };
}

function newerOnSome(source: RowSource, seed: number, newer: (row: Row) => Row): RowSource {
  const differs = (index: number): boolean => fraction(seed, STREAM.production, index) < DIFFERENT;
  const changedAtMs = (index: number): number => source.changedAtMs(index) + (differs(index) ? DAY_MS : 0);
  return {
    ...source,
    count: source.count + source.spare,
    spare: 0,
    changedAtMs,
    row: (index) => {
      const row = source.row(index);
      return differs(index) ? { ...row, ...newer(row), lastChanged: instantOf(changedAtMs(index)) } : row;
    },
  };
}
