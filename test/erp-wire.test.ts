import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ALL, at, EVERYTHING, idsOf, NEVER, pagesOf, sourceOf, UNSORTED, Vendor } from './erp-vendor.ts';

const vendor = new Vendor();
let url = '';
beforeAll(async () => {
  url = await vendor.start();
});
afterAll(() => vendor.stop());
beforeEach(() => {
  vendor.rows = [1, 2, 3, 4].map((index) => ({ no: `I${index}`, at: at(index), name: 'Jane Doe' }));
  vendor.asked = [];
  vendor.before = () => false;
});

const JSON_TYPE = { 'content-type': 'application/json' };
const SPLIT = `${UNSORTED}\n    split: { from: nameFrom, to: nameTo }`;

/** Answers the first `times` requests with these bytes. */
function badly(times: number, status: number, headers: Record<string, string>, body: string): void {
  vendor.before = ({ number }, response) => {
    if (number > times) return false;
    response.writeHead(status, headers);
    response.end(body);
    return true;
  };
}

describe('an answer that cannot be read', () => {
  test.each([
    ['a sign-in page', 200, { 'content-type': 'text/html' }, '<h1>Sign in</h1>'],
    ['an empty body', 200, JSON_TYPE, ''],
    ['JSON that is cut off', 200, JSON_TYPE, '{"data":[{"no":"I1"'],
    ['an error with status 200', 200, JSON_TYPE, '{"error":"busy"}'],
    ['another content type', 200, { 'content-type': 'text/csv' }, '{"data":[],"count":0}'],
    ['a list that is none', 200, JSON_TYPE, '{"data":"none","count":0}'],
    ['an empty page where records are announced', 200, JSON_TYPE, '{"data":[],"count":4}'],
    ['bytes of another character set', 200, JSON_TYPE, Buffer.from('{"data":["\xe9"]}', 'latin1').toString('latin1')],
    ['status 503', 503, {}, ''],
    ['status 429', 429, { 'retry-after': '1' }, ''],
  ])('is asked for again: %s', async (_name, status, headers, body) => {
    vendor.before = ({ number }, response) => {
      if (number > 2) return false;
      response.writeHead(status, headers);
      response.end(Buffer.from(body, 'latin1'));
      return true;
    };
    expect(idsOf(await pagesOf(sourceOf(url, { size: 10 })))).toEqual(['I1', 'I2', 'I3', 'I4']);
    vendor.before = (_asked, response) => {
      response.writeHead(status, headers);
      response.end(Buffer.from(body, 'latin1'));
      return true;
    };
    vendor.asked = [];
    await expect(pagesOf(sourceOf(url))).rejects.toMatchObject({ name: 'TransientError', system: 'source' });
    expect(vendor.asked).toHaveLength(3);
  });

  test('may also be a broken line, in the headers or in the body', async () => {
    vendor.before = ({ number }, response, incoming) => {
      if (number === 1) incoming.socket.destroy();
      if (number !== 2) return number === 1;
      response.writeHead(200, { ...JSON_TYPE, 'content-length': '1000' });
      response.write('{"data":[');
      setTimeout(() => incoming.socket.destroy(), 5);
      return true;
    };
    expect(idsOf(await pagesOf(sourceOf(url, { size: 10 })))).toHaveLength(4);
  });

  test('waits as long as Retry-After says, within reason, else a random share of a growing pause', async () => {
    const pauses: number[] = [];
    const clock = { now: () => 0, sleep: (ms: number) => Promise.resolve(void pauses.push(ms)) };
    const waits = ['7', '999999', '-5', 'soon', 'Mon, 05 Jan 2026 12:00:09 GMT'];
    vendor.before = ({ number }, response) => {
      const wait = waits[number - 1];
      if (wait === undefined) return false;
      response.writeHead(429, { 'retry-after': wait, date: 'Mon, 05 Jan 2026 12:00:00 GMT' });
      response.end();
      return true;
    };
    await pagesOf(sourceOf(url, { size: 10, clock, attemptsMax: 6 }));
    expect(pauses).toEqual([7000, 120_000, 1000, 2000, 9000]);
  });

  test('leaves no token and no personal data in the error', async () => {
    badly(9, 200, JSON_TYPE, '{"rows":[{"name":"Jane Doe"}]');
    const error: unknown = await pagesOf(sourceOf(url)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    const text = error instanceof Error ? `${error.message} ${error.stack} ${String(error.cause)}` : '';
    expect(text).not.toMatch(/secret-token|Jane/);
    expect(text).toContain('products');
  });
});

describe('a query that ran out of time', () => {
  test('is not made twice where a smaller slice can be asked for', async () => {
    badly(9, 504, { 'content-type': 'text/html' }, '<h1>Gateway Timeout</h1>');
    await expect(pagesOf(sourceOf(url, { extra: SPLIT }))).rejects.toMatchObject({ name: 'TooLargeError' });
    expect(vendor.asked).toHaveLength(1);
  });

  test('is made again where it cannot be cut, and is too large in the end', async () => {
    badly(9, 504, {}, '');
    await expect(pagesOf(sourceOf(url))).rejects.toMatchObject({ name: 'TooLargeError' });
    expect(vendor.asked).toHaveLength(3);
  });

  test('ends at the deadline, also in the middle of a body', async () => {
    vendor.before = (_asked, response) => {
      response.writeHead(200, JSON_TYPE);
      response.write('{"data":[');
      return true;
    };
    const read = pagesOf(sourceOf(url, { extra: SPLIT, deadlineMs: 50 }));
    await expect(read).rejects.toMatchObject({ name: 'TooLargeError', message: expect.stringContaining('50 ms') });
  });
});

describe('what no repetition cures', () => {
  test.each([
    [401, {}, 5, 'ERP_TOKEN'],
    [403, {}, 5, 'ERP_TOKEN'],
    [404, {}, 2, 'profile "test"'],
    [400, {}, 6, 'profile "test"'],
    [302, { location: 'http://127.0.0.1:9/elsewhere' }, 6, 'ERP_PRODUCTION_URL'],
  ])('stops at once: status %i', async (status, headers, exit, hint) => {
    badly(9, status, headers, '{"error":"no"}');
    await expect(pagesOf(sourceOf(url))).rejects.toMatchObject({
      name: 'FatalError',
      exit,
      hint: expect.stringContaining(hint),
    });
    expect(vendor.asked).toHaveLength(1);
  });

  test('a redirect is never followed, so that no other host is given the credentials', async () => {
    const visits: string[] = [];
    const thief = createServer((incoming, response) => {
      visits.push(incoming.url ?? '');
      response.end('{"data":[]}');
    });
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
    const location = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/`;
    badly(9, 307, { location }, '');
    await expect(pagesOf(sourceOf(url))).rejects.toMatchObject({ name: 'FatalError' });
    const links = sourceOf(url, { paging: '{ kind: link, from: next, size: 2 }', extra: '' });
    badly(9, 200, JSON_TYPE, `{"data":[{"no":"1","at":"${at(0)}"}],"next":"${location}"}`);
    await expect(pagesOf(links)).rejects.toMatchObject({ exit: 6, message: expect.stringContaining('another host') });
    thief.close();
    expect(visits).toEqual([]);
  });

  test('a page larger than the profile allows is not read to its end', async () => {
    badly(9, 200, JSON_TYPE, `{"data":["${'x'.repeat(21_000_000)}"]}`);
    await expect(pagesOf(sourceOf(url))).rejects.toMatchObject({
      exit: 6,
      hint: expect.stringContaining('maxPageBytes'),
    });
  });

  test.each([[{}], [{ token: 'two\nlines' }]])(
    'a token that is missing or broken is refused before any request',
    (credentials) => {
      expect(() => sourceOf(url, { credentials })).toThrow(/ERP_TOKEN/);
      expect(() => sourceOf(url, { credentials })).not.toThrow(/two/);
      expect(vendor.asked).toEqual([]);
    },
  );
});

test('links of the vendor are followed on its own host, relative ones too', async () => {
  const links = ['/base/api/items?after=2', '?after=3', null];
  vendor.before = ({ number, query }, response) => {
    response.writeHead(200, JSON_TYPE);
    response.end(JSON.stringify({ data: [{ no: query.get('after') ?? '1', at: at(0) }], next: links[number - 1] }));
    return true;
  };
  const source = sourceOf(url, { paging: '{ kind: link, from: next, size: 2, keepsPlace: true }', extra: '' });
  expect(idsOf(await pagesOf(source))).toEqual(['1', '2', '3']);
  expect(vendor.asked.map(({ path }) => path)).toEqual(Array(3).fill('/base/api/items'));
});

test('one query is made at a time, however many sources read', async () => {
  let [running, most] = [0, 0];
  vendor.before = ({ query }, response) => {
    most = Math.max(most, ++running);
    setTimeout(() => {
      running--;
      response.writeHead(200, JSON_TYPE);
      response.end(JSON.stringify(vendor.answer(query)));
    }, 10);
    return true;
  };
  await Promise.all([1, 2, 3].map(() => pagesOf(sourceOf(url, { size: 10 }))));
  expect(most).toBe(1);
});

test('a run that is stopped ends with its own reason, and the request with it', async () => {
  const stop = new AbortController();
  vendor.before = () => {
    stop.abort(new Error('stopped by hand'));
    return true;
  };
  const read = Array.fromAsync(sourceOf(url).pages(ALL, EVERYTHING, stop.signal));
  await expect(read).rejects.toThrow('stopped by hand');
  expect(NEVER.aborted).toBe(false);
});
