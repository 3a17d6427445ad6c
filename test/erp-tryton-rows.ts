/** The contract's rows as records of Tryton, with what else a database holds that is none of them. */
import type { ContractRow } from './erp-contract.ts';
import type { Tables, Values } from './erp-tryton-store.ts';

/** Long before every row: when records were made whose change shows elsewhere. */
const BORN_MS = Date.UTC(2020, 0, 5);
const old = { create_date: BORN_MS, write_date: null };

/**
 * Where a row's date shows: a record never written has its creation only; another its own last write; of a third only
 * what belongs to it was written.
 */
const placeOf = ({ id }: ContractRow): 'created' | 'written' | 'below' =>
  (['created', 'written', 'below'] as const)[Number(id) % 3] ?? 'created';
const ownDates = (row: ContractRow): Values => ({
  create_date: placeOf(row) === 'created' ? row.ms : BORN_MS,
  write_date: placeOf(row) === 'written' ? row.ms : null,
});
const belowDates = (row: ContractRow): Values => ({
  create_date: BORN_MS,
  write_date: placeOf(row) === 'below' ? row.ms : null,
});
/** Every fifth: a vendor's listing leaves it out unless it is asked for. */
const isActive = ({ id }: ContractRow): boolean => Number(id) % 5 !== 0;
/** Variants of one template stand apart; those whose date is the template's have one each. */
const templateOf = (row: ContractRow): number => (placeOf(row) === 'below' ? Number(row.id) : 100_000);

export function productTables(rows: readonly ContractRow[]): Tables {
  const template = { ...old, active: true, type: 'goods', consumable: false, categories: [1], products: [] };
  return {
    'product.category': [{ ...old, id: 1, name: 'Decking', rec_name: 'Lumber / Decking' }],
    'product.uom': [{ ...old, id: 1, symbol: 'u' }],
    'product.template': [
      { ...template, id: 100_000 },
      ...rows.map((row) => ({ ...template, ...belowDates(row), id: Number(row.id) })),
    ],
    'product.product': rows.map((row) => ({
      ...{ ...ownDates(row), id: row.id, name: row.name, code: `N${row.id}`, active: isActive(row), salable: true },
      ...{ list_price: '12.9600', cost_price: '8', default_uom: 1, template: templateOf(row), identifiers: [] },
    })),
  };
}

/** Beside the customers there are people, of which each customer has one, and a supplier. */
export function customerTables(rows: readonly ContractRow[]): Tables {
  const person = (row: ContractRow): number => 1_000_000 + Number(row.id);
  const nobody = { ...old, active: true, categories: [], addresses: [], contact_mechanisms: [], agents: [] };
  return {
    'party.category': ['Contractor', 'Supplier'].map((name, at) => ({ ...old, id: at + 1, name })),
    'commission.agent': [{ ...old, id: 1, party: 2_000_000 }],
    'commission.agent.selection': [{ ...old, id: 1, start_date: '2020-01-01', end_date: null, agent: 1 }],
    'party.relation.type': [{ ...old, id: 1, name: 'Contact' }],
    'party.relation.all': rows.map((row) => ({ ...old, id: row.id, type: 1, to: person(row) })),
    'party.address': rows.map((row) => ({
      ...{ ...old, id: row.id, street: '1 Main St', city: 'Madison', invoice: true, active: true },
      ...(Number(row.id) % 2 === 0 ? belowDates(row) : {}),
    })),
    'party.contact_mechanism': rows.map((row) => ({
      ...{ ...old, id: row.id, type: 'email', value: `p${row.id}@example.com`, active: false },
      ...(Number(row.id) % 2 === 1 ? belowDates(row) : {}),
    })),
    'party.party': [
      { ...nobody, id: 2_000_000, name: 'Rosa Mendez', code: 'REP-1', email: 'rosa@example.com' },
      { ...nobody, id: 2_000_001, name: 'Mill', code: 'S-1', categories: [2] },
      ...rows.map((row) => ({ ...nobody, id: person(row), name: 'Ann Lee', contact_mechanisms: [Number(row.id)] })),
      ...rows.map((row) => ({
        ...{ ...nobody, ...ownDates(row), id: row.id, name: row.name, code: `C${row.id}`, active: isActive(row) },
        ...{ categories: [1], addresses: [Number(row.id)], relations: [Number(row.id)], agents: [1] },
      })),
    ],
  };
}

export function quoteTables(rows: readonly ContractRow[]): Tables {
  const sale = { ...{ revision: 0, state: 'draft', reference: null, sale_date: null }, origin: null, agent: null };
  return {
    'party.party': [{ ...old, id: 1, name: 'Customer', active: false }],
    'sale.line': rows.map((row) => ({
      ...{ ...belowDates(row), id: row.id, type: 'line', quantity: 2, unit_price: '10.2500', product: null },
      description: 'Board',
    })),
    'sale.sale': rows.map((row) => ({
      ...{ ...sale, ...ownDates(row), id: row.id, number: null, description: row.name, party: 1 },
      ...{ untaxed_amount: '20.50', tax_amount: '0.00', total_amount: '20.50', lines: [Number(row.id)] },
    })),
  };
}
