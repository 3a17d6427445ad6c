import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FatalError } from '../src/errors.ts';
import type { Page, Partition, SourceRecord } from '../src/pipe.ts';
import { placeholder } from '../src/sources/erp/placeholders.ts';
import { parseProfile } from '../src/sources/erp/profile.ts';
import { type RestSource, restSource } from '../src/sources/erp/rest.ts';

/** What the vendor saw of one request. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
}

const [TOKEN, USER, PASSWORD, TENANT] = [
  placeholder('TOKEN'),
  placeholder('USER'),
  placeholder('PASSWORD'),
  placeholder('DATABASE'),
];
const NEVER = new AbortController().signal;
const EVERYTHING = { kind: 'everything' } as const;
const SINCE = { kind: 'modified', from: '2026-01-05T12:00:00.500Z' } as const;
const ALL: Partition = { key: 'all', label: 'all', filter: {} };
const SECRETS = { user: 'key-1', password: 'secret-2', token: 'secret-3', database: 'acme' };
const row = (id: number | string, more = {}): object => ({ id, at: '2026-01-05T12:00:00Z', ...more });

let server: Server;
let url = '';
let seen: Seen[] = [];
let reply: (asked: Seen) => Reply = () => ({});
let nowMs = 0;

beforeAll(async () => {
  server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += String(chunk);
    });
    incoming.on('end', () => {
      const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://vendor');
      const { method = '', headers } = incoming;
      const asked = { method, path: pathname, query: searchParams, headers, body };
      seen.push(asked);
      const answer = reply(asked);
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      response.end(JSON.stringify(answer.body ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  seen = [];
  nowMs = 0;
  reply = ({ query }) => ({ body: { rows: query.get('page') === '1' ? [row(1)] : [], count: 1 } });
});

const PAGES = 'paging: { kind: page, param: page, size: 50 }';
const textOf = (auth: string, words: string): string => `name: test
zone: America/Chicago
auth: ${auth}
resources:
  products:
    path: items
    records: rows
    id: id
    modifiedAt: at
    ${words.replaceAll('\n', '\n    ')}
    fields: { name: title }
`;

function sourceOf(
  words: string,
  auth = '{ scheme: bearer }',
  resource: 'products' | 'customers' = 'products',
): RestSource {
  const text = textOf(auth, words);
  const adapted =
    resource === 'products' ? text : text.replace('products:', 'customers:').replace('{ name: title }', CONTACTS);
  return restSource({
    profile: parseProfile(adapted, 'test.yaml'),
    resource,
    baseUrl: url,
    credentials: SECRETS,
    clock: { now: () => nowMs, sleep: () => Promise.resolve() },
    random: () => 0.5,
    attemptsMax: 2,
    deadlineMs: 5000,
  });
}
const CONTACTS = '{ name: title, contacts: { path: people, each: { id: id, email: mail } } }';

const read = (source: RestSource, since: typeof EVERYTHING | typeof SINCE = EVERYTHING, slice = ALL): Promise<Page[]> =>
  Array.fromAsync(source.pages(slice, since, NEVER));
const recordsOf = (pages: readonly Page[]): SourceRecord[] => pages.flatMap(({ records }) => records);
const slicesOf = (source: RestSource): Promise<Partition[]> => Array.fromAsync(source.partitions(EVERYTHING, NEVER));

function faultsOf(text: string): string {
  try {
    parseProfile(text, 'test.yaml');
  } catch (thrown) {
    if (thrown instanceof FatalError) return thrown.message;
    throw thrown;
  }
  return 'none';
}

describe('who we are', () => {
  test.each([
    ['a bearer token', '{ scheme: bearer }', 'authorization', 'Bearer secret-3'],
    ['a header of its own', '{ scheme: header, header: X-Api-Key }', 'x-api-key', 'secret-3'],
    [
      'a header with a prefix and two parts',
      `{ scheme: header, header: Authorization, prefix: "token ", value: "${USER}:${PASSWORD}" }`,
      'authorization',
      'token key-1:secret-2',
    ],
    ['user and password', '{ scheme: basic }', 'authorization', `Basic ${btoa('key-1:secret-2')}`],
  ])('is said by %s', async (_name, auth, header, value) => {
    await read(sourceOf(PAGES, auth));
    expect(seen[0]?.headers[header]).toBe(value);
  });

  const OAUTH = `{ scheme: oauth2, tokenUrl: "${TENANT}/token", scope: "api/.default" }`;
  /** A vendor whose tokens count up; `dead` are refused. */
  function signingIn(life: number | null, dead: readonly string[] = []): void {
    let count = 0;
    reply = ({ path, headers, query }) => {
      if (path === '/acme/token')
        return { body: { access_token: `T${++count}`, ...(life ? { expires_in: life } : {}) } };
      const token = String(headers.authorization).replace('Bearer ', '');
      if (dead.includes(token)) return { status: 401 };
      return { body: { rows: query.get('page') === '1' ? [row(1)] : [] } };
    };
  }
  const signIns = (): number => seen.filter(({ path }) => path === '/acme/token').length;

  test('is said by a token for client credentials, got once and sent with each request', async () => {
    signingIn(3600);
    await read(sourceOf(PAGES, OAUTH));
    expect(signIns()).toBe(1);
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toEqual({
      ...{ grant_type: 'client_credentials', scope: 'api/.default' },
      ...{ client_id: 'key-1', client_secret: 'secret-2' },
    });
    expect(seen.slice(1).map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer T1'));
  });

  test('is said anew before the token expires', async () => {
    signingIn(3600);
    const source = sourceOf(PAGES, OAUTH);
    await read(source);
    nowMs = 3_530_000;
    await read(source);
    nowMs = 3_545_000;
    await read(source);
    expect(signIns()).toBe(2);
  });

  test('is said anew once when a token is refused, and then counts as refused', async () => {
    signingIn(3600, ['T1']);
    expect(recordsOf(await read(sourceOf(PAGES, OAUTH)))).toHaveLength(1);
    signingIn(3600, ['T1', 'T2']);
    await expect(read(sourceOf(PAGES, OAUTH))).rejects.toMatchObject({ exit: 5 });
    expect(signIns()).toBe(4);
  });

  test('is refused at the sign-in with exit 5, without a word of the secret', async () => {
    reply = () => ({ status: 400, body: { error: 'invalid_client secret-2' } });
    const error: unknown = await read(sourceOf(PAGES, OAUTH)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exit: 5 });
    if (error instanceof Error)
      expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('secret-2');
  });

  test('is said by a login call that answers with a token, or sets cookies', async () => {
    reply = ({ path, query }) => {
      if (path === '/session')
        return { body: { data: { key: 'K1' } }, headers: { 'set-cookie': ['sid=c1; Path=/', 'x=y'] } };
      return { body: { rows: query.get('page') === '1' ? [row(1)] : [] } };
    };
    const body = `path: session, body: { usr: "${USER}", pwd: "${PASSWORD}" }`;
    await read(sourceOf(PAGES, `{ scheme: login, ${body}, token: { from: data.key, header: X-Session, prefix: '' } }`));
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ usr: 'key-1', pwd: 'secret-2' });
    expect(seen[1]?.headers['x-session']).toBe('K1');
    seen = [];
    await read(sourceOf(PAGES, `{ scheme: login, ${body}, send: form, cookie: true }`));
    expect(seen[0]?.body).toBe('usr=key-1&pwd=secret-2');
    expect(seen[1]?.headers.cookie).toBe('sid=c1; x=y');
  });

  test.each([
    ['under a name for secrets', '{ scheme: bearer, token: abc123 }', 'auth.token'],
    ['in the body of a login', '{ scheme: login, path: in, cookie: true, body: { pwd: hunter2 } }', 'auth.body.pwd'],
    ['as the value of a header', '{ scheme: header, header: X-Key, value: abc123 }', 'auth.value'],
    ['beside a reference', `{ scheme: header, header: X-Key, value: "abc${TOKEN}" }`, 'auth.value'],
    ['in an address', '{ scheme: oauth2, tokenUrl: "https://me:pw@id.example/token" }', 'auth.tokenUrl'],
  ])('is never written in a profile: %s', (_name, auth, path) => {
    expect(faultsOf(textOf(auth, PAGES))).toMatch(new RegExp(`test\\.yaml:3:\\d+ ${path.replaceAll('.', '\\.')}: `));
  });

  test('is never written in a query or a header either', () => {
    expect(faultsOf(textOf('{ scheme: bearer }', `${PAGES}\nquery: { api_key: abc123 }`))).toContain('test.yaml:11:');
    expect(
      faultsOf(textOf('{ scheme: bearer }', `${PAGES}\nheaders: { Authorization: Basic QWxhZGRpbg== }`)),
    ).toContain('test.yaml:11:');
  });
});

