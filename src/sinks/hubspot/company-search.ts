/**
 * Search for companies by domain, many domains per query. Limits: 200 results per page, 10,000 per query, 3,000
 * characters of body (developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm).
 */
import { z } from 'zod';
import { ask } from './ask.ts';
import type { Call, Transport } from './transport.ts';

const BODY_CHARS_MAX = 3_000;
/** Of one query; keeps what a single crowded domain can spoil small. */
const DOMAINS_MAX = 100;
const PAGE_SIZE = 200;
const PAGES_MAX = 50;

const searchReply = z.object({
  results: z.array(
    z.object({
      id: z.coerce.string().min(1),
      properties: z.record(z.string(), z.string().nullish().catch(null)).nullish().catch(null),
    }),
  ),
  paging: z
    .object({ next: z.object({ after: z.coerce.string() }).nullish() })
    .nullish()
    .catch(null),
});

interface Hit {
  readonly hubspotId: string;
  readonly properties: Readonly<Record<string, string | null>>;
}

export interface Hits {
  readonly found: readonly Hit[];
  /** Domains of which not all companies could be listed. */
  readonly crowded: ReadonlySet<string>;
}

/** Domains in lower case, distinct. Throws TransientError when an answer did not come. */
export async function searchCompanies(
  transport: Transport,
  domains: readonly string[],
  properties: readonly string[],
  signal: AbortSignal,
): Promise<Hits> {
  const found: Hit[] = [];
  const crowded = new Set<string>();
  const queries = chunks(domains, properties);
  // Ends: a query that is cut in two comes back as shorter ones, down to a single domain.
  for (let query = queries.shift(); query; query = queries.shift()) {
    const hits = await listAll(transport, query, properties, signal);
    if (hits) found.push(...hits);
    else if (query.length === 1) crowded.add(query[0] ?? '');
    else queries.push(query.slice(0, Math.ceil(query.length / 2)), query.slice(Math.ceil(query.length / 2)));
  }
  return { found, crowded };
}

/** Every page of one query; null when there are more than may be listed. */
async function listAll(
  transport: Transport,
  domains: readonly string[],
  properties: readonly string[],
  signal: AbortSignal,
): Promise<readonly Hit[] | null> {
  const hits: Hit[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const call: Call = {
      method: 'POST',
      path: transport.paths.search('companies'),
      body: bodyOf(domains, properties, after),
      budget: 'search',
      operation: 'companies search',
      kind: 'read',
    };
    const reply = await ask(transport, call, searchReply, signal);
    hits.push(...reply.results.map(({ id, properties: values }) => ({ hubspotId: id, properties: filled(values) })));
    const next = reply.paging?.next?.after;
    if (next === undefined || next === after) return hits;
    after = next;
  }
  return null;
}

const filled = (values: Readonly<Record<string, string | null | undefined>> | null | undefined) =>
  Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, value ?? null]));

/** `IN` wants lower case; the order keeps pages from overlapping. */
const bodyOf = (domains: readonly string[], properties: readonly string[], after?: string) => ({
  filterGroups: [{ filters: [{ propertyName: 'domain', operator: 'IN', values: domains }] }],
  properties,
  sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
  limit: PAGE_SIZE,
  ...(after === undefined ? {} : { after }),
});

/** As many domains as fit into one query, with room for the place of the next page. */
function chunks(domains: readonly string[], properties: readonly string[]): string[][] {
  const list: string[][] = [];
  let room = 0;
  for (const domain of domains) {
    const last = list.at(-1);
    const chars = JSON.stringify(domain).length + 1;
    if (last && chars <= room && last.length < DOMAINS_MAX) {
      last.push(domain);
      room -= chars;
    } else {
      list.push([domain]);
      room = BODY_CHARS_MAX - JSON.stringify(bodyOf([domain], properties, '0000000000')).length;
    }
  }
  return list;
}
