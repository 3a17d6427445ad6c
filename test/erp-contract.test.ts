import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Source } from '../src/pipe.ts';
import { parseProfile } from '../src/sources/erp/profile.ts';
import { restSource } from '../src/sources/erp/rest.ts';
import {
  type Abilities,
  type ContractRow,
  type ContractVendor,
  erpContract,
  type OpenOptions,
} from './erp-contract.ts';
import { misbehave } from './erp-misbehave.ts';

/** One way in which a JSON API may serve a listing. */
interface Style {
  readonly paging: (size: number) => string;
  readonly extra?: string;
  readonly groups?: boolean;
  /** The body and headers of one page of the rows that match. */
  readonly page: (rows: readonly ContractRow[], query: URLSearchParams, url: URL) => Answer;
}

interface Answer {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const SORTED = 'since: { param: since }\n    sort: { param: sort, value: changed }';
const rowOf = ({ id, name, ms, group }: ContractRow): unknown => ({
  no: Number(id),
  title: name,
  changed: new Date(ms).toISOString(),
  group,
});

const offsetOf = (query: URLSearchParams): number => Number(query.get('offset') ?? 0);
const sizeOf = (query: URLSearchParams): number => Number(query.get('size') ?? 50);
const slice = (rows: readonly ContractRow[], from: number, query: URLSearchParams): unknown[] =>
  rows.slice(from, from + sizeOf(query)).map(rowOf);

class RestVendor implements ContractVendor {
  rows: ContractRow[] = [];
  onRequest: ContractVendor['onRequest'] = () => null;
  requests = 0;
  readonly #style: Style;
  readonly #server: Server;
  #url = '';

  constructor(style: Style) {
    this.#style = style;
    this.#server = createServer((incoming, response) => {
      const fault = this.onRequest(++this.requests);
      const url = new URL(incoming.url ?? '/', this.#url);
      const { body, headers = {} } = this.#answer(url);
      const text = JSON.stringify(body);
      if (fault) misbehave(fault, response, text);
      else response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text);
    });
  }

  static async start(style: Style): Promise<RestVendor> {
    const vendor = new RestVendor(style);
    await new Promise<void>((resolve) => vendor.#server.listen(0, '127.0.0.1', resolve));
    vendor.#url = `http://127.0.0.1:${(vendor.#server.address() as AddressInfo).port}`;
    return vendor;
  }

  forgetRequests(): void {
    this.requests = 0;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  open({ pageSize, attemptsMax, deadlineMs }: OpenOptions): Source {
    const { paging, extra = '', groups } = this.#style;
    const text = `
name: contract
zone: UTC
auth: { scheme: bearer }
resources:
  products:
    path: api/items
    records: data
    id: no
    modifiedAt: changed
    paging: ${paging(pageSize)}
    ${extra}
    ${groups ? GROUPS : ''}
    byIds: { param: ids, max: 2 }
    fields: { name: title }
`;
    return restSource({
      profile: parseProfile(text, 'contract.yaml'),
      resource: 'products',
      baseUrl: this.#url,
      credentials: { token: 'secret-token' },
      clock: { now: () => 0, sleep: () => Promise.resolve() },
      random: () => 0.5,
      attemptsMax,
      deadlineMs,
    });
  }

  #answer(url: URL): Answer {
    const query = url.searchParams;
    if (url.pathname === '/api/groups') return { body: { data: ['1', '2', '3'].map((id) => ({ id })), count: 3 } };
    const ids = query.get('ids')?.split(',');
    if (ids) return { body: { data: this.rows.filter(({ id }) => ids.includes(id)).map(rowOf) } };
    return this.#style.page(inOrder(this.rows.filter(matches(query)), query), query, url);
  }
}

const GROUPS = `total: count
    partitions: { key: group, from: { path: api/groups, records: data, id: id, total: count }, param: group, none: none }
    split: { from: nameFrom, to: nameTo }`;

function matches(query: URLSearchParams): (row: ContractRow) => boolean {
  const group = query.get('group');
  const sinceMs = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z');
  const [from, to] = [query.get('nameFrom'), query.get('nameTo')];
  return (row) =>
    row.ms >= sinceMs &&
    (group === null || group === (row.group ?? 'none')) &&
    (from === null || row.name.toLowerCase() >= from) &&
    (to === null || row.name.toLowerCase() < to);
}

const inOrder = (rows: readonly ContractRow[], query: URLSearchParams): ContractRow[] =>
  rows.toSorted((a, b) => (query.has('sort') ? a.ms - b.ms : 0) || Number(a.id) - Number(b.id));

const KEYSET: Abilities = { slices: false, totals: false, sorted: true, since: true, changesSurvived: 4 };
/** Offsets alone: a row can slip past two readings in a row only when several changes meet it. */
const OFFSETS: Abilities = { slices: false, totals: false, sorted: false, since: true, changesSurvived: 1 };

const byNumber: Style['page'] = (rows, query) => ({
  body: { data: slice(rows, (Number(query.get('page') ?? 1) - 1) * sizeOf(query), query), count: rows.length },
});
const byOffset: Style['page'] = (rows, query) => ({ body: { data: slice(rows, offsetOf(query), query) } });

const STYLES: Record<string, [Style, Abilities]> = {
  'by page number, sorted, with a total': [
    {
      paging: (size) => `{ kind: page, param: page, sizeParam: size, size: ${size} }`,
      extra: `total: count\n    ${SORTED}`,
      page: byNumber,
    },
    { ...KEYSET, totals: true },
  ],
  'in slices, by page number, without order': [
    {
      paging: (size) => `{ kind: page, param: page, sizeParam: size, size: ${size} }`,
      extra: 'since: { param: since }',
      groups: true,
      page: byNumber,
    },
    { ...OFFSETS, totals: true, slices: true },
  ],
  'by offset, without order and total': [
    {
      paging: (size) => `{ kind: offset, param: offset, sizeParam: size, size: ${size} }`,
      extra: 'since: { param: since }',
      page: byOffset,
    },
    OFFSETS,
  ],
  'by a cursor that is an offset in disguise': [
    {
      paging: (size) => `{ kind: cursor, param: offset, from: next, sizeParam: size, size: ${size} }`,
      extra: 'since: { param: since }',
      page: (rows, query) => {
        const end = offsetOf(query) + sizeOf(query);
        return { body: { data: slice(rows, offsetOf(query), query), next: end < rows.length ? String(end) : null } };
      },
    },
    OFFSETS,
  ],
  'by links, without a date filter': [
    {
      paging: (size) => `{ kind: link, from: next, sizeParam: size, size: ${size} }`,
      page: (rows, query, url) => {
        const end = offsetOf(query) + sizeOf(query);
        const next = new URL(url);
        next.searchParams.set('offset', String(end));
        return { body: { data: slice(rows, offsetOf(query), query), next: end < rows.length ? next.href : null } };
      },
    },
    { ...OFFSETS, since: false },
  ],
};

for (const [name, [style, abilities]] of Object.entries(STYLES)) {
  erpContract(`a JSON API ${name}`, () => RestVendor.start(style), abilities);
}
