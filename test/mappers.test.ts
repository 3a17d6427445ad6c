/**
 * Each mapper against its fixture: `fixtures/<stem>.json` goes in, `fixtures/<stem>.expected.json` comes out, read by a
 * person. A fixture holds canonical records as a source delivers them, before validation:
 *
 *     { "facts": Facts,
 *       "cases": [{ "case": what it shows, "records": all records of one entity,
 *                   "joined"?: per record, the joined rows by name, "facts"?: what differs from the facts above }] }
 *
 * Beside it may lie what `retail-sync probe … --record` made of live records, one case a file: `<stem>-03-why.json`.
 *
 * After a change of a mapper: `npx vitest run test/mappers.test.ts -u`, then read the difference.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Mapping, PropertySpec } from '../src/pipe.ts';
import { answerOf, expectedTextOf, loaded, ROOT, recordedIn, stems, upsertsOf } from './fixtures.ts';

const SHAPES: Readonly<Record<PropertySpec['type'], RegExp>> = {
  string: /^(?:\S(?:.*\S)?)?$/s,
  number: /^(|0|-?(0\.\d*[1-9]|[1-9]\d*(\.\d*[1-9])?))$/,
  date: /^(|\d{4}-\d\d-\d\d)$/,
  datetime: /^(|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/,
  bool: /^(|true|false)$/,
  enumeration: /^(|\S+)$/,
};

function faultOf(spec: PropertySpec | undefined, value: string, mapping: Mapping<unknown>): string | undefined {
  if (spec === undefined) return 'not in the property table';
  if (!SHAPES[spec.type].test(value)) return `no ${spec.type}`;
  if (spec.options && value !== '' && !spec.options.some((option) => option.value === value)) return 'not an option';
  if (spec.refersTo === 'pipeline' && value !== mapping.pipeline?.key) return 'not the pipeline';
  if (spec.refersTo === 'stage' && !mapping.pipeline?.stages.some(({ key }) => key === value)) return 'not a stage';
  return undefined;
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each(loaded)('$stem', ({ stem, mapping, fixture }) => {
  it('makes of its fixture what a person has read', async () => {
    await expect(expectedTextOf(mapping, fixture)).toMatchFileSnapshot(join(ROOT, 'fixtures', `${stem}.expected.json`));
  });

  it('sends only properties of its table, each in the spelling of its type', () => {
    const faults = fixture.cases.flatMap((one) =>
      upsertsOf(answerOf(mapping, one, fixture)).flatMap(({ object, properties }) =>
        Object.entries(properties).flatMap(([name, value]) => {
          const spec = mapping.properties.find((known) => known.object === object && known.name === name);
          const fault = faultOf(spec, value, mapping);
          return fault === undefined ? [] : [`${one.case}: ${name}: ${fault}`];
        }),
      ),
    );
    expect(faults).toEqual([]);
  });

  it('shows each property of its table at least once in the fixture', () => {
    const sent = new Set(
      fixture.cases
        .flatMap((one) => upsertsOf(answerOf(mapping, one, fixture)))
        .flatMap(({ object, properties }) =>
          Object.entries(properties).flatMap(([name, value]) => (value === '' ? [] : [`${object}.${name}`])),
        ),
    );
    expect(mapping.properties.map(({ object, name }) => `${object}.${name}`).filter((name) => !sent.has(name))).toEqual(
      [],
    );
  });

  it('has one unique text per object as its key, and sends the key along', () => {
    const objects = new Set(mapping.properties.map(({ object }) => object));
    for (const object of objects) {
      const keys = mapping.properties.filter((spec) => spec.object === object && spec.unique);
      expect(keys).toMatchObject([{ type: 'string', owner: 'source', group: expect.any(String) }]);
    }
    for (const { object, key, properties } of fixture.cases.flatMap((one) =>
      upsertsOf(answerOf(mapping, one, fixture)),
    )) {
      const name = mapping.properties.find((spec) => spec.object === object && spec.unique)?.name ?? '';
      expect(properties[name]).toBe(key);
    }
  });

  it('describes its properties, without naming one twice or touching what makes a contact billable', () => {
    const names = mapping.properties.map(({ object, name }) => `${object}.${name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.includes('hs_marketable'))).toEqual([]);
    expect(mapping.properties.filter(({ label, description }) => !label || !description)).toEqual([]);
    const closed = mapping.properties.filter(
      ({ type, refersTo, group }) => group && type === 'enumeration' && !refersTo,
    );
    expect(closed.filter(({ options }) => !options?.length)).toEqual([]);
  });

  it('gives the same answer at any time, and writes nothing into its input', () => {
    const at = (iso: string): string => {
      vi.useFakeTimers({ now: new Date(iso) });
      return JSON.stringify(fixture.cases.map((one) => answerOf(mapping, one, fixture)));
    };
    expect(at('2001-01-01T00:00:00Z')).toBe(at('2040-07-01T00:00:00Z'));
  });

  it('reads no clock, no environment, no chance and no file', () => {
    const code = readFileSync(join(ROOT, 'mappers', `${stem}.ts`), 'utf8');
    expect(code).not.toMatch(/\bDate\b|\bprocess\b|Math\.random|from 'node:|\bfetch\(|\bglobalThis\b/);
  });

  it('gives the same answer in whatever order the records come', () => {
    for (const one of fixture.cases) {
      const expected = answerOf(mapping, one, fixture);
      const positions = one.records.map((_, position) => position);
      fc.assert(
        fc.property(fc.shuffledSubarray(positions, { minLength: positions.length }), (order) => {
          const records = order.map((position) => one.records[position] ?? {});
          const joined = one.joined && order.map((position) => one.joined?.[position] ?? {});
          expect(answerOf(mapping, { ...one, records, joined }, fixture)).toEqual(expected);
        }),
        { numRuns: positions.length > 1 ? 30 : 1 },
      );
    }
  });

  it('lets nothing of a walk-in out', () => {
    expect(JSON.stringify(fixture.cases.map((one) => answerOf(mapping, one, fixture)))).not.toMatch(/walkin|wanda/i);
  });
});

describe.each(recordedIn())('$name', ({ name, mapping, fixture }) => {
  it('makes of what was recorded what it made of it then', async () => {
    await expect(expectedTextOf(mapping, fixture)).toMatchFileSnapshot(join(ROOT, 'fixtures', `${name}.expected.json`));
  });
});

it('every expected file belongs to a mapper', () => {
  const expected = readdirSync(join(ROOT, 'fixtures')).filter((file) => file.endsWith('.expected.json'));
  const names = [...stems, ...recordedIn().map(({ name }) => name)];
  expect(expected.sort()).toEqual(names.map((name) => `${name}.expected.json`).sort());
});
