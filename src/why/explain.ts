/** The whole story of one entity: what the state knows, what the mapper makes of it today, what HubSpot has now. */
import type { Database } from 'better-sqlite3';
import { joiner } from '../engine/joining.ts';
import type { LoadedJob } from '../jobs.ts';
import type { Facts, Issue, JoinedRow, Source } from '../pipe.ts';
import { compare } from '../reconcile/compare.ts';
import type { PropertyDifference } from '../reconcile/difference.ts';
import type { Transport } from '../sinks/hubspot/transport.ts';
import { latestStream } from '../state/cursor-desk.ts';
import { mirrored } from '../state/runs.ts';
import { type StateStory, type StoryObject, type Subject, storyOf } from '../state/story.ts';
import { type Field, lineageOf, mapRecords, nameOf, upsertsOf, type Workshop } from './lineage.ts';

/** One property of one object. */
interface ExplainedProperty {
  readonly name: string;
  /** As HubSpot acknowledged it; before that as the mapper makes it. */
  readonly value: string;
  readonly from: readonly Field[];
}

/** What HubSpot has now of one object. */
export type Present =
  | { readonly kind: 'same'; readonly leftToPeople: readonly string[] }
  | {
      readonly kind: 'differs';
      readonly properties: readonly PropertyDifference[];
      readonly leftToPeople: readonly string[];
    }
  | { readonly kind: 'missing' };

export interface ExplainedObject {
  readonly object: string;
  readonly key: string;
  readonly stored: StoryObject | null;
  readonly properties: readonly ExplainedProperty[];
  /** Null when HubSpot was not asked, or nothing was ever written. */
  readonly present: Present | null;
}

export interface Explained extends Omit<StateStory, 'objects'> {
  readonly subject: Subject;
  readonly objects: readonly ExplainedObject[];
  /** What the mapper finds wrong with the records; empty when nothing is. */
  readonly issues: readonly Issue[];
  /** By what the mapper, not the state, excludes it. */
  readonly mapperRule: string | null;
  readonly unused: readonly Field[];
  /** More fields than are tried. */
  readonly isCut: boolean;
}

export interface Tools {
  readonly db: Database;
  readonly job: LoadedJob;
  readonly jobs: readonly LoadedJob[];
  readonly sourceOf: (job: LoadedJob) => Source;
  readonly zone: string;
  /** Null: HubSpot is not asked. */
  readonly transport: Transport | null;
  readonly signal: AbortSignal;
}

export async function explainSubject(subject: Subject, tools: Tools): Promise<Explained> {
  const story = storyOf(tools.db, subject);
  const raws = story.records.flatMap(({ raw }) => (raw === null ? [] : [JSON.parse(raw)]));
  const shop = workshopOf(subject, story, tools);
  const mapped = raws.length > 0 ? mapRecords(shop, raws) : null;
  const upserts = mapped === null ? [] : upsertsOf(mapped);
  const lineage = raws.length > 0 ? lineageOf(shop, raws) : { fields: new Map(), unused: [], isCut: false };
  const made = new Map(upserts.map((upsert) => [nameOf(upsert), upsert]));
  const stored = new Map(story.objects.map((one) => [nameOf(one), one]));
  const present = await presentOf(story.objects, subject, tools);
  const objects = [...new Set([...stored.keys(), ...made.keys()])].map((name): ExplainedObject => {
    const one = stored.get(name) ?? null;
    const upsert = made.get(name);
    const [object = '', ...key] = name.split(' ');
    const values: Record<string, string> = one?.properties ? JSON.parse(one.properties) : (upsert?.properties ?? {});
    const fields: ReadonlyMap<string, readonly Field[]> = lineage.fields.get(name) ?? new Map();
    const properties = Object.entries(values).map(([property, value]) => ({
      ...{ name: property, value },
      from: fields.get(property) ?? [],
    }));
    return { object, key: key.join(' '), stored: one, properties, present: present.get(name) ?? null };
  });
  return {
    ...story,
    ...{ subject, objects, unused: lineage.unused, isCut: lineage.isCut },
    issues: mapped?.kind === 'invalid' ? mapped.issues : [],
    mapperRule: mapped?.kind === 'excluded' ? mapped.rule : null,
  };
}

/** Currencies and names of places are HubSpot's and Square's to tell: which field they come from shows without them. */
function workshopOf({ pipe, entity }: Subject, story: StateStory, tools: Tools): Workshop {
  const { db, job, jobs, sourceOf, zone } = tools;
  const environment =
    story.environment === 'production' || story.environment === 'staging' ? story.environment : 'sandbox';
  const facts: Facts = { environment, zone, currencies: [], names: {} };
  const source = sourceOf(job);
  const lookUp = (name: string, ids: readonly string[]): ReadonlyMap<string, JoinedRow> => {
    const other = jobs.find((one) => one.pipe === name);
    const stream = latestStream(db, name);
    if (!other || stream === null || name === pipe) return new Map();
    const canonical = sourceOf(other).canonical;
    return new Map(mirrored(db, stream, ids).map(({ id, raw, rule }) => [id, rowOf(raw, rule, canonical)]));
  };
  const { mapping } = job;
  return {
    ...{ mapping, facts, entity },
    canonical: (raw) => source.canonical(raw),
    joined: (values) => values.map(joiner(mapping.joins, lookUp, values).rows),
  };
}

const rowOf = (raw: string | null, rule: string | null, canonical: Source['canonical']): JoinedRow =>
  raw === null ? { kind: 'excluded', rule: rule ?? '' } : { kind: 'record', record: canonical(JSON.parse(raw)) };

/** One batch read for each type of object. */
async function presentOf(
  objects: readonly StoryObject[],
  { entity }: Subject,
  { transport, job, signal }: Tools,
): Promise<ReadonlyMap<string, Present>> {
  const present = new Map<string, Present>();
  if (transport === null) return present;
  for (const [object, group] of Map.groupBy(objects, (one) => one.object)) {
    const [first] = group;
    const keyProperty = job.mapping.properties.find((spec) => spec.object === object && spec.unique)?.name;
    if (!first || keyProperty === undefined) continue;
    const expected = group.flatMap(({ key, fingerprint, properties, hubspotId }) =>
      properties === null ? [] : [{ object, key, entity, fingerprint: fingerprint ?? '', properties, hubspotId }],
    );
    if (expected.length === 0) continue;
    const shelf = { transport, object, keyProperty };
    for (const { expected: one, hubspotId, changed, leftToPeople } of await compare(
      shelf,
      job.mapping.properties,
      expected,
      signal,
    )) {
      present.set(nameOf(one), judge(hubspotId, changed, leftToPeople));
    }
  }
  return present;
}

function judge(id: string | null, properties: readonly PropertyDifference[], leftToPeople: readonly string[]): Present {
  if (id === null) return { kind: 'missing' };
  return properties.length === 0 ? { kind: 'same', leftToPeople } : { kind: 'differs', properties, leftToPeople };
}
