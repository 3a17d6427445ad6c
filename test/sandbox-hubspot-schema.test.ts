import { describe, expect, test } from 'vitest';
import { addKey, openPortal } from './hubspot-over-http.ts';

describe('properties', () => {
  const base = '/crm/v3/properties/products';
  const draft = {
    name: 'erp_status',
    label: 'Status',
    type: 'enumeration',
    fieldType: 'select',
    groupName: 'productinformation',
  };
  const option = (value: string) => ({ label: value, value, displayOrder: 0, hidden: false });

  test('are made, found, changed and archived', async () => {
    const portal = await openPortal();
    expect((await portal.send('POST', base, { ...draft, options: [option('active')] })).status).toBe(201);
    const again = await portal.send('POST', base, draft);
    expect([again.status, again.body.at('category'), again.body.at('subCategory')]).toEqual([
      409,
      'OBJECT_ALREADY_EXISTS',
      'Properties.PROPERTY_WITH_NAME_EXISTS',
    ]);
    expect((await portal.send('PATCH', `${base}/erp_status`, { label: 'State' })).body.list('options')).toHaveLength(1);
    const replaced = await portal.send('PATCH', `${base}/erp_status`, { options: [option('a'), option('b')] });
    expect(replaced.body.list('options').map((known) => known.at('value'))).toEqual(['a', 'b']);
    expect((await portal.send('DELETE', `${base}/erp_status`)).status).toBe(204);
    expect((await portal.send('GET', `${base}/erp_status`)).status).toBe(404);
    const archived = await portal.send('GET', `${base}?archived=true`);
    expect(archived.body.list('results').map((known) => known.at('name'))).toEqual(['erp_status']);
    const restored = await portal.send('POST', base, { ...draft, type: 'string', fieldType: 'text' });
    expect([restored.status, restored.body.at('type')]).toEqual([201, 'string']);
  });

  test('uniqueness is for creation only, and for ten properties', async () => {
    const portal = await openPortal();
    const text = { ...draft, type: 'string', fieldType: 'text' };
    await portal.send('POST', base, text);
    const patched = await portal.send('PATCH', `${base}/erp_status`, { hasUniqueValue: true });
    expect([patched.status, patched.body.at('hasUniqueValue')]).toEqual([200, false]);
    for (let index = 0; index < 10; index++) await addKey(portal, 'products', `key_${index}`, 'productinformation');
    expect((await portal.send('POST', base, { ...text, name: 'key_11', hasUniqueValue: true })).status).toBe(400);
  });

  test('a yes-or-no property needs both options', async () => {
    const portal = await openPortal();
    const flag = { ...draft, type: 'bool', fieldType: 'booleancheckbox', options: [option('true')] };
    expect((await portal.send('POST', base, flag)).body.at('errors', 0, 'code')).toBe('INVALID_BOOLEAN_OPTION');
    expect((await portal.send('POST', base, { ...flag, options: [option('true'), option('false')] })).status).toBe(201);
  });

  test('2026-09 wants an order for each option', async () => {
    const portal = await openPortal();
    const options = [{ label: 'a', value: 'a' }];
    expect((await portal.send('POST', '/crm/properties/2026-09/products', { ...draft, options })).status).toBe(400);
    expect((await portal.send('POST', '/crm/properties/2026-03/products', { ...draft, options })).status).toBe(201);
  });

  test('a batch makes what it can', async () => {
    const portal = await openPortal();
    const inputs = [
      { ...draft, name: 'a' },
      { ...draft, name: 'name' },
      { ...draft, name: 'b', groupName: 'nowhere' },
    ];
    const answer = await portal.send('POST', `${base}/batch/create`, { inputs });
    expect([answer.status, answer.body.list('results').length, answer.body.at('numErrors')]).toEqual([207, 1, 2]);
    const read = await portal.send('POST', `${base}/batch/read`, { inputs: [{ name: 'a' }], archived: false });
    expect(read.body.at('results', 0, 'name')).toBe('a');
  });

  test('sensitive ones are listed on request only', async () => {
    const portal = await openPortal();
    await portal.send('POST', base, { ...draft, dataSensitivity: 'sensitive' });
    const names = async (query: string) =>
      (await portal.send('GET', `${base}${query}`)).body.list('results').map((known) => known.at('name'));
    expect(await names('')).not.toContain('erp_status');
    expect(await names('?dataSensitivity=sensitive')).toEqual(['erp_status']);
  });

  test('a group in use cannot be archived', async () => {
    const portal = await openPortal();
    const group = { name: 'erp_sync', label: 'ERP' };
    expect((await portal.send('POST', `${base}/groups`, group)).status).toBe(201);
    expect((await portal.send('POST', `${base}/groups`, group)).status).toBe(409);
    await portal.send('POST', base, { ...draft, groupName: 'erp_sync' });
    expect((await portal.send('DELETE', `${base}/groups/erp_sync`)).status).toBe(400);
    await portal.send('DELETE', `${base}/erp_status`);
    expect((await portal.send('DELETE', `${base}/groups/erp_sync`)).status).toBe(204);
  });

  test('custom ones are counted against the limit', async () => {
    const portal = await openPortal({ switches: { customPropertiesMax: 1 } });
    await portal.send('POST', base, draft);
    expect((await portal.send('POST', base, { ...draft, name: 'other' })).status).toBe(400);
    for (const path of ['/crm/v3/limits/custom-properties', '/crm/limits/2026-09/custom-properties']) {
      const limits = await portal.send('GET', path);
      const rows = limits.body.list('byObjectType').map((row) => [row.text('objectTypeId'), row.at('usage')]);
      expect(Object.fromEntries(rows)).toMatchObject({ '0-7': 1, '0-1': 0 });
    }
  });
});

