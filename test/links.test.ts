/** Links over HTTP: wanted, pending, made by whoever brings the other end, refused alone, and removed only if ours. */
import { expect, test } from 'vitest';
import { account, ask, type Bench, openBench, person, quote } from './pipe-harness.ts';

const companiesOf = async (bench: Bench, id: string): Promise<readonly string[]> =>
  Object.keys(await bench.linked(id, 'companies'));

const wantedLinks = (bench: Bench) => bench.query('SELECT from_key, value, state FROM links ORDER BY from_key, value');

/** A person deletes an object in HubSpot. */
const remove = (bench: Bench, object: string, id: string): Promise<string> =>
  ask(`${bench.hubspot.url}/crm/v3/objects/${object}/${id}`, 'DELETE');

/** A person links two objects. */
const linkByHand = (bench: Bench, from: readonly [string, string], to: readonly [string, string]): Promise<string> =>
  ask(`${bench.hubspot.url}/crm/v4/objects/${from[0]}/${from[1]}/associations/default/${to[0]}/${to[1]}`, 'PUT');

test('a link whose target is not there is pending, counted each run, and holds neither the verdict nor the cursor', async () => {
  const bench = await openBench({ quotes: [quote('Q-1', 'C-50'), quote('Q-2', 'C-51')] });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', links: { made: 0, pending: 2 } });
  const [cursor] = bench.query('SELECT count(*) AS n FROM cursors');
  expect(cursor).toEqual({ n: 1 });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', links: { made: 0, pending: 2 } });
  await bench.addAccount(account('C-50'));
  expect(await bench.run('customers')).toMatchObject({ links: { made: 1, pending: 0 } });
  expect(await bench.run('quotes')).toMatchObject({ links: { made: 0, pending: 1 } });
  expect(wantedLinks(bench)).toEqual([
    { from_key: 'OPP-Q-1', value: 'C-50', state: 'made' },
    { from_key: 'OPP-Q-2', value: 'C-51', state: 'pending' },
  ]);
});

test('a parent that comes after its child is linked when it comes', async () => {
  const bench = await openBench({ accounts: [account('C-2', { parentAccount: 'C-1' })] });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', links: { made: 0, pending: 1 } });
  await bench.addAccount(account('C-1'));
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', links: { made: 1, pending: 0 } });
  expect(await parentsOf(bench, bench.company('C-2').id)).toEqual([bench.company('C-1').id]);
});

test('parent and child of one run are linked as parent and child', async () => {
  const bench = await openBench({ accounts: [account('C-1', { parentAccount: 'C-2' }), account('C-2')] });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', links: { made: 1, pending: 0 } });
  expect(await parentsOf(bench, bench.company('C-1').id)).toEqual([bench.company('C-2').id]);
  expect(await parentsOf(bench, bench.company('C-2').id)).toEqual([]);
});

test('a parent that is retail, or the account itself, is not linked and not waited for', async () => {
  const bench = await openBench({
    accounts: [
      account('C-1', { parentAccount: 'C-9' }),
      account('C-2', { parentAccount: 'C-2' }),
      account('C-9', { kind: 'RETAIL' }),
    ],
  });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', links: { made: 0, pending: 0 } });
  expect(await bench.run('customers', { full: true })).toMatchObject({ links: { made: 0, pending: 0 } });
});

/** HubSpot's type of the link from a child to its parent, "Parent Company". */
const PARENT = 14;

const parentsOf = async (bench: Bench, id: string): Promise<readonly string[]> =>
  Object.entries(await bench.linked(id, 'companies')).flatMap(([to, types]) => (types.includes(PARENT) ? [to] : []));

test('another parent replaces the old one; no parent removes it', async () => {
  const accounts = [account('C-1', { parentAccount: 'C-2' }), account('C-2'), account('C-3')];
  const bench = await openBench({ accounts });
  await bench.run('customers');
  await bench.change('accounts', 'C-1', { parentAccount: 'C-3' });
  expect(await bench.run('customers')).toMatchObject({ links: { made: 1, removed: 1 } });
  const { id } = bench.company('C-1');
  expect(await parentsOf(bench, id)).toEqual([bench.company('C-3').id]);
  await bench.change('accounts', 'C-1', { parentAccount: null });
  expect(await bench.run('customers')).toMatchObject({ links: { made: 0, removed: 1 } });
  expect(await parentsOf(bench, id)).toEqual([]);
});

