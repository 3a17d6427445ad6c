/** The quotes pipe from end to end over HTTP: one deal per opportunity, whatever order its revisions come in. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QuoteRow } from '../src/sandbox/data/quotes.ts';
import { openReadOnly } from '../src/state/database.ts';
import { leftBehind } from '../src/state/deletions.ts';
import { account, openBench, quote, there } from './pipe-harness.ts';

const MINUTE_MS = 60_000;
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * MINUTE_MS).toISOString();
const RUNS = 3;

/** A revision as a case draws it, and in which run it arrives. */
interface Drawn {
  readonly number: number;
  readonly rev: number;
  readonly day: number;
  readonly arrives: number;
}

const drawn = fc.record({
  number: fc.integer({ min: 0, max: 1 }),
  rev: fc.integer({ min: 0, max: 2 }),
  day: fc.integer({ min: 1, max: 3 }),
  arrives: fc.integer({ min: 0, max: RUNS - 1 }),
});

/** No two of them are the same revision of the same quote. */
const revisions = fc.uniqueArray(drawn, {
  minLength: 1,
  maxLength: 5,
  selector: ({ number, rev }) => `${number} ${rev}`,
});

/** The quote of the latest day, of it the highest revision; between quotes of one day the one with the greater id. */
function winnerOf(all: readonly (Drawn & { readonly id: string })[]): string {
  const latestDay = (number: number): number =>
    Math.max(...all.filter((one) => one.number === number).map(({ day }) => day));
  const greatestId = (number: number): string =>
    all
      .filter((one) => one.number === number)
      .map(({ id }) => id)
      .sort()
      .at(-1) ?? '';
  const beats = (a: number, b: number): boolean =>
    latestDay(a) > latestDay(b) || (latestDay(a) === latestDay(b) && greatestId(a) > greatestId(b));
  const numbers = [...new Set(all.map(({ number }) => number))];
  const winner = numbers.find((one) => numbers.every((other) => other === one || beats(one, other)));
  const last = all.filter(({ number }) => number === winner).sort((a, b) => b.rev - a.rev)[0];
  return last?.id ?? '';
}

test('the latest revision of the latest quote wins, in any order of arrival, across runs and restarts', async () => {
  const bench = await openBench({ accounts: [account('C-1')] });
  await bench.run('customers');
  let nextId = 100_000;
  let nextCase = 0;
  const property = fc.asyncProperty(fc.array(revisions, { minLength: 12, maxLength: 12 }), async (cases) => {
    const named = cases.map((all) => ({
      opp: `OPP-${++nextCase}`,
      all: all.map((one) => ({ ...one, id: `Q-${++nextId}` })),
    }));
    for (let run = 0; run < RUNS; run++) {
      for (const { opp, all } of named) {
        for (const one of all.filter(({ arrives }) => arrives === run)) await bench.addQuote(rowOf(opp, one));
      }
      expect(await bench.run('quotes')).toMatchObject({ status: 'ok' });
    }
    for (const { opp, all } of named) {
      const deal = bench.deal(opp);
      expect([opp, deal.amount, deal.erp_quote_revision_count]).toEqual([
        opp,
        amountOf(winnerOf(all)),
        String(all.length),
      ]);
    }
  });
  await fc.assert(property, { numRuns: 3, endOnFailure: true });
});

const amountOf = (id: string): string => id.slice(2);

const rowOf = (oppId: string, { id, number, rev, day }: Drawn & { readonly id: string }): QuoteRow =>
  quote(id, 'C-1', {
    oppId,
    quoteNo: `${oppId}-${number}`,
    rev,
    quoteDate: `2026-10-0${day}`,
    grandTotal: `${amountOf(id)}.00`,
  });

test('of two saves of the same revision the later counts', async () => {
  const same = { oppId: 'OPP-1', quoteNo: 'N1', rev: 1 };
  const bench = await openBench({
    quotes: [
      quote('Q-1', 'C-1', { ...same, grandTotal: '1.00', lastChanged: minutesAgo(10) }),
      quote('Q-2', 'C-1', { ...same, grandTotal: '2.00', lastChanged: minutesAgo(20) }),
    ],
  });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok' });
  expect(bench.deal('OPP-1')).toMatchObject({ amount: '1', erp_quote_revision_count: '2' });
});