describe('a question', () => {
  test('goes by POST with the parameters where its template names them; what is not asked is left out', async () => {
    reply = ({ body }) => ({ body: { rows: JSON.parse(body).page === 1 ? [row(1)] : [] } });
    const words = `method: POST
paging: { kind: page, param: page, sizeParam: size, size: 50 }
since: { param: since, format: iso-seconds }
body: { page: "{page}", limit: "{size}", where: { changedAfter: "{since}" }, fields: [id, at] }`;
    await read(sourceOf(words), SINCE);
    await read(sourceOf(words));
    expect(seen[0]).toMatchObject({ method: 'POST', path: '/items' });
    expect([...(seen[0]?.query ?? [])]).toEqual([]);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      ...{ page: 1, limit: 50, fields: ['id', 'at'] },
      where: { changedAfter: '2026-01-05T12:00:00Z' },
    });
    expect(JSON.parse(seen[2]?.body ?? '')).toMatchObject({ where: {} });
  });

  const ODATA = `filter: { param: $filter, escape: odata }
query: { $filter: "type eq 'Inventory'" }
since: { clause: "at ge {since}" }
${PAGES}`;
  test('joins the conditions of one parameter, each value quoted as the vendor wants it', async () => {
    const slices = `partitions: { key: rep, values: [O'Hara, JO], clause: "rep eq '{id}'", noneClause: "rep eq ''" }`;
    const source = sourceOf(`${ODATA}\n${slices}`);
    const found = await slicesOf(source);
    expect(found.map(({ key }) => key)).toEqual(["rep:O'Hara", 'rep:JO', 'none']);
    for (const slice of found) await read(source, SINCE, slice);
    expect([...new Set(seen.map(({ query }) => query.get('$filter')))]).toEqual([
      "type eq 'Inventory' and rep eq 'O''Hara' and at ge 2026-01-05T12:00:00.500Z",
      "type eq 'Inventory' and rep eq 'JO' and at ge 2026-01-05T12:00:00.500Z",
      "type eq 'Inventory' and rep eq '' and at ge 2026-01-05T12:00:00.500Z",
    ]);
  });

  test('asks for several ids in one condition', async () => {
    reply = () => ({ body: { rows: [row('a'), row("b'")] } });
    const byIds = `byIds: { clause: "({ids})", item: "id eq '{id}'", separator: " or ", max: 2 }`;
    expect(await sourceOf(`${ODATA}\n${byIds}`).get(['a', "b'"], NEVER)).toHaveLength(2);
    expect(seen[0]?.query.get('$filter')).toBe("type eq 'Inventory' and (id eq 'a' or id eq 'b''')");
  });

  test('says a date by a pattern, in the zone of the source', async () => {
    await read(sourceOf(`${PAGES}\nsince: { param: since, format: "YYYY-MM-DD HH:mm:ss" }`), SINCE);
    expect(seen[0]?.query.get('since')).toBe('2026-01-05 06:00:00');
  });

  test('has headers of its own, with the size of a page in them', async () => {
    await read(sourceOf(`${PAGES}\nheaders: { Prefer: "odata.maxpagesize={size}" }`));
    expect(seen[0]?.headers.prefer).toBe('odata.maxpagesize=50');
  });

  test('about a condition without its parameter, a size above the ceiling, a body by GET: all are faults', () => {
    const faults = (words: string): string => faultsOf(textOf('{ scheme: bearer }', words));
    expect(faults(`${PAGES}\nsince: { clause: "at ge {since}" }`)).toContain('test.yaml:11:5');
    expect(faults(`${PAGES}\nsince: { clause: "at ge", param: x }`)).toContain('must contain {since}');
    expect(faults('paging: { kind: page, param: page, size: 50, sizeMax: 20 }')).toContain('must not be above sizeMax');
    expect(faults(`${PAGES}\nbody: { a: 1 }`)).toContain('is only sent with method: POST');
  });
});

