/** Who decides a property's value, over HTTP: the ERP at each change, the ERP at creation only, or people in HubSpot. */
import { expect, test } from 'vitest';
import type { LoadedJob } from '../src/jobs.ts';
import type { FieldOwner } from '../src/pipe.ts';
import { account, openBench, person, quote, repOnRow } from './pipe-harness.ts';

/** The job with one property of one object owned by somebody else. */
const owned =
  (object: string, name: string, owner: FieldOwner) =>
  (job: LoadedJob): LoadedJob => ({
    ...job,
    mapping: {
      ...job.mapping,
      properties: job.mapping.properties.map((spec) =>
        spec.object === object && spec.name === name ? { ...spec, owner } : spec,
      ),
    },
  });

const ADA = '501';
const BEN = '502';
const CYD = '503';

test('what the source owns is overwritten by the next change, and only by a change', async () => {
  const bench = await openBench({ accounts: [account('C-1', { phone: '+1 555 010 0001' })] });
  await bench.run('customers');
  const { id, phone } = bench.company('C-1');
  await bench.edit('companies', id, { phone: 'by hand' });
  await bench.run('customers', { full: true });
  expect(bench.company('C-1').phone).toBe('by hand');
  await bench.change('accounts', 'C-1', { terms: 'COD' });
  await bench.run('customers');
  expect(bench.company('C-1')).toMatchObject({ phone, erp_payment_terms: 'COD' });
});

test('what people own is never written, neither at creation nor later', async () => {
  const alter = owned('companies', 'phone', 'crm');
  const bench = await openBench({ accounts: [account('C-1', { phone: '+1 555 010 0001' })] });
  expect(await bench.run('customers', { alter })).toMatchObject({ status: 'ok', upserts: { created: 1 } });
  expect(bench.company('C-1').phone).toBeUndefined();
  await bench.edit('companies', bench.company('C-1').id, { phone: 'by hand' });
  await bench.change('accounts', 'C-1', { phone: '+1 555 010 0002', terms: 'COD' });
  expect(await bench.run('customers', { alter })).toMatchObject({ upserts: { updated: 1 } });
  expect(bench.company('C-1')).toMatchObject({ phone: 'by hand', erp_payment_terms: 'COD' });
});

test('a change of nothing but what people own costs no write', async () => {
  const alter = owned('companies', 'phone', 'crm');
  const bench = await openBench({
    accounts: [account('C-1', { phone: '1', lastChanged: '2026-11-01T00:00:00.000Z' })],
  });
  await bench.run('customers', { alter });
  const mark = bench.mark;
  // The change's own time is a property too: it stays as it was.
  await bench.change('accounts', 'C-1', { phone: '2', lastChanged: '2026-11-01T00:00:00.000Z' });
  expect(await bench.run('customers', { alter, full: true })).toMatchObject({ counts: { unchanged: 1 } });
  expect(bench.writes(mark)).toEqual([]);
});

const LOST_ACCESS = { kind: 'status', status: 401 } as const;

test('owners are set at creation, by the rep’s e-mail, on companies, contacts and deals', async () => {
  const bench = await openBench({
    accounts: [account('C-1', { rep: repOnRow('R-2'), people: [person('P-1')] })],
    quotes: [quote('Q-1', 'C-1', { rep: repOnRow('R-3') })],
  });
  await bench.run('customers');
  await bench.run('quotes');
  expect(bench.company('C-1').hubspot_owner_id).toBe(BEN);
  expect(bench.contact('P-1').hubspot_owner_id).toBe(BEN);
  expect(bench.deal('OPP-Q-1').hubspot_owner_id).toBe(CYD);
});

test('a person’s later choice of owner survives the next changes, of the rep too', async () => {
  const bench = await openBench({ accounts: [account('C-1', { people: [person('P-1')] })] });
  await bench.run('customers');
  const { id } = bench.company('C-1');
  expect(bench.company('C-1').hubspot_owner_id).toBe(ADA);
  await bench.edit('companies', id, { hubspot_owner_id: CYD });
  await bench.change('accounts', 'C-1', { rep: repOnRow('R-2') });
  expect(await bench.run('customers')).toMatchObject({ upserts: { updated: 2 } });
  expect(bench.company('C-1')).toMatchObject({ hubspot_owner_id: CYD, erp_sales_rep: 'Ben' });
  expect(bench.contact('P-1').hubspot_owner_id).toBe(ADA);
  await bench.edit('companies', id, { hubspot_owner_id: '' });
  await bench.change('accounts', 'C-1', { terms: 'COD' });
  await bench.run('customers');
  expect(bench.company('C-1').hubspot_owner_id ?? '', 'nobody is a choice too').toBe('');
});

