/** What people had typed into HubSpot before the tool came: contacts, companies and deals, some of them the ERP's. */
import type { ErpWorld } from '../world.ts';
import type { AccountRow } from './accounts.ts';
import { ACCOUNTS_AT_FULL_SCALE } from './census.ts';
import { companies } from './companies.ts';
import { businessInstant, dateOf } from './days.ts';
import { Dice, STREAM } from './dice.ts';
import { lastName, mailbox, personName } from './names.ts';
import { phone, town } from './places.ts';

type Properties = Readonly<Record<string, string>>;

interface PortalOwner {
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

/** Property maps, ready to be created in a portal. */
export interface PortalObjects {
  readonly contacts: readonly Properties[];
  readonly companies: readonly Properties[];
  readonly deals: readonly Properties[];
  readonly owners: readonly PortalOwner[];
}

/** How many of each at full scale. */
export const PORTAL = {
  contacts: 2_000,
  /** Of the contacts: an ERP contact has exactly this e-mail, no other has; of these, some in other letter case. */
  contactsOfErp: 300,
  contactsInCapitals: 20,
  companies: 700,
  /** Of the companies: one ERP business has this domain and name. */
  companiesOfErp: 150,
  /** ERP businesses that two further companies match, so that no one can tell which is meant. */
  ambiguous: 5,
  /** Companies with the domain of an ERP business but another name. */
  sameDomainOnly: 10,
  deals: 880,
} as const;

/** One rep in so many has no HubSpot owner, beside the house account. */
const NO_OWNER_EVERY = 6;

export function existingPortalObjects(world: ErpWorld, seed: number): PortalObjects {
  const scale = world.accounts.count / ACCOUNTS_AT_FULL_SCALE;
  const amount = (full: number): number => Math.ceil(full * scale);
  const businesses = Array.from(world.accounts.businesses, (index) => world.accounts.row(index));
  return {
    contacts: contacts(businesses, seed, amount),
    companies: portalCompanies(world, seed, amount),
    deals: Array.from({ length: amount(PORTAL.deals) }, (_, index) => deal(world, seed, index)),
    owners: world.reps
      .filter((_, index) => index > 0 && index % NO_OWNER_EVERY !== 0)
      .map((rep) => {
        const [firstName = '', ...rest] = rep.name.split(' ');
        return { email: rep.email, firstName, lastName: rest.join(' ') };
      }),
  };
}

type Amount = (full: number) => number;

function contacts(businesses: readonly AccountRow[], seed: number, amount: Amount): readonly Properties[] {
  const people = businesses.flatMap((account) => account.people);
  const uses = new Map<string, number>();
  for (const { mail } of people) if (mail) uses.set(mail, (uses.get(mail) ?? 0) + 1);
  const known = people
    .filter(({ mail }) => mail !== null && isMailbox(mail) && uses.get(mail) === 1)
    .slice(0, amount(PORTAL.contactsOfErp))
    .map(({ first, last, mail, tel }, index) => ({
      email: index < amount(PORTAL.contactsInCapitals) ? (mail ?? '').toUpperCase() : (mail ?? ''),
      firstname: first,
      lastname: last,
      ...(index % 3 === 0 ? { phone: tel } : {}),
    }));
  const others = Array.from({ length: Math.max(0, amount(PORTAL.contacts) - known.length) }, (_, index) => {
    const dice = new Dice(seed, STREAM.portal, index);
    const name = personName(dice);
    return {
      email: `${mailbox(name)}${index}@prospects.example`,
      firstname: name.first,
      lastname: name.last,
      phone: phone(dice, town(dice)),
    };
  });
  return [...known, ...others];
}

function portalCompanies(world: ErpWorld, seed: number, amount: Amount): readonly Properties[] {
  const { accounts } = world;
  const holders = new Map<string, number>();
  for (const index of accounts.businesses) {
    const domain = accounts.domainOf(index) ?? '';
    holders.set(domain, (holders.get(domain) ?? 0) + 1);
  }
  const clear = Array.from(accounts.businesses, (index) => accounts.row(index)).flatMap((account) => {
    const domain = accounts.domainOf(accounts.indexOf(account.accountId)) ?? '';
    const shown = account.web?.toLowerCase().includes(domain) === true;
    return shown && account.companyName !== '' && holders.get(domain) === 1
      ? [{ name: account.companyName, domain, city: account.addr.city, state: account.addr.state }]
      : [];
  });
  const matched = amount(PORTAL.companiesOfErp);
  const ambiguous = clear.slice(matched, matched + amount(PORTAL.ambiguous));
  const lookalikes = clear
    .slice(matched + ambiguous.length, matched + ambiguous.length + amount(PORTAL.sameDomainOnly))
    .map((company) => ({ ...company, name: `${company.city} Office` }));
  const known = [...clear.slice(0, matched), ...ambiguous, ...ambiguous, ...lookalikes];
  const others = companies(seed + 1, Math.max(0, amount(PORTAL.companies) - known.length)).map((company, index) => ({
    name: `${company.name} Group`,
    domain: `group${index}-${company.domain}`,
    city: company.town.city,
    state: company.town.state,
  }));
  return [...known, ...others];
}

function deal(world: ErpWorld, seed: number, index: number): Properties {
  const dice = new Dice(seed, STREAM.portal, index + 2 ** 24);
  return {
    dealname: `${lastName(dice)} ${dice.pick(['kitchen', 'reroof', 'deck', 'new build', 'tenant finish', 'stock order'])}`,
    amount: String(dice.int(300, 90_000)),
    pipeline: 'default',
    dealstage: dice.pick([
      'appointmentscheduled',
      'qualifiedtobuy',
      'presentationscheduled',
      'closedwon',
      'closedlost',
    ]),
    closedate: `${dateOf(businessInstant(world.asOfMs, dice.next() / 3, 0))}T18:00:00.000Z`,
  };
}

/** Good enough to tell the planted invalid addresses from the rest. */
export const isMailbox = (mail: string): boolean => /^[^\s@,]+@[^\s@,]+\.[a-z]+$/.test(mail);
