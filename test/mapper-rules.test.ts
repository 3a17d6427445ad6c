/** What the mappers promise beyond their fixtures: counts, absent and empty fields, and results without an order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf, loaded, theMapping, upsertsOf } from './fixtures.ts';

describe('the property tables', () => {
  it.each([
    ['products', 'products', 'erp_sync', 17],
    ['customers', 'companies', 'erp_sync', 13],
    ['customers', 'contacts', 'erp_sync', 10],
    ['pos-orders', 'deals', 'square_sync', 4],
    ['quotes', 'deals', 'erp_sync', 16],
  ])('%s makes on %s in %s %i properties', (stem, object, group, count) => {
    const custom = theMapping(stem).mapping.properties.filter((spec) => spec.object === object && spec.group);
    expect(custom.map((spec) => spec.group)).toEqual(Array.from({ length: count }, () => group));
  });

  it('leave the owner to people once the record is there', () => {
    const owners = loaded.flatMap(({ mapping }) =>
      mapping.properties.filter(({ name }) => name === 'hubspot_owner_id'),
    );
    expect(owners).toHaveLength(3);
    for (const spec of owners) expect(spec).toMatchObject({ owner: 'create-only', refersTo: 'owner' });
  });
});

/** A field of a record, what it is sent as, and a value with its spelling. */
const FIELDS: Readonly<Record<string, readonly (readonly [string, string, unknown, string])[]>> = {
  products: [
    ['name', 'name', ' Oak ', 'Oak'],
    ['description', 'description', 'a\r\nb', 'a\nb'],
    ['listPrice', 'price', '007.50', '7.5'],
    ['leadTimeDays', 'erp_lead_time_days', 0, '0'],
    ['isStocked', 'erp_is_stocked', false, 'false'],
    ['stock', 'erp_stock_by_location', [{ location: 'A', quantity: '1.0' }], 'A 1'],
  ],
  customers: [
    ['name', 'name', 'Acme', 'Acme'],
    ['status', 'erp_account_status', 'hold', 'hold'],
    ['balance', 'erp_balance', '-0.00', '0'],
    ['taxExempt', 'erp_tax_exempt', true, 'true'],
    ['lastOrderOn', 'erp_last_order_on', '2026-10-02', '2026-10-02'],
    ['website', 'domain', 'https://www.acme.example', 'acme.example'],
    ['salesRep', 'erp_sales_rep', { name: 'Dana' }, 'Dana'],
    ['address', 'zip', { zip: '06060' }, '06060'],
  ],
  quotes: [
    ['quoteNumber', 'erp_quote_number', '0050', '0050'],
    ['revision', 'erp_quote_revision', 0, '0'],
    ['total', 'amount', '10.50', '10.5'],
    ['quotedOn', 'erp_quoted_on', '2026-09-01', '2026-09-01'],
    ['expiresOn', 'closedate', '2026-09-01', '2026-09-01T17:00:00.000Z'],
    ['customerPo', 'erp_customer_po', 'PO 1', 'PO 1'],
  ],
};

const BASE = {
  products: { id: '1', status: 'active', modifiedAt: '2026-01-01T00:00:00.000Z' },
  customers: { id: '1', type: 'dealer', modifiedAt: '2026-01-01T00:00:00.000Z' },
  quotes: { id: '1', opportunityId: 'O', status: 'sent', modifiedAt: '2026-01-01T00:00:00.000Z' },
} as const;

function sentFor(stem: keyof typeof BASE, fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const { mapping, fixture } = theMapping(stem);
  const answer = answerOf(mapping, { case: '', records: [{ ...BASE[stem], ...fields }] }, fixture);
  const [first] = upsertsOf(answer);
  if (first === undefined) throw new Error(`expected an upsert, got ${JSON.stringify(answer)}`);
  return first.properties;
}

