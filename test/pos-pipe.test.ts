/** The pos-orders pipe from end to end over HTTP: sales net of their returns, and nothing of walk-ins. */
import { describe, expect, test } from 'vitest';
import { authorize, cancel, capture, complete } from '../src/sandbox/square/life.ts';
import { money } from '../src/sandbox/square/model.ts';
import { exchange, failRefund, refund, refundSeveral, unlinkedReturn } from '../src/sandbox/square/refunds.ts';
import { account, type Bench, DAY_MS, openBench, person } from './pipe-harness.ts';

const daysAgo = (days: number): number => Date.now() - days * DAY_MS;
const LINES = [{ name: 'Sample board', quantity: '1', price: 10_000 }];

/** What of a deal tells the money and the stage. */
async function moneyOf(bench: Bench, id: string): Promise<readonly (string | undefined)[]> {
  const deal = bench.ticket(id);
  return [deal.amount, deal.square_refunded_amount, await bench.stageOf(deal)];
}

const RECIPIENT = { display_name: 'Canary Recipient', email_address: 'canary.recipient@walkin.example' };

describe('the money of a sale', () => {
  test('is its total, less what was given back, in the stage that says so', async () => {
    const bench = await openBench();
    const { till } = bench;
    const plain = till.sell();
    const part = till.sell();
    const twice = till.sell();
    const whole = till.sell();
    refund(till.world, part, 2_500, daysAgo(3), { itemised: true });
    refund(till.world, twice, 1_000, daysAgo(3));
    refund(till.world, twice, 2_005, daysAgo(2));
    refund(till.world, whole, 10_000, daysAgo(2));
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', upserts: { created: 4 }, counts: { read: 8 } });
    expect(await moneyOf(bench, plain.id)).toEqual(['100', '0', 'Completed']);
    expect(await moneyOf(bench, part.id)).toEqual(['75', '25', 'Partly refunded']);
    expect(await moneyOf(bench, twice.id)).toEqual(['69.95', '30.05', 'Partly refunded']);
    expect(await moneyOf(bench, whole.id)).toEqual(['0', '100', 'Refunded']);
    expect(await bench.run('pos-orders', { full: true })).toMatchObject({ upserts: { created: 0, updated: 0 } });
  });

  test('follows a return that comes days later', async () => {
    const bench = await openBench();
    const sale = bench.till.sell();
    await bench.run('pos-orders');
    expect(await moneyOf(bench, sale.id)).toEqual(['100', '0', 'Completed']);
    refund(bench.till.world, sale, 4_000, Date.now());
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', upserts: { updated: 1, created: 0 } });
    expect(await moneyOf(bench, sale.id)).toEqual(['60', '40', 'Partly refunded']);
  });

  test('a return whose sale was never read has the sale fetched by its id', async () => {
    const bench = await openBench();
    const { till } = bench;
    // Older than the twelve months that the first run reads.
    const sale = till.sell({ createdMs: daysAgo(500) });
    refund(till.world, sale, 4_000, daysAgo(3));
    till.sell();
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', upserts: { created: 2 } });
    expect(await moneyOf(bench, sale.id)).toEqual(['60', '40', 'Partly refunded']);
    expect(bench.square.log.filter(({ path }) => path.endsWith('batch-retrieve'))).toHaveLength(1);
    expect(await bench.run('pos-orders', { full: true })).toMatchObject({ upserts: { created: 0, updated: 0 } });
  });

  test('a return whose sale Square does not give is a dead letter', async () => {
    const bench = await openBench();
    const { till } = bench;
    const sale = till.sell({ createdMs: daysAgo(500) });
    const back = refund(till.world, sale, 4_000, daysAgo(3));
    till.world.orders.delete(sale.id);
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'partial', exit: 3, counts: { deadLettered: 1 } });
    expect(bench.letters()).toMatchObject([{ subject: `record ${back.id}`, stage: 'map' }]);
  });

  test('refunds that the bank refused do not count; pending ones do', async () => {
    const bench = await openBench();
    const { till } = bench;
    const [failed, rejected, pending] = [till.sell(), till.sell(), till.sell()];
    failRefund(till.world, refund(till.world, failed, 4_000, daysAgo(3), { status: 'PENDING' }), daysAgo(2));
    refund(till.world, rejected, 700, daysAgo(3), { status: 'REJECTED' });
    refund(till.world, pending, 500, daysAgo(3), { status: 'PENDING' });
    await bench.run('pos-orders');
    expect(await moneyOf(bench, failed.id)).toEqual(['100', '0', 'Completed']);
    expect(await moneyOf(bench, rejected.id)).toEqual(['100', '0', 'Completed']);
    expect(await moneyOf(bench, pending.id)).toEqual(['95', '5', 'Partly refunded']);
  });

  test('a refund that fails after it was counted gives the money back to the deal', async () => {
    const bench = await openBench();
    const { till } = bench;
    const sale = till.sell();
    const back = refund(till.world, sale, 4_000, daysAgo(3), { status: 'PENDING' });
    await bench.run('pos-orders');
    expect(await moneyOf(bench, sale.id)).toEqual(['60', '40', 'Partly refunded']);
    failRefund(till.world, back, Date.now());
    await bench.run('pos-orders');
    expect(await moneyOf(bench, sale.id)).toEqual(['100', '0', 'Completed']);
  });

  test('an exchange is a sale of its own and a return of the earlier one', async () => {
    const bench = await openBench();
    const { till } = bench;
    const sale = till.sell();
    const atMs = daysAgo(2);
    const draft = { location: till.main, createdMs: atMs, lines: [{ name: 'Oak', quantity: '1', price: 7_000 }] };
    const swap = till.world.add(exchange(till.world, sale, draft, 2_500));
    authorize(till.world, swap, [{ type: 'CARD', amount: 4_500 }], atMs);
    capture(till.world, swap, atMs);
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', upserts: { created: 2 } });
    expect(await moneyOf(bench, sale.id)).toEqual(['75', '25', 'Partly refunded']);
    expect(await moneyOf(bench, swap.id)).toEqual(['70', '0', 'Completed']);
  });

  test('one return of several sales counts against each of them', async () => {
    const bench = await openBench();
    const sales = [bench.till.sell(), bench.till.sell({ lines: [{ name: 'Oak', quantity: '1', price: 5_000 }] })];
    refundSeveral(bench.till.world, sales, 1_500, daysAgo(2));
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', counts: { read: 3 } });
    const [first, second] = sales;
    expect(await moneyOf(bench, first?.id ?? '')).toEqual(['85', '15', 'Partly refunded']);
    expect(await moneyOf(bench, second?.id ?? '')).toEqual(['35', '15', 'Partly refunded']);
  });

  test('a return that names no sale is excluded, and its amount is in the report', async () => {
    const bench = await openBench();
    const { till } = bench;
    unlinkedReturn(till.world, till.main, 1_800, daysAgo(2));
    unlinkedReturn(till.world, till.other, 25, daysAgo(2));
    unlinkedReturn(till.world, till.yen, 900, daysAgo(2));
    const report = await bench.run('pos-orders');
    expect(report).toMatchObject({ status: 'ok', counts: { read: 3, excluded: { 'unlinked-return': 3 } } });
    expect(report.sums).toEqual({ 'unlinked returns in USD': '18.25', 'unlinked returns in JPY': '900' });
    expect(bench.held('deals', 'square_order_id').size).toBe(0);
  });

  test('yen have no minor unit, and name their currency only where the portal has it', async () => {
    const bench = await openBench();
    const sale = bench.till.sell({ location: bench.till.yen, lines: [{ name: 'Tea', quantity: '1', price: 1_200 }] });
    const report = await bench.run('pos-orders');
    expect(bench.ticket(sale.id)).toMatchObject({ amount: '1200', square_location: 'Osaka' });
    expect(bench.ticket(sale.id).deal_currency_code ?? '').toBe('');
    expect(report.notes.map(({ note }) => note).join()).toContain('JPY');

    const portal = { id: 1_234_567, companyCurrency: 'USD', additionalCurrencies: ['JPY'] };
    const rich = await openBench({ hubspot: { portal } });
    const other = rich.till.sell({ location: rich.till.yen, lines: [{ name: 'Tea', quantity: '1', price: 1_200 }] });
    await rich.run('pos-orders');
    expect(rich.ticket(other.id)).toMatchObject({ amount: '1200', deal_currency_code: 'JPY' });
  });

  test('amounts beyond the exact integers of a double stay exact', async () => {
    const bench = await openBench();
    const sale = bench.till.sell();
    Object.assign(sale, { total_money: money(9_007_199_254_740_993n, 'USD') });
    await bench.run('pos-orders');
    expect(bench.ticket(sale.id).amount).toBe('90071992547409.93');
  });
});

