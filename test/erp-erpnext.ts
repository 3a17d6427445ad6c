/** ERPNext's REST API on loopback: fields, filters, order and pages as Frappe documents them; what breaks a rule is refused. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Row = Readonly<Record<string, unknown>>;
type Links = readonly { readonly link_doctype: string; readonly link_name: string }[];
const PARAMETERS = new Set(['fields', 'filters', 'order_by', 'limit_start', 'limit_page_length']);
/** Without `limit_page_length`, Frappe sends so many. */
const PAGE = 20;
const LINK = '`tabDynamic Link`.link_name';

export class ErpNext {
  tables: Record<string, Row[]> = { Item: [], Customer: [], Contact: [], Quotation: [] };
  refused: string[] = [];
  asked: URL[] = [];
  before: (response: ServerResponse, answer: () => string) => boolean = () => false;
  #server: Server | null = null;
  url = '';

  async start(): Promise<void> {
    const server = createServer((incoming, response) => this.#serve(incoming, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const url = new URL(incoming.url ?? '/', this.url);
    const send = (status: number, text: string): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    if (incoming.headers.authorization !== 'token key-1:secret-2') {
      send(401, '{"exc_type":"AuthenticationError"}');
      return;
    }
    this.asked.push(url);
    try {
      const answer = (): string => JSON.stringify(this.#answer(url));
      if (!this.before(response, answer)) send(200, answer());
    } catch (fault) {
      this.refused.push(String(fault));
      send(417, JSON.stringify({ exception: String(fault) }));
    }
  }

  #answer({ pathname, searchParams }: URL): unknown {
    if (pathname === '/api/method/frappe.client.get_count') {
      return { message: this.#found(searchParams.get('doctype') ?? '', searchParams.get('filters')).length };
    }
    for (const name of searchParams.keys()) if (!PARAMETERS.has(name)) throw new Error(`unknown parameter ${name}`);
    const doctype = decodeURIComponent(pathname.replace('/api/resource/', ''));
    const [column = 'modified', direction = 'desc'] = (searchParams.get('order_by') ?? '').split(' ');
    const sign = direction === 'asc' ? 1 : -1;
    const key = (row: Row): string => `${String(row[column === '' ? 'modified' : column] ?? '')} ${String(row.name)}`;
    const rows = this.#found(doctype, searchParams.get('filters')).toSorted(
      (a, b) => sign * (key(a) < key(b) ? -1 : 1),
    );
    const start = Number(searchParams.get('limit_start') ?? 0);
    const size = Number(searchParams.get('limit_page_length') ?? PAGE);
    const fields: string[] = JSON.parse(searchParams.get('fields') ?? '["name"]');
    return { data: rows.slice(start, size === 0 ? undefined : start + size).map((row) => selected(row, fields)) };
  }

  /** A condition on rows of a child table joins them: a record comes once for each row that fits. */
  #found(doctype: string, filters: string | null): Row[] {
    const table = this.tables[doctype];
    if (!table) throw new Error(`DoctypeNotFound ${doctype}`);
    const conditions: unknown = JSON.parse(filters ?? '[]');
    if (!Array.isArray(conditions) || !conditions.every(Array.isArray)) throw new Error('filters is no list of lists');
    const own = conditions.filter((condition) => condition.length === 3);
    const linked = conditions.filter((condition) => condition.length === 4 && condition[0] === 'Dynamic Link');
    if (own.length + linked.length < conditions.length) throw new Error('a condition has another form');
    const rows = table.filter((row) => own.every((condition) => holds(row, condition)));
    if (linked.length === 0) return rows;
    return rows.flatMap((row) =>
      linksOf(row)
        .filter((link) => linked.every((condition) => holds(link, condition.slice(1))))
        .map((link) => ({ ...row, link_name: link.link_name })),
    );
  }
}

function linksOf(row: Row): Links {
  return Array.isArray(row.links) ? row.links : [];
}

function selected(row: Row, fields: readonly string[]): Row {
  const names = fields.map((field) => (field === LINK ? 'link_name' : field));
  for (const name of names) if (!Object.hasOwn(row, name)) throw new Error(`Unknown column '${name}'`);
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

function holds(row: Row, [field, operator, value]: readonly unknown[]): boolean {
  const own = String(row[String(field)] ?? '');
  if (operator === '=') return own === String(value);
  if (operator === 'in' && Array.isArray(value)) return value.map(String).includes(own);
  if (operator === '>=' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/.test(String(value))) return own >= String(value);
  throw new Error(`cannot compare by ${String(operator)} ${String(value)}`);
}
