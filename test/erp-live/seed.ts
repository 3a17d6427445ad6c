/** Fills an empty Tryton through its own API: a company, people, a catalogue, customers and quotes, dirty ones too. */
import { type Caller, date, money, type Values } from './wire.ts';

export interface Sizes {
  readonly products: number;
  readonly customers: number;
  readonly opportunities: number;
}

/** Ids of what the checks and changes need. */
export interface Seeded {
  readonly company: number;
  readonly products: readonly number[];
  readonly customers: readonly number[];
  readonly walkIns: readonly number[];
  readonly contacts: readonly number[];
  readonly opportunities: readonly number[];
  readonly quotes: readonly number[];
  readonly agents: readonly number[];
  readonly goods: readonly number[];
  readonly templates: readonly number[];
}

/** Records of one call: few enough for one transaction of some seconds. */
const BATCH = 100;

export async function seed(erp: Caller, sizes: Sizes): Promise<Seeded> {
  const base = await companyOf(erp);
  const reps = await repsOf(erp, base);
  const catalogue = await catalogueOf(erp, sizes.products);
  const people = await customersOf(erp, reps.agents, base.country, sizes.customers);
  const deals = await quotesOf(erp, { ...people, ...reps, goods: catalogue.goods, unit: catalogue.unit }, sizes);
  return { company: base.company, ...reps, ...catalogue, ...people, ...deals };
}

interface Base {
  readonly company: number;
  readonly currency: number;
  readonly country: number;
}

async function companyOf(erp: Caller): Promise<Base> {
  const currency = await erp.one('currency.currency', {
    ...{ name: 'US Dollar', code: 'USD', symbol: '$', rounding: money('0.01'), digits: 2 },
    rates: [['create', [{ date: date('2020-01-01'), rate: money('1') }]]],
  });
  const country = await erp.one('country.country', { name: 'United States', code: 'US' });
  const own = await erp.one('party.party', { name: 'Lakeside Supply Co.', code: 'OWN' });
  const company = await erp.one('company.company', { party: own, currency });
  await erp.write('res.user', [1], { companies: [['add', [company]]], company });
  erp.context = { language: 'en', company, active_test: false };
  return { company, currency, country };
}

async function repsOf(erp: Caller, { company, currency }: Base): Promise<{ agents: number[]; employees: number[] }> {
  const names = ['Rosa Mendez', 'Bram Weiß', 'Lena Fischer'];
  const parties = await erp.create(
    'party.party',
    names.map((name, at) => ({
      ...{ name, code: `REP-${at + 1}` },
      contact_mechanisms: [['create', [{ type: 'email', value: `rep${at + 1}@lakeside.example` }]]],
    })),
  );
  const employees = await erp.create(
    'company.employee',
    parties.map((party) => ({ party, company })),
  );
  const agents = await erp.create(
    'commission.agent',
    parties.map((party) => ({ party, company, currency, type_: 'agent' })),
  );
  return { agents, employees };
}

async function catalogueOf(
  erp: Caller,
  count: number,
): Promise<{ products: number[]; goods: number[]; unit: number; templates: number[] }> {
  const tree = await erp.create('product.category', [{ name: 'Lumber' }, { name: 'Tools' }, { name: 'Special order' }]);
  const leaves = await erp.create('product.category', [
    { name: 'Decking', parent: tree[0] },
    { name: 'Saws', parent: tree[1] },
  ]);
  const [unit = 1] = await erp.ids('model.product.uom.search', [['symbol', '=', 'u']], 0, 1, null);
  const rows = Array.from({ length: count }, (_, at) => productOf(at, unit, leaves, tree[2] ?? 0));
  const templates = await inBatches(erp, 'product.template', rows);
  const products = await erp.ids('model.product.product.search', [], 0, null, [['id', 'ASC']]);
  const goods = await erp.ids(
    'model.product.product.search',
    [
      ['salable', '=', true],
      ['active', '=', true],
    ],
    0,
    20,
    [['id', 'ASC']],
  );
  return { products, goods, unit, templates };
}

