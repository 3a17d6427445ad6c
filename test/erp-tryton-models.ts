/** Models of Tryton 6.0 as far as a distributor's data needs them: each field's type, as `fields_get` tells it. */

interface Link {
  readonly type: 'many2one' | 'one2many' | 'many2many';
  readonly relation: string;
}
interface Plain {
  readonly type: 'char' | 'text' | 'boolean' | 'numeric' | 'float' | 'integer' | 'timestamp' | 'date' | 'reference';
}
export type FieldType = Link | Plain;
export type Model = Readonly<Record<string, FieldType>>;

const plain = (type: Plain['type']): Plain => ({ type });
const one = (relation: string): Link => ({ type: 'many2one', relation });
const many = (relation: string): Link => ({ type: 'one2many', relation });
const tags = (relation: string): Link => ({ type: 'many2many', relation });
const [char, boolean, numeric, date] = [plain('char'), plain('boolean'), plain('numeric'), plain('date')];

/** What every record has. */
const OWN: Model = {
  ...{ id: plain('integer'), rec_name: char },
  ...{ create_date: plain('timestamp'), write_date: plain('timestamp') },
};
const named = { ...OWN, name: char };

export const MODELS: Readonly<Record<string, Model>> = {
  'product.product': {
    ...{ ...named, code: char, description: plain('text'), active: boolean, salable: boolean },
    ...{ list_price: numeric, cost_price: numeric, default_uom: one('product.uom') },
    ...{ template: one('product.template'), identifiers: many('product.identifier') },
  },
  'product.template': {
    ...{ ...named, active: boolean, type: char, consumable: boolean },
    ...{ categories: tags('product.category'), products: many('product.product') },
  },
  'product.category': named,
  'product.identifier': { ...OWN, type: char, code: char },
  'product.uom': { ...named, symbol: char },
  'party.party': {
    ...{ ...named, code: char, active: boolean, email: char, replaced_by: one('party.party') },
    ...{ categories: tags('party.category'), addresses: many('party.address') },
    ...{ contact_mechanisms: many('party.contact_mechanism'), agents: many('commission.agent.selection') },
    ...{ relations: many('party.relation.all'), customer_payment_term: one('account.invoice.payment_term') },
  },
  'party.category': named,
  'party.address': {
    ...{ ...OWN, street: char, city: char, postal_code: char, invoice: boolean, active: boolean },
    ...{ subdivision: one('country.subdivision'), country: one('country.country') },
  },
  'country.country': named,
  'country.subdivision': named,
  'party.contact_mechanism': { ...OWN, type: char, value: char, active: boolean },
  'party.relation.all': { ...OWN, type: one('party.relation.type'), to: one('party.party') },
  'party.relation.type': named,
  'commission.agent.selection': { ...OWN, start_date: date, end_date: date, agent: one('commission.agent') },
  'commission.agent': { ...OWN, party: one('party.party') },
  'account.invoice.payment_term': named,
  'sale.sale': {
    ...{ ...OWN, number: char, revision: plain('integer'), reference: char, description: char, state: char },
    ...{ sale_date: date, origin: plain('reference'), party: one('party.party'), agent: one('commission.agent') },
    ...{ untaxed_amount: numeric, tax_amount: numeric, total_amount: numeric, lines: many('sale.line') },
  },
  'sale.line': {
    ...{ ...OWN, type: char, quantity: plain('float'), unit_price: numeric, description: plain('text') },
    product: one('product.product'),
  },
};
