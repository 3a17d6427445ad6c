import { describe, expect, test } from 'vitest';
import { type OpenPortal, openPortal } from './hubspot-over-http.ts';

describe('associations', () => {
  const PAIR = '/crm/v4/associations/contacts/companies/batch';
  const types = (...ids: number[]) =>
    ids.map((id) => ({ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: id }));

  async function peopleAndFirms(): Promise<{ portal: OpenPortal; person: string; firms: readonly [string, string] }> {
    const portal = await openPortal({
      existing: { contacts: [{ email: 'a@example.com' }], companies: [{ name: 'A' }, { name: 'B' }] },
    });
    const ids = (object: 'contacts' | 'companies') => portal.store.all(object).map((record) => record.id);
    const [person = ''] = ids('contacts');
    const [one = '', two = ''] = ids('companies');
    return { portal, person, firms: [one, two] };
  }

  const typeIds = async (portal: OpenPortal, person: string) => {
    const answer = await portal.send('POST', `${PAIR}/read`, { inputs: [{ id: person }] });
    const links = answer.body.list('results', 0, 'to').map((link) => [
      link.text('toObjectId'),
      link
        .list('associationTypes')
        .map((type) => type.at('typeId'))
        .sort(),
    ]);
    return Object.fromEntries(links);
  };

  test('default ones are idempotent and report unknown records by row', async () => {
    const { portal, person, firms } = await peopleAndFirms();
    const inputs = [
      { from: { id: person }, to: { id: firms[0] } },
      { from: { id: person }, to: { id: '5' } },
    ];
    for (let time = 0; time < 2; time++) {
      const answer = await portal.send('POST', `${PAIR}/associate/default`, { inputs });
      expect([answer.status, answer.body.at('numErrors')]).toEqual([200, 1]);
      expect(answer.body.at('results', 0, 'associationSpec', 'associationTypeId')).toBe(279);
    }
    expect(portal.store.journal.totals.associated).toBe(1);
  });

  test('a primary implies the plain type and demotes the last primary', async () => {
    const { portal, person, firms } = await peopleAndFirms();
    for (const firm of firms) {
      const inputs = [{ from: { id: person }, to: { id: firm }, types: types(1) }];
      expect((await portal.send('POST', `${PAIR}/create`, { inputs })).status).toBe(201);
    }
    expect(await typeIds(portal, person)).toEqual({ [firms[0]]: [279], [firms[1]]: [1, 279] });
    const back = await portal.send('GET', `/crm/v4/objects/companies/${firms[1]}/associations/contacts`);
    expect(back.body.list('results', 0, 'associationTypes').map((type) => type.at('typeId'))).toEqual([2, 280]);
  });

  test('a type of the wrong direction is refused, and so is a line item’s product', async () => {
    const { portal, person, firms } = await peopleAndFirms();
    const inputs = [{ from: { id: person }, to: { id: firms[0] }, types: types(2) }];
    expect((await portal.send('POST', `${PAIR}/create`, { inputs })).status).toBe(400);
    const path = '/crm/v4/associations/line_items/products/batch/associate/default';
    expect((await portal.send('POST', path, { inputs: [] })).status).toBe(400);
  });

  test('archiving removes a pair, archiving the plain label removes every label', async () => {
    const { portal, person, firms } = await peopleAndFirms();
    for (const firm of firms) {
      const inputs = [{ from: { id: person }, to: { id: firm }, types: types(1) }];
      await portal.send('POST', '/crm/associations/2026-03/0-1/0-2/batch/create', { inputs });
    }
    const pair = { from: { id: person }, to: [{ id: firms[0] }] };
    expect((await portal.send('POST', `${PAIR}/archive`, { inputs: [pair] })).status).toBe(204);
    const label = { from: { id: person }, to: { id: firms[1] }, types: types(279) };
    const dated = '/crm/associations/2026-09/contacts/companies/batch/labels/archive';
    expect((await portal.send('POST', dated, { inputs: [label] })).status).toBe(200);
    expect(await typeIds(portal, person)).toEqual({});
  });

  test('the single default route answers like the batch', async () => {
    const { portal, person, firms } = await peopleAndFirms();
    const path = `/crm/objects/2026-09/contacts/${person}/associations/default/companies/${firms[0]}`;
    expect((await portal.send('PUT', path)).status).toBe(200);
    expect(await typeIds(portal, person)).toEqual({ [firms[0]]: [279] });
  });

  test('a line item takes name and price from its product and its deal at creation', async () => {
    const portal = await openPortal({
      existing: { products: [{ name: 'Hammer', price: '9' }], deals: [{ dealname: 'd' }] },
    });
    const [product] = portal.store.all('products');
    const [deal] = portal.store.all('deals');
    const made = await portal.send('POST', '/crm/v3/objects/line_items', {
      properties: { hs_product_id: product?.id, quantity: '2' },
      associations: [{ to: { id: deal?.id }, types: types(20) }],
    });
    expect(made.status).toBe(201);
    const read = await portal.send('GET', `/crm/v3/objects/line_items/${made.body.text('id')}?properties=name,price`);
    expect(read.body.at('properties')).toMatchObject({ name: 'Hammer', price: '9' });
    const links = await portal.send('GET', `/crm/v4/objects/deals/${deal?.id}/associations/line_items`);
    expect(links.body.at('results', 0, 'associationTypes', 0, 'typeId')).toBe(19);
  });
});