test('a refused link is a dead letter of the link alone', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')], quotes: [quote('Q-2', 'C-2')] });
  await bench.run('customers');
  await remove(bench, 'companies', bench.company('C-1').id);
  await bench.addQuote(quote('Q-1', 'C-1'));
  const report = await bench.run('quotes');
  expect(report).toMatchObject({ counts: { read: 2, written: 2, deadLettered: 0 }, links: { made: 1, refused: 1 } });
  expect(report.status, 'a link is missing: that is not ok').toBe('partial');
  expect(bench.deal('OPP-Q-1').amount).toBe('100');
  expect(bench.letters()).toMatchObject([{ stage: 'link', category: 'link', raw: null }]);
  expect(bench.letters()[0]?.subject).toContain('OPP-Q-1');
  expect(bench.query("SELECT state FROM entities WHERE id = 'OPP-Q-1'")).toEqual([{ state: 'clean' }]);
});

test('a link that people made is never removed', async () => {
  const bench = await openBench({
    accounts: [account('C-1', { people: [person('P-1'), person('P-9')] }), account('C-2')],
    hubspot: { existing: { companies: [{ name: 'By Hand' }] } },
  });
  await bench.run('customers');
  const contact = bench.contact('P-1');
  const theirs = bench.hubspot.store.all('companies').find(({ properties }) => properties.name === 'By Hand')?.id ?? '';
  await linkByHand(bench, ['contacts', contact.id], ['companies', theirs]);
  await bench.change('accounts', 'C-1', { people: [person('P-9')] });
  await bench.change('accounts', 'C-2', { people: [person('P-1')] });
  expect(await bench.run('customers')).toMatchObject({ links: { made: 1, removed: 1 } });
  expect((await companiesOf(bench, contact.id)).toSorted()).toEqual([theirs, bench.company('C-2').id].toSorted());
});

test('a link that people had made before us and that we want too stays theirs', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')], quotes: [] });
  await bench.run('customers');
  await bench.addQuote(quote('Q-1', 'C-1'));
  await bench.run('quotes');
  const deal = bench.deal('OPP-Q-1');
  await linkByHand(bench, ['deals', deal.id], ['companies', bench.company('C-2').id]);
  await bench.change('quotes', 'Q-1', { customerPo: 'PO-1' });
  expect(await bench.run('quotes')).toMatchObject({ links: { made: 0, removed: 0 } });
  expect((await companiesOf(bench, deal.id)).toSorted()).toEqual(
    [bench.company('C-1').id, bench.company('C-2').id].toSorted(),
  );
});

test('a new revision for the same customer leaves the link alone', async () => {
  const bench = await openBench({ accounts: [account('C-1')], quotes: [quote('Q-1', 'C-1')] });
  await bench.run('customers');
  await bench.run('quotes');
  await bench.addQuote(quote('Q-2', 'C-1', { oppId: 'OPP-Q-1', quoteNo: 'NQ-1', rev: 1 }));
  const mark = bench.mark;
  expect(await bench.run('quotes')).toMatchObject({ upserts: { updated: 1 }, links: { made: 0, removed: 0 } });
  expect(bench.writes(mark).filter(({ path }) => path.includes('associations'))).toEqual([]);
  expect(await companiesOf(bench, bench.deal('OPP-Q-1').id)).toEqual([bench.company('C-1').id]);
});

test('a deal that changes its customer changes its link', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')], quotes: [quote('Q-1', 'C-1')] });
  await bench.run('customers');
  await bench.run('quotes');
  await bench.change('quotes', 'Q-1', { accountId: 'C-2' });
  expect(await bench.run('quotes')).toMatchObject({ links: { made: 1, removed: 1 } });
  expect(await companiesOf(bench, bench.deal('OPP-Q-1').id)).toEqual([bench.company('C-2').id]);
});

test('an account number that two companies carry links to neither', async () => {
  const same = { accountNo: '10-777' };
  const bench = await openBench({ accounts: [account('C-1', same), account('C-2', same)] });
  await bench.run('customers');
  const sale = bench.till.sell({ customerId: bench.till.customer({ reference_id: '10-777' }) });
  expect(await bench.run('pos-orders')).toMatchObject({ links: { made: 0, pending: 1 } });
  expect(await companiesOf(bench, bench.ticket(sale.id).id)).toEqual([]);
});

test('a link whose answer was lost is asked for once more, and is there once', async () => {
  const bench = await openBench({ accounts: [account('C-1', { people: [person('P-1')] })] });
  bench.hubspot.setFaults([{ path: 'associations', times: 1, fault: { kind: 'reset-after' } }]);
  expect(await bench.run('customers')).toMatchObject({ exit: 0, links: { made: 1, refused: 0, pending: 0 } });
  expect(await companiesOf(bench, bench.contact('P-1').id)).toEqual([bench.company('C-1').id]);
});

