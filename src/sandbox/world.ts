/** The sandbox's world: one distributor and its customers, the same for the same seed. */
import { type AccountSource, accounts } from './data/accounts.ts';
import { ACCOUNTS_AT_FULL_SCALE } from './data/census.ts';
import { COMMIT_ROWS } from './data/days.ts';
import { ITEMS_AT_FULL_SCALE, type ItemSource, items } from './data/items.ts';
import { QUOTES_AT_FULL_SCALE } from './data/opportunities.ts';
import { isMailbox } from './data/portal.ts';
import { type QuoteSource, quotes } from './data/quotes.ts';
import { DISTRIBUTOR, type RepRow, reps } from './data/reps.ts';

export { WALK_IN_MARKS } from './data/people.ts';
export { existingPortalObjects, PORTAL } from './data/portal.ts';

/** What the ERP holds. Rows are computed when asked for. */
export interface ErpWorld {
  readonly company: string;
  readonly seed: number;
  /** The world's present: nothing changed later than two days before. */
  readonly asOfMs: number;
  readonly items: ItemSource;
  readonly accounts: AccountSource;
  readonly quotes: QuoteSource;
  readonly reps: readonly RepRow[];
  /** Rows that its bulk jobs commit, and stamp, at once; COMMIT_ROWS unless said. */
  readonly commitRows?: number;
}

export interface WorldOptions {
  readonly seed: number;
  /** 1 is full: 30,214 items, 28,300 accounts, 26,000 quotes. */
  readonly scale?: number;
  readonly asOfMs: number;
  /** Row counts of their own, over `scale`. Statuses, kinds, reps and flaws keep their shares. */
  readonly items?: number;
  readonly accounts?: number;
  readonly quotes?: number;
  /** Dirty data, in small fixed numbers. On unless said otherwise. */
  readonly flaws?: boolean;
  /** Rows that the ERP's bulk jobs commit at once: larger jobs stamp their rows with several instants. */
  readonly commitRows?: number;
}

/** Rows that production has and staging has not, as a share. */
const SPARE = 0.004;

export function generateErp(options: WorldOptions): ErpWorld {
  const { seed, asOfMs, scale = 1, flaws = true, commitRows = COMMIT_ROWS } = options;
  const counts = {
    items: options.items ?? Math.round(ITEMS_AT_FULL_SCALE * scale),
    accounts: options.accounts ?? Math.round(ACCOUNTS_AT_FULL_SCALE * scale),
    quotes: options.quotes ?? Math.round(QUOTES_AT_FULL_SCALE * scale),
  };
  const repList = reps(seed, counts.accounts / ACCOUNTS_AT_FULL_SCALE);
  const spare = (count: number): number => Math.ceil(count * SPARE);
  const itemFile = items({ seed, asOfMs, flaws, commitRows, count: counts.items, spare: spare(counts.items) });
  const accountFile = accounts({
    seed,
    asOfMs,
    flaws,
    reps: repList,
    count: counts.accounts,
    spare: spare(counts.accounts),
  });
  return {
    company: DISTRIBUTOR.name,
    seed,
    asOfMs,
    items: itemFile,
    accounts: accountFile,
    quotes: quotes({ seed, asOfMs, commitRows, count: counts.quotes, items: itemFile, accounts: accountFile }),
    reps: repList,
    commitRows,
  };
}

/** A business that also buys at the counter: what Square needs to know its customers by. */
export interface SquarePerson {
  readonly accountNo: string;
  readonly name: string;
  /** Valid ones only; may be empty. */
  readonly emails: readonly string[];
}

export function squarePeople(world: ErpWorld): readonly SquarePerson[] {
  return Array.from(world.accounts.businesses, (index) => {
    const { accountNo, companyName, people } = world.accounts.row(index);
    const emails = people.flatMap(({ mail }) => (mail !== null && isMailbox(mail) ? [mail] : []));
    return { accountNo, name: companyName, emails };
  });
}