describe('a page', () => {
  const linked =
    (target: string) =>
    (asked: Seen): Reply => ({
      headers: {
        link: asked.query.has('p') ? '</items>; rel="first"' : `</items?p=0>; rel=first, <${target}>; rel="last next"`,
      },
      body: { rows: [row(asked.query.has('p') ? 2 : 1)] },
    });

  test('is followed by what its Link header names', async () => {
    reply = linked('/items?p=2');
    const found = recordsOf(await read(sourceOf('paging: { kind: link-header, sizeParam: n, size: 50 }')));
    expect(found.map(({ id }) => id)).toEqual(['1', '2']);
    expect(seen[1]?.query.get('p')).toBe('2');
  });

  test.each(['link-header', 'link, from: next'])(
    'that names another host as next is not followed: %s',
    async (kind) => {
      const elsewhere = 'http://127.0.0.2:9/items?p=2';
      reply = () => ({ headers: { link: `<${elsewhere}>; rel=next` }, body: { rows: [row(1)], next: elsewhere } });
      await expect(read(sourceOf(`paging: { kind: ${kind}, size: 50 }`))).rejects.toMatchObject({
        exit: 6,
        message: expect.stringContaining('another host'),
      });
      expect(seen).toHaveLength(1);
    },
  );
});

describe('a total', () => {
  test.each([
    ['in a header', 'total: { header: X-Total-Count }'],
    ['by a question of its own', 'total: { count: { path: count, query: { of: items }, total: message } }'],
    ['that is the whole reply', 'total: { count: { path: plain } }'],
  ])('is found %s', async (_name, words) => {
    reply = ({ path, query }) => {
      if (path === '/count') return { body: { message: 1 } };
      if (path === '/plain') return { body: 1 };
      return { headers: { 'x-total-count': '1' }, body: { rows: query.get('page') === '1' ? [row(1)] : [] } };
    };
    const source = sourceOf(`${PAGES}\nsince: { param: since }\n${words}`);
    expect((await read(source, SINCE)).at(-1)?.total).toBe(1);
    expect(await source.count(SINCE, NEVER)).toBe(1);
    const counts = seen.filter(({ path }) => path !== '/items');
    for (const { query } of counts) expect([...query.keys()]).toContain('since');
  });
});

