import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FIELDS, GROUPS } from '../src/probe/draft/vocabulary.ts';
import { ErpCustomer, ErpProduct, ErpQuote } from '../src/sources/erp/model.ts';
import {
  type Asked,
  cut,
  Desk,
  faultLines,
  ListVendor,
  type Reply,
  type Row,
  readThrough,
  todoLines,
  whole,
} from './draft-vendor.ts';

const vendor = new ListVendor();
const desk = new Desk();
beforeAll(() => vendor.start());
afterAll(() => {
  vendor.stop();
  desk.forget();
});
beforeEach(() => {
  vendor.asked = [];
});

const T0 = Date.UTC(2026, 0, 5, 12);
/** Ids run against the dates, so that an order by one is not an order by the other. */
const ROWS: readonly Row[] = Array.from({ length: 57 }, (_, at) => ({
  partId: 1000 + at,
  code: `P-${(at * 37) % 101}`,
  title: `Part ${at % 40}`,
  price: 10 + at / 4,
  active: at % 5 > 0,
  updated_at: new Date(T0 - ((at * 29) % 57) * 3_600_000).toISOString(),
}));
const IDS = ROWS.map(({ partId }) => String(partId));
const since = (query: URLSearchParams, name = 'updated_since'): readonly Row[] => {
  const from = Date.parse(query.get(name) ?? '1970-01-01');
  return ROWS.filter(({ updated_at }) => Date.parse(String(updated_at)) >= from);
};
const parts = (): string[] => [`products=${vendor.url}/v1/parts`];

/** Page numbers from 1 with everything that a kind vendor has. */
const byPage = ({ query }: Asked): Reply => {
  const rows = since(query);
  const size = Math.min(whole(query.get('per_page'), 10), 50);
  const { page } = cut(rows, (whole(query.get('page'), 1) - 1) * size, size);
  return { body: { items: page, meta: { total: rows.length, pages: Math.ceil(rows.length / size), size } } };
};

describe('each style of paging', () => {
  const byOffset = ({ query }: Asked): Reply => {
    const rows = since(query);
    const { page } = cut(rows, whole(query.get('offset'), 0), whole(query.get('limit'), 20));
    return { body: page, headers: { 'x-total-count': String(rows.length) } };
  };
  const fromZero = ({ query }: Asked): Reply => {
    const size = whole(query.get('pageSize'), 25);
    return { body: { content: cut(ROWS, whole(query.get('pageNumber'), 0) * size, size).page } };
  };
  const byCursor = ({ query }: Asked): Reply => {
    const start = whole(query.get('cursor')?.slice(1) ?? null, 0);
    const size = whole(query.get('limit'), 20);
    const { page, isMore } = cut(since(query), start, size);
    return { body: { results: page, next_cursor: isMore ? `c${start + size}` : null } };
  };
  const byLink = ({ query, path, url }: Asked): Reply => {
    const start = whole(query.get('page[after]'), 0);
    const size = whole(query.get('page[size]'), 20);
    const { page, isMore } = cut(ROWS, start, size);
    const next = `${url}${path}?page[size]=${size}&page[after]=${start + size}`;
    const data = page.map(({ partId, ...attributes }) => ({ id: String(partId), type: 'part', attributes }));
    return { body: { data, links: { next: isMore ? next : null } } };
  };
  const byLinkHeader = ({ query, path }: Asked): Reply => {
    const rows = since(query, 'since');
    const size = Math.min(whole(query.get('per_page'), 30), 100);
    const at = whole(query.get('page'), 1);
    const { page, isMore } = cut(rows, (at - 1) * size, size);
    const next = `<${path}?page=${at + 1}&per_page=${size}>; rel="next"`;
    return { body: page, headers: { ...(isMore ? { link: next } : {}), 'x-total': String(rows.length) } };
  };

  test.each([
    ['page numbers', byPage, { kind: 'page', param: 'page', first: 1, sizeParam: 'per_page' }, true],
    ['page numbers from 0', fromZero, { kind: 'page', param: 'pageNumber', first: 0, sizeParam: 'pageSize' }, false],
    ['offsets', byOffset, { kind: 'offset', param: 'offset', sizeParam: 'limit' }, true],
    ['cursors', byCursor, { kind: 'cursor', param: 'cursor', from: 'next_cursor', sizeParam: 'limit' }, true],
    ['links', byLink, { kind: 'link', from: 'links.next', sizeParam: 'page[size]' }, false],
    ['the Link header', byLinkHeader, { kind: 'link-header', sizeParam: 'per_page' }, true],
  ])(
    '%s are proven, the draft has no faults, and every record is read through it',
    async (_, answer, paging, filters) => {
      vendor.answer = answer;
      const { yaml, told, calls, stdout } = await desk.draft(parts());
      expect(faultLines(yaml)).toEqual([]);
      expect(told('paging')?.standing).toBe('proven');
      expect(told('since')?.standing).toBe(filters ? 'proven' : 'open');
      expect(calls).toBeLessThanOrEqual(40);
      expect(vendor.asked).toHaveLength(calls);
      const { ids, canonicals, paging: drafted } = await readThrough(yaml);
      expect(ids.toSorted()).toEqual(IDS);
      const records = canonicals.map((one) => ErpProduct.parse(one));
      expect(records.find(({ id }) => id === '1001')).toMatchObject({
        sku: 'P-37',
        name: 'Part 1',
        listPrice: '10.25',
        status: 'active',
      });
      const { fits } = JSON.parse(stdout).draft.resources[0];
      expect(fits).toEqual({ fit: fits.of, of: expect.any(Number), misfit: null });
      expect(fits.of).toBeGreaterThanOrEqual(50);
      expect(drafted).toMatchObject(paging);
    },
  );
});