/** Every so many are as no catalogue should be: without code, at price 0, not sold, no longer active, two variants. */
function productOf(at: number, unit: number, leaves: readonly number[], special: number): Values {
  const dirty = at % 11 === 10;
  const variant = {
    suffix_code: 'A',
    description: at % 3 === 0 ? `Line one\nline two of ${at}` : null,
    active: at % 13 !== 12,
    ...(dirty ? {} : { identifiers: [['create', [{ type: 'ean', code: ean(at) }]]] }),
    cost_price: money((at * 0.37 + 1).toFixed(4)),
  };
  const second = at % 17 === 5 ? [{ ...variant, suffix_code: 'B', identifiers: [] }] : [];
  return {
    ...{ name: at % 19 === 3 ? `Board <b>${at}</b> & more` : `Board ${at}`, type: at % 7 === 6 ? 'service' : 'goods' },
    ...(dirty ? {} : { code: `SKU-${String(at).padStart(5, '0')}-` }),
    ...{ default_uom: unit, salable: at % 9 !== 8, ...(at % 9 !== 8 ? { sale_uom: unit } : {}) },
    list_price: money(at % 10 === 9 ? '0' : (at * 1.37 + 2.5).toFixed(4)),
    categories: [['add', [leaves[at % 2], ...(at % 15 === 4 ? [special] : [])]]],
    products: [['create', dirty ? [{ ...variant, suffix_code: null }] : [variant, ...second]]],
  };
}

/** Thirteen digits with the check digit that Tryton verifies. */
function ean(at: number): string {
  const body = `4006381${String(at).padStart(5, '0')}`;
  const sum = [...body].reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 1 : 3), 0);
  return `${body}${(10 - (sum % 10)) % 10}`;
}

const TYPES = ['Contractor', 'Architect', 'Builder', 'Dealer'];

async function customersOf(
  erp: Caller,
  agents: readonly number[],
  country: number,
  count: number,
): Promise<{ customers: number[]; walkIns: number[]; contacts: number[] }> {
  const names = [...TYPES, 'Retail', 'On hold'];
  const ids = await erp.create(
    'party.category',
    names.map((name) => ({ name })),
  );
  const category = new Map(names.map((name, at) => [name, ids[at] ?? 0]));
  const relation = await erp.one('party.relation.type', { name: 'Contact' });
  const reverse = await erp.one('party.relation.type', { name: 'Works at', reverse: relation });
  await erp.write('party.relation.type', [relation], { reverse });
  const rows = Array.from({ length: count }, (_, at) => customerOf(at, { agents, country, category }));
  const all = await inBatches(erp, 'party.party', rows);
  const customers = all.filter((_, at) => !isWalkIn(at));
  const walkIns = all.filter((_, at) => isWalkIn(at));
  const contacts = await inBatches(
    erp,
    'party.party',
    customers.flatMap((_, at) => (at % 2 === 0 ? [contactOf(at)] : [])),
  );
  const links = contacts.map((to, at) => ({ from_: customers[at * 2], to, type: relation }));
  await inBatches(erp, 'party.relation.all', links);
  return { customers, walkIns, contacts };
}

const isWalkIn = (at: number): boolean => at % 5 === 4;

function customerOf(
  at: number,
  { agents, country, category }: { agents: readonly number[]; country: number; category: ReadonlyMap<string, number> },
): Values {
  const kind = isWalkIn(at) ? 'Retail' : (TYPES[at % TYPES.length] ?? '');
  const categories = [category.get(kind), ...(at % 23 === 6 ? [category.get('On hold')] : [])];
  const rep = agents[at % 4];
  const handedOver = agents[(at + 1) % agents.length];
  return {
    ...{ name: at % 29 === 7 ? null : `${kind} Häuser ${at}`, code: `C-${at + 1}`, active: at % 31 !== 11 },
    categories: [['add', categories]],
    addresses: [
      [
        'create',
        [
          {
            street: `${at} Main St\nUnit ${at}`,
            city: 'Madison',
            postal_code: `0${5_000 + at}`,
            country,
            invoice: true,
            delivery: true,
          },
        ],
      ],
    ],
    contact_mechanisms: [
      [
        'create',
        [
          { type: 'phone', value: `+1 608 555 ${String(at).padStart(4, '0')}` },
          { type: 'website', value: `https://www.customer${at}.example` },
          { type: 'email', value: at % 17 === 3 ? 'not an e-mail' : `office@customer${at}.example` },
        ],
      ],
    ],
    ...(rep === undefined
      ? {}
      : {
          agents: [
            [
              'create',
              at % 8 === 1
                ? [
                    { agent: rep, end_date: date('2025-12-31') },
                    { agent: handedOver, start_date: date('2026-01-01') },
                  ]
                : [{ agent: rep }],
            ],
          ],
        }),
  };
}