describe('orders that are no sale yet, or none any more', () => {
  test('an open order waits until it is paid; a paid one need not be handed over', async () => {
    const bench = await openBench();
    const { till } = bench;
    const unpaid = till.open();
    const reserved = till.open();
    authorize(till.world, reserved, [{ type: 'CARD', amount: 10_000 }], daysAgo(4));
    const pickup = till.sell({ fulfillment: { type: 'PICKUP', recipient: RECIPIENT } });
    expect(pickup.state).toBe('OPEN');
    const report = await bench.run('pos-orders');
    expect(report).toMatchObject({ status: 'ok', counts: { read: 3, written: 1, excluded: { 'open-order': 2 } } });
    expect(await moneyOf(bench, pickup.id)).toEqual(['100', '0', 'Completed']);
    capture(till.world, reserved, Date.now());
    complete(till.world, pickup, Date.now());
    await bench.run('pos-orders');
    expect(await moneyOf(bench, reserved.id)).toEqual(['100', '0', 'Completed']);
    expect([...bench.held('deals', 'square_order_id').keys()]).not.toContain(unpaid.id);
  });

  test('cash counts as paid when nothing is due', async () => {
    const bench = await openBench();
    const sale = bench.till.sell({ tender: 'CASH', fulfillment: { type: 'PICKUP', recipient: RECIPIENT } });
    await bench.run('pos-orders');
    expect(await moneyOf(bench, sale.id)).toEqual(['100', '0', 'Completed']);
  });

  test('a canceled order becomes a lost deal only if the deal is there', async () => {
    const bench = await openBench();
    const { till } = bench;
    const known = till.sell({ fulfillment: { type: 'PICKUP', recipient: RECIPIENT } });
    const never = till.open();
    await bench.run('pos-orders');
    cancel(till.world, known, Date.now());
    cancel(till.world, never, Date.now());
    const report = await bench.run('pos-orders');
    expect(report).toMatchObject({ exit: 0, counts: { excluded: { 'canceled-order': 2 } }, upserts: { created: 0 } });
    expect(await bench.stageOf(bench.ticket(known.id))).toBe('Canceled');
    expect([...bench.held('deals', 'square_order_id').keys()]).toEqual([known.id]);
    expect(await bench.run('pos-orders', { full: true })).toMatchObject({ upserts: { created: 0, updated: 0 } });
  });

  test('sales of nothing are excluded; a sale that was given back as a whole is none of them', async () => {
    const bench = await openBench();
    const { till } = bench;
    const free = till.open({ lines: [{ name: 'Sample', quantity: '1', price: 0 }] });
    capture(till.world, free, daysAgo(4));
    const noSale = till.open({ lines: [{ name: 'Sample', quantity: '1', price: 0 }] });
    authorize(till.world, noSale, [{ type: 'NO_SALE', amount: 0 }], daysAgo(4));
    capture(till.world, noSale, daysAgo(4));
    const back = till.sell();
    refund(till.world, back, 10_000, daysAgo(2));
    const report = await bench.run('pos-orders');
    expect(report).toMatchObject({ status: 'ok', counts: { read: 4, excluded: { 'zero-total': 2 } } });
    expect([...bench.held('deals', 'square_order_id').keys()]).toEqual([back.id]);
  });

  test('a draft is excluded', async () => {
    const bench = await openBench();
    Object.assign(bench.till.open(), { state: 'DRAFT' });
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', counts: { read: 1, excluded: { draft: 1 } } });
  });
});

