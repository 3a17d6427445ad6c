/** What is refused or left out before a fixture is written, on records and mappers made for the purpose. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Mapping } from '../src/pipe.ts';
import { answerOf } from '../src/probe/record/answer.ts';
import { checkFolder, writeFolder } from '../src/probe/record/folder.ts';
import { recordFixtures } from '../src/probe/record/record.ts';

const FACTS = { environment: 'sandbox', zone: 'UTC', currencies: [], names: {} } as const;
const KEY = Buffer.alloc(32, 1);

const Person = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['new', 'old']).nullable().optional(),
  figure: z.string().regex(/^\w+$/).optional(),
});
const nameIn = (records: readonly unknown[]): string => Person.parse(records[0]).name;

const mapping: Mapping<unknown> = {
  schema: Person,
  scope: () => ({ in: true }),
  properties: [
    { object: 'contacts', name: 'key', label: 'Key', type: 'string', owner: 'source', unique: true },
    { object: 'contacts', name: 'lastname', label: 'Name', type: 'string', owner: 'source' },
  ],
  map: ([one]) => {
    const { id, name } = Person.parse(one);
    return { kind: 'upserts', upserts: [{ object: 'contacts', key: id, properties: { key: id, lastname: name } }] };
  },
};

const record = (people: readonly Record<string, unknown>[], by: Mapping<unknown> = mapping) =>
  recordFixtures({
    ...{ pipe: 'people', mapping: by, facts: FACTS, limit: 9, key: KEY, sample: people },
    entities: people.map((one) => ({ key: String(one.id), records: [one], joined: [{}] })),
  });

describe('a fixture', () => {
  test('is left out, and that is said, when the mapper decides by what was replaced', () => {
    const picky: Mapping<unknown> = {
      ...mapping,
      map: (records, ...rest) =>
        nameIn(records) === 'Wunderlich' ? { kind: 'excluded', rule: 'that-one' } : mapping.map(records, ...rest),
    };
    const { fixtures, leftOut } = record(
      [
        { id: '1', name: 'Wunderlich' },
        { id: '2', name: 'Brown' },
      ],
      picky,
    );
    expect(fixtures.map(({ case: one }) => one.entity)).toEqual(['2']);
    expect(leftOut).toEqual([
      { why: 'excluded-that-one', reason: 'redacted it is upserts, as it came it is excluded' },
    ]);
  });

  test('names the property that would differ, and no value', () => {
    const picky: Mapping<unknown> = {
      ...mapping,
      map: (records) => {
        const properties = nameIn(records) === 'Wunderlich' ? { lastname: 'x' } : {};
        return { kind: 'upserts', upserts: [{ object: 'contacts', key: '1', properties }] };
      },
    };
    expect(record([{ id: '1', name: 'Wunderlich' }], picky).leftOut).toEqual([
      { why: 'mapped', reason: 'redacted it differs in contacts.lastname' },
    ]);
  });

  test('is not made at all while one text still holds what is somebody’s elsewhere', () => {
    const people = [
      { id: '1', name: 'Wunderlich' },
      { id: '2', name: 'Brown', figure: 'WUNDERLICH' },
    ];
    expect(() => record(people)).toThrow(
      expect.objectContaining({ exit: 4, message: expect.stringMatching(/at records\.figure: nothing is written/) }),
    );
    expect(() => record(people)).not.toThrow(/wunderlich/i);
  });

  test('takes an id that is made of a name for a name, and every other id as it is', () => {
    const { fixtures } = record([
      { id: 'WUNDERLICH-01', name: 'Wunderlich' },
      { id: 'A-77', name: 'Brown', state: 'new' },
    ]);
    const ids = fixtures.map(({ case: one }) => one.entity).sort();
    expect(ids[0]).toBe('A-77');
    expect(ids[1]).toMatch(/^(?!WUNDER)[A-Z]{10}-\d\d$/);
    for (const { case: one, expected } of fixtures)
      expect(expected).toMatchObject({ upserts: [{ key: one.entity, properties: { key: one.entity } }] });
  });

  test('takes a reference that somebody typed for a text, and zeros for nobody’s telephone', () => {
    const Typed = Person.extend({ referenceId: z.string(), phone: z.string() });
    const people = [
      { id: '1', name: 'Brown', referenceId: 'Wunderlich', phone: '000-000-0000' },
      { id: '2', name: 'Brown', referenceId: 'Ask Al 7', phone: '0000', state: 'new' },
      { id: '3', name: 'Brown', referenceId: '10-4471', phone: '', state: 'old' },
    ];
    const rows = record(people, { ...mapping, schema: Typed }).fixtures.flatMap(({ case: one }) =>
      one.records.map(Object),
    );
    const by = (field: string): string[] => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((row) => row[field]);
    expect(by('referenceId')).toEqual([
      expect.stringMatching(/^(?!Wunder)[A-Z][a-z]{9}$/),
      expect.stringMatching(/^(?!Ask)[A-Z][a-z]{2} [A-Z][a-z] \d$/),
      '10-4471',
    ]);
    expect(by('phone')).toEqual(['000-000-0000', '0000', '']);
  });

  test('is not stopped by what many share, or by what every address has', () => {
    const kinds = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const Reached = Person.extend({ website: z.string(), email: z.string(), kind: z.enum(kinds) });
    const websites = ['gmail.com', 'http://', 'https://www.', 'https://www.facebook.com/', 'www.test', 'test', 'n/a'];
    const people = websites.map((website, at) => ({
      ...{ id: `${at}`, name: at === 0 ? 'Test' : 'Example', website },
      ...{ email: at % 2 === 0 ? 'al@gmail.com' : 'http://www.wunderlich.com', kind: kinds[at] },
    }));
    const { fixtures, leftOut } = record(people, { ...mapping, schema: Reached });
    expect(fixtures).toHaveLength(websites.length);
    expect(leftOut).toEqual([]);
  });

  test('gives short texts other ones that nobody has, though nearly all there are are taken', () => {
    const tickets = Array.from({ length: 26 }, (_, at) => String.fromCharCode(65 + at)).flatMap((letter) =>
      Array.from({ length: 90 }, (_, at) => `${letter}-${10 + at}`),
    );
    const taken = tickets.filter((_, at) => at % 10 < 9);
    const Ticket = Person.extend({ ticket: z.string() });
    const people = taken.map((ticket, at) => ({ id: `${at}`, name: 'Brown', ticket, figure: `f${at}` }));
    const { fixtures } = recordFixtures({
      ...{ pipe: 'people', mapping: { ...mapping, schema: Ticket }, facts: FACTS, limit: 5, key: KEY, sample: people },
      entities: people.slice(0, 1).map((one) => ({ key: one.id, records: [one], joined: [{}] })),
    });
    const made = fixtures.flatMap(({ case: one }) => one.records.map((row) => Object(row).ticket));
    expect(made).toEqual([expect.stringMatching(/^[A-Z]-\d\d$/)]);
    expect(taken).not.toContain(made[0]);
  });

  test('holds of a joined row what the mapper reads, and enough of two when it takes either', () => {
    const either: Mapping<unknown> = {
      ...mapping,
      joins: { firm: { pipe: 'firms', by: 'firmId' } },
      map: (records, joined) => {
        const firms = joined.map(({ firm }) => (firm?.kind === 'record' ? Object(firm.record).name : undefined));
        const lastname = firms.find((name) => name !== undefined) ?? nameIn(records);
        return { kind: 'upserts', upserts: [{ object: 'contacts', key: '1', properties: { lastname } }] };
      },
    };
    const records = [
      { id: '1', name: 'Brown', firmId: '7' },
      { id: '2', name: 'Brown', firmId: '7' },
    ];
    const firm = { kind: 'record', record: { id: '7', name: 'Wunderlich', city: 'Xanadu' } } as const;
    const rows = (joined: readonly { firm: typeof firm }[]) =>
      recordFixtures({
        ...{ pipe: 'people', mapping: either, facts: FACTS, limit: 1, key: KEY, sample: records },
        entities: [{ key: '1', records: records.slice(0, joined.length), joined }],
      }).fixtures.flatMap(({ case: one, expected }) => {
        expect(
          answerOf(either, { key: '1', records: one.records.map(Object), joined: one.joined ?? [] }, FACTS),
        ).toEqual(expected);
        return one.joined;
      });
    const name = expect.stringMatching(/^(?!Wunder)[A-Z][a-z]{9}$/);
    expect(rows([{ firm }])).toEqual([{ firm: { kind: 'record', record: { id: '7', name } } }]);
    expect(JSON.stringify(rows([{ firm }, { firm }]))).toMatch(/"name"/);
  });

  test('keeps codes: what the schema names, and words that repeat; a rare word may be anybody’s', () => {
    const Coded = Person.extend({ route: z.string() });
    const coded: Mapping<unknown> = { ...mapping, schema: Coded };
    const people = Array.from({ length: 60 }, (_, at) => ({
      ...{ id: `${at}`, name: `Brown ${at}`, state: at % 2 === 0 ? 'new' : 'old' },
      route: at === 7 ? 'Wunderlich' : at % 3 === 0 ? 'North' : 'South shore',
      figure: at === 7 ? '12' : undefined,
    }));
    const entities = people.map((one) => ({ key: one.id, records: [JSON.parse(JSON.stringify(one))], joined: [{}] }));
    const made = recordFixtures({
      pipe: 'people',
      mapping: coded,
      facts: FACTS,
      limit: 9,
      key: KEY,
      sample: people,
      entities,
    });
    const routes = made.fixtures.flatMap(({ case: one }) => one.records.map((row) => Object(row).route));
    expect(routes).toEqual(expect.arrayContaining(['North', 'South shore']));
    expect(routes).not.toContain('Wunderlich');
  });

  test('shows a sample of few by few: nothing is recorded twice for the same reason', () => {
    const people = Array.from({ length: 30 }, (_, at) => ({ id: `${at}`, name: 'Brown', state: 'new' }));
    expect(record(people).fixtures).toHaveLength(1);
  });
});

describe('the folder of a recording', () => {
  const folders: string[] = [];
  const scratch = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'retail-sync-record-'));
    folders.push(folder);
    return folder;
  };
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  const FILES = new Map([
    ['people-01-mapped.json', '{}'],
    ['index.json', '{}'],
  ]);

  test('is complete or as it was: a write that fails leaves the earlier recording, and nothing beside it', () => {
    const parent = scratch();
    const folder = join(parent, 'a', 'people');
    writeFolder(folder, FILES);
    expect(() =>
      writeFolder(
        folder,
        new Map([
          ['people-01-new.json', '{}'],
          ['no/such/folder.json', ''],
        ]),
      ),
    ).toThrow(expect.objectContaining({ exit: 2, message: expect.stringContaining(folder) }));
    expect(readdirSync(folder).sort()).toEqual([...FILES.keys()].sort());
    expect(readdirSync(join(parent, 'a'))).toEqual(['people']);
  });

  test('takes no notice of what one that was killed left beside it', () => {
    const parent = scratch();
    const folder = join(parent, 'people');
    mkdirSync(join(parent, '.people.recording'));
    writeFileSync(join(parent, '.people.recording', 'half.json'), '{');
    writeFolder(folder, FILES);
    expect(readdirSync(folder).sort()).toEqual([...FILES.keys()].sort());
    expect(readdirSync(parent)).toEqual(['people']);
  });

  test('may be there and empty, and is no file', () => {
    const parent = scratch();
    mkdirSync(join(parent, 'empty'));
    writeFolder(checkFolder('empty', parent, false), FILES);
    expect(readFileSync(join(parent, 'empty', 'index.json'), 'utf8')).toBe('{}');
    writeFileSync(join(parent, 'file'), '');
    expect(() => checkFolder('file', parent, true)).toThrow(/file is a file/);
  });
});
