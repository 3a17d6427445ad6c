/** The quote file: each revision is a row of its own with its own id; revisions share opportunity and number. */
import { type AccountSource, money, type RepOnRow } from './accounts.ts';
import { DAY_MS, dateOf, instantOf } from './days.ts';
import { Dice, STREAM } from './dice.ts';
import type { ItemSource } from './items.ts';
import { lastName } from './names.ts';
import { type Revision, revisions, type Stage, VALID_FOR_DAYS } from './opportunities.ts';
import { town } from './places.ts';
import { numberedIds, type RowSource } from './rows.ts';

type LineRow = {
  readonly itemNo: string;
  readonly sku: string;
  readonly text: string;
  readonly qty: string;
  readonly price: string;
};

/** Money is text with two decimals, line prices with two to four. */
export type QuoteRow = {
  readonly quoteId: string;
  readonly oppId: string | null;
  readonly quoteNo: string;
  readonly rev: number;
  readonly stage: Stage;
  readonly quoteDate: string;
  readonly validTo: string;
  readonly decidedOn: string | null;
  readonly subTotal: string;
  readonly taxTotal: string;
  readonly freightTotal: string;
  readonly grandTotal: string;
  readonly marginPct: string;
  readonly rep: RepOnRow | null;
  readonly accountId: string;
  readonly accountName: string;
  readonly customerPo: string;
  readonly job: string;
  readonly lines: readonly LineRow[];
  readonly lastChanged: string;
};

export type QuoteSource = RowSource<QuoteRow> & {
  /** The row of a revision that the file does not hold yet, such as the next one of an opportunity. */
  rowOf(revision: Revision, quoteId: string): QuoteRow;
  readonly revisions: readonly Revision[];
};

const FIRST_QUOTE_NO = 40_001;
const FIRST_OPPORTUNITY = 1_001;
/** Share of deals on walk-in accounts, and one deal in so many on an account that does not exist. */
const WALK_IN_DEALS = 0.04;
const LOST_ACCOUNT_EVERY = 750;
const LINES_MAX = 10;
/** Draws before a business account is taken in place of a walk-in. */
const WALK_IN_DRAWS_MAX = 20;

export interface QuoteOptions {
  readonly seed: number;
  readonly count: number;
  readonly asOfMs: number;
  readonly items: ItemSource;
  readonly accounts: AccountSource;
  /** Rows that the load from an older system committed at once. */
  readonly commitRows: number;
}

export function quotes(options: QuoteOptions): QuoteSource {
  const { seed, count } = options;
  const list = revisions(seed, count, options.asOfMs, options.commitRows);
  const ids = numberedIds('Q-', 100_001);
  const revisionAt = (index: number): Revision => {
    const revision = list[index];
    if (revision === undefined) throw new RangeError(`no quote row ${index}`);
    return revision;
  };
  const rowOf = (revision: Revision, quoteId: string): QuoteRow => {
    const deal = dealOf(options, revision.deal);
    return {
      quoteId,
      oppId: revision.opportunity < 0 ? null : `OPP-${FIRST_OPPORTUNITY + revision.opportunity}`,
      quoteNo: String(FIRST_QUOTE_NO + revision.quote),
      rev: revision.rev,
      stage: revision.stage,
      quoteDate: dateOf(revision.createdMs),
      validTo: dateOf(revision.createdMs + VALID_FOR_DAYS * DAY_MS),
      decidedOn: revision.decidedMs === null ? null : dateOf(revision.decidedMs),
      ...priced(options, revision),
      ...deal,
      lastChanged: instantOf(revision.changedMs),
    };
  };
  return {
    ...ids,
    idField: 'quoteId',
    count,
    spare: 0,
    revisions: list,
    changedAtMs: (index) => revisionAt(index).changedMs,
    rowOf,
    row: (index) => rowOf(revisionAt(index), ids.idOf(index)),
  };
}

type Deal = Pick<QuoteRow, 'rep' | 'accountId' | 'accountName' | 'customerPo' | 'job'>;

