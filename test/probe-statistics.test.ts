/** What the statistics of a sample say, on records made for the purpose. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOf } from '../src/probe/formats.ts';
import type { FieldSummary } from '../src/probe/model.ts';
import { maskOf } from '../src/probe/people.ts';
import { chanceOf } from '../src/probe/significance.ts';
import { statisticsOf } from '../src/probe/statistics.ts';

const MASKED = { isAboutPeople: true, isUnmasked: false };

function fieldOf(records: readonly unknown[], path: string, options = MASKED): FieldSummary {
  const found = statisticsOf(records, options).fields.find((field) => field.path === path);
  if (found === undefined) throw new Error(`no field ${path}`);
  return found;
}

describe('the statistics of a sample', () => {
  test('tell absent, null, blank and filled apart', () => {
    const field = fieldOf([{ a: 'x' }, { a: null }, { a: ' ' }, {}], 'a');
    expect(field).toMatchObject({ holders: 4, present: 3, nulls: 1, empties: 1, types: { text: 2 } });
  });

  test('count a field of a list by the items that could hold it', () => {
    const records = [{ lines: [{ sku: 'A' }, { sku: 'B', note: null }] }, { lines: [] }, {}];
    expect(fieldOf(records, 'lines')).toMatchObject({ holders: 3, present: 2, empties: 1, types: { list: 2 } });
    expect(fieldOf(records, 'lines[].sku')).toMatchObject({ holders: 2, present: 2 });
    expect(fieldOf(records, 'lines[].note')).toMatchObject({ holders: 2, present: 1, nulls: 1 });
  });

  test('guess a code by few values that repeat, and show its values with their counts', () => {
    const records = Array.from({ length: 40 }, (_, at) => ({ stage: at % 4 === 0 ? 'WON' : 'SENT', id: `Q-${at}` }));
    expect(fieldOf(records, 'stage')).toMatchObject({
      isEnum: true,
      top: [
        { value: 'SENT', count: 30 },
        { value: 'WON', count: 10 },
      ],
    });
    expect(fieldOf(records, 'id')).toMatchObject({ isEnum: false, isUnique: true, distinct: 40, top: [] });
  });

  test('show of what is about people nothing but its shape, also where few values repeat', () => {
    const people = Array.from({ length: 20 }, (_, at) => ({
      mail: 'Ann.Lee@example.com',
      repName: at % 2 ? 'Ann' : 'Bo',
    }));
    const text = JSON.stringify(statisticsOf(people, { isAboutPeople: false, isUnmasked: false }));
    expect(text).not.toMatch(/Ann|Lee|"Bo"/);
    expect(fieldOf(people, 'mail').examples).toEqual(['Aaa.Aaa@aaaaaaa.aaa']);
  });

  test('carry no free text of a resource about people, whatever its fields are called', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 6 }).filter((text) => /[a-z]{6}/.test(text)),
          { minLength: 1 },
        ),
        (texts) => {
          const summary = JSON.stringify(
            statisticsOf(
              texts.map((zzz) => ({ zzz })),
              MASKED,
            ),
          );
          for (const text of texts) if (!/^a+$/.test(text)) expect(summary).not.toContain(JSON.stringify(text));
        },
      ),
    );
  });

  test('hold a bounded number of values, and say so', () => {
    const records = Array.from({ length: 3_000 }, (_, at) => ({ n: at, text: `value ${at}` }));
    expect(fieldOf(records, 'text')).toMatchObject({ distinct: 2_000, distinctIsCapped: true, isUnique: false });
    expect(fieldOf(records, 'n').numbers).toMatchObject({ min: 0, max: 2_999 });
    expect(Math.abs((fieldOf(records, 'n').numbers?.median ?? 0) - 1_500)).toBeLessThan(60);
  });

  test('measure dates, numbers and lengths', () => {
    const records = [
      { on: '2026-01-31', price: '1,200.50', tags: ['a', 'b'] },
      { on: '2026-03-01', price: '9.99', tags: ['c'] },
    ];
    expect(fieldOf(records, 'on').instants).toMatchObject({
      min: Date.parse('2026-01-31'),
      max: Date.parse('2026-03-01'),
    });
    expect(fieldOf(records, 'price').numbers).toMatchObject({ min: 9.99, max: 1200.5 });
    expect(fieldOf(records, 'tags').lengths).toMatchObject({ min: 1, max: 2 });
  });

  test('survive any JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (records) => statisticsOf(records, MASKED).records === records.length),
    );
  });
});

test.each([
  ['2026-11-21', 'd', 'ISO date'],
  ['2026-11-21T10:00:00Z', 'd', 'ISO datetime'],
  ['2026-11-21T10:00:00', 'd', 'ISO datetime without zone'],
  ['11/21/2026', 'd', 'local date'],
  ['21-Nov-2026', 'd', 'local date'],
  [1_795_000_000, 'updated_at', 'epoch s'],
  ['1795000000000', 'lastmodifieddate', 'epoch ms'],
  [1_795_000_000, 'orderNumber', null],
  ['4a1f6b1e-0c3f-4c43-8d0f-0a1b2c3d4e5f', 'id', 'GUID'],
  ['a.b@example.com', 'x', 'e-mail'],
  ['(312) 555-0142', 'x', 'phone'],
  ['+1 312 555 0142', 'x', 'phone'],
  ['https://example.com/a', 'x', 'URL'],
  ['$1,234.50', 'x', 'money text'],
  ['1234.50', 'x', 'money text'],
  ['0.125', 'x', 'decimal text'],
  ['074821000006', 'ean', 'digits with leading zeros'],
  ['42', 'x', 'integer text'],
  ['Y', 'x', 'boolean word'],
  ['EA', 'uom', 'other'],
] as const)('%s in a field %s is told to be: %s', (value, name, format) => {
  expect(formatOf(value, name)).toBe(format);
});

test('a mask keeps the shape and nothing else', () => {
  expect(maskOf('Zoë O’Neil 3rd')).toBe('Aaa A’Aaaa 9aa');
});

test('two shares of one population are rarely called different, and of two clearly different ones always', () => {
  expect(chanceOf(20, 200, 22, 200)).toBeGreaterThan(0.5);
  expect(chanceOf(0, 200, 1, 200)).toBeCloseTo(1);
  expect(chanceOf(0, 200, 40, 200)).toBeLessThan(1e-9);
  expect(chanceOf(3, 0, 0, 10)).toBe(1);
});

describe("records in the vendors' own shapes", () => {
  const sample = (name: string): unknown[] => JSON.parse(readFileSync(`fixtures/vendors/${name}.json`, 'utf8'));

  test('of Square are taken apart down to the money of a tender', () => {
    const records = sample('square-order');
    expect(fieldOf(records, 'tenders[].amount_money.amount')).toMatchObject({ holders: 1, types: { number: 1 } });
    expect(fieldOf(records, 'created_at').formats).toEqual({ 'ISO datetime': 1 });
    expect(fieldOf(records, 'tenders[].card_details.card.last_4')).toMatchObject({
      isPersonal: true,
      examples: ['9999'],
    });
  });

  test('of HubSpot are recognised by their formats, and nobody is named', () => {
    const records = sample('hubspot-contact');
    expect(fieldOf(records, 'properties.email').formats).toEqual({ 'e-mail': 1 });
    expect(fieldOf(records, 'properties.hs_lead_status')).toMatchObject({ present: 1, nulls: 1 });
    expect(JSON.stringify(statisticsOf(records, MASKED))).not.toMatch(/dana|reyes|0134/i);
  });

  test('of Business Central hold GUIDs, numbers and names with a dot', () => {
    const records = sample('business-central-item');
    expect(fieldOf(records, 'id').formats).toEqual({ GUID: 1 });
    expect(fieldOf(records, 'unitPrice').numbers).toMatchObject({ min: 1000.8 });
    expect(fieldOf(records, '@odata.etag')).toMatchObject({ present: 1, holders: 1 });
    expect(fieldOf(records, 'lastModifiedDateTime').instants).not.toBeNull();
  });
});