test('an older revision that is edited late does not win, and costs no write', async () => {
  const of = { oppId: 'OPP-1', quoteNo: 'N1' };
  const bench = await openBench({
    quotes: [
      quote('Q-1', 'C-1', { ...of, rev: 0, grandTotal: '1.00' }),
      quote('Q-2', 'C-1', { ...of, rev: 1, grandTotal: '2.00' }),
    ],
  });
  await bench.run('quotes');
  await bench.change('quotes', 'Q-1', { grandTotal: '99.00' });
  const mark = bench.mark;
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', counts: { read: 1, unchanged: 1 } });
  expect(bench.writes(mark)).toEqual([]);
  expect(bench.deal('OPP-1').amount).toBe('2');
});

test('a quote without an opportunity is a deal of its own', async () => {
  const bench = await openBench({
    quotes: [quote('Q-1', 'C-1', { oppId: null }), quote('Q-2', 'C-1', { oppId: null })],
  });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', upserts: { created: 2 } });
  expect([...bench.held('deals', 'erp_opportunity_id').keys()].sort()).toEqual(['quote:Q-1', 'quote:Q-2']);
});

test('a quote that moves to another opportunity counts there and no longer here', async () => {
  const bench = await openBench({
    quotes: [
      quote('Q-1', 'C-1', { oppId: 'OPP-1', quoteNo: 'N1', grandTotal: '1.00' }),
      quote('Q-2', 'C-1', { oppId: 'OPP-1', quoteNo: 'N1', rev: 1, grandTotal: '2.00' }),
    ],
  });
  await bench.run('quotes');
  await bench.change('quotes', 'Q-2', { oppId: 'OPP-2' });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok' });
  expect(bench.deal('OPP-1')).toMatchObject({ amount: '1', erp_quote_revision_count: '1' });
  expect(bench.deal('OPP-2')).toMatchObject({ amount: '2', erp_quote_revision_count: '1' });
});

test('a deal whose quotes all moved to another opportunity stays as it is, and a comparison names it', async () => {
  const bench = await openBench({
    quotes: [quote('Q-1', 'C-1', { oppId: 'OPP-1' }), quote('Q-2', 'C-1', { oppId: 'OPP-3' })],
  });
  await bench.run('quotes');
  const before = bench.deal('OPP-1');
  await bench.change('quotes', 'Q-1', { oppId: 'OPP-2' });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', upserts: { created: 1, updated: 0 } });
  expect(bench.deal('OPP-1')).toEqual(before);
  const db = there(openReadOnly(bench.stateDir), 'the state');
  const stream = Number(bench.query("SELECT id FROM streams WHERE pipe = 'quotes'")[0]?.id);
  expect(leftBehind(db, stream, 'deals')).toEqual([{ key: 'OPP-1', entity: 'OPP-1' }]);
  db.close();
});

test('each status has its stage', async () => {
  const stages = {
    DRAFT: 'Draft',
    SENT: 'Sent',
    WON: 'Accepted',
    LOST: 'Declined',
    EXPIRED: 'Expired',
    ORDERED: 'Converted to order',
  } as const;
  const names: readonly (keyof typeof stages)[] = ['DRAFT', 'SENT', 'WON', 'LOST', 'EXPIRED', 'ORDERED'];
  const bench = await openBench({ quotes: names.map((stage, index) => quote(`Q-${index}`, 'C-1', { stage })) });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok' });
  for (const [index, name] of names.entries()) {
    expect(await bench.stageOf(bench.deal(`OPP-Q-${index}`)), name).toBe(stages[name]);
  }
});

test('a status that nobody knows is a dead letter that names it, never a default', async () => {
  const bench = await openBench({ quotes: [quote('Q-1', 'C-1'), quote('Q-2', 'C-1')] });
  await bench.change('quotes', 'Q-2', { stage: 'PARKED' });
  expect(await bench.run('quotes')).toMatchObject({
    status: 'partial',
    exit: 3,
    counts: { written: 1, deadLettered: 1 },
  });
  expect([...bench.held('deals', 'erp_opportunity_id').keys()]).toEqual(['OPP-Q-1']);
  const [letter, ...more] = bench.letters();
  expect(more).toEqual([]);
  expect(letter).toMatchObject({ subject: 'record Q-2', stage: 'map' });
  expect(letter?.reason).toContain('PARKED');
  expect(letter?.raw).toContain('PARKED');
  await bench.change('quotes', 'Q-2', { stage: 'WON' });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok' });
  expect(bench.letters()).toEqual([]);
});

const CANARIES = ['Wexley Residence', 'Wexleyson', 'PO-CANARY'];
const ofWalkIn = { job: 'Wexley Residence', accountName: 'Wexleyson', customerPo: 'PO-CANARY' };

