import { describe, expect, test } from 'vitest';
import { addKey, keyed, openPortal } from './hubspot-over-http.ts';

describe('access', () => {
  test('an unknown token is 401, a missing scope 403 with the scopes that would do', async () => {
    const portal = await openPortal({ tokens: { runtime: ['crm.objects.products.read'] } });
    expect((await portal.send('GET', '/crm/v3/objects/products', undefined, 'other')).status).toBe(401);
    const answer = await portal.send('POST', '/crm/v3/properties/products', {}, 'runtime');
    expect([answer.status, answer.body.at('category')]).toEqual([403, 'MISSING_SCOPES']);
    expect(answer.body.at('errors', 0, 'context', 'requiredGranularScopes')).toEqual(['e-commerce']);
    expect(answer.headers.get('content-type')).toBe('application/json;charset=utf-8');
  });

  test('a token tells its portal, the portal tells itself', async () => {
    const portal = await openPortal({
      portal: { id: 99, accountType: 'STANDARD' },
      now: () => Date.parse('2026-11-21T12:00:00Z'),
    });
    for (const version of ['v3', '2026-09']) {
      const details = await portal.send('GET', `/account-info/${version}/details`);
      expect(details.body.value).toMatchObject({ portalId: 99, accountType: 'STANDARD', utcOffset: '-06:00' });
    }
    const path = '/oauth/v2/private-apps/get/access-token-info';
    const info = await portal.send('POST', path, { tokenKey: 'pat-sandbox-hubspot' });
    expect(info.body.at('hubId')).toBe(99);
    expect((await portal.send('POST', path, { tokenKey: 'other' })).status).toBe(404);
  });

  test('any field of an error may be missing', async () => {
    const portal = await openPortal({ switches: { omitErrorFields: ['category', 'message', 'correlationId'] } });
    const answer = await portal.send('GET', '/crm/v3/objects/products/1');
    expect([answer.status, answer.body.value]).toEqual([404, { status: 'error' }]);
  });
});

describe('limits', () => {
  test('the burst budget of an app is counted over rolling ten seconds', async () => {
    let now = 1_800_000_000_000;
    const portal = await openPortal({ burstPer10s: 3, now: () => now });
    const read = () => portal.send('GET', '/crm/v3/objects/products');
    const first = await read();
    expect(first.headers.get('x-hubspot-ratelimit-max')).toBe('3');
    expect(first.headers.get('x-hubspot-ratelimit-remaining')).toBe('2');
    expect(first.headers.get('x-hubspot-ratelimit-interval-milliseconds')).toBe('10000');
    now += 9000;
    await read();
    await read();
    const refused = await read();
    expect(refused.status).toBe(429);
    expect(refused.body.value).toMatchObject({
      status: 'error',
      message: 'You have reached your ten_secondly_rolling limit.',
      errorType: 'RATE_LIMIT',
      policyName: 'TEN_SECONDLY_ROLLING',
    });
    expect(refused.headers.get('retry-after')).toBeNull();
    now += 1001;
    expect((await read()).status).toBe(200);
    expect((await read()).status).toBe(429);
  });

  test('search has a budget of its own and no limit headers', async () => {
    const portal = await openPortal({ burstPer10s: 1, now: () => 1_800_000_000_000 });
    const find = () => portal.send('POST', '/crm/v3/objects/deals/search', {});
    for (let call = 0; call < 5; call++) expect((await find()).status).toBe(200);
    const refused = await find();
    expect(refused.body.at('policyName')).toBe('SECONDLY');
    expect(refused.headers.has('x-hubspot-ratelimit-max')).toBe(false);
    expect((await portal.send('GET', '/crm/v3/objects/deals')).status).toBe(200);
  });

  test('association batches have theirs', async () => {
    const portal = await openPortal({ burstPer10s: 1, associationsPer10s: 2, now: () => 1_800_000_000_000 });
    const read = () => portal.send('POST', '/crm/v4/associations/contacts/companies/batch/read', { inputs: [] });
    expect([(await read()).status, (await read()).status, (await read()).status]).toEqual([200, 200, 429]);
    expect((await portal.send('GET', '/crm/v3/objects/deals')).status).toBe(200);
  });

  test('the daily budget ends at midnight of the portal', async () => {
    let now = Date.parse('2026-11-21T05:58:00Z');
    const portal = await openPortal({ dailyLimit: 1, now: () => now, switches: { retryAfterOn429: true } });
    const read = () => portal.send('GET', '/crm/v3/objects/deals');
    await read();
    const refused = await read();
    expect(refused.body.value).toMatchObject({ policyName: 'DAILY', message: 'You have reached your daily limit.' });
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    now = Date.parse('2026-11-21T06:01:00Z');
    expect((await read()).status).toBe(200);
  });

  test('many writes to one object type lock it for two seconds', async () => {
    let now = 1_800_000_000_000;
    const portal = await openPortal({ now: () => now, switches: { lock423AfterWrites: 2 } });
    await addKey(portal, 'products', 'erp_product_id', 'productinformation');
    const write = (...keys: string[]) => {
      const rows = Object.fromEntries(keys.map((key) => [key, { name: 'x' }]));
      return portal.send('POST', '/crm/v3/objects/products/batch/upsert', keyed('erp_product_id', rows));
    };
    expect((await write('P1', 'P2')).status).toBe(200);
    expect((await write('P3')).status).toBe(423);
    now += 1500;
    expect((await write('P3')).status).toBe(423);
    now += 600;
    expect((await write('P3')).status).toBe(200);
  });
});

