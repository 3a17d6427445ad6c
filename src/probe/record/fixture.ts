/** One fixture: what the files will hold, lean, and the last look for people's values. */
import { EXIT, FatalError } from '../../errors.ts';
import type { Facts, JoinedRow, Mapping } from '../../pipe.ts';
import { isObject } from '../walk.ts';
import { type Answer, answerOf, type Entity, upsertsOf } from './answer.ts';
import type { Redaction } from './redact.ts';

/** One case as the tests of the mappers read it. */
interface FixtureCase {
  readonly case: string;
  readonly records: readonly unknown[];
  readonly joined?: readonly Readonly<Record<string, JoinedRow>>[];
  readonly entity: string;
}

export interface Fixture {
  /** Of the file, without its end: `customers-03-excluded-retail`. */
  readonly name: string;
  readonly facts: Facts;
  readonly case: FixtureCase;
  readonly expected: Answer;
  readonly why: readonly string[];
}

/** Only the names of what the records mention. */
function factsFor({ records }: Entity, facts: Facts): Facts {
  const text = JSON.stringify(records);
  const names = Object.entries(facts.names).filter(([id]) => text.includes(JSON.stringify(id)));
  return { ...facts, names: Object.fromEntries(names) };
}

export const recordIn = (row: JoinedRow | undefined): unknown => (row?.kind === 'record' ? row.record : null);

interface Proven {
  readonly entity: Entity;
  readonly mapping: Mapping<unknown>;
  readonly facts: Facts;
}

/** As the file will hold it: what is said of it is computed from that text. */
export function fixtureOf(name: string, why: readonly string[], proven: Proven): Fixture {
  const { entity, mapping } = proven;
  const facts = factsFor(entity, proven.facts);
  const cut = entity.joined.map((rows, at) => neededOf(rows, at, { entity, mapping, facts }));
  const whole = JSON.stringify(answerOf(mapping, entity, facts));
  // Each row may be left out by itself, and not all of them together.
  const isEnough = JSON.stringify(answerOf(mapping, { ...entity, joined: cut }, facts)) === whole;
  const joined = isEnough ? cut : entity.joined.map(thereOf);
  const lean: Entity = { ...entity, joined };
  const isJoined = joined.some((rows) => Object.keys(rows).length > 0);
  return {
    name,
    facts,
    why,
    case: {
      case: why.slice(0, 3).join(', '),
      records: entity.records,
      ...(isJoined ? { joined } : {}),
      entity: entity.key,
    },
    expected: answerOf(mapping, lean, facts),
  };
}

const thereOf = (rows: Entity['joined'][number]): Record<string, JoinedRow> =>
  Object.fromEntries(Object.entries(rows).flatMap(([name, row]) => (row === undefined ? [] : [[name, row]])));

/** Joined rows without the fields that the mapper does not read: leaving each out changes nothing. */
function neededOf(
  rows: Entity['joined'][number],
  at: number,
  { entity, mapping, facts }: Proven,
): Record<string, JoinedRow> {
  const whole = JSON.stringify(answerOf(mapping, entity, facts));
  return Object.fromEntries(
    Object.entries(thereOf(rows)).map(([name, row]) => {
      if (row.kind !== 'record' || !isObject(row.record)) return [name, row];
      let record = row.record;
      for (const field of Object.keys(record).filter((one) => one !== 'id')) {
        const { [field]: _, ...fewer } = record;
        const joined = entity.joined.map((other, place) =>
          place === at ? { ...other, [name]: { kind: 'record' as const, record: fewer } } : other,
        );
        if (JSON.stringify(answerOf(mapping, { ...entity, joined }, facts)) === whole) record = fewer;
      }
      return [name, { kind: 'record', record }];
    }),
  );
}

/** The last look: whatever was overlooked before ends the recording, and nothing is written. */
export function refuseTraces({ name, facts, case: one, expected }: Fixture, redaction: Redaction): void {
  const sent = upsertsOf(expected).map(({ properties, links }) => ({
    properties,
    links: links?.map(({ value }) => value),
  }));
  const joined = one.joined?.map((rows) => Object.values(rows).map(recordIn));
  const path = redaction.find({ records: one.records, joined, sent, names: facts.names });
  if (path === null) return;
  throw new FatalError(
    EXIT.gate,
    `${name} would still hold something of somebody's, at ${path.replaceAll('[]', '')}: nothing is written`,
    'run it once more, since each recording uses other words; if it stays so, report the name of this field',
  );
}