test('a quote of a retail customer leaves no byte behind', async () => {
  const bench = await openBench({
    accounts: [account('C-1'), account('C-9', { kind: 'RETAIL' })],
    quotes: [quote('Q-1', 'C-1', { job: 'Known Job' }), quote('Q-9', 'C-9', ofWalkIn)],
  });
  await bench.run('customers');
  const report = await bench.run('quotes');
  expect(report).toMatchObject({ status: 'ok', counts: { read: 2, written: 1, excluded: { retail: 1 } } });
  expect(bench.held('deals', 'erp_opportunity_id').size).toBe(1);
  expect(bench.remembers('Known Job')).toBe(true);
  for (const canary of CANARIES) expect(bench.remembers(canary), canary).toBe(false);
});

test('a quote whose customer turns out to be retail is forgotten', async () => {
  const bench = await openBench({ accounts: [account('C-9')], quotes: [quote('Q-9', 'C-9', ofWalkIn)] });
  await bench.run('customers');
  await bench.run('quotes');
  await bench.change('accounts', 'C-9', { kind: 'RETAIL' });
  await bench.run('customers');
  expect(await bench.run('quotes')).toMatchObject({ exit: 0 });
  expect(bench.query("SELECT raw, rule FROM records WHERE id = 'Q-9'")).toEqual([{ raw: null, rule: 'retail' }]);
  for (const canary of CANARIES) expect(bench.remembers(canary), canary).toBe(false);
});

test('a quote that names a retail customer only later is forgotten too', async () => {
  const bench = await openBench({
    accounts: [account('C-1'), account('C-9', { kind: 'RETAIL' })],
    quotes: [quote('Q-9', 'C-1', ofWalkIn)],
  });
  await bench.run('customers');
  await bench.run('quotes');
  await bench.change('quotes', 'Q-9', { accountId: 'C-9' });
  expect(await bench.run('quotes')).toMatchObject({ exit: 0, counts: { excluded: { retail: 1 } } });
  expect(bench.query("SELECT raw, rule FROM records WHERE id = 'Q-9'")).toEqual([{ raw: null, rule: 'retail' }]);
});

test('a customer that becomes a business has its quotes read again and synced', async () => {
  const bench = await openBench({
    accounts: [account('C-9', { kind: 'RETAIL' })],
    quotes: [quote('Q-9', 'C-9', { job: 'Old Job' })],
  });
  await bench.run('customers');
  expect(await bench.run('quotes')).toMatchObject({ counts: { excluded: { retail: 1 } } });
  await bench.change('accounts', 'C-9', { kind: 'CONTR' });
  expect(await bench.run('customers')).toMatchObject({ upserts: { created: 1 } });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', upserts: { created: 1 }, links: { made: 1 } });
  expect(bench.deal('OPP-Q-9').dealname).toBe('Old Job NQ-9');
});

test('a customer that comes later gets the link from the customers run', async () => {
  const bench = await openBench({ accounts: [account('C-1')], quotes: [quote('Q-1', 'C-50')] });
  await bench.run('customers');
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', links: { made: 0, pending: 1 } });
  const { id } = bench.deal('OPP-Q-1');
  expect(await bench.linked(id, 'companies')).toEqual({});
  await bench.addAccount(account('C-50'));
  expect(await bench.run('customers')).toMatchObject({ links: { made: 1 } });
  expect(Object.keys(await bench.linked(id, 'companies'))).toEqual([bench.company('C-50').id]);
  expect(await bench.run('quotes')).toMatchObject({ links: { made: 0, pending: 0 } });
});

test('a deal is named after its job, else after a customer known to be a business', async () => {
  const named = { job: '', accountName: 'Copy In Quote' };
  const bench = await openBench({
    accounts: [account('C-1', { companyName: 'Acme' })],
    quotes: [quote('Q-1', 'C-1', { ...named, accountName: '' }), quote('Q-2', 'C-77', named), quote('Q-3', 'C-1')],
  });
  await bench.run('customers');
  await bench.run('quotes');
  const names = ['Q-1', 'Q-2', 'Q-3'].map((id) => bench.deal(`OPP-${id}`).dealname);
  expect(names, 'nobody knows yet whether C-77 is a person').toEqual(['Acme NQ-1', 'C-77 NQ-2', 'Shop stock NQ-3']);
});