describe('slices', () => {
  test('by ranges are open at both ends and share their bounds', async () => {
    const slices = await slicesOf(
      sourceOf(
        `${PAGES}\npartitions: { key: no, ranges: { bounds: [C, M], from: low, to: high }, param: no, none: "-" }`,
      ),
    );
    expect(slices.map(({ key, filter }) => [key, filter])).toEqual([
      ['no:..C', { high: 'C' }],
      ['no:C..M', { low: 'C', high: 'M' }],
      ['no:M..', { low: 'M' }],
      ['none', { no: '-' }],
    ]);
  });

  test('by ranges of conditions join both bounds', async () => {
    const ranges = `ranges: { bounds: [C, M], fromClause: "no ge '{id}'", toClause: "no lt '{id}'" }`;
    const slices = await slicesOf(sourceOf(`${PAGES}\nfilter: { param: $filter }\npartitions: { key: no, ${ranges} }`));
    expect(slices[1]?.filter).toEqual({ $filter: "no ge 'C' and no lt 'M'" });
  });

  test('by a list in pages are read to its end', async () => {
    reply = ({ query }) => ({ body: { rows: query.get('page') === '3' ? [] : [{ code: `R${query.get('page')}` }] } });
    const from = 'from: { path: reps, records: rows, id: code, paging: { kind: page, param: page, size: 1 } }';
    const slices = await slicesOf(sourceOf(`${PAGES}\npartitions: { key: rep, ${from}, param: rep }`));
    expect(slices.map(({ key }) => key)).toEqual(['rep:R1', 'rep:R2']);
  });
});

