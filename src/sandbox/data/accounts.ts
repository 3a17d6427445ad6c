/** The customer file: 28,300 accounts at full scale, 3,000 of them businesses, the rest walk-ins. */
import { type Census, type CensusOptions, census } from './census.ts';
import type { AccountKind, Company } from './companies.ts';
import { businessInstant, dateOf, instantOf, newestMs } from './days.ts';
import { Dice, fraction, STREAM, shuffle } from './dice.ts';
import { businessPeople, type PersonRow, walkIn } from './people.ts';
import { type Address, address, phone, type Town, town } from './places.ts';
import { type RepRow, territories } from './reps.ts';
import { numberedIds, type RowSource } from './rows.ts';

export type RepOnRow = Omit<RepRow, 'active'>;

/** Money is text with two to four decimals. */
export type AccountRow = {
  readonly accountId: string;
  readonly accountNo: string;
  readonly companyName: string;
  readonly kind: AccountKind;
  readonly state: 'OK' | 'HOLD' | 'INACTIVE';
  readonly rep: RepOnRow | null;
  readonly creditLimit: string;
  readonly balanceDue: string;
  readonly terms: string;
  readonly priceLevel: string;
  readonly taxExempt: 'Y' | 'N';
  readonly salesYtd: string;
  readonly lastOrder: string | null;
  readonly phone: string;
  readonly web: string | null;
  readonly addr: Address;
  readonly parentAccount: string | null;
  readonly people: readonly PersonRow[];
  readonly lastChanged: string;
};

export type AccountSource = RowSource<AccountRow> & {
  /** Positions of the business accounts, by their ordinal. */
  readonly businesses: Uint32Array;
  isBusiness(index: number): boolean;
  repOf(index: number): RepOnRow | null;
  nameOf(index: number): string;
  /** The domain that a business account's website and mailboxes are in. */
  domainOf(index: number): string | null;
};

/** An account id that was never given out. */
const PURGED_ACCOUNT = 'C-9990001';

export interface AccountOptions extends CensusOptions {
  readonly asOfMs: number;
  readonly reps: readonly RepRow[];
}

const ids = numberedIds('C-', 10_000);

export function accounts(options: AccountOptions): AccountSource {
  const { seed, asOfMs, count, spare } = options;
  const known = census(options);
  const repOf = repsByPosition(options);
  const nameOf = namesByPosition(seed, known);
  const changedAtMs = (index: number): number =>
    businessInstant(
      asOfMs,
      fraction(seed, STREAM.accountChanged, index),
      fraction(seed, STREAM.accountChanged, index + 2 ** 30),
    );
  const companyOf = (index: number): Company | undefined => known.companyAt(known.ordinalOf(index));
  const facts = factsByPosition(options, known);
  return {
    ...ids,
    idField: 'accountId',
    count,
    spare,
    changedAtMs,
    businesses: known.businesses,
    isBusiness: (index) => companyOf(index) !== undefined,
    repOf,
    nameOf,
    domainOf: (index) => companyOf(index)?.domain ?? null,
    peek: (index, fact) => (fact === 'name' ? nameOf(index) : (repOf(index)?.id ?? '')),
    row: (index) => ({
      accountId: ids.idOf(index),
      accountNo: `${10 + (index % 3)}-${10_000 + index}`,
      companyName: nameOf(index),
      rep: repOf(index),
      ...facts(index),
      lastChanged: instantOf(changedAtMs(index)),
    }),
  };
}

function namesByPosition(seed: number, known: Census): (index: number) => string {
  return (index) => {
    const ordinal = known.ordinalOf(index);
    if (known.isNameless(ordinal)) return '';
    return known.companyAt(ordinal)?.name ?? walkIn(seed, index, TOWN_OF_NAMES).accountName;
  };
}

/** Walk-ins' names do not depend on the town that their phone number is drawn in. */
const TOWN_OF_NAMES: Town = { city: '', state: '', zip: '', area: '', county: '' };

type Facts = Omit<AccountRow, 'accountId' | 'accountNo' | 'companyName' | 'rep' | 'lastChanged'>;

