import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import type { Page, Since } from '../src/pipe.ts';
import { ERP_SANDBOX_TOKEN, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { loadProfile } from '../src/sources/erp/profile.ts';
import { restSource } from '../src/sources/erp/rest.ts';

const world = generateErp({ seed: 1, asOfMs: Date.UTC(2026, 10, 20), items: 700, accounts: 10, quotes: 10 });
const vendors: ErpSandbox[] = [];
afterEach(async () => {
  await Promise.all(vendors.splice(0).map((vendor) => vendor.close()));
});

async function readProducts(drift: Parameters<typeof startErp>[0]['drift'], since: Since): Promise<number> {
  const vendor = await startErp({ world, timeScale: 0, ...(drift ? { drift } : {}) });
  vendors.push(vendor);
  const source = restSource({
    profile: loadProfile('sandbox'),
    resource: 'products',
    baseUrl: vendor.stagingUrl,
    credentials: { token: ERP_SANDBOX_TOKEN },
    clock: systemClock,
    random: Math.random,
  });
  const signal = AbortSignal.timeout(10_000);
  let records = 0;
  for await (const slice of source.partitions(since, signal)) {
    for await (const page of source.pages(slice, since, signal) as AsyncIterable<Page>) records += page.records.length;
  }
  return records;
}

const EVERYTHING: Since = { kind: 'everything' };

describe('a field that the profile maps', () => {
  it('is no drift while the vendor sends it', async () => {
    expect(await readProducts({}, EVERYTHING)).toBe(700);
  });

  it('stops the pipe, with exit 4 and its name and path, when a full page of records lacks it', async () => {
    const renamed = readProducts({ renamedField: { resource: 'items', from: 'title', to: 'caption' } }, EVERYTHING);
    await expect(renamed).rejects.toMatchObject({
      name: 'FatalError',
      exit: 4,
      message: expect.stringContaining('name (at title)'),
    });
  });

  it('may be absent in a handful of records: they say nothing about the others', async () => {
    const lately: Since = { kind: 'modified', from: new Date(Date.UTC(2026, 10, 17)).toISOString() };
    const count = await readProducts({ renamedField: { resource: 'items', from: 'title', to: 'caption' } }, lately);
    expect(count).toBeLessThan(500);
  });
});