test('an object that people made keeps its owner, and gets none if it has none', async () => {
  const acme = { companyName: 'Acme', web: 'acme.example' };
  const zeta = { companyName: 'Zeta', web: 'zeta.example' };
  const existing = {
    companies: [
      { name: 'Acme', domain: 'acme.example', hubspot_owner_id: CYD },
      { name: 'Zeta', domain: 'zeta.example' },
    ],
  };
  const bench = await openBench({ accounts: [account('C-1', acme), account('C-2', zeta)], hubspot: { existing } });
  expect(await bench.run('customers')).toMatchObject({ upserts: { adopted: 2, created: 0 } });
  expect(bench.company('C-1').hubspot_owner_id).toBe(CYD);
  expect(bench.company('C-2').hubspot_owner_id ?? '').toBe('');
});

test.each([
  ['the process dies between the adoption and the write', { fault: LOST_ACCESS }, 5],
  ['nobody hears the answer to the write', { fault: { kind: 'reset-after' }, times: 1 }, 0],
] as const)('an object that people made gets no owner either when %s', async (_when, fault, exit) => {
  const existing = { companies: [{ name: 'Zeta', domain: 'zeta.example' }] };
  const zeta = account('C-2', { companyName: 'Zeta', web: 'zeta.example' });
  const bench = await openBench({ accounts: [zeta], hubspot: { existing } });
  bench.hubspot.setFaults([{ path: 'companies/batch/upsert', ...fault }]);
  expect(await bench.run('customers')).toMatchObject({ exit });
  bench.hubspot.setFaults([]);
  expect(await bench.run('customers')).toMatchObject({ status: 'ok' });
  expect(bench.company('C-2').name).toBe('Zeta');
  expect(bench.company('C-2').hubspot_owner_id ?? '').toBe('');
  expect(bench.query('SELECT key FROM objects WHERE owed IS NOT NULL')).toEqual([]);
});

test('a rep without a HubSpot user owns nothing and stops nothing', async () => {
  const stranger = { id: 'R-1', name: 'Zoe', email: 'zoe@redbudsupply.example' };
  const bench = await openBench({ accounts: [account('C-1', { rep: stranger })] });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', upserts: { created: 1 } });
  expect(bench.company('C-1').hubspot_owner_id ?? '').toBe('');
  expect(bench.company('C-1').erp_sales_rep).toBe('Zoe');
});

test('what is owed at creation is paid by the next run when this one dies before', async () => {
  const bench = await openBench({ accounts: [account('C-1', { people: [person('P-1')] })] });
  bench.hubspot.setFaults([{ path: '(companies|contacts)/batch/update', fault: LOST_ACCESS }]);
  expect(await bench.run('customers')).toMatchObject({ status: 'failed', exit: 5 });
  expect(bench.company('C-1').hubspot_owner_id).toBeUndefined();
  expect(bench.query('SELECT key FROM objects WHERE owed IS NOT NULL ORDER BY key')).toEqual([
    { key: 'C-1' },
    { key: 'P-1' },
  ]);
  bench.hubspot.setFaults([]);
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', upserts: { created: 0, updated: 0 } });
  expect([bench.company('C-1').hubspot_owner_id, bench.contact('P-1').hubspot_owner_id]).toEqual([ADA, ADA]);
  expect(bench.query('SELECT key FROM objects WHERE owed IS NOT NULL')).toEqual([]);
});

test('what is owed is not paid over what somebody filled in meanwhile', async () => {
  const bench = await openBench({ accounts: [account('C-1'), account('C-2')] });
  bench.hubspot.setFaults([{ path: 'companies/batch/update', fault: LOST_ACCESS }]);
  await bench.run('customers');
  bench.hubspot.setFaults([]);
  await bench.edit('companies', bench.company('C-1').id, { hubspot_owner_id: CYD });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok' });
  expect(bench.company('C-1').hubspot_owner_id).toBe(CYD);
  expect(bench.company('C-2').hubspot_owner_id).toBe(ADA);
});

test('a debt survives a change of the record and is paid once', async () => {
  const bench = await openBench({ accounts: [account('C-1')] });
  bench.hubspot.setFaults([{ path: 'companies/batch/update', fault: LOST_ACCESS }]);
  await bench.run('customers');
  bench.hubspot.setFaults([]);
  await bench.change('accounts', 'C-1', { terms: 'COD' });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', upserts: { updated: 1 } });
  expect(bench.company('C-1').hubspot_owner_id).toBe(ADA);
  await bench.edit('companies', bench.company('C-1').id, { hubspot_owner_id: '' });
  await bench.run('customers', { full: true });
  expect(bench.company('C-1').hubspot_owner_id ?? '').toBe('');
});

test('any property can be set at creation only', async () => {
  const bench = await openBench({ accounts: [account('C-1')] });
  const alter = owned('companies', 'erp_last_order_on', 'create-only');
  await bench.change('accounts', 'C-1', { lastOrder: '2026-01-02' });
  expect(await bench.run('customers', { alter })).toMatchObject({ status: 'ok', upserts: { created: 1 } });
  expect(bench.company('C-1')).toMatchObject({ hubspot_owner_id: ADA, erp_last_order_on: '2026-01-02' });
  await bench.change('accounts', 'C-1', { lastOrder: '2026-03-04' });
  await bench.run('customers', { alter });
  expect(bench.company('C-1').erp_last_order_on, 'a create-only date stays as it was').toBe('2026-01-02');
});