function factsByPosition({ seed, asOfMs, flaws }: AccountOptions, known: Census): (index: number) => Facts {
  const people = businessPeople({ seed, scale: known.scale, flaws, companyOf: known.companyAt });
  const parentId = (ordinal: number): string | null => {
    const parent = known.parentOf(ordinal);
    return parent === 'purged' ? PURGED_ACCOUNT : parent === null ? null : ids.idOf(parent);
  };
  return (index) => {
    const ordinal = known.ordinalOf(index);
    const company = known.companyAt(ordinal);
    const dice = new Dice(seed, STREAM.accountFacts, index);
    const place = company?.town ?? town(dice);
    return {
      kind: company?.kind ?? 'RETAIL',
      ...terms(dice, company, asOfMs),
      phone: dice.chance(0.06) ? '' : phone(dice, place),
      web: company ? website(dice, company.domain) : null,
      addr: address(dice, place),
      parentAccount: company ? parentId(ordinal) : null,
      people: company ? people(ordinal) : dice.chance(0.6) ? [walkIn(seed, index, place).person] : [],
    };
  };
}

function repsByPosition({ seed, count, reps }: AccountOptions): (index: number) => RepOnRow | null {
  const place = shuffle(seed, STREAM.accountRep, count);
  const owner = territories(reps, count);
  return (index) => {
    const rep = owner(place(index % count));
    return rep ? { id: rep.id, name: rep.name, email: rep.email } : null;
  };
}

type Terms = Pick<
  AccountRow,
  'state' | 'creditLimit' | 'balanceDue' | 'terms' | 'priceLevel' | 'taxExempt' | 'salesYtd' | 'lastOrder'
>;

function terms(dice: Dice, company: Company | undefined, asOfMs: number): Terms {
  const state = dice.weighted([
    ['OK', 93],
    ['HOLD', 4],
    ['INACTIVE', 3],
  ] as const);
  const ordered = dice.chance(0.85);
  const lastOrder = ordered ? dateOf(businessInstant(asOfMs, dice.next() ** 2, 0)) : null;
  if (!company)
    return {
      state,
      creditLimit: '0.00',
      balanceDue: '0.00',
      terms: 'COD',
      priceLevel: 'R',
      taxExempt: 'N',
      salesYtd: money(ordered ? dice.int(500, 90_000) : 0),
      lastOrder,
    };
  const limit = dice.pick([0, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000]);
  const thisYear = lastOrder !== null && lastOrder.slice(0, 4) === dateOf(newestMs(asOfMs)).slice(0, 4);
  return {
    state,
    creditLimit: money(limit * 100),
    balanceDue: `${money(dice.chance(0.4) ? 0 : Math.floor(limit * 80 * dice.next()))}${dice.chance(0.1) ? '00' : ''}`,
    terms: dice.pick(['NET30', 'NET30', 'NET30', 'NET10', '2%10NET30', 'NET60', 'COD', 'EOM']),
    priceLevel: dice.pick(['A', 'B', 'B', 'C', 'C', 'D']),
    taxExempt: company.kind === 'GOV' || dice.chance(0.08) ? 'Y' : 'N',
    salesYtd: money(thisYear ? dice.int(5_000, 40_000_000) : 0),
    lastOrder,
  };
}

/** Cents as text with two decimals. */
export const money = (cents: number): string =>
  `${cents < 0 ? '-' : ''}${Math.floor(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, '0')}`;

/** As people type them: with and without scheme and `www`, with paths, in capitals, or not at all. */
function website(dice: Dice, domain: string): string | null {
  return dice.weighted<string | null>([
    [null, 26],
    ['', 4],
    [`https://www.${domain}`, 24],
    [`https://${domain}/`, 14],
    [`www.${domain}`, 12],
    [domain, 10],
    [`http://www.${domain}/contact-us.html`, 5],
    [`http://${domain}/index.php?id=1`, 2],
    [`WWW.${domain.toUpperCase()}`, 2],
    ['n/a', 1],
  ]);
}
