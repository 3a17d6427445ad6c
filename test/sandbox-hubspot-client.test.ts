/** What version 14 of HubSpot's own client does with these answers: an upgrade that changes it must be noticed. */
import { Client } from '@hubspot/api-client';
import { RequestContext } from '@hubspot/api-client/lib/codegen/crm/products/http/http.js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { type OpenPortal, productPortal } from './hubspot-over-http.ts';

const TRACED = [
  { id: 'P1', idProperty: 'erp_product_id', objectWriteTraceId: 'a', properties: { name: 'Hammer' } },
  { id: 'P2', idProperty: 'erp_product_id', objectWriteTraceId: 'b', properties: { name: 'Nail', price: 'x' } },
];

const clientOf = (portal: OpenPortal, retries = 0): Client =>
  new Client({ accessToken: SANDBOX_TOKEN, basePath: portal.url, numberOfApiCallRetries: retries });

/** Sends legacy paths to 2026-09, which answers every batch with 200. */
const datedClient = (portal: OpenPortal): Client =>
  new Client({
    accessToken: SANDBOX_TOKEN,
    basePath: portal.url,
    middleware: [
      {
        pre: async (context) => {
          if (!(context instanceof RequestContext)) throw new Error('the client changed its middleware');
          context.setUrl(context.getUrl().replace('/crm/v3/objects/', '/crm/objects/2026-09/'));
          return context;
        },
        post: async (context) => context,
      },
    ],
  });

const upserts = (portal: OpenPortal): number => portal.log.filter((line) => line.path.endsWith('/batch/upsert')).length;

describe('@hubspot/api-client', () => {
  test('works with the sandbox: upsert, search and default associations', async () => {
    const portal = await productPortal();
    const client = clientOf(portal);
    const made = await client.crm.products.batchApi.upsert({ inputs: TRACED.slice(0, 1) });
    expect(made.results[0]).toMatchObject({ _new: true, objectWriteTraceId: 'a' });
    expect(made.results[0]).not.toHaveProperty('url');
    expect(made.results[0]?.createdAt).toBeInstanceOf(Date);
    const mixed = await client.crm.products.batchApi.upsert({ inputs: TRACED });
    expect(mixed).toMatchObject({ numErrors: 1, errors: [{ context: { objectWriteTraceId: ['b'] } }] });
    const linked = await client.crm.associations.v4.batchApi.createDefault('contacts', 'companies', {
      inputs: [{ _from: { id: '1' }, to: { id: '2' } }],
    });
    expect(linked).toMatchObject({ numErrors: 1 });
  });

  test('throws on a 2xx it did not expect, although the record is written', async () => {
    const portal = await productPortal();
    const creating = datedClient(portal).crm.products.batchApi.create({
      inputs: [{ properties: { name: 'Hammer' }, associations: [] }],
    });
    await expect(creating).rejects.toMatchObject({ code: 200 });
    expect(portal.store.count('products').live).toBe(1);
  });

  test('drops the row errors of a 200', async () => {
    const portal = await productPortal();
    const answer = await datedClient(portal).crm.products.batchApi.upsert({ inputs: TRACED });
    expect(answer.results).toHaveLength(1);
    expect(answer).not.toHaveProperty('errors');
    expect(answer).not.toHaveProperty('numErrors');
  });

  test('apiRequest neither throws on 500 nor tries again', async () => {
    const portal = await productPortal();
    const client = clientOf(portal, 3);
    portal.setFaults([{ fault: { kind: 'status', status: 500, json: { status: 'error' } } }]);
    const before = portal.log.length;
    const response = await client.apiRequest({ method: 'GET', path: '/crm/v3/objects/products' });
    expect([response.status, portal.log.length - before]).toEqual([500, 1]);
  });

  test('apiRequest has no use for an abort signal', async () => {
    const portal = await productPortal();
    portal.setFaults([{ fault: { kind: 'slow', ms: 200 } }]);
    const request = { method: 'GET' as const, path: '/crm/v3/objects/products', signal: AbortSignal.timeout(20) };
    const response = await clientOf(portal).apiRequest(request);
    expect(response.status).toBe(200);
  });

  test('counts attempts where its option says retries, and says so on the console', async () => {
    const portal = await productPortal();
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    onTestFinished(() => said.mockRestore());
    portal.setFaults([{ path: 'batch/upsert', fault: { kind: 'status', status: 500, json: { status: 'error' } } }]);
    const upserting = clientOf(portal, 2).crm.products.batchApi.upsert({ inputs: TRACED });
    await expect(upserting).rejects.toMatchObject({ code: 500 });
    expect(upserts(portal)).toBe(2);
    expect(said).toHaveBeenCalledOnce();
  });

  test('a second client takes the retries from the first', async () => {
    const portal = await productPortal();
    const first = clientOf(portal, 3);
    clientOf(portal, 0);
    portal.setFaults([{ path: 'batch/upsert', fault: { kind: 'status', status: 500, json: { status: 'error' } } }]);
    await expect(first.crm.products.batchApi.upsert({ inputs: TRACED })).rejects.toMatchObject({ code: 500 });
    expect(upserts(portal)).toBe(1);
  });

  test('never tries 423 again', async () => {
    const portal = await productPortal();
    portal.setFaults([{ path: 'batch/upsert', fault: { kind: 'status', status: 423, json: { status: 'error' } } }]);
    const upserting = clientOf(portal, 3).crm.products.batchApi.upsert({ inputs: TRACED });
    await expect(upserting).rejects.toMatchObject({ code: 423 });
    expect(upserts(portal)).toBe(1);
  });

  test('loses the status of an answer without a content type, and chokes on an empty one', async () => {
    const portal = await productPortal();
    const upsert = () => clientOf(portal).crm.products.batchApi.upsert({ inputs: TRACED });
    portal.setFaults([{ path: 'batch/upsert', fault: { kind: 'no-content-type' } }]);
    const thrown: unknown = await upsert().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).not.toHaveProperty('code');
    portal.setFaults([{ path: 'batch/upsert', fault: { kind: 'empty' } }]);
    await expect(upsert()).rejects.toBeInstanceOf(SyntaxError);
  });

  test('puts the whole body into the message of its exception', async () => {
    const portal = await productPortal();
    const inputs = [{ id: 'x', idProperty: 'hs_sku', properties: { name: 'Ann Example' } }];
    const upserting = clientOf(portal).crm.products.batchApi.upsert({ inputs });
    await expect(upserting).rejects.toThrow(/non-unique 0-7 property hs_sku/);
  });
});
