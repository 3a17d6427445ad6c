/** Loads every mapper with its fixture, and runs a case the way the engine would. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Joined, Mapping } from '../src/pipe.ts';
import { type Answer, answerOf as answer, upsertsOf } from '../src/probe/record/answer.ts';

export { type Answer, upsertsOf };

export const ROOT = join(import.meta.dirname, '..');

const FactsSchema = z.object({
  environment: z.enum(['sandbox', 'staging', 'production']),
  zone: z.string(),
  currencies: z.array(z.string()),
  names: z.record(z.string(), z.string()),
});

const JoinedRowSchema = z.union([
  z.object({ kind: z.literal('record'), record: z.unknown() }),
  z.object({ kind: z.literal('excluded'), rule: z.string() }),
  z.object({ kind: z.literal('gone') }),
]);

const CaseSchema = z.strictObject({
  case: z.string(),
  records: z.array(z.record(z.string(), z.unknown())).min(1),
  joined: z.array(z.record(z.string(), JoinedRowSchema)).optional(),
  facts: FactsSchema.partial().optional(),
  /** Which entity the records were assembled to; found out from them when left away. */
  entity: z.string().optional(),
});
export type Case = z.infer<typeof CaseSchema>;

const FixtureSchema = z.strictObject({ facts: FactsSchema, cases: z.array(CaseSchema).min(1) });
export type Fixture = z.infer<typeof FixtureSchema>;

const isMapping = (value: unknown): value is Mapping<unknown> =>
  typeof value === 'object' && value !== null && 'schema' in value && 'scope' in value && 'map' in value;

async function mappingOf(stem: string): Promise<Mapping<unknown>> {
  const file: unknown = await import(pathToFileURL(join(ROOT, 'mappers', `${stem}.ts`)).href);
  const value = typeof file === 'object' && file !== null && 'default' in file ? file.default : undefined;
  if (!isMapping(value)) throw new Error(`mappers/${stem}.ts has no mapping as its default export`);
  return value;
}

const fixtureOf = (stem: string, folder = join(ROOT, 'fixtures')): Fixture =>
  FixtureSchema.parse(JSON.parse(readFileSync(join(folder, `${stem}.json`), 'utf8')));

/** What becomes of one entity, with input that throws when a mapper writes into it. */
export function answerOf(mapping: Mapping<unknown>, one: Case, fixture: Fixture): Answer {
  const { records, joined, facts, entity } = one;
  const rows: Joined = records.map((_, position) => joined?.[position] ?? {});
  const key = entity ?? entityOf(records);
  return answer(mapping, deepFreeze({ key, records, joined: rows }), { ...fixture.facts, ...defined(facts) });
}

/** What the source would say: a return belongs to the sale it names, everything else to itself or the sale among them. */
function entityOf(records: readonly Readonly<Record<string, unknown>>[]): string {
  const named = records
    .flatMap((record) => (Array.isArray(record.returns) ? record.returns : []))
    .map((one) => one?.sourceOrderId);
  const own = records.map((record) => String(record.id));
  return (
    named.find((id) => own.includes(id)) ??
    (records.length === 1 && records[0]?.lineItemCount === 0 ? named[0] : undefined) ??
    own[0] ??
    ''
  );
}

/** Frozen, so that a mapper that writes into its input throws. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const field of Object.values(value)) deepFreeze(field);
    Object.freeze(value);
  }
  return value;
}

function defined(facts: Case['facts']): Partial<Fixture['facts']> {
  const { environment, zone, currencies, names } = facts ?? {};
  return {
    ...(environment && { environment }),
    ...(zone && { zone }),
    ...(currencies && { currencies }),
    ...(names && { names }),
  };
}

export const stems = readdirSync(join(ROOT, 'mappers'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .sort();

export const loaded = await Promise.all(
  stems.map(async (stem) => ({ stem, mapping: await mappingOf(stem), fixture: fixtureOf(stem) })),
);

export function theMapping(stem: string): { mapping: Mapping<unknown>; fixture: Fixture } {
  const found = loaded.find((entry) => entry.stem === stem);
  if (found === undefined) throw new Error(`no mapper named ${stem}`);
  return found;
}

/** `customers-03-excluded-retail`: recorded by `probe --record`, its mapper's stem in front. */
const RECORDED = /^([\w-]+?)-\d\d-[\w-]+(?=\.json$)/;

/** Fixtures recorded from life that a person put into a folder. */
export function recordedIn(folder = join(ROOT, 'fixtures')) {
  return readdirSync(folder)
    .map((file) => RECORDED.exec(file))
    .filter((found) => found !== null)
    .map(([name, stem = '']) => ({ name, ...theMapping(stem), fixture: fixtureOf(name, folder) }));
}

/** As an expected file holds it. */
export const expectedTextOf = (mapping: Mapping<unknown>, fixture: Fixture): string =>
  `${JSON.stringify(
    fixture.cases.map((one) => ({ case: one.case, ...answerOf(mapping, one, fixture) })),
    null,
    2,
  )}\n`;
