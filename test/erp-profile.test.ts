import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FatalError } from '../src/errors.ts';
import { rowReader } from '../src/sources/erp/canonical.ts';
import { localIso, localToUtc } from '../src/sources/erp/dates.ts';
import { ErpCustomer, ErpProduct, ErpQuote } from '../src/sources/erp/model.ts';
import { loadProfile, parseProfile, resourceOf } from '../src/sources/erp/profile.ts';
import type { SinceFilter } from '../src/sources/erp/profile-schema.ts';
import { boundMaker } from '../src/sources/erp/since.ts';

/** A profile of products with these lines of `fields`. */
const withFields = (fields: string): string => `name: test
zone: America/Chicago
auth: { scheme: bearer }
resources:
  products:
    path: /items
    id: no
    modifiedAt: at
    paging: { kind: page, param: page, size: 10 }
    fields:
${fields.replace(/^/gm, '      ')}
`;

/** The canonical product of a row, by these lines of `fields`. */
function product(fields: string, row: unknown): unknown {
  const profile = parseProfile(withFields(fields), 'test.yaml');
  return rowReader(resourceOf(profile, 'products'), profile.zone).canonical(row);
}

const ROW = { no: ' 17 ', at: '2026-03-02T14:05:11.120456Z' };
const HEAD = { id: '17', modifiedAt: '2026-03-02T14:05:11.120Z' };

function faultsOf(text: string): string {
  try {
    parseProfile(text, 'vendor.yaml');
  } catch (thrown) {
    if (thrown instanceof FatalError) return thrown.message;
    throw thrown;
  }
  return 'none';
}

describe('a faulty profile', () => {
  test('is refused with every fault, each with its line, column and path', () => {
    const faults = faultsOf(`name: Test
zone: Mars/Olympus
auth: { scheme: bearer }
resources:
  products:
    path: https://elsewhere.example/items
    id: no
    modifedAt: at
    paging: { kind: page, param: page, size: 0 }
    fields:
      nmae: title
      cost: { path: cost, convert: decmal }
      weight: {}
      stock: { path: bins, each: { where: x } }
`);
    const expected = [
      '  vendor.yaml:1:1 name: must be lower-case letters, digits and hyphens',
      '  vendor.yaml:2:1 zone: must be an IANA time zone such as America/Chicago',
      '  vendor.yaml:5:3 resources.products.modifiedAt: is missing',
      '  vendor.yaml:6:5 resources.products.path: must be a path below the base URL',
      '  vendor.yaml:8:5 resources.products.modifedAt: unknown setting',
      '  vendor.yaml:9:40 resources.products.paging.size: Too small: expected number to be >=1',
      expect.stringMatching(
        /^ {2}vendor\.yaml:11:7 resources\.products\.fields\.nmae: unknown field; known: sku, name/,
      ),
      '  vendor.yaml:12:27 resources.products.fields.cost.convert.decmal: unknown setting',
      expect.stringMatching(
        /^ {2}vendor\.yaml:12:27 resources\.products\.fields\.cost\.convert: must be one of text, dec/,
      ),
      '  vendor.yaml:13:7 resources.products.fields.weight: must have path, firstOf or constant',
      '  vendor.yaml:14:36 resources.products.fields.stock.each.where: unknown field; known: location, quantity',
    ];
    expect(faults.split('\n').slice(1)).toHaveLength(expected.length);
    expect(faults.split('\n')).toEqual(expect.arrayContaining(expected));
  });

  test.each([
    ['broken YAML', 'name: [', /vendor\.yaml:1:\d+ /],
    ['a setting given twice', 'name: a\nname: b', /vendor\.yaml:2:1 Map keys must be unique/],
    ['an empty file', '', /vendor\.yaml:1:1 profile/],
    ['a list', '- a', /vendor\.yaml:1:1 profile/],
    [
      'an attack by aliases',
      `a: &a [1,1]\n${'bcdefghijkl'
        .split('')
        .map((name, index) => `${name}: &${name} [${`*${'abcdefghijkl'.charAt(index)},`.repeat(20)}]`)
        .join('\n')}`,
      /aliases/,
    ],
  ])('may be anything: %s', (_name, text, fault) => {
    expect(faultsOf(text)).toMatch(fault);
  });

  test('that cannot be read says which names there are', () => {
    expect(() => loadProfile('no-such-vendor')).toThrow(
      expect.objectContaining({ exit: 2, hint: expect.stringContaining('sandbox') }),
    );
  });

  test('is found by its path, too', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'profile-')), 'mine.yaml');
    writeFileSync(file, withFields('name: title'));
    expect(loadProfile(file).resources.products?.path).toBe('items');
    expect(() => resourceOf(loadProfile(file), 'quotes')).toThrow(/describes no quotes/);
  });
});

