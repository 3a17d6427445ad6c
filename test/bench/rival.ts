/**
 * The scripts an engineer would write with @hubspot/api-client, on the same work: read the ERP's items page by page, keep
 * what is sold, map it with the shop's own mapper, send it. No state, no proof, no dead letters. The client's own retries
 * are on, as its README advises.
 *
 *     node test/bench/rival.ts one-by-one | in-sequence | at-once
 */
import { Client } from '@hubspot/api-client';
import { FilterOperatorEnum } from '@hubspot/api-client/lib/codegen/crm/products/models/Filter.js';
import products from '../../jobs/products.ts';
import { systemClock } from '../../src/clock.ts';
import { loadProfile } from '../../src/sources/erp/profile.ts';
import { restSource } from '../../src/sources/erp/rest.ts';

interface Sent {
  readonly id: string;
  readonly properties: Record<string, string>;
}

const { HUBSPOT_BASE_URL = '', HUBSPOT_TOKEN = '', ERP_STAGING_URL = '', ERP_TOKEN = '' } = process.env;
const KEY = 'erp_product_id';
const BATCH = 100;
const client = new Client({ accessToken: HUBSPOT_TOKEN, basePath: HUBSPOT_BASE_URL, numberOfApiCallRetries: 6 });

async function* items(): AsyncGenerator<Sent[]> {
  const { mapping } = products;
  const source = restSource({
    ...{ profile: loadProfile('sandbox'), resource: 'products', baseUrl: ERP_STAGING_URL },
    ...{ credentials: { token: ERP_TOKEN }, clock: systemClock, random: Math.random },
  });
  const facts = { environment: 'sandbox', zone: 'America/Chicago', currencies: ['USD'], names: {} } as const;
  const { signal } = new AbortController();
  for await (const slice of source.partitions({ kind: 'everything' }, signal))
    for await (const page of source.pages(slice, { kind: 'everything' }, signal)) {
      yield page.records.flatMap(({ id, raw }) => {
        const parsed = mapping.schema.safeParse(source.canonical(raw));
        if (!parsed.success) return [];
        const mapped = mapping.map([parsed.data], [{}], facts, id);
        if (mapped.kind !== 'upserts') return [];
        return mapped.upserts.map(({ key, properties }) => ({ id: key, properties: { ...properties, [KEY]: key } }));
      });
    }
}

async function oneByOne(): Promise<void> {
  const { basicApi, searchApi } = client.crm.products;
  for await (const page of items())
    for (const { id, properties } of page) {
      const { results } = await searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: KEY, operator: FilterOperatorEnum.Eq, value: id }] }],
        ...{ properties: [KEY], limit: 1, after: '0', sorts: [] },
      });
      const found = results[0];
      if (found) await basicApi.update(found.id, { properties });
      else await basicApi.create({ properties, associations: [] });
    }
}

const upsert = (inputs: Sent[]): Promise<unknown> =>
  client.crm.products.batchApi.upsert({ inputs: inputs.map((input) => ({ ...input, idProperty: KEY })) });

async function batches(): Promise<Sent[][]> {
  const all: Sent[] = [];
  for await (const page of items()) all.push(...page);
  return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, at) => all.slice(at * BATCH, (at + 1) * BATCH));
}

async function inSequence(): Promise<void> {
  for (const batch of await batches()) await upsert(batch);
}

async function atOnce(): Promise<void> {
  await Promise.all((await batches()).map(upsert));
}

const scripts: Readonly<Record<string, () => Promise<void>>> = {
  'one-by-one': oneByOne,
  'in-sequence': inSequence,
  'at-once': atOnce,
};
const script = scripts[process.argv[2] ?? ''];
if (!script) throw new Error(`say which: ${Object.keys(scripts).join(', ')}`);
await script();