describe('what a deal says', () => {
  test('where, which ticket, when, and by which tenders', async () => {
    const bench = await openBench();
    const { till } = bench;
    const sale = till.open({ ticketName: 'T-7', location: till.other });
    const tenders = [
      { type: 'CASH', amount: 3_000 },
      { type: 'CARD', amount: 7_000 },
    ] as const;
    authorize(till.world, sale, tenders, daysAgo(5));
    capture(till.world, sale, daysAgo(5) + 1_000);
    const plain = till.sell();
    await bench.run('pos-orders');
    expect(bench.ticket(sale.id)).toMatchObject({
      dealname: 'Square Harbor T-7',
      square_location: 'Harbor',
      square_tender_types: 'CARD; CASH',
      closedate: sale.closed_at,
    });
    expect(bench.ticket(plain.id).dealname).toBe(`Square Elm Street ${plain.id.slice(-6)}`);
  });

  test('words that Square invents later stop nothing', async () => {
    const bench = await openBench();
    const { till } = bench;
    const sale = till.sell({ fulfillment: { type: 'DRONE', recipient: RECIPIENT } });
    Object.assign(sale, {
      tenders: (sale.tenders ?? []).map((tender) => ({ ...tender, type: 'SEASHELLS' })),
      source: { name: 'Kiosk', kind: 'NEW' },
    });
    complete(till.world, sale, daysAgo(4));
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', counts: { written: 1 } });
    expect(bench.ticket(sale.id).square_tender_types).toBe('SEASHELLS');
  });
});