describe('pipelines', () => {
  const base = '/crm/v3/pipelines/deals';
  const stages = [
    { label: 'Sent', displayOrder: 0, metadata: { probability: 0.4 } },
    { label: 'Won', displayOrder: 1, metadata: { probability: '1.0', isClosed: true } },
  ];

  test('get their ids from the server and their metadata as strings', async () => {
    const portal = await openPortal();
    const made = await portal.send('POST', base, { label: 'ERP Quotes', displayOrder: 1, pipelineId: 'mine', stages });
    expect([made.status, made.body.at('id') === 'mine']).toEqual([201, false]);
    expect(made.body.at('stages', 1, 'metadata')).toEqual({ probability: '1.0', isClosed: 'true' });
    expect(made.body.text('stages', 0, 'id')).toMatch(/^\d+$/);
    expect((await portal.send('POST', base, { label: 'ERP Quotes', stages })).status).toBe(409);
    const listed = await portal.send('GET', '/crm/pipelines/2026-09/0-3');
    expect(listed.body.list('results').map((pipeline) => pipeline.at('label'))).toEqual([
      'Sales Pipeline',
      'ERP Quotes',
    ]);
  });

  test('a stage needs a probability in tenths', async () => {
    const portal = await openPortal();
    for (const probability of [undefined, 1.5, 0.25]) {
      const body = { label: 'x', stages: [{ label: 'a', metadata: { probability } }] };
      expect((await portal.send('POST', base, body)).status).toBe(400);
    }
    const stage = `${base}/default/stages/closedwon`;
    expect((await portal.send('PATCH', stage, { label: 'Done' })).status).toBe(400);
    const patched = await portal.send('PATCH', stage, { label: 'Done', metadata: { probability: '1.0' } });
    expect([patched.status, patched.body.at('label')]).toEqual([200, 'Done']);
  });

  test('2026-09 keeps what deals use', async () => {
    const portal = await openPortal();
    await portal.send('POST', '/crm/v3/objects/deals', {
      properties: { dealname: 'd', pipeline: 'default', dealstage: 'closedwon' },
    });
    expect((await portal.send('DELETE', '/crm/pipelines/2026-09/deals/default/stages/closedwon')).status).toBe(400);
    expect((await portal.send('DELETE', '/crm/pipelines/2026-09/deals/default/stages/contractsent')).status).toBe(204);
    expect((await portal.send('DELETE', `${base}/default`)).status).toBe(204);
  });

  test('are limited by the subscription', async () => {
    const portal = await openPortal({ switches: { pipelinesMax: 1 } });
    expect((await portal.send('POST', base, { label: 'x', stages })).status).toBe(400);
    const limits = await portal.send('GET', '/crm/limits/2026-09/pipelines');
    expect(limits.body.at('hubspotDefinedObjectTypes', 0)).toMatchObject({ objectTypeId: '0-3', limit: 1, usage: 1 });
  });
});
