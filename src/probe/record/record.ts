/** Makes fixtures of a sample: chooses, redacts, and proves of each that it means to the mapper what the record meant. */
import type { Facts, Mapping } from '../../pipe.ts';
import { isObject } from '../walk.ts';
import { type Answer, answerOf, type Entity, outlineOf, upsertsOf } from './answer.ts';
import { type Candidate, nextChoice } from './choose.ts';
import { featuresOf, type Showing as Shown } from './features.ts';
import { type Fixture, fixtureOf, recordIn, refuseTraces } from './fixture.ts';
import { Redaction } from './redact.ts';
import { fieldsOf, ownWordsOf, type SchemaFields } from './schema-fields.ts';

export interface RecordOptions {
  readonly pipe: string;
  readonly mapping: Mapping<unknown>;
  readonly facts: Facts;
  readonly entities: readonly Entity[];
  /** Canonical records of the whole sample: what repeats in them is a code, what is somebody's in them is in no file. */
  readonly sample: readonly unknown[];
  /** At most so many fixtures. */
  readonly limit: number;
  /** 32 random bytes, used once. */
  readonly key: Uint8Array;
}

/** A record that was chosen and not written: redacted it would mean something else. */
interface LeftOut {
  readonly why: string;
  readonly reason: string;
}

export interface Recording {
  readonly fixtures: readonly Fixture[];
  readonly leftOut: readonly LeftOut[];
  /** Values of people in the sample; none of them is in a fixture. */
  readonly values: number;
}

/** Larger entities are no fixtures that a person reads. */
const CHARS_MAX = 200_000;
/** Of so many that mean something else once redacted, the redaction is at fault. */
const LEFT_OUT_MAX = 20;

/** With the mapping that the answers come from. */
export interface Showing extends Shown {
  readonly mapping: Mapping<unknown>;
}

interface Chosen extends Candidate {
  readonly entity: Entity;
  readonly answer: Answer;
}

export function recordFixtures(options: RecordOptions): Recording {
  const { mapping, facts, entities, limit, pipe } = options;
  const fields = fieldsOf(mapping);
  const redaction = redactionOf(options, fields);
  const plainFacts = { ...facts, names: namesOf(facts, redaction) };
  const shown = new Set<string>();
  const fixtures: Fixture[] = [];
  const leftOut: LeftOut[] = [];
  const isCode = redaction.isCode.bind(redaction);
  let left = candidatesOf(entities, { mapping, fields, isCode }, facts);
  while (fixtures.length < limit && leftOut.length < LEFT_OUT_MAX) {
    const next = nextChoice(left, shown);
    if (next === null) break;
    left = left.filter((one) => one !== next.candidate);
    const [why = 'mapped'] = next.why;
    const entity = redacted(next.candidate, redaction, fields);
    const answer = answerOf(mapping, entity, plainFacts);
    const reason = differenceBetween(next.candidate.answer, answer, mapping);
    if (reason !== null) {
      leftOut.push({ why, reason });
      continue;
    }
    for (const { name } of next.candidate.features) shown.add(name);
    const name = `${pipe}-${String(fixtures.length + 1).padStart(2, '0')}-${why}`;
    fixtures.push(fixtureOf(name, next.why, { entity, mapping, facts: plainFacts }));
  }
  for (const fixture of fixtures) refuseTraces(fixture, redaction);
  return { fixtures, leftOut, values: redaction.tellTales.size };
}

function redactionOf({ entities, mapping, sample, key, facts }: RecordOptions, fields: SchemaFields): Redaction {
  const joined = entities.flatMap((one) => one.joined.flatMap((rows) => Object.values(rows).map(recordIn)));
  const named = Object.values(facts.names).map((name) => ({ name }));
  const isAboutPeople = mapping.properties.some(({ object }) => object !== 'products');
  const records = [...sample, ...entities.flatMap((one) => one.records)];
  return new Redaction({
    key,
    fields,
    ownWords: ownWordsOf(mapping, fields),
    isAboutPeople,
    records,
    joined: [...joined, ...named],
  });
}

/** Names that the source keeps beside its records are somebody's, too. */
const namesOf = ({ names }: Facts, redaction: Redaction): Facts['names'] =>
  Object.fromEntries(
    Object.entries(names).map(([id, name]) => [redaction.text(id, 'id'), redaction.text(name, 'name')]),
  );

/** Entities with what they show; chosen among by `nextChoice`. */
export function candidatesOf(entities: readonly Entity[], showing: Showing, facts: Facts): Chosen[] {
  return entities.flatMap((entity): Chosen[] => {
    const chars = JSON.stringify(entity.records).length;
    if (chars > CHARS_MAX) return [];
    const answer = answerOf(showing.mapping, entity, facts);
    return [{ id: entity.key, chars, entity, answer, features: featuresOf(entity, answer, showing) }];
  });
}

/** Of somebody who stays in the source only ids, codes and the date are written, as much as a rule reads. */
function redacted({ entity, answer }: Chosen, redaction: Redaction, fields: SchemaFields): Entity {
  const { key, records, joined } = entity;
  const isOutside = answer.kind === 'out of scope' || answer.kind === 'scope unknown';
  const kept = isOutside ? records.map((record) => barelyOf(record, fields)) : records;
  return {
    key: redaction.text(key, 'id'),
    records: kept.map((record) => asRecord(redaction.record(record))),
    joined: joined.map((rows) =>
      Object.fromEntries(
        Object.entries(rows).map(([name, row]) => [
          name,
          row?.kind === 'record' ? { kind: 'record', record: redaction.record(row.record) } : row,
        ]),
      ),
    ),
  };
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});

const barelyOf = (record: Entity['records'][number], fields: SchemaFields): Entity['records'][number] =>
  Object.fromEntries(
    Object.entries(record).filter(
      ([name, value]) =>
        /^(?:id|modifiedAt|updatedAt)$|Id$/.test(name) ||
        (fields.get(name)?.codes !== null && fields.has(name)) ||
        value === null,
    ),
  );

/** Null when one can stand for the other. Names no value. */
function differenceBetween(raw: Answer, redactedAnswer: Answer, mapping: Mapping<unknown>): string | null {
  if (outlineOf(raw, mapping) === outlineOf(redactedAnswer, mapping)) return null;
  if (raw.kind !== redactedAnswer.kind) return `redacted it is ${redactedAnswer.kind}, as it came it is ${raw.kind}`;
  const [before, after] = [upsertsOf(raw), upsertsOf(redactedAnswer)];
  const differing = before.flatMap(({ object, properties }, at) => {
    const other = after[at]?.properties ?? {};
    return Object.keys({ ...properties, ...other })
      .filter((name) => outlineOfOne(raw, at, name, mapping) !== outlineOfOne(redactedAnswer, at, name, mapping))
      .map((name) => `${object}.${name}`);
  });
  return `redacted it differs in ${differing.slice(0, 3).join(', ') || 'its reasons, notes or links'}`;
}

function outlineOfOne(answer: Answer, at: number, name: string, mapping: Mapping<unknown>): string {
  const upsert = upsertsOf(answer)[at];
  const value = upsert?.properties[name];
  if (upsert === undefined || value === undefined) return 'absent';
  return outlineOf({ kind: 'upserts', upserts: [{ ...upsert, properties: { [name]: value }, links: [] }] }, mapping);
}
