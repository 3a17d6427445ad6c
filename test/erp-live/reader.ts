/** A user of Tryton that can read what is synced and write nothing: the rights that docs/tryton.md names. */
import { randomBytes } from 'node:crypto';
import { type Caller, date } from './wire.ts';

/** Read by the group alone. All other models that are read are open to every user of a new database. */
const READ = ['sale.sale', 'sale.line', 'sale.opportunity'];
/** What every user may write in a new database, unless one of his groups says otherwise. */
const READ_ONLY = [
  ...['party.party', 'party.address', 'party.contact_mechanism', 'party.identifier', 'party.relation.all'],
  ...['product.product', 'product.identifier', 'commission.agent.selection'],
];

export async function createReader(erp: Caller, company: number): Promise<{ user: string; password: string }> {
  const models = await erp.call(
    'model.ir.model.search_read',
    [['model', 'in', [...READ, ...READ_ONLY]]],
    0,
    null,
    null,
    ['model'],
  );
  const ids = (Array.isArray(models) ? models : []).map(({ id }) => Number(id));
  const rights = { perm_read: true, perm_write: false, perm_create: false, perm_delete: false };
  const group = await erp.one('res.group', {
    name: 'CRM reader',
    model_access: [['create', ids.map((model) => ({ model, ...rights }))]],
  });
  const [user, password] = ['crm-reader', randomBytes(12).toString('base64url')];
  await erp.one('res.user', {
    ...{ name: 'CRM reader', login: user, password, groups: [['add', [group]]] },
    ...{ companies: [['add', [company]]], company },
  });
  return { user, password };
}

/** Models of what is synced that the user can write, by trying; null is a record that is not there. */
export async function writable(reader: Caller, ids: Readonly<Record<string, number>>): Promise<readonly string[]> {
  const tries: readonly (readonly [string, string, ...unknown[]])[] = [
    ['party.party', 'write', [ids.party], { name: 'Changed' }],
    ['party.party', 'create', [{ name: 'New' }]],
    ['product.product', 'write', [ids.product], { description: 'Changed' }],
    ['product.template', 'write', [ids.template], { name: 'Changed' }],
    ['sale.sale', 'write', [ids.sale], { description: 'Changed' }],
    ['sale.sale', 'delete', [ids.sale]],
    ['commission.agent.selection', 'create', [{ party: ids.party, agent: ids.agent, start_date: date('2026-01-01') }]],
  ];
  const done: string[] = [];
  for (const [model, method, ...params] of tries) {
    const refusal = await reader.call(`model.${model}.${method}`, ...params).then(
      () => 'none',
      (error: unknown) => String(error),
    );
    if (!/not allowed/.test(refusal)) done.push(`${model} ${method}: ${refusal}`);
  }
  return done;
}