describe('rows of another resource', () => {
  const PEOPLE = `children:
  people:
    path: people
    records: rows
    id: id
    parent: ties.no
    key: of
    byParents: { param: of, max: 2 }
    ${PAGES}`;
  const customers = [
    row('A', { ties: [{ no: 'x' }, { no: 'y' }] }),
    row('B', { ties: [] }),
    row('C', { ties: [{ no: 'z' }] }),
  ];
  const people = [
    { id: 1, of: 'x', mail: 'a@example.com' },
    { id: 2, of: 'z', mail: 'c@example.com' },
    { id: 3, of: 'y', mail: 'b@example.com' },
  ];

  test('come in batches and into the record they belong to, also for records read by id', async () => {
    reply = ({ path, query }) => {
      const isFirst = (query.get('page') ?? '1') === '1';
      const of = query.get('of')?.split(',') ?? [];
      if (path === '/people') return { body: { rows: isFirst ? people.filter((one) => of.includes(one.of)) : [] } };
      return { body: { rows: isFirst ? customers : [] } };
    };
    const source = sourceOf(`${PAGES}\nbyIds: { param: ids }\n${PEOPLE}`, undefined, 'customers');
    const found = recordsOf(await read(source)).map(({ raw }) => source.canonical(raw));
    expect(found).toMatchObject([
      {
        id: 'A',
        contacts: [
          { id: '1', email: 'a@example.com' },
          { id: '3', email: 'b@example.com' },
        ],
      },
      { id: 'B', contacts: [] },
      { id: 'C', contacts: [{ id: '2', email: 'c@example.com' }] },
    ]);
    expect(new Set(seen.filter(({ path }) => path === '/people').map(({ query }) => query.get('of')))).toEqual(
      new Set(['x,y', 'z']),
    );
    const again = (await source.get(['A', 'B', 'C'], NEVER)).map(({ raw }) => source.canonical(raw));
    expect(again).toEqual(found);
  });

  test('that nobody asked for stop the run, since the condition is then ignored', async () => {
    reply = ({ path }) => ({ body: { rows: path === '/people' ? [{ id: 9, of: 'other' }] : customers, count: 3 } });
    const words = `${PAGES}\ntotal: count\n${PEOPLE}`;
    await expect(read(sourceOf(words, undefined, 'customers'))).rejects.toMatchObject({ exit: 6 });
  });

  test('may be asked for one record at a time', async () => {
    reply = ({ path, query }) => {
      if (query.get('page') !== '1') return { body: { rows: [] } };
      return { body: { rows: path === '/items' ? [row('a/b')] : [{ id: 1, mail: path }] } };
    };
    const child = `children: { people: { path: "items/{id}/people", records: rows, id: id, parent: id, ${PAGES} } }`;
    const [record] = recordsOf(await read(sourceOf(`${PAGES}\n${child}`, undefined, 'customers')));
    expect(record?.raw).toMatchObject({ people: [{ mail: '/items/a%2Fb/people' }] });
  });
});
