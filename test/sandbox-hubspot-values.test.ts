import { describe, expect, test } from 'vitest';
import {
  addKey,
  contactPortal,
  contacts,
  keyed,
  openPortal,
  productPortal,
  products,
  READ,
  UPSERT,
} from './hubspot-over-http.ts';

describe('values', () => {
  const write = async (
    object: string,
    key: string,
    group: string,
    properties: Record<string, unknown>,
    version = 'v3',
  ) => {
    const portal = await openPortal({ owners: [{ id: '7', email: 'rep@example.com', firstName: 'R', lastName: 'P' }] });
    await addKey(portal, object, key, group);
    const extra = { name: 'erp_day', label: 'Day', type: 'date', fieldType: 'date', groupName: group };
    await portal.send('POST', `/crm/v3/properties/${object}`, extra);
    const path = version === 'v3' ? `/crm/v3/objects/${object}` : `/crm/objects/${version}/${object}`;
    return portal.send('POST', `${path}/batch/upsert`, keyed(key, { K: properties }, false));
  };
  const deal = { dealname: 'd', pipeline: 'default', dealstage: 'closedwon' };

  test.each([
    [{ amount: '1,234.5' }, 'INVALID_INTEGER'],
    [{ closedate: 'tomorrow' }, 'INVALID_DATE'],
    [{ erp_day: '1763763535865' }, 'INVALID_DATE'],
    [{ dealtype: 'other' }, 'INVALID_OPTION'],
    [{ hubspot_owner_id: '8' }, 'INVALID_OWNER_ID'],
    [{ pipeline: 'nowhere' }, 'INVALID_OPTION'],
    [{ dealstage: 'nowhere' }, 'INVALID_OPTION'],
    [{ hs_object_id: '1' }, 'READ_ONLY_VALUE'],
    [{ dealname: 'x'.repeat(65_537) }, 'PROPERTY_VALUE_TOO_LONG'],
    [{ deal_currency_code: 'USD' }, 'PROPERTY_DOESNT_EXIST'],
    [{ dealname: '' }, 'REQUIRED_FIELD'],
  ])('a deal with %j is refused', async (properties, code) => {
    const answer = await write('deals', 'quote_id', 'dealinformation', { ...deal, ...properties });
    expect([answer.status, answer.body.at('errors', 0, 'code')]).toEqual([400, code]);
  });

  test('good values are stored as HubSpot spells them', async () => {
    const properties = {
      ...deal,
      amount: 12.5,
      closedate: '1763676000000',
      erp_day: '1763683200000',
      hubspot_owner_id: '7',
    };
    const answer = await write('deals', 'quote_id', 'dealinformation', properties);
    expect(answer.body.at('results', 0, 'properties')).toMatchObject({
      amount: '12.5',
      closedate: '2025-11-20T22:00:00Z',
      erp_day: '2025-11-21',
      hubspot_owner_id: '7',
    });
  });

  test('2026-09 makes something of an odd date and says so', async () => {
    const properties = { ...deal, erp_day: '2026-11-21T15:00:00Z' };
    const answer = await write('deals', 'quote_id', 'dealinformation', properties, '2026-09');
    expect(answer.body.at('results', 0, 'warnings', 0, 'context')).toEqual({
      propertyName: ['erp_day'],
      rawValue: ['2026-11-21T15:00:00Z'],
      normalizedValue: ['2026-11-21'],
    });
  });

  test('the rules of the administrators hold from 2026-09 on only', async () => {
    const validationRules = [
      { object: 'products', kind: 'on-create', property: 'hs_sku' },
      { object: 'products', kind: 'conditional', when: { property: 'hs_status', value: 'active' }, property: 'price' },
    ] as const;
    const portal = await productPortal({ switches: { validationRules: [...validationRules] } });
    const rows = { P1: { name: 'a', hs_status: 'active' } };
    const answer = await portal.send('POST', '/crm/objects/2026-09/products/batch/upsert', products(rows, false));
    expect(answer.body.list('errors').map((error) => error.at('code'))).toEqual([
      'MISSING_REQUIRED_PROPERTY',
      'MISSING_CONDITIONAL_REQUIRED_PROPERTY',
    ]);
    expect((await portal.send('POST', UPSERT, products(rows, false))).status).toBe(200);
  });

  test('the marketing status is the portal’s to set', async () => {
    const portal = await contactPortal();
    const path = '/crm/v3/objects/contacts/batch/upsert';
    const refused = await portal.send('POST', path, contacts({ C1: { hs_marketable_status: 'false' } }, false));
    expect(refused.body.at('errors', 0, 'code')).toBe('READ_ONLY_VALUE');
    await portal.send('POST', path, contacts({ C1: {} }));
    await portal.send('PUT', '/_sandbox/switches', { marketableToggle: true });
    await portal.send('POST', path, contacts({ C2: {} }));
    const body = {
      idProperty: 'erp_contact_id',
      inputs: [{ id: 'C1' }, { id: 'C2' }],
      properties: ['erp_contact_id', 'hs_marketable_status'],
    };
    const read = await portal.send('POST', '/crm/v3/objects/contacts/batch/read', body);
    const states = read.body
      .list('results')
      .map((result) => [result.text('properties', 'erp_contact_id'), result.at('properties', 'hs_marketable_status')]);
    expect(Object.fromEntries(states)).toEqual({ C1: 'false', C2: 'true' });
  });
});

