/** Business Central's API v2.0 on loopback: OData's rules as the vendor documents them, and a request that breaks one is refused. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Row = Readonly<Record<string, unknown>>;
const BASE = '/v2.0/acme/production/api/v2.0/companies(c1)/';
const OPTIONS = new Set(['$filter', '$orderby', '$count', '$expand', '$top', '$skiptoken', 'aid']);
const EXPANDS: Readonly<Record<string, string>> = { customers: 'contactsInformation', salesQuotes: 'salesQuoteLines' };

export class BusinessCentral {
  tables: Record<string, Row[]> = { items: [], customers: [], contacts: [], salesQuotes: [] };
  /** Tokens that are good; the vendor forgets one when it expires. */
  readonly tokens = new Set<string>();
  signIns = 0;
  refused: string[] = [];
  asked: URL[] = [];
  pageMax = 20_000;
  /** True when it has answered itself. */
  before: (response: ServerResponse, answer: () => string) => boolean = () => false;
  #server: Server | null = null;
  #origin = '';

  async start(): Promise<void> {
    const server = createServer((incoming, response) => {
      let body = '';
      incoming.on('data', (chunk) => {
        body += String(chunk);
      });
      incoming.on('end', () => this.#serve(incoming, response, body));
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  get url(): string {
    return this.#origin + BASE.slice(0, -1);
  }

  /** The address of the sign-in, which at the vendor is another host. */
  get tokenUrl(): string {
    return `${this.#origin}/\${ERP_DATABASE}/oauth2/v2.0/token`;
  }

  #serve(incoming: IncomingMessage, response: ServerResponse, body: string): void {
    const url = new URL(incoming.url ?? '/', this.#origin);
    if (url.pathname === '/acme/oauth2/v2.0/token') {
      this.#signIn(response, new URLSearchParams(body));
      return;
    }
    if (!this.tokens.has(incoming.headers.authorization?.replace('Bearer ', '') ?? '')) {
      send(response, 401, {});
      return;
    }
    this.asked.push(url);
    const answer = (): string => JSON.stringify(this.#page(url, String(incoming.headers.prefer)));
    try {
      if (this.before(response, answer)) return;
      const text = answer();
      response.writeHead(200, { 'content-type': 'application/json; odata.metadata=minimal' }).end(text);
    } catch (fault) {
      this.refused.push(String(fault));
      send(response, 400, { error: { message: String(fault) } });
    }
  }

  #signIn(response: ServerResponse, form: URLSearchParams): void {
    const isGood =
      form.get('grant_type') === 'client_credentials' &&
      form.get('client_id') === 'client' &&
      form.get('client_secret') === 'secret-2' &&
      form.get('scope') === 'https://api.businesscentral.dynamics.com/.default';
    if (!isGood) {
      send(response, 401, { error: 'invalid_client' });
      return;
    }
    const token = `eyJ.${++this.signIns}`;
    this.tokens.add(token);
    send(response, 200, { token_type: 'Bearer', expires_in: 3599, access_token: token });
  }

  #page(url: URL, prefer: string): unknown {
    const table = url.pathname.slice(BASE.length);
    const rows = url.pathname.startsWith(BASE) ? this.tables[table] : undefined;
    if (!rows) throw new Error(`no ${url.pathname}`);
    for (const name of url.searchParams.keys()) if (!OPTIONS.has(name)) throw new Error(`unknown option ${name}`);
    const expand = url.searchParams.get('$expand');
    if (expand !== null && expand !== EXPANDS[table]) throw new Error(`cannot expand ${expand}`);
    const order = url.searchParams.get('$orderby') ?? 'id';
    const found = rows.filter(matching(url.searchParams.get('$filter')));
    const sorted = found.toSorted((a, b) => compare(a[order], b[order]) || compare(a.id, b.id));
    const asked = Number(/odata\.maxpagesize=(\d+)/.exec(prefer)?.[1] ?? this.pageMax);
    const size = Math.min(asked, this.pageMax);
    const start = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(start + size));
    return {
      '@odata.context': `${this.url}/$metadata#${table}`,
      ...(url.searchParams.get('$count') === 'true' ? { '@odata.count': sorted.length } : {}),
      value: sorted.slice(start, start + size).map((row) => (expand === null ? without(row, EXPANDS[table]) : row)),
      ...(start + size < sorted.length ? { '@odata.nextLink': next.href } : {}),
    };
  }
}

const send = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const without = (row: Row, name = ''): Row => Object.fromEntries(Object.entries(row).filter(([key]) => key !== name));

const compare = (a: unknown, b: unknown): number => {
  const [x, y] = [String(a), String(b)];
  return x === y ? 0 : x < y ? -1 : 1;
};

const TERM = /^(\w+) (eq|ge|lt) (?:'((?:[^']|'')*)'|([\w:.+-]+))$/;

/** `a eq 1 and (b eq 2 or b eq 3)`: conditions joined by "and", and by "or" on one field only. */
function matching(filter: string | null): (row: Row) => boolean {
  if (filter === null) return () => true;
  const groups = filter.split(' and ').map((group) => {
    const terms = group
      .replace(/^\((.*)\)$/, '$1')
      .split(' or ')
      .map(termOf);
    const fields = new Set(terms.map(({ field }) => field));
    if (fields.size > 1) throw new Error("The 'OR' operator is not supported on distinct fields on an OData filter.");
    return terms;
  });
  return (row) => groups.every((terms) => terms.some((term) => term.holds(row)));
}

function termOf(text: string) {
  const [, field = '', operator, quoted, bare] = TERM.exec(text) ?? [];
  if (field === '') throw new Error(`cannot read "${text}"`);
  const value = quoted === undefined ? (bare ?? '') : quoted.replaceAll("''", "'");
  const holds = (row: Row): boolean => {
    const isDate = field === 'lastModifiedDateTime';
    const order = isDate ? Date.parse(String(row[field])) - Date.parse(value) : compare(row[field], value);
    return operator === 'eq' ? order === 0 : operator === 'ge' ? order >= 0 : order < 0;
  };
  return { field, holds };
}
