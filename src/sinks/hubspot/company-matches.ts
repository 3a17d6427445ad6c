/** Companies that have the domain and the name of a company we would create. */
import type { Write } from '../../pipe.ts';
import type { Match } from './adoption.ts';
import { batchRead, type FoundRecord } from './batch-read.ts';
import { searchCompanies } from './company-search.ts';
import { ownKey } from './contact-matches.ts';
import type { Transport } from './transport.ts';

/**
 * The search only says where to look: its index lags behind, so that every object that it names is read by id before
 * anything is concluded. All writes have one key property.
 */
export async function findCompanies(
  transport: Transport,
  writes: readonly Write[],
  signal: AbortSignal,
): Promise<readonly Match[]> {
  const wanted = writes.flatMap((write) => {
    const identity = identityOf(write.properties);
    return identity === null ? [] : [{ write, identity }];
  });
  const [first] = wanted;
  if (!first) return [];
  const domains = [...new Set(wanted.map(({ write }) => domainOf(write.properties)))];
  const identities = new Set(wanted.map(({ identity }) => identity));
  const hits = await searchCompanies(transport, domains, ['name', 'domain'], signal);
  const ids = hits.found.filter((hit) => identities.has(identityOf(hit.properties) ?? '')).map((hit) => hit.hubspotId);
  const names = ['name', 'domain', first.write.keyProperty];
  const read = await batchRead(transport, 'companies', null, ids, names, signal);
  const byIdentity = Map.groupBy(read.values(), (company) => identityOf(company.properties) ?? '');
  return wanted.flatMap(({ write, identity }) => {
    if (hits.crowded.has(domainOf(write.properties))) return [{ write, unclear: CROWDED }];
    const companies = byIdentity.get(identity) ?? [];
    return companies.length > 0 ? [matchOf(write, companies)] : [];
  });
}

function matchOf(write: Write, companies: readonly FoundRecord[]): Match {
  const candidates = companies.map(({ hubspotId, properties }) => ({
    hubspotId,
    key: ownKey(properties[write.keyProperty], write),
  }));
  const ids = candidates.map(({ hubspotId }) => hubspotId).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const words = {
    other: `HubSpot company ${ids[0]} has this domain and name, but carries the id of another ERP customer`,
    several: `HubSpot companies ${ids.slice(0, NAMED_MAX).join(', ')} all have this domain and name: merge them, or put the ERP id into the right one`,
  };
  return { write, candidates, words };
}

/** Ids that one reason names. */
const NAMED_MAX = 10;
const CROWDED = 'more HubSpot companies have this domain than a search can list';

type Values = Readonly<Record<string, string | null>>;

const domainOf = (properties: Values): string => (properties.domain ?? '').trim().toLowerCase();

/** Longer ones are no host names (RFC 1035, 2.3.4) and would not fit into a search. */
const DOMAIN_CHARS_MAX = 253;

/** Domain and name, as far as they tell companies apart; null when either is missing. Suffixes such as Inc. count. */
function identityOf(properties: Values): string | null {
  const domain = domainOf(properties);
  const name = (properties.name ?? '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{P}\s]+/gu, '');
  return domain === '' || domain.length > DOMAIN_CHARS_MAX || name === '' ? null : `${domain} ${name}`;
}