describe('rules left open', () => {
  test('equal writes can leave updatedAt alone', async () => {
    let now = 1_800_000_000_000;
    const portal = await productPortal({ now: () => now, switches: { touchOnEqualWrite: false } });
    const first = await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    now += 60_000;
    const second = await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    expect(second.body.at('results', 0, 'updatedAt')).toBe(first.body.at('results', 0, 'updatedAt'));
  });

  test('reads can lag behind writes', async () => {
    let now = 1_800_000_000_000;
    const portal = await productPortal({ now: () => now, switches: { readLagMs: 1000 } });
    await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    const read = () =>
      portal.send('POST', READ, { idProperty: 'erp_product_id', inputs: [{ id: 'P1' }], properties: [] });
    expect((await read()).status).toBe(207);
    now += 1000;
    expect((await read()).status).toBe(200);
  });

  test('bulk jobs can leave one time on many records', async () => {
    const portal = await productPortal({ switches: { stampGrainMs: 86_400_000 } });
    const answer = await portal.send('POST', UPSERT, products({ P1: { name: 'a' }, P2: { name: 'b' } }));
    const stamps = answer.body.list('results').map((result) => result.text('updatedAt'));
    expect(stamps[0]).toMatch(/T00:00:00Z$/);
    expect(stamps[1]).toBe(stamps[0]);
  });

  test('results can come without trace ids, and a creation without its key', async () => {
    const portal = await productPortal({ switches: { echoTraceId: false, createFillsKey: false } });
    const inputs = [{ id: 'P1', idProperty: 'erp_product_id', objectWriteTraceId: 't', properties: { name: 'a' } }];
    const answer = await portal.send('POST', UPSERT, { inputs });
    expect(answer.body.at('results', 0, 'objectWriteTraceId')).toBeUndefined();
    expect(portal.store.findByKey('products', 'erp_product_id', 'P1')).toBeUndefined();
  });

  test('null can clear or be ignored', async () => {
    const portal = await productPortal({ switches: { nullWrites: 'ignore' } });
    await portal.send('POST', UPSERT, products({ P1: { name: 'a', price: '1' } }));
    await portal.send('POST', UPSERT, products({ P1: { price: null } }));
    const price = () => portal.store.findByKey('products', 'erp_product_id', 'P1')?.properties.price;
    expect(price()).toBe('1');
    await portal.send('PUT', '/_sandbox/switches', { nullWrites: 'clear' });
    await portal.send('POST', UPSERT, products({ P1: { price: null } }));
    expect(price()).toBeUndefined();
  });

  test('products may need all that the guide lists', async () => {
    const portal = await productPortal({ switches: { requiredOnCreate: 'docs' } });
    const answer = await portal.send('POST', UPSERT, products({ P1: { name: 'a', price: '1' } }, false));
    expect(answer.body.list('errors').map((error) => error.at('context', 'propertyName', 0))).toEqual([
      'hs_sku',
      'hs_folder',
      'description',
    ]);
  });

  test('a merge can keep the primary’s id and the loser’s key', async () => {
    const portal = await productPortal({ switches: { mergeKeepsPrimaryId: true, mergeLosingKey: 'kept' } });
    const made = await portal.send('POST', UPSERT, products({ P1: { name: 'a' }, P2: { name: 'b' } }));
    const [one, two] = made.body.list('results').map((result) => result.text('id'));
    const body = { primaryObjectId: one, objectIdToMerge: two };
    expect((await portal.send('POST', '/crm/v3/objects/products/merge', body)).body.at('id')).toBe(one);
    const again = await portal.send('POST', UPSERT, products({ P1: {}, P2: {} }));
    expect(again.body.list('results').map((result) => result.at('id'))).toEqual([one, one]);
  });

  test('a lifecycle stage moves forward only, unless cleared first', async () => {
    const portal = await contactPortal();
    const path = '/crm/v3/objects/contacts/batch/upsert';
    const stage = () => portal.store.findByKey('contacts', 'erp_contact_id', 'C1')?.properties.lifecyclestage;
    for (const lifecyclestage of ['customer', 'lead'])
      await portal.send('POST', path, contacts({ C1: { lifecyclestage } }));
    expect(stage()).toBe('customer');
    for (const lifecyclestage of ['', 'lead']) await portal.send('POST', path, contacts({ C1: { lifecyclestage } }));
    expect(stage()).toBe('lead');
  });
});