describe('the sandbox itself', () => {
  test('starts with what people made, links included, and counts it apart', async () => {
    const portal = await openPortal({
      existing: { companies: [{ name: 'Acme' }], contacts: [{ email: 'a@example.com', associations: 'companies:0' }] },
    });
    const state = await portal.send('GET', '/_sandbox/state');
    expect(state.body.value).toMatchObject({
      objects: { companies: { live: 1, archived: 0 }, contacts: { live: 1 } },
      associations: 1,
      totals: { created: 0, byPeople: 2 },
    });
  });

  test('shows every record and every commit', async () => {
    const portal = await openPortal();
    await addKey(portal, 'products', 'erp_product_id', 'productinformation');
    await portal.send('POST', '/crm/v3/objects/products/batch/upsert', keyed('erp_product_id', { P1: { name: 'a' } }));
    const objects = await portal.send('GET', '/_sandbox/objects/products');
    expect(objects.body.at('results', 0, 'properties', 'erp_product_id')).toBe('P1');
    const lines = await (await fetch(`${portal.url}/_sandbox/objects/products?format=ndjson`)).text();
    expect(lines.trim().split('\n')).toHaveLength(1);
    const journal = await portal.send('GET', '/_sandbox/journal');
    expect(journal.body.at('entries', 0)).toMatchObject({
      object: 'products',
      action: 'created',
      keys: { erp_product_id: 'P1' },
    });
    expect(journal.body.at('entries', 0, 'request')).toBe(2);
  });

  test('lets a person edit anything, and takes new owners, limits and switches', async () => {
    const portal = await openPortal({ existing: { contacts: [{ email: 'a@example.com' }] } });
    const id = portal.store.all('contacts')[0]?.id;
    await portal.send('POST', '/_sandbox/edit', { type: 'contacts', id, properties: { hs_marketable_status: 'true' } });
    expect(portal.store.find('contacts', id ?? '')?.properties.hs_marketable_status).toBe('true');
    const owner = { id: '5', email: 'rep@example.com', firstName: 'R', lastName: 'P' };
    await portal.send('PUT', '/_sandbox/owners', [owner]);
    for (const path of ['/crm/v3/owners', '/crm/owners/2026-03']) {
      expect((await portal.send('GET', `${path}?email=REP@example.com`)).body.at('results', 0, 'id')).toBe('5');
    }
    expect((await portal.send('PUT', '/_sandbox/switches', { nonsense: true })).status).toBe(400);
    await portal.send('POST', '/_sandbox/limits', { burstPer10s: 1 });
    await portal.send('GET', '/crm/v3/owners/5');
    expect((await portal.send('GET', '/crm/v3/owners/5')).status).toBe(429);
  });

  test('an answer lost after the commit leaves the record written once', async () => {
    const portal = await openPortal();
    await addKey(portal, 'products', 'erp_product_id', 'productinformation');
    portal.setFaults([{ path: 'batch/upsert', nth: [1], fault: { kind: 'reset-after' } }]);
    const write = () =>
      portal.send('POST', '/crm/v3/objects/products/batch/upsert', keyed('erp_product_id', { P1: { name: 'a' } }));
    await expect(write()).rejects.toThrow();
    expect((await write()).body.at('results', 0, 'new')).toBe(false);
    expect(portal.store.journal.totals.created).toBe(1);
  });
});
