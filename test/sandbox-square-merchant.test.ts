/** The emulated Square: the year of its merchant, the life of an order, the smaller endpoints. */
import { describe, expect, test } from 'vitest';
import { AS_OF_MS, call, change, DAY_MS, mainOf, type Order, search, start, YEAR } from './sandbox-square-harness.ts';

describe('the merchant', () => {
  test('the same seed gives the same year, another seed another one', async () => {
    const [one, two, other] = [await start(), await start(), await start({ seed: 8 })];
    expect(two.orders()).toEqual(one.orders());
    expect(other.orders()).not.toEqual(one.orders());
  });

  test('about 900 sales of the last twelve months come with their returns', async () => {
    const sandbox = await start({ orders: 900 });
    const sales = sandbox.orders().filter((order) => !order.returns);
    expect(sales.length).toBeGreaterThan(880);
    expect(sales.length).toBeLessThan(930);
    expect(sandbox.orders().length - sales.length).toBeGreaterThan(40);
    expect(sandbox.orders().every((order) => Date.parse(order.created_at) > AS_OF_MS - 366 * DAY_MS)).toBe(true);
    expect(sandbox.orders().every((order) => Date.parse(order.updated_at) <= AS_OF_MS)).toBe(true);
  });

  test('every kind of order that breaks naive readers is there', async () => {
    const orders = (await start()).orders();
    const kinds: Record<string, (order: Order) => boolean> = {
      draft: (order) => order.state === 'DRAFT',
      canceled: (order) =>
        order.state === 'CANCELED' && order.net_amount_due_money?.amount === order.total_money?.amount,
      'open and paid': (order) => order.state === 'OPEN' && order.net_amount_due_money?.amount === 0 && !!order.tenders,
      'open and unpaid': (order) => order.state === 'OPEN' && !order.tenders && !!order.line_items,
      'empty and open': (order) => order.state === 'OPEN' && !order.line_items,
      free: (order) => order.state === 'COMPLETED' && order.total_money?.amount === 0 && !order.tenders,
      exchange: (order) => !!order.returns && !!order.line_items,
      'unlinked return': (order) => !!order.returns && !order.returns[0]?.source_order_id,
      'return of two sales': (order) => order.returns?.length === 2,
      'failed refund': (order) => order.refunds?.[0]?.status === 'FAILED',
      'pending refund': (order) => order.refunds?.[0]?.status === 'PENDING',
      huge: (order) => order.total_money?.amount === 9_007_199_254_740_993n,
      'without version': (order) => order.version === undefined,
      'unknown fulfilment': (order) => JSON.stringify(order.fulfillments ?? '').includes('DIGITAL'),
      'unknown field': (order) => order.creation_source !== undefined,
      'late upload': (order) => Date.parse(order.closed_at ?? '') - Date.parse(order.created_at) === 3 * DAY_MS,
      yen: (order) => order.total_money?.currency === 'JPY',
    };
    const absent = Object.entries(kinds).filter(([, is]) => !orders.some(is));
    expect(absent.map(([kind]) => kind)).toEqual([]);
  });

  test('an amount beyond 2^53 is a bare integer on the wire', async () => {
    const sandbox = await start();
    expect((await search(sandbox, { ...YEAR, limit: 1000 })).text).toContain('"amount":9007199254740993,');
  });

  test('a refund is a new order without a total; the sale keeps its totals and only its stamp and version move', async () => {
    let nowMs = AS_OF_MS;
    const sandbox = await start({ now: () => nowMs });
    const before = new Map(sandbox.orders().map((order) => [order.id, structuredClone(order)]));
    nowMs += 60_000;
    const changed = await change(sandbox, { refunds: 1 });
    const [saleId, returnId] = [String(changed.refunded?.[0]), String(changed.returns?.[0])];
    const sale = (await call(sandbox, `/v2/orders/${saleId}`)).json.order;
    const returned = (await call(sandbox, `/v2/orders/${returnId}`)).json.order;
    const payment = (await call(sandbox, `/v2/payments/${sale?.tenders?.[0]?.id}`)).json.payment;
    expect(sale?.total_money).toEqual(before.get(saleId)?.total_money);
    expect(sale?.closed_at).toBe(before.get(saleId)?.closed_at);
    expect(Date.parse(String(sale?.updated_at))).toBeGreaterThan(AS_OF_MS);
    expect(returned).toMatchObject({ state: 'COMPLETED', source: {}, returns: [{ source_order_id: saleId }] });
    expect(returned).not.toHaveProperty('total_money');
    expect(returned).not.toHaveProperty('tenders');
    expect(payment?.refunded_money?.amount).toBe(returned?.return_amounts?.total_money?.amount);
  });

  test('a new order is found by id first, later by search, and shows its lines last; then its stamp settles', async () => {
    let nowMs = AS_OF_MS + 137;
    const sandbox = await start({ now: () => nowMs, switches: { searchLagMs: 2_000, linesLagMs: 5_000 } });
    const changed = await change(sandbox, { newOrders: 1 });
    const id = String(changed.created?.[0]);
    const shop = sandbox.orders().find((order) => order.id === id)?.location_id;
    const found = async () => (await search(sandbox, { location_ids: [shop], limit: 1 })).json.orders?.[0]?.id === id;
    const first = (await call(sandbox, `/v2/orders/${id}`)).json.order;
    expect(first?.line_items).toBeUndefined();
    expect(await found()).toBe(false);
    nowMs += 5_000;
    const settled = (await call(sandbox, `/v2/orders/${id}`)).json.order;
    expect(await found()).toBe(true);
    expect(settled?.line_items).toBeDefined();
    expect(settled?.updated_at).toMatch(/\.000Z$/);
    expect(settled?.closed_at).toBe(first?.closed_at);
    expect(Number(settled?.version)).toBeGreaterThan(Number(first?.version));
  });

  test('news can be asked for: completed, cancelled, uploaded late', async () => {
    const sandbox = await start();
    const changed = await change(sandbox, { complete: 2, cancel: 1, lateUploads: 1 });
    const stateOf = (id: unknown) => sandbox.orders().find((order) => order.id === id);
    expect(changed.completed?.map((id) => stateOf(id)?.state)).toEqual(['COMPLETED', 'COMPLETED']);
    expect(changed.canceled?.map((id) => stateOf(id)?.state)).toEqual(['CANCELED']);
    expect(Date.parse(String(stateOf(changed.uploaded?.[0])?.updated_at))).toBeLessThan(AS_OF_MS - 2.9 * DAY_MS);
  });
});

