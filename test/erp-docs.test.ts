import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseProfile } from '../src/sources/erp/profile.ts';
import { profileJsonSchema } from '../src/sources/erp/profile-json-schema.ts';
import { restSource } from '../src/sources/erp/rest.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/erp.md'), 'utf8');
const NEVER = new AbortController().signal;

function keysOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([name, value]) =>
    name === 'properties' && typeof value === 'object' && value !== null
      ? [...Object.keys(value), ...Object.values(value).flatMap(keysOf)]
      : keysOf(value),
  );
}

test('every key of the published schema is in the tables of docs/erp.md', () => {
  const keys = [...new Set(keysOf(profileJsonSchema()))];
  expect(keys.length).toBeGreaterThan(60);
  expect(keys.filter((key) => !page.includes(`\`${key}\``) && !page.includes(`\`${key}:`))).toEqual([]);
});

test('the example of docs/erp.md reads all records of an API that it alone describes', async () => {
  const parts = Array.from({ length: 250 }, (_, index) => ({
    ...{ part_no: `P-${index}`, web_title: '', title: `Part ${index}`, price: '1.234,50', state: 'on' },
    updated_at: new Date(Date.UTC(2026, 0, 5, 12, 0, index)).toISOString(),
  }));
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://vendor');
    const send = (status: number, body: unknown, headers = {}): void =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    const isKnown = incoming.headers.authorization === `Basic ${btoa('me:secret')}`;
    const [, one, isBins] = /^\/v1\/parts\/([^/]+)(\/bins)?$/.exec(url.pathname) ?? [];
    const after = Date.parse(url.searchParams.get('updated_after') ?? '1970-01-01T00:00:00Z');
    const found = parts.filter(({ updated_at }) => Date.parse(updated_at) > after);
    const bins = one === 'P-7' ? [{ bin: 'MAIN', count: 3 }] : [];
    const list = isBins ? bins : found;
    const [number, size] = [
      Number(url.searchParams.get('page') ?? 1),
      Math.min(100, Number(url.searchParams.get('per_page') ?? 30)),
    ];
    const next = `<${url.pathname}?page=${number + 1}&per_page=${size}&updated_after=${new Date(after).toISOString()}>; rel="next"`;
    const hasNext = number * size < list.length;
    if (!isKnown) send(401, {});
    else if (one !== undefined && !isBins) send(200, parts.find(({ part_no }) => part_no === one) ?? null);
    else
      send(200, list.slice((number - 1) * size, number * size), {
        'x-total': list.length,
        ...(hasNext ? { link: next } : {}),
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const source = restSource({
    profile: parseProfile(/## Example[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '', 'docs/erp.md'),
    ...{ resource: 'products', baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    credentials: { user: 'me', password: 'secret' },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    random: () => 0.5,
  });
  const read = async (from?: string) => {
    const since = from === undefined ? ({ kind: 'everything' } as const) : ({ kind: 'modified', from } as const);
    const pages = await Array.fromAsync(source.pages({ key: 'all', label: 'all', filter: {} }, since, NEVER));
    return { total: pages.at(-1)?.total, records: pages.flatMap(({ records }) => records) };
  };
  const all = await read();
  expect([new Set(all.records.map(({ id }) => id)).size, all.total]).toEqual([250, 250]);
  expect(source.canonical(all.records[7]?.raw)).toMatchObject({
    ...{
      id: 'P-7',
      name: 'Part 7',
      listPrice: '1234.5',
      status: 'active',
      stock: [{ location: 'MAIN', quantity: '3' }],
    },
  });
  expect((await read('2026-01-05T12:04:00.000Z')).records.map(({ id }) => id)).toContain('P-240');
  expect(await source.get(['P-7'], NEVER)).toHaveLength(1);
  server.close();
});
