/** Reading Square: which locations are read, and what is kept of people. */
import { describe, expect, test } from 'vitest';
import { EXIT, TransientError } from '../src/errors.ts';
import { emailSha256 } from '../src/sources/square/model.ts';
import {
  canonicalOf,
  EVERYTHING,
  fail,
  failureOf,
  pagesOf,
  partitionsOf,
  recordsOf,
  signal,
  sourceOf,
  start,
} from './square-harness.ts';

describe('people', () => {
  const people = Array.from({ length: 10 }, (_, index) => ({
    accountNo: `C-${index}`,
    name: `Builder ${index}`,
    emails: [`office${index}@builder.example`],
  }));

  test('nothing of a walk-in is kept but ids and the hash of an e-mail', async () => {
    const sandbox = await start({ people, orders: 300 });
    const kept = recordsOf(await pagesOf(sourceOf(sandbox)));
    expect(JSON.stringify(sandbox.orders(), (_, field) => (typeof field === 'bigint' ? 0 : field))).toMatch(/canary/i);
    expect(JSON.stringify(kept)).not.toMatch(/canary|walkin|555010/i);
  });

  test('a customer of the ERP is known by reference, or by e-mail in any case, also after a merge', async () => {
    const sandbox = await start({ people, orders: 400 });
    const source = sourceOf(sandbox);
    const orders = recordsOf(await pagesOf(source)).map((record) => canonicalOf(source, record));
    const references = new Set(orders.map((order) => order.customerReferenceId));
    const hashes = new Set(orders.map((order) => order.customerEmailSha256));
    const merged = orders.filter((order) => order.customerProfileId && order.customerProfileId !== order.customerId);
    expect(references).toContain('C-0');
    expect(hashes).toContain(emailSha256(' Office2@Builder.example'));
    expect(new Set(merged.map((order) => order.customerReferenceId))).toEqual(new Set(['C-7']));
  });

  test('a customer known from a tender only is found', async () => {
    const sandbox = await start({ people });
    const source = sourceOf(sandbox);
    const split = sandbox.orders().find((order) => order.tenders?.length === 2);
    const [record] = await source.get([String(split?.id)], signal);
    expect(split?.customer_id).toBeUndefined();
    expect(canonicalOf(source, record).customerReferenceId).toBe('C-0');
  });

  test('without the scope for customers orders still come, with one warning', async () => {
    const sandbox = await start({ tokens: { some: ['ORDERS_READ', 'MERCHANT_PROFILE_READ'] } });
    const warnings: string[] = [];
    const pages = await pagesOf(sourceOf(sandbox, { onWarning: (message) => warnings.push(message) }));
    expect(recordsOf(pages)).toHaveLength(sandbox.orders().length);
    expect(warnings).toEqual([expect.stringContaining('CUSTOMERS_READ')]);
  });
});

describe('locations', () => {
  test('they come in groups of ten, with keys that do not change', async () => {
    const sandbox = await start({ locations: 12 });
    const groups = await partitionsOf(sourceOf(sandbox));
    expect(groups.map((group) => group.filter.locations?.split(',').length)).toEqual([10, 2]);
    expect(await partitionsOf(sourceOf(sandbox))).toEqual(groups);
  });

  test('one that is forbidden fails alone and by name, and the others are read', async () => {
    const sandbox = await start({ forbiddenLocations: [3] });
    const source = sourceOf(sandbox);
    const names = await source.locationNames(signal);
    const outcomes: (string | number)[] = [];
    for (const partition of await partitionsOf(source)) {
      const work = Array.fromAsync(source.pages(partition, EVERYTHING, signal)).then(
        (pages) => recordsOf(pages).length,
      );
      outcomes.push(await work.catch((error: unknown) => (error instanceof TransientError ? error.message : 'other')));
    }
    const forbidden = Object.keys(names)[3] ?? '';
    const readable = sandbox.orders().filter((order) => order.location_id !== forbidden);
    expect(outcomes.filter((outcome) => typeof outcome === 'number').reduce((sum, count) => sum + count, 0)).toBe(
      readable.length,
    );
    expect(outcomes.filter((outcome) => typeof outcome === 'string')).toEqual([
      expect.stringContaining(`${forbidden} (${names[forbidden]})`),
    ]);
  });

  test('one configured that does not exist is a fault of the configuration', async () => {
    const sandbox = await start();
    const failure = await failureOf(partitionsOf(sourceOf(sandbox, { locationIds: ['LNOWHERE'] })));
    expect(failure).toMatchObject({ exit: EXIT.usage, message: expect.stringContaining('LNOWHERE') });
  });

  test('a token without the scope for orders is refused as such, not location by location', async () => {
    const sandbox = await start({ tokens: { some: ['MERCHANT_PROFILE_READ'] } });
    const failure = await failureOf(partitionsOf(sourceOf(sandbox)));
    expect(failure).toMatchObject({ exit: EXIT.access, message: expect.stringContaining('ORDERS_READ') });
  });

  test('a group can be halved down to single locations', async () => {
    const source = sourceOf(await start({ locations: 3 }));
    const [group] = await partitionsOf(source);
    const halves = source.split(group ?? fail());
    expect(halves.map((half) => half.filter.locations?.split(',').length)).toEqual([2, 1]);
    expect(source.split(halves[1] ?? fail())).toEqual([]);
  });
});