function dealOf({ seed, accounts }: QuoteOptions, deal: number): Deal {
  const dice = new Dice(seed, STREAM.opportunityFacts, deal);
  const job = jobName(dice);
  const customerPo = dice.chance(0.45) ? `PO-${dice.int(1_000, 99_999)}` : '';
  if (deal % LOST_ACCOUNT_EVERY === 7)
    return { rep: null, accountId: `C-99${dice.int(80_000, 89_999)}`, accountName: 'Purged Account', customerPo, job };
  const account = accountOf(dice, accounts);
  return {
    rep: accounts.repOf(account),
    accountId: accounts.idOf(account),
    accountName: accounts.nameOf(account),
    customerPo,
    job,
  };
}

/** A few businesses ask for most quotes. */
function accountOf(dice: Dice, accounts: AccountSource): number {
  const business = accounts.businesses[Math.floor(accounts.businesses.length * dice.next() ** 2.2)] ?? 0;
  if (!dice.chance(WALK_IN_DEALS)) return business;
  for (let draw = 0; draw < WALK_IN_DRAWS_MAX; draw++) {
    const index = dice.int(0, accounts.count - 1);
    if (!accounts.isBusiness(index)) return index;
  }
  return business;
}

const jobName = (dice: Dice): string =>
  dice.weighted<() => string>([
    [() => `${lastName(dice)} Residence`, 30],
    [() => `${dice.pick(PLACES)} ${dice.pick(['Phase', 'Lot', 'Bldg'])} ${dice.int(1, 42)}`, 26],
    [() => `${town(dice).city} ${dice.pick(PUBLIC)} ${dice.pick(['Remodel', 'Addition', 'Re-roof', 'Repairs'])}`, 16],
    [() => `${dice.pick(PLACES)} ${dice.pick(['Apartments', 'Townhomes', 'Medical', 'Retail Shell'])}`, 14],
    [() => 'Shop stock', 5],
    [() => '', 9],
  ])();

const PLACES = [
  'Maple Ridge',
  'Fox Hollow',
  'Stone Bridge',
  'Willow Bend',
  'Turtle Creek',
  'Bison Trail',
  'Saddleback',
  'Quail Springs',
  'Iron Horse',
  'Deer Run',
  'Copper Canyon',
  'Windmill Pointe',
];
const PUBLIC = ['Fire Station 14', 'High School', 'City Hall', 'Branch Library', 'Community Center', 'Clinic'];

type Priced = Pick<QuoteRow, 'subTotal' | 'taxTotal' | 'freightTotal' | 'grandTotal' | 'marginPct' | 'lines'>;

/** Lines are drawn by the quote and changed a little by the revision; totals are exact to the cent. */
function priced({ seed, items }: QuoteOptions, revision: Revision): Priced {
  const dice = new Dice(seed, STREAM.quoteLines, revision.quote);
  const own = new Dice(seed, STREAM.quoteRow, revision.quote * 16 + revision.rev);
  let subTotal = 0;
  const lines = Array.from({ length: Math.ceil(LINES_MAX * dice.next() ** 2) || 1 }, () => {
    const item = items.facts(dice.int(0, items.count - 1));
    const qty = Math.max(1, Math.round(dice.int(1, 12) ** dice.next() * 4 * (own.chance(0.3) ? 1.5 : 1)));
    const price = Math.round((item.priceTenThousandths * dice.int(82, 100)) / 100);
    subTotal += Math.round((price * qty) / 100);
    return { itemNo: item.itemNo, sku: item.sku, text: item.title, qty: String(qty), price: tenThousandths(price) };
  });
  const taxTotal = dice.chance(0.2) ? 0 : Math.round((subTotal * 8_625) / 100_000);
  const freightTotal = dice.chance(0.5) ? 0 : dice.int(45, 380) * 100;
  return {
    subTotal: money(subTotal),
    taxTotal: money(taxTotal),
    freightTotal: money(freightTotal),
    grandTotal: money(subTotal + taxTotal + freightTotal),
    marginPct: (dice.int(140, 420) / 10).toFixed(1),
    lines,
  };
}

/** Four decimals where the price has them, else two. */
function tenThousandths(price: number): string {
  const decimals = String(price % 10_000).padStart(4, '0');
  return `${Math.floor(price / 10_000)}.${decimals.endsWith('00') ? decimals.slice(0, 2) : decimals}`;
}