describe.each(['products', 'customers', 'quotes'] as const)('absent, null and blank in %s', (stem) => {
  it.each(FIELDS[stem] ?? [])('%s as %s', (field, property, value, spelling) => {
    expect(sentFor(stem, { [field]: value })[property]).toBe(spelling);
    expect(sentFor(stem, {})).not.toHaveProperty(property);
    expect(sentFor(stem, { [field]: undefined })).not.toHaveProperty(property);
    expect(sentFor(stem, { [field]: null })[property]).toBe('');
    if (typeof value === 'string') {
      expect(sentFor(stem, { [field]: '' })[property]).toBe('');
      expect(sentFor(stem, { [field]: ' \t' })[property]).toBe('');
    }
  });
});

describe('links', () => {
  it.each([
    ['customers', 'parentId'],
    ['quotes', 'customerId'],
  ] as const)('of %s by %s: absent leaves them alone, null takes ours away', (stem, field) => {
    const { mapping, fixture } = theMapping(stem);
    const linksFor = (value: unknown) => {
      const [first] = upsertsOf(answerOf(mapping, { case: '', records: [{ ...BASE[stem], [field]: value }] }, fixture));
      return first?.links;
    };
    expect(linksFor(undefined)).toBeUndefined();
    expect(linksFor(null)).toEqual([]);
    expect(linksFor('')).toEqual([]);
    expect(linksFor('C-7')).toEqual([{ to: 'companies', by: 'erp_customer_id', value: 'C-7', label: 'default' }]);
  });
});

describe('products', () => {
  it('counts what it cuts at the limit of HubSpot', () => {
    const { mapping, fixture } = theMapping('products');
    const records = [{ ...BASE.products, description: `${'x'.repeat(65_536)}yz` }];
    const answer = answerOf(mapping, { case: '', records }, fixture);
    expect(answer).toMatchObject({ notes: ["description: cut at HubSpot's limit, 2 characters removed"] });
    expect(upsertsOf(answer)[0]?.properties.description).toHaveLength(65_536);
  });
});

describe('quotes', () => {
  it('choose one winner of any revisions in any order', () => {
    const { mapping, fixture } = theMapping('quotes');
    const few = (...values: string[]) => fc.constantFrom(...values);
    const revision = fc.record({
      quoteNumber: fc.constantFrom('1', '2', null),
      revision: fc.constantFrom(0, 1, null),
      quotedOn: fc.constantFrom('2026-01-01', '2026-01-02', null),
      modifiedAt: few('2026-02-01T00:00:00.000Z', '2026-02-02T00:00:00.000Z'),
      total: few('1', '2', '3'),
    });
    const shuffled = fc
      .array(revision, { minLength: 2, maxLength: 6 })
      .map((list) => list.map((fields, position) => ({ ...BASE.quotes, ...fields, id: `Q-${position + 8}` })))
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(
      fc.property(shuffled, ([records, other]) => {
        const [one, two] = [records, other].map((list) => answerOf(mapping, { case: '', records: list }, fixture));
        expect(two).toEqual(one);
      }),
    );
  });
});

describe('pos-orders', () => {
  it('loses over all sales exactly what the returns gave back', () => {
    const { mapping, fixture } = theMapping('pos-orders');
    const usd = (cents: number) => ({ amount: String(cents), currency: 'USD' });
    const cents = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(cents, cents, cents, fc.boolean(), (first, second, failed, rejected) => {
        const [sale] = fixture.cases[0]?.records ?? [];
        const status = rejected ? 'REJECTED' : 'APPROVED';
        const amount = usd(Math.min(failed, first + second));
        const refunds = [{ id: 'f', status, amount, tenderId: null, saleId: null }];
        const returns = [
          { sourceOrderId: 'A', total: usd(first), tax: null },
          { sourceOrderId: 'B', total: usd(second), tax: null },
        ];
        const back = { ...sale, id: 'R', total: null, lineItemCount: 0, tenders: [], returns, refunds };
        const refunded = ['A', 'B'].map((id) => {
          const records = [{ ...sale, id, total: usd(1_000_000) }, back];
          const [deal] = upsertsOf(answerOf(mapping, { case: '', records }, fixture));
          return Math.round(Number(deal?.properties.square_refunded_amount) * 100);
        });
        const expected = first + second - (rejected ? Math.min(failed, first + second) : 0);
        expect(refunded.reduce((sum, amount) => sum + amount, 0)).toBe(expected);
      }),
    );
  });
});
