/** The small things that many files share: sizes, codes of failures, spellings of a secret, durable files. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { roomFor, sizeOf } from '../src/bytes.ts';
import { writeDurably } from '../src/durable-file.ts';
import { codeOf, EXIT, FatalError } from '../src/errors.ts';
import { scrubber } from '../src/log/scrub.ts';

test.each([
  [999, '999 bytes'],
  [1_999, '1 kB'],
  [4_190_000, '4.1 MB'],
  [20_000_000, '20 MB'],
  [999_999_999, '999 MB'],
  [1_290_000_000, '1.2 GB'],
  [12_345_678_901, '12 GB'],
  [12_345_678_901_234, '12,345 GB'],
])('%i bytes are %s: never more than there is', (bytes, text) => {
  expect(sizeOf(bytes)).toBe(text);
});

test.each([
  [999, '999 bytes'],
  [1_001, '2 kB'],
  [999_001, '1 MB'],
  [4_110_000, '4.2 MB'],
  [9_990_000, '10 MB'],
  [20_000_000, '20 MB'],
  [20_000_001, '21 MB'],
  [999_000_001, '1 GB'],
])('%i bytes need %s: never less than they take', (bytes, text) => {
  expect(roomFor(bytes)).toBe(text);
});

const refused = Object.assign(new Error('connect 10.0.0.1'), { code: 'ECONNREFUSED' });

test.each([
  ['itself', refused, 'ECONNREFUSED'],
  ['in its cause', new TypeError('fetch failed', { cause: refused }), 'ECONNREFUSED'],
  ['of the first address', new TypeError('', { cause: new AggregateError([refused, new Error('x')]) }), 'ECONNREFUSED'],
  ['a text that may hold data', Object.assign(new Error('x'), { code: 'jane@example.com' }), null],
  ['none, but a name', new DOMException('late', 'TimeoutError'), null],
  ['none of ours', new FatalError(EXIT.usage, 'x', 'y'), null],
  ['no error', 'ECONNREFUSED', null],
])('the code of a failure: %s', (_, thrown, code) => {
  expect(codeOf(thrown)).toBe(code);
});

test('an error that is its own cause has no code, and ends', () => {
  const error = new Error('x');
  error.cause = error;
  expect(codeOf(error)).toBeNull();
});

test('a secret is found in an address whose escapes are in small letters', () => {
  const clean = scrubber(['ab/cd+ef=="12"']);
  for (const escaped of ['ab%2fcd%2bef%3d%3d%2212%22', 'ab%2Fcd%2Bef%3D%3D%2212%22'])
    expect(clean(`GET /x?next=${escaped}&y=1`)).toBe('GET /x?next=[secret]&y=1');
});

test('a secret is found as JSON, addresses, forms and base64 spell it', () => {
  const secret = 'a "b"&c d';
  const scrub = scrubber([secret]);
  const form = new URLSearchParams({ p: secret }).toString();
  const spelt = [
    JSON.stringify({ p: secret }),
    encodeURIComponent(secret),
    form,
    Buffer.from(secret).toString('base64'),
  ];
  expect(spelt.map(scrub)).toEqual(['{"p":"[secret]"}', '[secret]', 'p=[secret]', '[secret]']);
});

test('a durable file is private, and never takes the place of one that is there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-leaves-'));
  const path = join(folder, 'a');
  writeDurably(path, 'whole');
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['whole', 0o600]);
  writeFileSync(path, 'mine');
  expect(() => writeDurably(path, 'theirs')).toThrow('EEXIST');
  expect(readFileSync(path, 'utf8')).toBe('mine');
  rmSync(folder, { recursive: true });
});
