import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Partition } from '../src/pipe.ts';
import { EVERYTHING, json, NEVER, sourceOf, Vendor } from './erp-vendor.ts';

const BY_REP = `partitions:
      key: rep
      from: { path: api/reps, records: data, id: id, label: name, total: count }
      param: rep
      none: none
    split: { from: nameFrom, to: nameTo, maxRecords: 40 }`;

const vendor = new Vendor();
let url = '';
/** Customers by rep, as their names. */
let names: Record<string, string[]> = {};
let reps: unknown[] = [];

const inRange = (name: string, filter: Readonly<Record<string, string>> | URLSearchParams): boolean => {
  const of = (param: string): string | undefined =>
    (filter instanceof URLSearchParams ? filter.get(param) : filter[param]) ?? undefined;
  const [from, to] = [of('nameFrom'), of('nameTo')];
  const folded = name.toLowerCase();
  return (from === undefined || folded >= from) && (to === undefined || folded < to);
};

beforeAll(async () => {
  url = await vendor.start();
});
afterAll(() => vendor.stop());
beforeEach(() => {
  vendor.asked = [];
  reps = [
    { id: '7', name: 'Ann' },
    { id: ' 8 ', name: '' },
    { id: '7', name: 'Ann' },
  ];
  names = { '7': ['Acme'], '8': ['Borg'], none: [] };
  vendor.before = ({ path, query }, response) => {
    if (path.endsWith('/reps')) json(response, { data: reps, count: reps.length });
    else
      json(response, {
        data: [{}],
        count: (names[query.get('rep') ?? ''] ?? []).filter((name) => inRange(name, query)).length,
      });
    return true;
  };
});

const slices = (): Promise<Partition[]> =>
  Array.fromAsync(sourceOf(url, { extra: BY_REP }).partitions(EVERYTHING, NEVER));

describe('slices', () => {
  test('are one for each row of the list, and one for records that belong to none', async () => {
    expect(await slices()).toEqual([
      { key: 'rep:7', label: 'Ann', filter: { rep: '7' } },
      { key: 'rep:8', label: '8', filter: { rep: '8' } },
      { key: 'none', label: 'without rep', filter: { rep: 'none' } },
    ]);
  });

  test('above the maximum are cut by name until each holds little enough, under keys that stay', async () => {
    names.none = Array.from({ length: 100 }, (_, index) => `${'ACEMSZ'.charAt(index % 6)}${index}`);
    const cut = await Array.fromAsync(
      sourceOf(url, { extra: BY_REP }).partitions({ kind: 'modified', from: '2026-01-01T00:00:00.000Z' }, NEVER),
    );
    expect(cut.map(({ key }) => key)).toEqual(['rep:7', 'rep:8', 'none/a-d', 'none/e-g', 'none/h-m', 'none/n-z']);
    expect(cut.at(-1)).toMatchObject({ label: 'without rep, names n-z', filter: { rep: 'none', nameFrom: 'n' } });
  });

  test('are refused when the list is cut short or a row has no id, since records would be missed', async () => {
    reps = [{ name: 'Ann' }];
    await expect(slices()).rejects.toMatchObject({ exit: 6, message: expect.stringContaining('api/reps') });
    reps = [{ id: '7' }];
    vendor.before = (_asked, response) => {
      json(response, { data: reps, count: 2 });
      return true;
    };
    await expect(slices()).rejects.toMatchObject({ exit: 6, message: expect.stringContaining('1 of 2') });
  });
});

describe('the parts of a slice', () => {
  const source = () => sourceOf(url, { extra: BY_REP });
  const whole: Partition = { key: 'rep:a/a-m', label: 'Ann', filter: { rep: 'a/a-m' } };

  test('are halves by the first letters, down to three letters', () => {
    const parts = source().split({ key: 'rep:7', label: 'Ann', filter: { rep: '7' } });
    expect(parts).toEqual([
      { key: 'rep:7/a-m', label: 'Ann, names a-m', filter: { rep: '7', nameTo: 'n' } },
      { key: 'rep:7/n-z', label: 'Ann, names n-z', filter: { rep: '7', nameFrom: 'n' } },
    ]);
    let narrow = parts;
    const keys: string[] = [];
    for (let cuts = 0; narrow[0] && cuts < 50; cuts++) {
      keys.push(narrow[0].key);
      narrow = source().split(narrow[0]);
    }
    expect(narrow).toEqual([]);
    expect(keys.slice(0, 7)).toEqual(
      ['a-m', 'a-g', 'a-d', 'a-b', 'a-a', 'aa-am', 'aa-ag'].map((range) => `rep:7/${range}`),
    );
    expect(keys.at(-1)).toBe('rep:7/aaa-aaa');
  });

  test('hold every name of the slice exactly once, however often it is cut', () => {
    const anyName = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[a-zA-Z]{0,5}$/));
    fc.assert(
      fc.property(anyName, fc.array(fc.nat(100), { maxLength: 30 }), (name, choices) => {
        let leaves: Partition[] = [whole];
        for (const choice of choices) {
          const chosen = leaves[choice % leaves.length];
          const parts = chosen ? source().split(chosen) : [];
          if (parts.length > 0) leaves = leaves.flatMap((leaf) => (leaf === chosen ? parts : [leaf]));
        }
        expect(leaves.filter(({ filter }) => inRange(name, filter))).toHaveLength(1);
        expect(new Set(leaves.map(({ key }) => key)).size).toBe(leaves.length);
      }),
    );
  });

  test('are none where the vendor cannot be asked for a range', () => {
    expect(sourceOf(url).split(whole)).toEqual([]);
  });
});