test('a run whose links HubSpot never answered for does not say ok', async () => {
  const bench = await openBench({ accounts: [account('C-1', { people: [person('P-1')] })] });
  bench.hubspot.setFaults([{ path: 'associations', times: 100, fault: { kind: 'status', status: 503 } }]);
  expect(await bench.run('customers')).toMatchObject({ status: 'partial', links: { made: 0, unknown: 1 } });
  bench.hubspot.setFaults([]);
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', links: { made: 1, unknown: 0 } });
}, 60_000);

test('a link that the run died over is asked for again by the next run', async () => {
  const bench = await openBench({ accounts: [account('C-1', { people: [person('P-1')] })] });
  bench.hubspot.setFaults([{ path: 'associations', times: 1, fault: { kind: 'status', status: 401 } }]);
  expect((await bench.run('customers')).exit).not.toBe(0);
  const contact = bench.contact('P-1');
  expect(await companiesOf(bench, contact.id)).toEqual([]);
  expect(await bench.run('customers')).toMatchObject({ exit: 0, links: { made: 1, pending: 0 } });
  expect(await companiesOf(bench, contact.id)).toEqual([bench.company('C-1').id]);
});

test('links cost one call for all of them, and none when nothing changed', async () => {
  const people = (at: number) => [person(`P-${at}1`), person(`P-${at}2`)];
  const accounts = Array.from({ length: 30 }, (_, at) => account(`C-${at + 10}`, { people: people(at + 10) }));
  const bench = await openBench({ accounts });
  await bench.run('customers');
  const calls = (mark: number) => bench.writes(mark).filter(({ path }) => path.includes('associations'));
  expect(calls(0)).toHaveLength(1);
  const mark = bench.mark;
  await bench.run('customers', { full: true });
  expect(bench.writes(mark)).toEqual([]);
});

/** The answer to one request about links is lost after it took effect, and the run ends over the next one. */
const loseOneAnswer = (bench: Bench): void =>
  bench.hubspot.setFaults([
    { path: 'associations', times: 1, fault: { kind: 'reset-after' } },
    { path: 'associations', times: 1, fault: { kind: 'status', status: 401 } },
  ]);

test('a link that was made unheard is removed when it is not wanted any more', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')], quotes: [quote('Q-1', 'C-1')] });
  await bench.run('customers');
  loseOneAnswer(bench);
  expect((await bench.run('quotes')).exit).not.toBe(0);
  const { id } = bench.deal('OPP-Q-1');
  expect(await companiesOf(bench, id), 'it took effect').toEqual([bench.company('C-1').id]);
  await bench.change('quotes', 'Q-1', { accountId: 'C-2' });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', links: { made: 1, removed: 1 } });
  expect(await companiesOf(bench, id)).toEqual([bench.company('C-2').id]);
});

test('a link that was removed unheard is made again when it is wanted again', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')], quotes: [quote('Q-1', 'C-1')] });
  await bench.run('customers');
  await bench.run('quotes');
  await bench.change('quotes', 'Q-1', { accountId: 'C-2' });
  loseOneAnswer(bench);
  expect((await bench.run('quotes')).exit).not.toBe(0);
  const { id } = bench.deal('OPP-Q-1');
  expect(await companiesOf(bench, id), 'the removal took effect').toEqual([]);
  await bench.change('quotes', 'Q-1', { accountId: 'C-1' });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', links: { made: 1 } });
  expect(await companiesOf(bench, id)).toEqual([bench.company('C-1').id]);
});

test('the dead letter of a link is closed when the link is not wanted any more', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')] });
  await bench.run('customers');
  await remove(bench, 'companies', bench.company('C-1').id);
  await bench.addQuote(quote('Q-1', 'C-1'));
  await bench.run('quotes');
  expect(bench.letters()).toMatchObject([{ stage: 'link' }]);
  await bench.change('quotes', 'Q-1', { accountId: 'C-2' });
  expect(await bench.run('quotes')).toMatchObject({ status: 'ok', links: { made: 1, removed: 0, refused: 0 } });
  expect(bench.query("SELECT state FROM dead_letters WHERE stage = 'link'")).toEqual([{ state: 'resolved' }]);
});

test('an object that is made anew gets its links back', async () => {
  const bench = await openBench({ accounts: [account('C-1')], quotes: [quote('Q-1', 'C-1')] });
  await bench.run('customers');
  await bench.run('quotes');
  await remove(bench, 'companies', bench.company('C-1').id);
  await bench.change('accounts', 'C-1', { name: 'Made Anew' });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', upserts: { created: 1 }, links: { made: 1 } });
  expect(await companiesOf(bench, bench.deal('OPP-Q-1').id)).toEqual([bench.company('C-1').id]);
});
