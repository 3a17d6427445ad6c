/** Tryton's records and its answers to `search`, `search_count` and `search_read`, as 6.0 on SQLite gives them. */
import { type FieldType, MODELS, type Model } from './erp-tryton-models.ts';

/** Values by field: instants in milliseconds, days and decimals as text, links as ids. */
export type Values = Readonly<Record<string, unknown>>;
interface Stored extends Values {
  readonly id: number;
}
export type Tables = Readonly<Record<string, readonly Values[]>>;
type Context = Readonly<Record<string, unknown>>;
type Rows = ReadonlyMap<number, Stored>;

/** An error inside Tryton: its envelope is `[text, '']`, whatever went wrong. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
}

/** Paths of a read, by their first field. */
type Tree = ReadonlyMap<string, readonly string[]>;

export class Store {
  /** Records that are read in one go: lists through a parent that two of them share come doubled. 200 on SQLite. */
  internalSlice = 200;
  #tables = new Map<string, Rows>();

  put(tables: Tables): void {
    const rowsOf = (rows: readonly Values[]): Rows =>
      new Map(rows.map((row) => [Number(row.id), { ...row, id: Number(row.id) }]));
    this.#tables = new Map(Object.entries(tables).map(([model, rows]) => [model, rowsOf(rows)]));
  }

  search(model: string, domain: unknown, order: unknown, context: Context): number[] {
    const isMatching = this.#matcher(model, listOf(domain), context);
    const visible = isAsked(domain, 'active') ? [...this.#rows(model)] : this.#visible(model, context);
    return inOrder(model, visible.filter(isMatching), order).map(({ id }) => id);
  }

  /** Rows in the order of `ids`. */
  read(model: string, ids: readonly number[], fields: unknown, context: Context): unknown[] {
    const tree = treeOf(listOf(fields).map(String));
    const rows = ids.map((id) => this.#row(model, id));
    const doubled = this.#parentsInTwoSlices(model, rows, tree);
    return rows.map((row) => this.#read(model, row, tree, context, doubled));
  }

  #read(model: string, row: Stored, tree: Tree, context: Context, doubled: ReadonlySet<string>, times = 1): Values {
    const found: Record<string, unknown> = { id: row.id };
    for (const [field, paths] of tree) {
      const type = typeOf(model, field);
      if (paths.includes('')) found[field] = this.#value(row, field, type, context);
      const deeper = treeOf(paths.filter((path) => path !== ''));
      if (deeper.size === 0) continue;
      if (!('relation' in type)) throw new PythonError(`'${field}'`);
      const read = (id: number, more: number): Values =>
        this.#read(type.relation, this.#row(type.relation, id), deeper, context, new Set(), more);
      if (type.type === 'many2one') {
        const id = row[field];
        found[`${field}.`] = typeof id === 'number' ? read(id, doubled.has(`${field} ${id}`) ? 2 : 1) : null;
      } else {
        const list = this.#linked(row, field, type.relation, context).map((id) => read(id, 1));
        found[`${field}.`] = Array.from({ length: times }, () => list).flat();
      }
    }
    return found;
  }

  #parentsInTwoSlices(model: string, rows: readonly Stored[], tree: Tree): Set<string> {
    const slices = new Map<string, Set<number>>();
    for (const field of tree.keys()) {
      if (typeOf(model, field).type !== 'many2one') continue;
      for (const [place, row] of rows.entries()) {
        const seen = slices.get(`${field} ${row[field]}`) ?? new Set<number>();
        slices.set(`${field} ${row[field]}`, seen.add(Math.floor(place / this.internalSlice)));
      }
    }
    return new Set([...slices].filter(([, seen]) => seen.size > 1).map(([key]) => key));
  }

  #value(row: Stored, field: string, { type }: FieldType, context: Context): unknown {
    const value = row[field] ?? null;
    const isPriceless = context.company === undefined || context.company === null;
    if (isPriceless && field === 'list_price') return null;
    if (isPriceless && field === 'cost_price') return decimal('0');
    if (value === null) return type === 'one2many' || type === 'many2many' ? [] : null;
    if (type === 'boolean') return value === true ? 1 : 0;
    if (type === 'numeric') return decimal(String(value));
    if (type === 'timestamp') return datetime(Number(value));
    if (type === 'date') {
      const [year, month, day] = String(value).split('-').map(Number);
      return { __class__: 'date', year, month, day };
    }
    return value;
  }

