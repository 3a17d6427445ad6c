/**
 * The people on accounts. Business accounts hold 0 to 3 people (1,800 on 3,000 accounts); a walk-in account may hold
 * its buyer. Walk-ins' data must never leave the ERP, so every walk-in carries marks that a test can search for.
 */
import type { Company } from './companies.ts';
import { Dice, STREAM } from './dice.ts';
import { mailbox, personName, plain } from './names.ts';
import { phone, type Town } from './places.ts';

export type PersonRow = {
  readonly personId: string;
  readonly first: string;
  readonly last: string;
  readonly mail: string | null;
  readonly tel: string;
  readonly ext: string;
  readonly cell: string | null;
  readonly function: string;
  readonly main: boolean;
};

/** Each walk-in's last name ends with this, and no one else's does. */
const WALK_IN_SURNAME = 'Wexley';
/** Each walk-in's e-mail is in a domain under this one, and no one else's is. */
const WALK_IN_DOMAIN = 'walkin.example';
/** Found in no business record: when one of these leaves the ERP, a walk-in did. */
export const WALK_IN_MARKS: readonly string[] = [WALK_IN_SURNAME, WALK_IN_DOMAIN];

/** People per business account, by its ordinal modulo 20: 12 people on 20 accounts. */
const HEADCOUNT: readonly number[] = [1, 0, 2, 0, 1, 0, 3, 0, 0, 1, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0];
const BLOCK = HEADCOUNT.length;
const PEOPLE_PER_BLOCK = HEADCOUNT.reduce((sum, heads) => sum + heads, 0);

/** How many of each at full scale; smaller worlds keep at least one. */
const INVALID_MAILS = 15;
const SHARED_IN_ACCOUNT = 12;
const SHARED_ACROSS_ACCOUNTS = 8;
const DECOMPOSED_NAMES = 10;

/** Places in a block where the flaws sit; a person has one flaw at most. */
const PLACE = { lender: 0, borrower: 2, invalid: 4, sharedInbox: 6, noMail: 9, decomposed: 13 } as const;

const INVALID = ['n/a', 'jim@', 'sales at shop', 'bob@foo,example', 'x@@y.example', 'none', 'front desk@shop.example'];

const FUNCTIONS = [
  'Owner',
  'Purchasing',
  'Project Manager',
  'Estimator',
  'Accounts Payable',
  'Superintendent',
  'Office',
];

export interface PeopleOptions {
  readonly seed: number;
  /** 1 at full scale: how many flaws there are. */
  readonly scale: number;
  readonly flaws: boolean;
  readonly companyOf: (ordinal: number) => Company | undefined;
}

/** The people of one business account, by its ordinal among the business accounts. */
export function businessPeople(options: PeopleOptions): (ordinal: number) => readonly PersonRow[] {
  return (ordinal) => {
    const company = options.companyOf(ordinal);
    const heads = HEADCOUNT[ordinal % BLOCK] ?? 0;
    if (company === undefined) return [];
    return Array.from({ length: heads }, (_, slot) => businessPerson(options, company, ordinal, slot));
  };
}

function businessPerson(options: PeopleOptions, company: Company, ordinal: number, slot: number): PersonRow {
  const number = numberOf(ordinal, slot);
  const dice = new Dice(options.seed, STREAM.businessPerson, number);
  const name = personName(dice);
  const decomposed = isFlawed(options, ordinal, PLACE.decomposed, DECOMPOSED_NAMES);
  return {
    personId: `P-${20_001 + number}`,
    first: decomposed ? 'Héctor'.normalize('NFD') : name.first,
    last: name.last,
    mail: mailOf(options, company, ordinal, slot),
    tel: phone(dice, company.town),
    ext: dice.chance(0.2) ? String(dice.int(100, 399)) : '',
    cell: dice.chance(0.55) ? phone(dice, company.town) : null,
    function: dice.pick(FUNCTIONS),
    main: slot === 0,
  };
}

/** Numbers people through all accounts: whole blocks before this one, then the accounts before it in its block. */
function numberOf(ordinal: number, slot: number): number {
  const before = HEADCOUNT.slice(0, ordinal % BLOCK).reduce((sum, heads) => sum + heads, 0);
  return Math.floor(ordinal / BLOCK) * PEOPLE_PER_BLOCK + before + slot;
}

function mailOf(options: PeopleOptions, company: Company, ordinal: number, slot: number): string | null {
  const block = Math.floor(ordinal / BLOCK);
  if (options.flaws) {
    if (isFlawed(options, ordinal, PLACE.invalid, INVALID_MAILS)) return INVALID[block % INVALID.length] ?? 'n/a';
    if (ordinal % BLOCK === PLACE.noMail) return block % 2 === 0 ? null : '';
    if (slot < 2 && isFlawed(options, ordinal, PLACE.sharedInbox, SHARED_IN_ACCOUNT)) return `office@${company.domain}`;
    if (slot === 1 && isFlawed(options, ordinal, PLACE.borrower, SHARED_ACROSS_ACCOUNTS)) {
      const lender = ordinal - PLACE.borrower + PLACE.lender;
      const other = options.companyOf(lender);
      if (other) return ownMail(options.seed, other, lender, 0);
    }
  }
  return ownMail(options.seed, company, ordinal, slot);
}

function ownMail(seed: number, company: Company, ordinal: number, slot: number): string {
  const name = personName(new Dice(seed, STREAM.businessPerson, numberOf(ordinal, slot)));
  const twin = slot > 0 ? String(slot + 1) : '';
  return `${mailbox(name)}${twin}@${company.domain}`;
}

const isFlawed = (options: PeopleOptions, ordinal: number, place: number, most: number): boolean =>
  options.flaws && ordinal % BLOCK === place && Math.floor(ordinal / BLOCK) < Math.ceil(most * options.scale);

export interface WalkIn {
  /** As the counter typed it: last name first. */
  readonly accountName: string;
  readonly person: PersonRow;
}

/** The buyer on a walk-in account, by the account's position. */
export function walkIn(seed: number, index: number, place: Town): WalkIn {
  const dice = new Dice(seed, STREAM.walkIn, index);
  const { first, last } = personName(dice);
  const surname = `${last}-${WALK_IN_SURNAME}`;
  return {
    accountName: `${surname}, ${first}`,
    person: {
      personId: `P-${500_000 + index}`,
      first,
      last: surname,
      mail: dice.chance(0.1) ? null : `${plain(first)}.${plain(last)}@c${index}.${WALK_IN_DOMAIN}`,
      tel: phone(dice, place),
      ext: '',
      cell: dice.chance(0.3) ? phone(dice, place) : null,
      function: '',
      main: true,
    },
  };
}