const contactOf = (at: number): Values => ({
  ...{ name: `Anna-${at} van der Berg`, code: `P-${at}` },
  contact_mechanisms: [
    [
      'create',
      [
        { type: 'email', value: `anna${at}@customer${at}.example` },
        { type: 'mobile', value: `+1 608 556 ${String(at).padStart(4, '0')}` },
      ],
    ],
  ],
});

interface Trade {
  readonly customers: readonly number[];
  readonly walkIns: readonly number[];
  readonly employees: readonly number[];
  readonly goods: readonly number[];
  readonly unit: number;
}

async function quotesOf(
  erp: Caller,
  trade: Trade,
  { opportunities: count }: Sizes,
): Promise<{ opportunities: number[]; quotes: number[] }> {
  const payment = await erp.one('account.invoice.payment_term', {
    name: 'Net 30',
    lines: [['create', [{ type: 'remainder' }]]],
  });
  const buyers = [...trade.customers, ...trade.walkIns.slice(0, Math.ceil(trade.walkIns.length / 4))];
  const buyerOf = (at: number): number => buyers[at % buyers.length] ?? 0;
  const opportunities = await inBatches(
    erp,
    'sale.opportunity',
    Array.from({ length: count }, (_, at) => ({
      ...{ party: buyerOf(at), description: `Deck of house ${at}` },
      employee: trade.employees[at % trade.employees.length],
    })),
  );
  const rows = opportunities.flatMap((origin, at) => {
    const one = { ...saleOf(at, buyerOf(at), trade, payment), origin: `sale.opportunity,${origin}` };
    return at % 4 === 0 ? [one, { ...one, description: `Alternative ${at}` }] : [one];
  });
  const alone = Array.from({ length: Math.ceil(count / 5) }, (_, at) =>
    saleOf(at + count, buyerOf(at + 3), trade, payment),
  );
  const quotes = await inBatches(erp, 'sale.sale', await withAddresses(erp, [...rows, ...alone]));
  await moveOn(erp, quotes);
  return { opportunities, quotes };
}

const saleOf = (at: number, party: number, { goods, unit }: Trade, payment: number): Values => ({
  ...{ party, payment_term: payment, invoice_method: 'manual', shipment_method: 'manual' },
  ...{ reference: `PO-${at}`, description: at % 6 === 5 ? null : `Deck of house ${at}` },
  lines: [
    [
      'create',
      Array.from({ length: 1 + (at % 4) }, (_, line) => ({
        ...{ type: 'line', product: goods[(at + line) % goods.length], unit, quantity: 1 + ((at * 7 + line) % 40) },
        ...{ unit_price: money((3.335 + at * 0.11 + line).toFixed(4)) },
      })),
    ],
  ],
});

/** `create` fills nothing in: a quote needs both addresses before it can be quoted. */
async function withAddresses(erp: Caller, sales: readonly Values[]): Promise<Values[]> {
  const addresses = new Map<unknown, number>();
  const rows = await erp.call('model.party.address.search_read', [], 0, null, [['id', 'ASC']], ['party']);
  for (const row of Array.isArray(rows) ? rows : []) addresses.set(row.party, row.id);
  return sales.map((sale) => ({
    ...sale,
    invoice_address: addresses.get(sale.party),
    shipment_address: addresses.get(sale.party),
  }));
}

/** A tenth stays a draft; the others are quoted, and of those some are revised, cancelled or confirmed. */
async function moveOn(erp: Caller, quotes: readonly number[]): Promise<void> {
  const quoted = quotes.filter((_, at) => at % 10 !== 3);
  await erp.call('model.sale.sale.quote', quoted);
  const revised = quoted.filter((_, at) => at % 6 === 1);
  await erp.call('model.sale.sale.draft', revised);
  await erp.call('model.sale.sale.quote', revised);
  await erp.call(
    'model.sale.sale.cancel',
    quoted.filter((_, at) => at % 9 === 4),
  );
  await erp.call(
    'model.sale.sale.confirm',
    quoted.filter((_, at) => at % 5 === 2),
  );
}

async function inBatches(erp: Caller, model: string, rows: readonly Values[]): Promise<number[]> {
  const ids: number[] = [];
  for (let start = 0; start < rows.length; start += BATCH)
    ids.push(...(await erp.create(model, rows.slice(start, start + BATCH))));
  return ids;
}