describe('the other endpoints', () => {
  const people = Array.from({ length: 10 }, (_, index) => ({
    accountNo: `C-${index}`,
    name: `Builder ${index}`,
    emails: [`office${index}@builder.example`],
  }));

  test('orders by id: unknown ones are left out, 101 are too many', async () => {
    const sandbox = await start();
    const id = sandbox.orders()[0]?.id;
    const some = await call(sandbox, '/v2/orders/batch-retrieve', { order_ids: [id, 'NOBODY'] });
    const many = await call(sandbox, '/v2/orders/batch-retrieve', { order_ids: Array.from({ length: 101 }, () => id) });
    expect(some.json.orders?.map((order) => order.id)).toEqual([id]);
    expect(many.status).toBe(400);
  });

  test('customers in bulk: by the asked id, a merged one with its new id, a missing one with its own error', async () => {
    const sandbox = await start({ people, orders: 400 });
    const asked = [...new Set(sandbox.orders().flatMap((order) => order.customer_id ?? []))].slice(0, 99);
    const answer = await call(sandbox, '/v2/customers/bulk-retrieve', { customer_ids: [...asked, 'NOBODY'] });
    const responses = answer.json.responses ?? {};
    expect(answer.status).toBe(200);
    expect(responses.NOBODY?.errors?.[0]?.code).toBe('NOT_FOUND');
    expect(asked.filter((id) => responses[id]?.customer?.id !== id)).toHaveLength(1);
    expect(asked.map((id) => responses[id]?.customer?.reference_id).filter((id) => id?.startsWith('C-'))).not.toEqual(
      [],
    );
  });

  test('payments show the main location unless asked, and at most 100 a page', async () => {
    const sandbox = await start({ orders: 900 });
    const payments = (await call(sandbox, '/v2/payments?limit=500')).json.payments ?? [];
    expect(payments.length).toBeLessThanOrEqual(100);
    expect(new Set(payments.map((payment) => payment.location_id))).toEqual(new Set([mainOf(sandbox)]));
  });

  test('the token tells its scopes', async () => {
    const sandbox = await start();
    expect((await call(sandbox, '/oauth2/token/status', {})).json.scopes).toContain('ORDERS_READ');
  });
});