describe('what looks like a proof and is none', () => {
  test('a page number that the vendor ignores is no paging: the line is left to be filled in', async () => {
    vendor.answer = ({ query }) => ({ body: { items: ROWS.slice(0, whole(query.get('limit'), 20)), total: 57 } });
    const { yaml, told } = await desk.draft(parts());
    expect(told('paging')).toMatchObject({ standing: 'todo', value: null });
    expect(faultLines(yaml)).toEqual(todoLines(yaml));
    expect(todoLines(yaml)).toHaveLength(1);
  });

  test('an order that changes from question to question proves nothing', async () => {
    vendor.answer = (asked) => {
      const turned = [...ROWS.slice(asked.number % 7), ...ROWS.slice(0, asked.number % 7)];
      const size = whole(asked.query.get('per_page'), 10);
      return { body: { items: cut(turned, (whole(asked.query.get('page'), 1) - 1) * size, size).page, total: 57 } };
    };
    const { told } = await desk.draft(parts());
    expect(told('paging')).toMatchObject({ standing: 'todo', evidence: expect.stringContaining('another order') });
    expect(told('since')?.standing).toBe('open');
  });

  test('pages between which rows are left out are not proven', async () => {
    vendor.answer = ({ query }) => {
      const size = whole(query.get('per_page'), 10);
      return { body: cut(ROWS, (whole(query.get('page'), 1) - 1) * (size + 1), size).page };
    };
    const { told } = await desk.draft(parts());
    expect(told('paging')).toMatchObject({ standing: 'todo', evidence: expect.stringContaining('would be missed') });
  });

  test('a since parameter that the vendor ignores is left out', async () => {
    vendor.answer = (asked) => byPage({ ...asked, query: without(asked.query, 'updated_since') });
    const { yaml, told } = await desk.draft(parts());
    expect(told('since')?.standing).toBe('open');
    expect(yaml).toContain('# TODO (optional) since:');
    expect((await readThrough(yaml)).ids).toHaveLength(57);
  });

  test('a vendor that lists nothing for whatever it does not know has no since parameter', async () => {
    const known = new Set(['page', 'per_page']);
    vendor.answer = (asked) => {
      const isStrange = [...asked.query.keys()].some((name) => !known.has(name));
      return isStrange ? { body: { items: [], meta: { total: 0 } } } : byPage(asked);
    };
    const { told } = await desk.draft(parts());
    expect(told('since')).toMatchObject({ standing: 'open' });
  });

  /** Each row was made before its last change: a filter by that day lists fewer, and all of them changed since. */
  const madeMs = (row: Row): number => Date.parse(String(row.updated_at)) - (Number(row.partId) % 3) * 86_400_000;
  test.each([
    ['by the day of creation', madeMs, (ms: number) => ms],
    ['in another zone', (row: Row) => Date.parse(String(row.updated_at)), (ms: number) => ms + 6 * 3_600_000],
  ])('a since parameter that filters %s would lose changes, and is left out', async (_, msOf, heard) => {
    vendor.answer = (asked) => {
      const from = heard(Date.parse(asked.query.get('updated_since') ?? '1970-01-01'));
      const rows = ROWS.filter((row) => msOf(row) >= from);
      const size = whole(asked.query.get('per_page'), 10);
      return { body: { items: cut(rows, (whole(asked.query.get('page'), 1) - 1) * size, size).page } };
    };
    const { told } = await desk.draft(parts());
    expect(told('since')).toMatchObject({ standing: 'open', evidence: expect.stringMatching(/^updated_since loses/) });
  });

  test('where all that changed lately was made lately, a since parameter may go by either day', async () => {
    const made = (row: Row): Row => ({ ...row, created_at: row.updated_at });
    vendor.answer = (asked) => {
      const size = whole(asked.query.get('per_page'), 10);
      const { page } = cut(since(asked.query), (whole(asked.query.get('page'), 1) - 1) * size, size);
      return { body: { items: page.map(made) } };
    };
    const { told } = await desk.draft(parts());
    expect(told('since')).toMatchObject({ standing: 'guessed', evidence: expect.stringContaining('by another date') });
  });

  test.each([
    ['refused', 400],
    ['answered with the last page there is', 200],
  ])(
    'a total that is cut to a window is not proven by a full page behind which everything is %s',
    async (_, status) => {
      const window = 40;
      vendor.answer = ({ query }) => {
        const size = Math.min(whole(query.get('per_page'), 10), 10);
        const start = (whole(query.get('page'), 1) - 1) * size;
        if (start >= window && status === 400) return { status, body: { error: 'beyond the window' } };
        const { page } = cut(ROWS.slice(0, window), Math.min(start, window - size), size);
        return { body: { items: page, meta: { total: window } } };
      };
      const { told } = await desk.draft(parts());
      expect(told('total')?.standing).not.toBe('proven');
    },
  );

  test('a bound that itself does not count is asked one unit earlier', async () => {
    vendor.answer = (asked) => {
      const from = Date.parse(asked.query.get('updated_since') ?? '1970-01-01');
      const rows = ROWS.filter((row) => Date.parse(String(row.updated_at)) > from);
      const size = whole(asked.query.get('per_page'), 10);
      return { body: { items: cut(rows, (whole(asked.query.get('page'), 1) - 1) * size, size).page } };
    };
    const { told } = await desk.draft(parts());
    expect(told('since')).toMatchObject({ standing: 'proven', value: { param: 'updated_since', inclusive: false } });
  });

  test('a size that is capped without a word becomes the size and its maximum', async () => {
    vendor.answer = byPage;
    const { yaml, told } = await desk.draft(parts());
    expect(told('paging.sizeMax')).toMatchObject({ value: 50, evidence: expect.stringContaining('capped silently') });
    expect(yaml).toMatch(/size: 50 #/);
  });

  test('a total that the last page does not bear out is left out', async () => {
    vendor.answer = (asked) => {
      const { body } = byPage(asked) as { body: { items: unknown } };
      return { body: { items: body.items, total: 99 } };
    };
    const { told } = await desk.draft(parts());
    expect(told('total')).toMatchObject({ standing: 'open', evidence: expect.stringContaining('does not end there') });
  });

  test('a count of the page, or of pages, is no total', async () => {
    vendor.answer = (asked) => {
      const { body } = byPage(asked) as { body: { items: unknown[]; meta: { pages: number } } };
      return { body: { items: body.items, count: body.items.length, total_pages: body.meta.pages } };
    };
    expect((await desk.draft(parts())).told('total')?.standing).toBe('open');
  });

  test('a next page on another host is not followed', async () => {
    vendor.answer = ({ query }) => ({
      body: { items: ROWS.slice(0, whole(query.get('limit'), 20)), next: 'https://elsewhere.example/parts?page=2' },
    });
    const { told } = await desk.draft(parts());
    expect(told('paging')).toMatchObject({ standing: 'todo', evidence: expect.stringContaining('another host') });
  });
});

const without = (query: URLSearchParams, name: string): URLSearchParams => {
  const rest = new URLSearchParams(query);
  rest.delete(name);
  return rest;
};

describe('fields', () => {
  const CUSTOMERS = Array.from({ length: 24 }, (_, at) => ({
    Ref: `C${at}`,
    'Trading Name': `Firm ${at}`,
    CompanyName: `Firm ${at % 20}`,
    Class: ['TRADE', 'RETAIL', 'X9'][at % 3],
    OnHold: at % 4 === 0 ? 'Y' : 'N',
    Limit: '1.250,50',
    CreditLimit: `${at}.250,50`,
    DateModified: `${String((at % 28) + 1).padStart(2, '0')}/03/2026 08:15:00`,
    AddressLine1: `${at} Main St`,
    Town: 'Tulsa',
    Postcode: '74101',
    SalespersonCode: at % 2 ? 'JO' : 'AN',
    Persons: [{ PersonNo: at * 2, FirstName: `Ann${at}`, Surname: 'Lee', Email: `ann${at}@example.com`, Main: true }],
  }));
  const draftOf = () => {
    vendor.answer = ({ query }) => {
      const size = whole(query.get('take'), 12);
      return { body: { Result: { Rows: cut(CUSTOMERS, whole(query.get('skip'), 0), size).page, Total: 24 } } };
    };
    return desk.draft([`customers=${vendor.url}/api/Customers`]);
  };

  test('codes without a meaning are the only lines to fill in; filled in, every customer and contact is read', async () => {
    const { yaml, told } = await draftOf();
    expect(told('fields.type.convert.enum.RETAIL')).toMatchObject({ standing: 'guessed', value: 'retail' });
    expect(faultLines(yaml)).toEqual(todoLines(yaml));
    const codes = yaml.split('\n').filter((line) => /: # TODO /.test(line) && !line.trim().startsWith('#'));
    expect(codes.map((line) => line.trim().split(':')[0])).toEqual(['TRADE', 'X9']);
    const filled = yaml.replace(/(TRADE|X9): # TODO/g, '$1: other #');
    const { canonicals } = await readThrough(filled, 'customers');
    const customers = canonicals.map((one) => ErpCustomer.parse(one));
    expect(customers).toHaveLength(24);
    expect(customers.find(({ id }) => id === 'C7')).toMatchObject({
      ...{
        name: 'Firm 7',
        status: 'active',
        creditLimit: '7250.5',
        modifiedAt: expect.stringMatching(/^2026-03-08T/),
      },
      ...{ salesRep: { id: 'JO' }, address: { street: '7 Main St', city: 'Tulsa', zip: '74101' } },
      contacts: [{ id: '14', firstName: 'Ann7', lastName: 'Lee', email: 'ann7@example.com', isPrimary: true }],
    });
  });

  test('no value of a customer stands in the file, but for codes', async () => {
    const { yaml, stdout } = await draftOf();
    for (const text of ['Firm', 'Main St', 'Tulsa', 'ann7', '74101', 'canary-token'])
      expect(yaml + stdout).not.toContain(text);
  });

  test('a record without anything like an id or a change is two lines to fill in, with what could be', async () => {
    vendor.answer = ({ query }) => {
      const rows = Array.from({ length: 30 }, (_, at) => ({
        alpha: `a${at}`,
        when: new Date(T0 - at * 3_600_000).toISOString(),
      }));
      return {
        body: {
          rows: cut(
            rows,
            (whole(query.get('page'), 1) - 1) * whole(query.get('limit'), 10),
            whole(query.get('limit'), 10),
          ).page,
        },
      };
    };
    const { yaml } = await desk.draft(parts());
    expect(faultLines(yaml)).toEqual(todoLines(yaml));
    expect(yaml).toMatch(/id: # TODO .*candidates: alpha/);
    expect(yaml).toMatch(/modifiedAt: # TODO .*candidates: when/);
  });

  test('names and codes of the vendor cannot end a comment or a line', async () => {
    const nasty = {
      id: 1,
      'a: # b': 1,
      'x\nauth: {}': 2,
      status: 'on\nid: evil',
      updated_at: new Date(T0).toISOString(),
    };
    vendor.answer = () => ({ body: [1, 2, 3, 4].map((id) => ({ ...nasty, id, name: `# ${id}` })) });
    const { yaml } = await desk.draft(parts());
    expect(yaml).not.toMatch(/^\s*id: evil/m);
    expect(faultLines(yaml)).toEqual(todoLines(yaml));
  });

  test('the vocabulary has words for every field of the canonical records', () => {
    for (const [resource, record] of Object.entries({
      products: ErpProduct,
      customers: ErpCustomer,
      quotes: ErpQuote,
    })) {
      const known = new Set(Object.keys({ ...FIELDS[resource as 'products'], ...GROUPS[resource as 'products'] }));
      expect(Object.keys(record.shape).filter((field) => !known.has(field))).toEqual(['id', 'modifiedAt']);
    }
  });
});

describe('what is refused, with one message', () => {
  test.each([
    [['suppliers=https://erp.example/x'], 2, /suppliers=… names no resource/],
    [['https://erp.example/x'], 2, /names no resource/],
    [['products=https://a.example/x', 'products=https://a.example/y'], 2, /names products twice/],
    [['products=https://a.example/x', 'quotes=https://b.example/y'], 2, /2 hosts/],
    [['products=https://me:canary-pass@erp.example/x'], 2, /carries credentials/],
    [['products=https://erp.example/x?token=canary-pass'], 2, /carries a secret in token/],
    [['products=https://erp.example/x?api_key=canary-pass'], 2, /carries a secret in api_key/],
    [['products=https://erp.example/x?code=canarypass0123456789abcdefghijklmnop=='], 2, /carries a secret in code/],
    [['products=http://erp.example/x'], 2, /plain http/],
    [['products=not-an-address'], 2, /is not a URL/],
    [[], 2, /needs addresses/],
  ])('%j', async (urls, exit, message) => {
    const fault = await desk.draft(urls).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ exit, message: expect.stringMatching(message) });
    expect(JSON.stringify(fault) + String(fault)).not.toContain('canary');
  });

  test.each<[string, Reply, number, RegExp]>([
    [
      'a page of HTML',
      { body: '<html>sign in</html>', headers: { 'content-type': 'text/html' } },
      2,
      /not with JSON: a page of HTML/,
    ],
    ['status 401', { status: 401, body: {} }, 5, /refused access: status 401 \(signed in by bearer\)/],
    ['status 404', { status: 404, body: {} }, 2, /nothing at .*\/v1\/parts: status 404/],
    ['a redirect', { status: 302, body: '', headers: { location: 'https://elsewhere.example/' } }, 2, /redirects/],
    ['an empty list', { body: { data: [] } }, 2, /the list at data is empty/],
    ['an object', { body: { id: 1, name: 'x' } }, 2, /no list of records: it is an object with id, name/],
    ['a list of numbers', { body: [1, 2] }, 2, /lists single values at its top/],
    ['half an answer', { body: '{"data": [' }, 2, /cut off or is not JSON/],
  ])('%s', async (_, reply, exit, message) => {
    vendor.answer = () => reply;
    const fault = await desk.draft(parts()).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ exit, message: expect.stringMatching(message) });
    expect(vendor.asked).toHaveLength(1);
  });

  test('a second address that is wrong is told before the first is looked at', async () => {
    vendor.answer = (asked) => (asked.path === '/v1/parts' ? byPage(asked) : { status: 404, body: {} });
    await expect(desk.draft([...parts(), `quotes=${vendor.url}/v1/quotes`])).rejects.toThrow(/nothing at .*quotes/);
    expect(vendor.asked).toHaveLength(2);
  });

  test('a file that is there stays without --force, and is replaced with it', async () => {
    vendor.answer = byPage;
    writeFileSync(join(desk.folder, 'mine.yaml'), 'mine');
    await expect(desk.draft(parts(), undefined, { draft: 'mine.yaml' })).rejects.toThrow(/is there already/);
    expect(vendor.asked).toHaveLength(0);
    const { file } = await desk.draft(parts(), undefined, { draft: 'mine.yaml', force: true });
    expect(readFileSync(file, 'utf8')).toContain('name: mine');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

test('a vendor that says how long to wait is waited for, and asked by GET with the token alone', async () => {
  let limited = 0;
  vendor.answer = (asked) =>
    asked.number === 2 && ++limited ? { status: 429, body: {}, headers: { 'retry-after': '0' } } : byPage(asked);
  const { told, calls } = await desk.draft(parts());
  expect(limited).toBe(1);
  expect(told('paging')?.standing).toBe('proven');
  expect(calls).toBe(vendor.asked.length);
  expect(new Set(vendor.asked.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer canary-token']));
});

test('a vendor that fails at everything but the first question is asked no more than 40 times', async () => {
  vendor.answer = (asked) => (asked.query.size === 0 ? { body: ROWS.slice(0, 20) } : { status: 400, body: {} });
  const { yaml, told } = await desk.draft(parts());
  expect(vendor.asked.length).toBe(40);
  expect(told('calls')?.evidence).toMatch(/^all 40 calls were used/);
  expect(faultLines(yaml)).toEqual(todoLines(yaml));
});

test('what is printed says what is proven, guessed and to fill in, and what to type next', async () => {
  vendor.answer = byPage;
  const { stdout, stderr, file } = await desk.draft(parts(), undefined, { json: false });
  expect(stdout).toMatch(/^products {2}http/);
  expect(stdout).toMatch(/proven +total, paging, paging.size/);
  expect(stdout).toContain('57 of 57 records');
  expect(stdout).toMatch(
    /retail-sync profile check vendor-\d+\.yaml\n {2}retail-sync profile try vendor-\d+\.yaml products --limit 5\n$/,
  );
  expect(stderr).toContain('products: paging');
  expect(file).toContain(desk.folder);
});

test('what a vendor calls its fields stays in the comment that names it', async () => {
  vendor.answer = (asked) => ({ body: { ...Object(byPage(asked).body), 'x\nevil: 1\n#': [{ a: 1 }, { a: 2 }] } });
  const { yaml } = await desk.draft(parts());
  expect(yaml).toContain('evil: 1');
  expect(yaml).not.toMatch(/^\s*evil/m);
});

test('a sign-in that belongs to another host is not sent', async () => {
  const env = { ERP_TOKEN: 'canary-token', ERP_PRODUCTION_URL: 'https://erp.example.com/api' };
  await expect(desk.draft(parts(), env)).rejects.toThrow(/belongs to https:\/\/erp\.example\.com/);
  expect(vendor.asked).toEqual([]);
});