  /** A list shows no inactive record unless the context says otherwise. */
  #linked(row: Values, field: string, relation: string, context: Context): number[] {
    const ids = listOf(row[field] ?? []).map(Number);
    const rows = this.#tables.get(relation);
    return ids.filter((id) => context.active_test === false || rows?.get(id)?.active !== false);
  }

  #matcher(model: string, domain: readonly unknown[], context: Context): (row: Values) => boolean {
    const [first, ...rest] = domain;
    const isOr = first === 'OR';
    const parts = (isOr || first === 'AND' ? rest : domain).map((part) => this.#part(model, listOf(part), context));
    return (row) => (isOr ? parts.some((holds) => holds(row)) : parts.every((holds) => holds(row)));
  }

  #part(model: string, part: readonly unknown[], context: Context): (row: Values) => boolean {
    const [path, operator, value] = part;
    if (typeof path !== 'string' || path === 'OR' || path === 'AND') return this.#matcher(model, part, context);
    const holds = comparison(operator, value);
    const [field = '', ...below] = path.split('.');
    const type = typeOf(model, field);
    if (below.length === 0) return (row) => holds(plainOf(row[field] ?? null));
    if (!('relation' in type)) throw new PythonError(`'${path}'`);
    const deeper = this.#part(type.relation, [below.join('.'), operator, value], context);
    return (row) => {
      const ids = type.type === 'many2one' ? [row[field]] : this.#linked(row, field, type.relation, context);
      return ids.some((id) => typeof id === 'number' && deeper(this.#row(type.relation, id)));
    };
  }

  #visible(model: string, context: Context): Stored[] {
    const rows = [...this.#rows(model)];
    return context.active_test === false ? rows : rows.filter(({ active }) => active !== false);
  }

  #rows(model: string): readonly Stored[] {
    modelOf(model);
    return [...(this.#tables.get(model)?.values() ?? [])];
  }

  #row(model: string, id: number): Stored {
    const row = this.#tables.get(model)?.get(id);
    if (!row) throw new PythonError(`no record ${id} of ${model}`);
    return row;
  }
}

/** An unknown model and an unknown field look the same. */
export function modelOf(name: string): Model {
  const model = MODELS[name];
  if (!model) throw new PythonError(`'${name}'`);
  return model;
}

function typeOf(model: string, field: string): FieldType {
  const type = modelOf(model)[field];
  if (!type) throw new PythonError(`'${field}'`);
  return type;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  throw new PythonError(`'${typeof value}' object is not a list`);
}

function treeOf(paths: readonly string[]): Tree {
  const tree = new Map<string, string[]>();
  for (const path of paths) {
    const [field = '', ...below] = path.split('.');
    tree.set(field, [...(tree.get(field) ?? []), below.join('.')]);
  }
  return tree;
}

const isAsked = (domain: unknown, field: string): boolean =>
  Array.isArray(domain) && domain.some((part) => Array.isArray(part) && part[0] === field);

function inOrder(model: string, rows: Stored[], order: unknown): Stored[] {
  const keys = listOf(order).map((key) => listOf(key).map(String));
  for (const [field = '', direction = ''] of keys) {
    typeOf(model, field);
    if (!/^(ASC|DESC)$/i.test(direction)) throw new PythonError(`'${direction}'`);
  }
  if (order === null) return rows.toSorted((a, b) => compare(b.write_date, a.write_date)); // an order of the model's own
  return rows.toSorted((a, b) => {
    for (const [field = '', direction = ''] of keys) {
      const sign = direction.toUpperCase() === 'ASC' ? 1 : -1;
      if (compare(a[field], b[field]) !== 0) return sign * compare(a[field], b[field]);
    }
    return 0;
  });
}

/** Null first, as on SQLite. */
function compare(a: unknown, b: unknown): number {
  const [x, y] = [a ?? Number.NEGATIVE_INFINITY, b ?? Number.NEGATIVE_INFINITY];
  return x === y ? 0 : x < y ? -1 : 1;
}

/** Null matches no comparison but `=` and `!=` with null. */
function comparison(operator: unknown, asked: unknown): (own: unknown) => boolean {
  const value = plainOf(asked);
  if (operator === '=') return (own) => own === value;
  if (operator === '!=') return (own) => own !== value && (value === null || own !== null);
  if (operator === 'in' && Array.isArray(value)) return (own) => value.includes(own);
  const isOrder = operator === '<' || operator === '<=' || operator === '>' || operator === '>=';
  if (!isOrder) throw new PythonError('maximum recursion depth exceeded while calling a Python object');
  return (own) => {
    if (own === null || value === null) return false;
    const order = compare(own, value);
    return operator.startsWith('<')
      ? order < 0 || (operator === '<=' && order === 0)
      : order > 0 || (operator === '>=' && order === 0);
  };
}

/** Typed values of a domain as they are stored. A day is compared as text, an instant as a number. */
function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('__class__' in value)) return value;
  const { __class__: kind, ...parts } = value;
  const part = (name: string): number => Number(Object.entries(parts).find(([key]) => key === name)?.[1]);
  const two = (number: number): string => String(number).padStart(2, '0');
  if (kind === 'date') return `${part('year')}-${two(part('month'))}-${two(part('day'))}`;
  if (kind === 'Decimal') return String(Object.values(parts)[0]);
  const clock = [part('hour'), part('minute'), part('second')] as const;
  return Date.UTC(part('year'), part('month') - 1, part('day'), ...clock) + part('microsecond') / 1000;
}

const decimal = (text: string): Values => ({ __class__: 'Decimal', decimal: text });

function datetime(ms: number): Values {
  const at = new Date(ms);
  return {
    ...{ __class__: 'datetime', year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() },
    ...{ hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds() },
    microsecond: at.getUTCMilliseconds() * 1000,
  };
}