describe('a field', () => {
  test.each([
    ['a path that the row does not have leaves the field alone', 'name: title', {}, {}],
    ['null clears', 'name: title', { title: null }, { name: null }],
    ['a blank clears', 'cost: { path: c, convert: decimal }', { c: ' ' }, { cost: ' ' }],
    ['a number is exact text', 'cost: { path: c, convert: decimal }', { c: 12.5 }, { cost: '12.5' }],
    ['needless zeros go', 'cost: { path: c, convert: decimal }', { c: '0012.5000' }, { cost: '12.5' }],
    [
      'the vendor has its own separators',
      "cost: { path: c, convert: { decimal: { point: ',', group: '.' } } }",
      { c: '1.234,50' },
      { cost: '1234.5' },
    ],
    ['what is no number stays as it is', 'cost: { path: c, convert: decimal }', { c: 'call us' }, { cost: 'call us' }],
    ['a whole number is one', 'leadTimeDays: { path: c, convert: integer }', { c: '14.0' }, { leadTimeDays: 14 }],
    ['a fraction of a day is none', 'leadTimeDays: { path: c, convert: integer }', { c: 1.5 }, { leadTimeDays: 1.5 }],
    [
      'words are truth values',
      'isStocked: { path: c, convert: { boolean: { "true": [Y, 1], "false": [N, 0] } } }',
      { c: ' y' },
      { isStocked: true },
    ],
    [
      'an unknown word stays',
      'isStocked: { path: c, convert: { boolean: { "true": [Y], "false": [N] } } }',
      { c: 'maybe' },
      { isStocked: 'maybe' },
    ],
    ['a table translates', 'status: { path: c, convert: { enum: { A: active } } }', { c: 'A ' }, { status: 'active' }],
    [
      'an unknown code stays',
      'status: { path: c, convert: { enum: { A: active } } }',
      { c: 'constructor' },
      { status: 'constructor' },
    ],
    ['a constant needs no row', 'unitOfMeasure: { constant: EA }', {}, { unitOfMeasure: 'EA' }],
    ['the first path that holds something', 'name: { firstOf: [a, b.c] }', { a: '', b: { c: 'x' } }, { name: 'x' }],
    ['none of them holds anything', 'name: { firstOf: [a, b] }', { b: null }, { name: null }],
    [
      'a part of a text',
      "brand: { path: c, convert: { split: { by: '|', part: -1 } } }",
      { c: 'a | b' },
      { brand: 'b' },
    ],
    ['a key with a dot in it', 'name: v.x.y', { v: { 'x.y': 'found' } }, { name: 'found' }],
    ['inherited properties are none', 'name: constructor.name', {}, {}],
    [
      'a list of rows',
      'stock: { path: l, each: { location: w, quantity: { path: q, convert: decimal } } }',
      { l: [{ w: 'A', q: 1 }, { w: 'B' }] },
      { stock: [{ location: 'A', quantity: '1' }, { location: 'B' }] },
    ],
    ['a list that is none stays', 'stock: { path: l, each: { location: w } }', { l: 'none' }, { stock: 'none' }],
  ])('%s', (_name, fields, row, expected) => {
    expect(product(fields, { ...ROW, ...row })).toEqual({ ...HEAD, ...expected });
  });

  test('never makes canonical() throw, whatever JSON the vendor sends', () => {
    const profile = loadProfile('sandbox');
    const readers = (['products', 'customers', 'quotes'] as const).map((name) =>
      rowReader(resourceOf(profile, name), profile.zone),
    );
    const names = [
      'itemNo',
      'lastChanged',
      'bins',
      'people',
      'addr',
      'rep',
      'lastOrder',
      'unitPrice',
      'rev',
      '__proto__',
    ];
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), fc.jsonValue())), (raw) => {
        for (const reader of readers) expect(() => JSON.stringify(reader.canonical(raw))).not.toThrow();
      }),
    );
  });
});

