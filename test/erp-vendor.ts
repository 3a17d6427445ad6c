/** An ERP of one resource on loopback for tests, well-behaved unless told otherwise, and the source that reads it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page, Partition, Since } from '../src/pipe.ts';
import { parseProfile } from '../src/sources/erp/profile.ts';
import { type RestOptions, type RestSource, restSource } from '../src/sources/erp/rest.ts';

export interface Row {
  readonly no: string;
  readonly at: string;
  readonly name?: string;
}

export interface Asked {
  readonly number: number;
  readonly query: URLSearchParams;
  readonly path: string;
}

type Misbehave = (asked: Asked, response: ServerResponse, incoming: IncomingMessage) => boolean;

export const NEVER = new AbortController().signal;
export const EVERYTHING: Since = { kind: 'everything' };
export const ALL: Partition = { key: 'all', label: 'all', filter: {} };
/** An instant so many milliseconds after a fixed one. */
export const at = (ms: number): string => new Date(Date.UTC(2026, 0, 5) + ms).toISOString();

export class Vendor {
  rows: Row[] = [];
  pageMax = 500;
  keepsOrder = true;
  asked: Asked[] = [];
  /** Before each answer; true when it has answered itself. */
  before: Misbehave = () => false;
  #server: Server | null = null;

  async start(): Promise<string> {
    const server = createServer((incoming, response) => this.#serve(incoming, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const url = new URL(incoming.url ?? '/', 'http://vendor');
    const asked = { number: this.asked.length + 1, query: url.searchParams, path: url.pathname };
    this.asked.push(asked);
    if (!this.before(asked, response, incoming)) json(response, this.answer(url.searchParams));
  }

  answer(query: URLSearchParams): unknown {
    const ids = query.get('ids')?.split(',');
    const sinceMs = Date.parse(query.get('since') ?? '1970-01-01');
    const matching = this.rows.filter((row) => Date.parse(row.at) >= sinceMs && (ids?.includes(row.no) ?? true));
    const byId = (a: Row, b: Row): number => (a.no < b.no ? -1 : 1);
    const byDate = (a: Row, b: Row): number => (a.at === b.at ? byId(a, b) : a.at < b.at ? -1 : 1);
    matching.sort(query.has('sort') && this.keepsOrder ? byDate : byId);
    const size = Math.min(Number(query.get('size') ?? 50), this.pageMax);
    const start = (Number(query.get('page') ?? 1) - 1) * size;
    return { data: matching.slice(start, start + size), count: matching.length };
  }
}

export function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', date: 'Mon, 05 Jan 2026 12:00:00 GMT' });
  response.end(JSON.stringify(body));
}

const PROFILE = `
name: test
zone: America/Chicago
auth: { scheme: bearer }
resources:
  products:
    path: api/items
    records: data
    total: count
    id: no
    modifiedAt: at
    paging: PAGING
    EXTRA
    byIds: { param: ids, max: 2 }
    fields: { name: name }
`;
export const SORTED = 'since: { param: since }\n    sort: { param: sort, value: at }';
export const UNSORTED = 'since: { param: since }';

interface Wording {
  readonly size?: number;
  readonly extra?: string;
  readonly paging?: string;
}

/** A source of the vendor's rows; `extra` is YAML inside the resource. Pauses take no time. */
export function sourceOf(
  baseUrl: string,
  { size = 3, extra = SORTED, paging, profile, ...options }: Partial<RestOptions> & Wording = {},
): RestSource {
  const pages = paging ?? `{ kind: page, param: page, sizeParam: size, size: ${size} }`;
  return restSource({
    profile: profile ?? parseProfile(PROFILE.replace('PAGING', pages).replace('EXTRA', extra), 'test.yaml'),
    resource: 'products',
    baseUrl,
    credentials: { token: 'secret-token' },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    random: () => 0.5,
    deadlineMs: 2000,
    attemptsMax: 3,
    ...options,
  });
}

export async function pagesOf(source: RestSource, since: Since = EVERYTHING, partition = ALL): Promise<Page[]> {
  return Array.fromAsync(source.pages(partition, since, NEVER));
}

export const idsOf = (pages: readonly Page[]): string[] => pages.flatMap(({ records }) => records.map(({ id }) => id));
