import { describe, expect, test } from 'vitest';
import {
  contactPortal,
  contacts,
  keyed,
  openPortal,
  productPortal,
  products,
  READ,
  UPSERT,
} from './hubspot-over-http.ts';

describe('batch upsert', () => {
  test('creates by key, then finds the same records again', async () => {
    const portal = await productPortal();
    const rows = { P1: { name: 'Hammer', price: '12.50' }, P2: { name: 'Nail' } };
    const first = await portal.send('POST', UPSERT, products(rows));
    expect(first.status).toBe(200);
    expect(first.body.list('results').map((result) => result.at('new'))).toEqual([true, true]);
    const second = await portal.send('POST', UPSERT, products(rows));
    expect(second.body.list('results').map((result) => result.at('new'))).toEqual([false, false]);
    const ids = (answer: typeof first) =>
      answer.body
        .list('results')
        .map((result) => result.text('id'))
        .sort();
    expect(ids(second)).toEqual(ids(first));
    expect(ids(first)[0]).toMatch(/^\d+$/);
  });

  test('serves one store under every version and spelling of the type', async () => {
    const portal = await productPortal();
    const spellings = ['/crm/v3/objects/product', '/crm/objects/2026-03/products', '/crm/objects/2026-09/0-7'];
    for (const [index, path] of spellings.entries()) {
      const answer = await portal.send('POST', `${path}/batch/upsert`, products({ P1: { name: `n${index}` } }));
      expect([answer.status, answer.body.at('results', 0, 'new')]).toEqual([200, index === 0]);
    }
    expect(portal.store.count('products').live).toBe(1);
  });

  test('answers in an order of its own and echoes trace ids', async () => {
    const portal = await productPortal();
    const rows = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`P${index}`, { name: 'x' }]));
    const answer = await portal.send('POST', UPSERT, products(rows));
    const traces = answer.body.list('results').map((result) => result.text('objectWriteTraceId'));
    expect(traces).not.toEqual(Object.keys(rows).map((key) => `trace-${key}`));
    expect(new Set(traces).size).toBe(50);
  });

  test('refuses more than 100 inputs and writes none', async () => {
    const portal = await productPortal();
    const rows = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`P${index}`, { name: 'x' }]));
    const answer = await portal.send('POST', UPSERT, products(rows));
    expect([answer.status, answer.body.at('category')]).toEqual([400, 'VALIDATION_ERROR']);
    expect(portal.store.count('products').live).toBe(0);
  });

  test.each([
    ['companies', '0-2', 'domain'],
    ['deals', '0-3', 'dealname'],
    ['products', '0-7', 'hs_sku'],
    ['contacts', '0-1', 'hs_object_id'],
  ])('refuses to upsert %s by a property that is not unique', async (type, typeId, property) => {
    const portal = await openPortal({ portal: { id: 42 } });
    const answer = await portal.send('POST', `/crm/v3/objects/${type}/batch/upsert`, keyed(property, { x: {} }));
    expect(answer.status).toBe(400);
    expect(answer.body.at('message')).toBe(
      `Unable to perform update/upsert by non-unique ${typeId} property ${property} in portal ID 42`,
    );
  });

  test('refuses a repeated id for all rows, traced or not', async () => {
    const portal = await productPortal();
    const { inputs } = products({ P1: { name: 'a' }, P2: { name: 'b' } });
    const answer = await portal.send('POST', UPSERT, {
      inputs: [...inputs, ...products({ P1: { name: 'c' } }).inputs],
    });
    expect(answer.status).toBe(400);
    expect(answer.body.at('message')).toBe('Duplicate IDs found in batch input: [P1]. IDs must be unique');
    expect(answer.body.at('context', 'ids')).toEqual(['P1']);
    expect(portal.store.count('products').live).toBe(0);
  });

  test('one bad row refuses an untraced batch whole', async () => {
    const portal = await productPortal();
    const rows = { P1: { name: 'a' }, P2: { name: 'b', price: '1,5' } };
    const answer = await portal.send('POST', UPSERT, products(rows, false));
    expect(answer.status).toBe(400);
    expect(answer.body.text('message')).toMatch(/^Property values were not valid: \[\{/);
    expect(answer.body.at('errors', 0, 'context', 'propertyName')).toEqual(['price']);
    expect(portal.store.count('products').live).toBe(0);
  });

  test('one bad row of a traced batch is reported, the others are written', async () => {
    const portal = await productPortal();
    const rows = { P1: { name: 'a' }, P2: { name: 'b', nonsense: '1' } };
    const answer = await portal.send('POST', UPSERT, products(rows));
    expect([answer.status, answer.body.at('numErrors')]).toEqual([207, 1]);
    expect(answer.body.at('errors', 0, 'context', 'objectWriteTraceId')).toEqual(['trace-P2']);
    expect(answer.body.at('errors', 0, 'errors', 0, 'code')).toBe('PROPERTY_DOESNT_EXIST');
    expect(answer.body.list('results').map((result) => result.text('properties', 'erp_product_id'))).toEqual(['P1']);
  });

  test('2026-09 tells a mixed batch by 200 and errors', async () => {
    const portal = await productPortal();
    const rows = { P1: { name: 'a' }, P2: { name: 'b', price: 'x' } };
    const path = '/crm/objects/2026-09/products/batch/upsert';
    const answer = await portal.send('POST', path, products(rows));
    expect([answer.status, answer.body.at('numErrors')]).toEqual([200, 1]);
    await portal.send('PUT', '/_sandbox/switches', { statuses202609: 'like-v3' });
    expect((await portal.send('POST', path, products(rows))).status).toBe(207);
  });

  test('an e-mail of another contact is a conflict for the whole batch, additional e-mails too', async () => {
    const portal = await contactPortal({
      existing: { contacts: [{ email: 'ann@example.com', hs_additional_emails: 'second@example.com' }] },
    });
    const path = '/crm/v3/objects/contacts/batch/upsert';
    for (const email of ['Ann@Example.com ', 'second@example.com']) {
      const answer = await portal.send('POST', path, contacts({ C1: { email }, C2: { firstname: 'Bob' } }));
      expect([answer.status, answer.body.at('category')]).toEqual([409, 'CONFLICT']);
    }
    expect(portal.store.count('contacts').live).toBe(1);
    await portal.send('PUT', '/_sandbox/switches', { conflictAs207: true });
    const answer = await portal.send('POST', path, contacts({ C1: { email: 'ann@example.com' }, C2: {} }));
    expect([answer.status, answer.body.at('errors', 0, 'category')]).toEqual([207, 'CONFLICT']);
  });

  test('e-mails are stored in lower case and found in any', async () => {
    const portal = await contactPortal();
    const path = '/crm/v3/objects/contacts/batch/upsert';
    const answer = await portal.send('POST', path, contacts({ C1: { email: ' Ann@Example.COM ' } }));
    expect(answer.body.at('results', 0, 'properties', 'email')).toBe('ann@example.com');
    const again = await portal.send('POST', path, keyed('email', { 'ANN@example.com': {} }));
    expect(again.body.at('results', 0, 'new')).toBe(false);
  });

  test('custom keys are exact unless switched', async () => {
    const portal = await productPortal();
    await portal.send('POST', UPSERT, products({ P1: { name: 'a' }, p1: { name: 'b' } }));
    expect(portal.store.count('products').live).toBe(2);
    await portal.send('PUT', '/_sandbox/switches', { keysFoldCase: true });
    const answer = await portal.send('POST', UPSERT, products({ P2: { name: 'a' }, p2: { name: 'b' } }));
    expect(answer.status).toBe(400);
  });

  test('only named properties change, an empty string clears, null is refused', async () => {
    const portal = await productPortal();
    await portal.send('POST', UPSERT, products({ P1: { name: 'a', price: '5', description: 'old' } }));
    await portal.send('POST', UPSERT, products({ P1: { description: '' } }));
    const body = { idProperty: 'erp_product_id', inputs: [{ id: 'P1' }], properties: ['name', 'price', 'description'] };
    const read = await portal.send('POST', READ, body);
    expect(read.body.at('results', 0, 'properties')).toMatchObject({ name: 'a', price: '5', description: null });
    expect((await portal.send('POST', UPSERT, products({ P1: { name: null } }, false))).status).toBe(400);
  });

  test('an equal write still moves updatedAt, and the journal calls it idle', async () => {
    let now = 1_800_000_000_000;
    const portal = await productPortal({ now: () => now });
    const first = await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    now += 60_000;
    const second = await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    expect(second.body.at('results', 0, 'updatedAt')).not.toBe(first.body.at('results', 0, 'updatedAt'));
    expect(portal.store.journal.totals).toMatchObject({ created: 1, updated: 1, idle: 1 });
  });

  test.each([
    ['new', 200, true],
    ['revive', 200, false],
    ['conflict', 409, undefined],
  ])('the key of an archived record: %s', async (archivedKey, status, isNew) => {
    const portal = await productPortal();
    const made = await portal.send('POST', UPSERT, products({ P1: { name: 'a' } }));
    await portal.send('POST', '/crm/v3/objects/products/batch/archive', {
      inputs: [{ id: made.body.at('results', 0, 'id') }],
    });
    await portal.send('PUT', '/_sandbox/switches', { archivedKey });
    const answer = await portal.send('POST', UPSERT, products({ P1: { name: 'b' } }));
    expect([answer.status, answer.body.at('results', 0, 'new')]).toEqual([status, isNew]);
  });

  test('upserts by e-mail that leave properties out can be refused or blank them', async () => {
    const portal = await contactPortal();
    const path = '/crm/v3/objects/contacts/batch/upsert';
    await portal.send('POST', path, keyed('email', { 'a@example.com': { firstname: 'Ann', phone: '1' } }));
    await portal.send('PUT', '/_sandbox/switches', { emailKeyPartial: 'refuse' });
    expect((await portal.send('POST', path, keyed('email', { 'a@example.com': { phone: '2' } }, false))).status).toBe(
      400,
    );
    await portal.send('PUT', '/_sandbox/switches', { emailKeyPartial: 'blank' });
    await portal.send('POST', path, keyed('email', { 'a@example.com': { phone: '3' } }));
    expect(portal.store.findByKey('contacts', 'email', 'a@example.com')?.properties.firstname).toBeUndefined();
  });

  test('12,000 rows in 120 calls cost little', async () => {
    const portal = await productPortal();
    const cpu = process.cpuUsage();
    for (let call = 0; call < 120; call++) {
      const rows = Object.fromEntries(
        Array.from({ length: 100 }, (_, index) => [
          `P${call}-${index}`,
          { name: 'x', price: '1.00', description: 'y' },
        ]),
      );
      expect((await portal.send('POST', UPSERT, products(rows))).status).toBe(200);
    }
    const { user, system } = process.cpuUsage(cpu);
    expect(portal.store.count('products').live).toBe(12_000);
    expect((user + system) / 1e6).toBeLessThan(3);
  });
});