describe('days and instants', () => {
  test.each([
    ["a local time means the source's zone", 'modifiedAt: at', '2026-07-01 08:00', '2026-07-01T13:00:00.000Z'],
    ['an offset stands over it', 'modifiedAt: at', '2026-07-01T08:00:00+02:00', '2026-07-01T06:00:00.000Z'],
    [
      'an hour that comes twice is the earlier one',
      'modifiedAt: at',
      '2026-11-01T01:30:00',
      '2026-11-01T06:30:00.000Z',
    ],
    ['an hour that is skipped is the one after', 'modifiedAt: at', '2026-03-08T02:30:00', '2026-03-08T08:30:00.000Z'],
    ['seconds since 1970', 'modifiedAt: { path: at, format: epoch-s }', 1767614400, '2026-01-05T12:00:00.000Z'],
    [
      'a pattern',
      'modifiedAt: { path: at, format: MM/DD/YYYY HH:mm:ss, zone: UTC }',
      '01/05/2026 12:00:00',
      '2026-01-05T12:00:00.000Z',
    ],
    ['a day that does not exist', 'modifiedAt: at', '2026-02-30', undefined],
  ])('%s', (_name, modifiedAt, at, expected) => {
    const text = withFields('name: title').replace('modifiedAt: at', modifiedAt);
    const profile = parseProfile(text, 'test.yaml');
    const record = rowReader(resourceOf(profile, 'products'), profile.zone).canonical({ no: 1, at });
    expect(record).toEqual({ id: '1', ...(expected === undefined ? {} : { modifiedAt: expected }) });
  });

  test('an instant falls on the day of the zone', () => {
    const profile = loadProfile('sandbox');
    const read = (lastOrder: unknown) =>
      rowReader(resourceOf(profile, 'customers'), profile.zone).canonical({ lastOrder });
    expect(read('2026-10-02')).toEqual({ lastOrderOn: '2026-10-02' });
    expect(read('2026-10-02T03:00:00Z')).toEqual({ lastOrderOn: '2026-10-01' });
  });

  test('local time and back is the same instant, but for the hour that comes twice', () => {
    const hourMs = 3_600_000;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 * 365 * 24 }),
        fc.constantFrom('America/Chicago', 'Australia/Lord_Howe', 'UTC'),
        (hours, zone) => {
          const utcMs = Date.UTC(2020, 0, 1) + hours * hourMs;
          const back = localToUtc(Date.parse(`${localIso(utcMs, zone)}Z`), zone);
          expect(utcMs - back === 0 || utcMs - back === hourMs || utcMs - back === hourMs / 2).toBe(true);
          expect(localIso(back, zone)).toBe(localIso(utcMs, zone));
        },
      ),
    );
  });

  test.each<[string, Partial<SinceFilter>, string]>([
    ['ISO in UTC', {}, '2026-07-01T04:59:59.500Z'],
    ['whole seconds, rounded down', { format: 'iso-seconds' }, '2026-07-01T04:59:59Z'],
    ['local time without offset', { format: 'iso-seconds', zone: 'America/Chicago' }, '2026-06-30T23:59:59'],
    ['the day in the zone of the source', { format: 'date' }, '2026-06-30'],
    ['a day earlier when the bound is excluded', { format: 'date', inclusive: false }, '2026-06-29'],
    ['seconds since 1970', { format: 'epoch-s' }, '1782881999'],
    ['a millisecond earlier when the bound is excluded', { inclusive: false }, '2026-07-01T04:59:59.499Z'],
  ])('"changed since" is asked as %s, and never later than meant', (_name, filter, expected) => {
    const askedMs = Date.parse('2026-07-01T04:59:59.500Z');
    const bound = boundMaker({ param: 'since', format: 'iso', inclusive: true, ...filter }, 'America/Chicago')(askedMs);
    expect(bound.text).toBe(expected);
    expect(bound.fromMs).toBeLessThanOrEqual(askedMs);
  });
});

describe('the canonical records', () => {
  const id = { id: ' a ', modifiedAt: HEAD.modifiedAt };

  test('tell absent from cleared, and take a blank for cleared', () => {
    expect(ErpProduct.parse({ ...id, name: ' ', cost: '', listPrice: null, unknown: 1 })).toEqual({
      ...id,
      id: 'a',
      name: null,
      cost: null,
      listPrice: null,
    });
    expect(ErpCustomer.parse({ ...id, contacts: [{ id: '1', email: ' x@y.z ' }] }).contacts).toEqual([
      { id: '1', email: 'x@y.z' },
    ]);
  });

  test('name an unknown value of an enumeration, but no other value', () => {
    const { error } = ErpQuote.safeParse({ ...id, status: 'PENDING', total: 'one million', quotedOn: '2026-02-30' });
    expect(error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'status: unknown value "PENDING"; known: draft, sent, accepted, declined, expired, converted',
      'quotedOn: Invalid ISO date',
      'total: must be a decimal number in plain digits',
    ]);
  });

  test.each([{ id: ' ' }, { id: 7 }, { modifiedAt: '2026-03-02' }, { modifiedAt: undefined }])(
    'need an id and an instant: %j',
    (fault) => {
      expect(ErpProduct.safeParse({ ...id, ...fault }).success).toBe(false);
    },
  );
});
