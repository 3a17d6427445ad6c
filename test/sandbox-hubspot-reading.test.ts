import { describe, expect, test } from 'vitest';
import { openPortal, productPortal, products, READ, UPSERT } from './hubspot-over-http.ts';

describe('reading', () => {
  test('batch read finds by key, tells the missing ones and shows empty properties as null', async () => {
    const portal = await productPortal();
    await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    const inputs = [{ id: 'P1' }, { id: 'P9' }];
    const body = { idProperty: 'erp_product_id', inputs, properties: ['price', 'nonsense'], propertiesWithHistory: [] };
    const answer = await portal.send('POST', READ, body);
    expect([answer.status, answer.body.at('errors', 0, 'context', 'ids')]).toEqual([207, ['P9']]);
    expect(answer.body.at('results', 0, 'properties', 'price')).toBeNull();
    expect(answer.body.at('results', 0, 'properties', 'nonsense')).toBeUndefined();
  });

  test('an archived record leaves reads and lists and shows with archived=true', async () => {
    const portal = await productPortal();
    const made = await portal.send('POST', UPSERT, products({ P1: { name: 'a' }, P2: { name: 'b' } }));
    const id = made.body.text('results', 0, 'id');
    const archive = '/crm/v3/objects/products/batch/archive';
    expect((await portal.send('POST', archive, { inputs: [{ id }, { id: '999' }] })).status).toBe(204);
    expect((await portal.send('GET', `/crm/v3/objects/products/${id}`)).status).toBe(404);
    expect((await portal.send('POST', READ, { inputs: [{ id }] })).status).toBe(207);
    const bin = await portal.send('POST', `${READ}?archived=true`, { inputs: [{ id }] });
    expect([bin.status, bin.body.at('results', 0, 'archived')]).toEqual([200, true]);
    expect((await portal.send('GET', '/crm/v3/objects/products')).body.list('results')).toHaveLength(1);
    expect((await portal.send('GET', '/crm/v3/objects/products?archived=true')).body.list('results')).toHaveLength(1);
  });

  test('lists page by id until nothing is left', async () => {
    const portal = await productPortal();
    const rows = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`P${index}`, { name: 'x' }]));
    await portal.send('POST', UPSERT, products(rows));
    const ids: string[] = [];
    let after: unknown = '0';
    for (let page = 0; page < 5 && after !== undefined; page++) {
      const answer = await portal.send('GET', `/crm/v3/objects/products?limit=10&after=${after}`);
      ids.push(...answer.body.list('results').map((result) => result.text('id')));
      after = answer.body.at('paging', 'next', 'after');
    }
    expect([ids.length, after]).toEqual([25, undefined]);
    expect((await portal.send('GET', '/crm/v3/objects/products?limit=101')).status).toBe(400);
  });

  test('search lags behind writes and never shows archived records', async () => {
    let now = 1_800_000_000_000;
    const portal = await productPortal({ now: () => now, searchPerSecond: 1000 });
    const made = await portal.send('POST', UPSERT, products({ P1: { name: 'Claw Hammer', price: '5' } }));
    const filters = [{ propertyName: 'name', operator: 'EQ', value: 'claw hammer' }];
    const find = () => portal.send('POST', '/crm/v3/objects/products/search', { filterGroups: [{ filters }] });
    expect((await find()).body.at('total')).toBe(0);
    now += 10_000;
    expect((await find()).body.at('results', 0, 'id')).toBe(made.body.at('results', 0, 'id'));
    await portal.send('DELETE', `/crm/v3/objects/products/${made.body.text('results', 0, 'id')}`);
    expect((await find()).body.at('total')).toBe(1);
    now += 10_000;
    expect((await find()).body.at('total')).toBe(0);
  });

  test('search compares numbers as numbers, pages by offset and ends at 10,000', async () => {
    const portal = await productPortal({ switches: { searchLagMs: 0 }, searchPerSecond: 1000 });
    const rows = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`P${index}`, { name: 'x', price: `${index}` }]),
    );
    await portal.send('POST', UPSERT, products(rows));
    const path = '/crm/v3/objects/products/search';
    const filterGroups = [{ filters: [{ propertyName: 'price', operator: 'GTE', value: '9' }] }];
    const sorts = [{ propertyName: 'price', direction: 'DESCENDING' }];
    const answer = await portal.send('POST', path, { filterGroups, sorts, limit: 2, properties: ['price'] });
    expect(answer.body.list('results').map((result) => result.at('properties', 'price'))).toEqual(['11', '10']);
    expect([answer.body.at('total'), answer.body.at('paging', 'next', 'after')]).toEqual([3, '2']);
    const bad = [
      { limit: 201 },
      { limit: 200, after: '9900' },
      { filterGroups: Array.from({ length: 6 }, () => ({ filters: [] })) },
      {
        filterGroups: [
          { filters: Array.from({ length: 7 }, () => ({ propertyName: 'name', operator: 'HAS_PROPERTY' })) },
        ],
      },
      { filterGroups, sorts: [...sorts, ...sorts] },
      { query: 'x'.repeat(3001) },
    ];
    for (const body of bad) expect((await portal.send('POST', path, body)).status).toBe(400);
  });

  test('a merge leaves one record under a new id, and the old ids are gone', async () => {
    const portal = await productPortal();
    const made = await portal.send('POST', UPSERT, products({ P1: { name: 'a' }, P2: { name: 'b', price: '3' } }));
    const [one, two] = made.body
      .list('results')
      .map((result) => result.text('id'))
      .sort();
    const body = { primaryObjectId: one, objectIdToMerge: two };
    const merged = await portal.send('POST', '/crm/v3/objects/products/merge', body);
    expect(merged.body.at('properties', 'hs_merged_object_ids')).toBe(`${one};${two}`);
    for (const id of [one, two]) {
      expect((await portal.send('GET', `/crm/v3/objects/products/${id}`)).status).toBe(404);
      expect((await portal.send('GET', `/crm/v3/objects/products/${id}?archived=true`)).status).toBe(404);
    }
    const again = await portal.send('POST', UPSERT, products({ P1: { name: 'a' }, P2: { name: 'b' } }));
    const fresh = again.body
      .list('results')
      .map((result) => [result.text('properties', 'erp_product_id'), result.at('new')]);
    expect(Object.fromEntries(fresh)).toEqual({ P1: false, P2: true });
  });

  test('single records can be made, changed and read', async () => {
    const portal = await openPortal();
    const made = await portal.send('POST', '/crm/v3/objects/companies', { properties: { name: 'Acme' } });
    expect(made.status).toBe(201);
    const path = `/crm/v3/objects/0-2/${made.body.text('id')}`;
    await portal.send('PATCH', path, { properties: { domain: 'acme.example' } });
    const read = await portal.send('GET', `${path}?properties=name,domain`);
    expect(read.body.at('properties')).toMatchObject({ name: 'Acme', domain: 'acme.example' });
  });
});