test('a stage that a person changed comes back with the next change in the ERP, not before', async () => {
  const bench = await openBench({ quotes: [quote('Q-1', 'C-1', { stage: 'DRAFT' })] });
  await bench.run('quotes');
  const deal = bench.deal('OPP-Q-1');
  const lost = { ...deal, dealstage: bench.hubspot.store.find('deals', deal.id)?.properties.dealstage ?? '' };
  await bench.addQuote(quote('Q-2', 'C-1', { stage: 'LOST' }));
  await bench.run('quotes');
  await bench.edit('deals', deal.id, { dealstage: bench.deal('OPP-Q-2').dealstage ?? '' });
  expect(await bench.stageOf(bench.deal('OPP-Q-1'))).toBe('Declined');
  await bench.run('quotes');
  await bench.run('quotes', { full: true });
  expect(await bench.stageOf(bench.deal('OPP-Q-1'))).toBe('Declined');
  await bench.change('quotes', 'Q-1', { customerPo: 'PO-7' });
  expect(await bench.run('quotes')).toMatchObject({ upserts: { updated: 1 } });
  expect(await bench.stageOf(bench.deal('OPP-Q-1'))).toBe('Draft');
  expect(bench.deal('OPP-Q-1').dealstage).toBe(lost.dealstage);
});

test('the close date is the decision, else the expiry, at noon in the ERP’s zone', async () => {
  const bench = await openBench({
    quotes: [
      quote('Q-1', 'C-1', { stage: 'WON', decidedOn: '2026-07-04' }),
      quote('Q-2', 'C-1', { stage: 'SENT', validTo: '2026-12-24' }),
      quote('Q-3', 'C-1', { stage: 'LOST', lastChanged: '2026-11-01T08:09:10.000Z' }),
    ],
  });
  await bench.run('quotes');
  const dates = ['Q-1', 'Q-2', 'Q-3'].map((id) => new Date(bench.deal(`OPP-${id}`).closedate ?? '').toISOString());
  expect(dates).toEqual(['2026-07-04T17:00:00.000Z', '2026-12-24T18:00:00.000Z', '2026-11-01T08:09:10.000Z']);
});

test('the day’s 14 changes are synced in seconds and a handful of calls', async () => {
  const base = Array.from({ length: 200 }, (_, index) => quote(`Q-${1000 + index}`, 'C-1'));
  const bench = await openBench({ accounts: [account('C-1')], quotes: base });
  await bench.run('customers');
  await bench.run('quotes');
  for (let index = 0; index < 7; index++) {
    await bench.change('quotes', `Q-${1000 + index}`, { grandTotal: `${500 + index}.00` });
    await bench.addQuote(quote(`Q-${2000 + index}`, 'C-1'));
  }
  const marks = { hubspot: bench.mark, erp: bench.erp.log.length };
  const startedMs = performance.now();
  const report = await bench.run('quotes');
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(report).toMatchObject({
    status: 'ok',
    counts: { read: 14, written: 14 },
    upserts: { created: 7, updated: 7 },
  });
  // One upsert, one read and one update for the owners of the new deals, one for their links.
  expect(bench.writes(marks.hubspot).length).toBeLessThanOrEqual(4);
  expect(bench.hubspot.log.length - marks.hubspot).toBeLessThanOrEqual(12);
  expect(bench.erp.log.length - marks.erp).toBeLessThanOrEqual(4);
  expect(bench.deal('OPP-Q-1003').amount).toBe('503');
});

test('a stage that people own is set at creation and theirs from then on', async () => {
  const env = { ERP_QUOTE_STAGE_OWNER: 'crm' };
  const bench = await openBench({
    quotes: [quote('Q-1', 'C-1', { stage: 'DRAFT' }), quote('Q-2', 'C-1', { stage: 'LOST' })],
  });
  await bench.run('quotes', { env });
  await bench.change('quotes', 'Q-1', { notARealColumn: 'x' });
  expect(await bench.run('quotes', { env })).toMatchObject({ status: 'ok', upserts: { updated: 0 } });
  expect(await bench.stageOf(bench.deal('OPP-Q-1'))).toBe('Draft');
  await bench.edit('deals', bench.deal('OPP-Q-1').id, { dealstage: bench.deal('OPP-Q-2').dealstage ?? '' });
  await bench.change('quotes', 'Q-1', { stage: 'WON', customerPo: 'PO-7' });
  expect(await bench.run('quotes', { env })).toMatchObject({ upserts: { updated: 1 } });
  expect(await bench.stageOf(bench.deal('OPP-Q-1'))).toBe('Declined');
  expect(bench.deal('OPP-Q-1').erp_customer_po).toBe('PO-7');
});