describe('who bought', () => {
  const people = [person('P-1', { mail: 'pat@acme.example' })];
  const walkIn = { given_name: 'Canary', family_name: 'Walkinson', email_address: 'canary.007@walkin.example' };

  test('a customer of the ERP, by account number or by e-mail', async () => {
    const bench = await openBench({ accounts: [account('C-1', { accountNo: '10-777', people })] });
    const { till } = bench;
    await bench.run('customers');
    const byNumber = till.sell({ customerId: till.customer({ reference_id: '10-777' }) });
    const byMail = till.sell({ customerId: till.customer({ email_address: ' PAT@Acme.example ' }) });
    const unknown = till.sell({ customerId: till.customer(walkIn) });
    const report = await bench.run('pos-orders');
    expect(report).toMatchObject({ status: 'ok', links: { made: 2, refused: 0 } });
    const linked = async (id: string) => [
      Object.keys(await bench.linked(bench.ticket(id).id, 'companies')),
      Object.keys(await bench.linked(bench.ticket(id).id, 'contacts')),
    ];
    expect(await linked(byNumber.id)).toEqual([[bench.company('C-1').id], []]);
    expect(await linked(byMail.id)).toEqual([[], [bench.contact('P-1').id]]);
    expect(await linked(unknown.id)).toEqual([[], []]);
  });

  test('an account that is synced later gets the link then', async () => {
    const bench = await openBench({ accounts: [account('C-2')] });
    await bench.run('customers');
    const sale = bench.till.sell({ customerId: bench.till.customer({ reference_id: '10-777' }) });
    expect(await bench.run('pos-orders')).toMatchObject({ links: { made: 0, pending: 1 } });
    await bench.addAccount(account('C-1', { accountNo: '10-777' }));
    expect(await bench.run('customers')).toMatchObject({ links: { made: 1 } });
    expect(Object.keys(await bench.linked(bench.ticket(sale.id).id, 'companies'))).toEqual([bench.company('C-1').id]);
  });

  test('a walk-in never becomes a contact, and nothing of a person is kept', async () => {
    const bench = await openBench({ accounts: [account('C-1', { people })] });
    const { till } = bench;
    await bench.run('customers');
    const before = bench.hubspot.store.all('contacts').length;
    const sale = till.sell({ customerId: till.customer(walkIn) });
    till.sell({ fulfillment: { type: 'PICKUP', recipient: RECIPIENT } });
    expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok', upserts: { created: 2, createdContacts: 0 } });
    expect(bench.hubspot.store.all('contacts')).toHaveLength(before);
    expect(bench.remembers(sale.id)).toBe(true);
    for (const canary of ['Walkinson', 'canary.007', 'Canary Recipient', 'canary.recipient']) {
      expect(bench.remembers(canary), canary).toBe(false);
    }
    const sent = JSON.stringify([...bench.held('deals', 'square_order_id').values()]);
    expect(sent).not.toMatch(/Canary|walkin/i);
  });
});

test('a location that the token may not read is named; the others go on', async () => {
  const bench = await openBench();
  const { till } = bench;
  till.forbidden.add(till.other.id);
  const [here, there, far] = [till.main, till.other, till.yen].map((location) => till.sell({ location, lines: LINES }));
  const report = await bench.run('pos-orders');
  expect(report).toMatchObject({ status: 'partial', exit: 3, counts: { written: 2 } });
  expect(report.reason).toContain('Harbor');
  expect(report.reason).not.toContain('Elm Street could');
  expect([...bench.held('deals', 'square_order_id').keys()].sort()).toEqual([here?.id, far?.id].sort());
  till.forbidden.clear();
  expect(await bench.run('pos-orders')).toMatchObject({ status: 'ok' });
  expect(bench.ticket(there?.id ?? '').amount).toBe('100');
});
