/** The vocabulary as types: sources, mappings, jobs, and `sink.ts`. Every module may import this file; it imports no other. */
import type { z } from 'zod';

export type { Adoption, Evidence, KeyedObject, LinkOutcome, LinkWrite, Outcome, Sink, Write } from './sink.ts';

/** A HubSpot object type this tool writes. */
export type ObjectType = 'products' | 'companies' | 'contacts' | 'deals';

/** Which of the vendor's systems a pipe is fed from, and which kind of portal it is sent to. */
export type Environment = 'sandbox' | 'staging' | 'production';

/** ISO 8601 in UTC with milliseconds, by the source's clock, never by ours. */
export type Instant = string;

// ---------------------------------------------------------------------------------------------------- source

/** From where a source is read: all it has, or what changed at or after an instant (inclusive). */
export type Since = { readonly kind: 'everything' } | { readonly kind: 'modified'; readonly from: Instant };

/** A slice the source can serve within its limits. `key` is stable from run to run: cursors hang on it. */
export interface Partition {
  readonly key: string;
  readonly label: string;
  /** What the source needs to ask for this slice; only the source that made it looks inside. */
  readonly filter: Readonly<Record<string, string>>;
}

/** What the source sent for one id. */
export interface SourceRecord {
  /** The source's own id, trimmed, spelled as the source spells it. */
  readonly id: string;
  /** The entities this record is part of: a quote revision belongs to its opportunity, a return to its sale. */
  readonly entities: readonly string[];
  readonly modifiedAt: Instant;
  /** JSON as the vendor sent it. `Source.canonical` turns it into what a mapping's schema parses. */
  readonly raw: unknown;
}

/** A record of a page that has no usable id or date, so that it cannot even be remembered under its id. */
export interface RejectedRow {
  readonly raw: unknown;
  readonly reason: string;
}

export interface Page {
  readonly records: readonly SourceRecord[];
  readonly rejected: readonly RejectedRow[];
  /** The source's own clock when it answered (its Date header); null when it does not say. */
  readonly asOf: Instant | null;
  /** Records ascend by `modifiedAt`, from page to page too. Only then may a cursor move before the sweep ends. */
  readonly sorted: boolean;
  /** How many records the source says the whole slice holds (not this page, and not what is left of it). */
  readonly total?: number;
  /** The token of the next page; null only when the source said there is no more. */
  readonly next: string | null;
}

/** Read-only access to one resource of one vendor. Throws TransientError when spent, FatalError with a hint. */
export interface Source {
  /** Slices the vendor can serve within its limits; one slice when there is no need to cut. */
  partitions(since: Since, signal: AbortSignal): AsyncIterable<Partition>;
  pages(partition: Partition, since: Since, signal: AbortSignal): AsyncIterable<Page>;
  /** Smaller slices of one that was too large; empty when it cannot be cut further. */
  split(partition: Partition): readonly Partition[];
  /** Point read; absent ids are left out. */
  get(ids: readonly string[], signal: AbortSignal): Promise<readonly SourceRecord[]>;
  /** The canonical record in a raw one, not yet validated. Pure, total on any JSON. */
  canonical(raw: unknown): unknown;
  /** Names by id that the source keeps beside its records, such as Square's locations. */
  locationNames?(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** What the source says it holds in all slices together; null when it does not say. */
  count?(since: Since, signal: AbortSignal): Promise<number | null>;
  /** Changes when `canonical` may make something else of the same raw record, such as with an edited profile. */
  readonly version?: string;
}

// ---------------------------------------------------------------------------------------------------- mapping

/** Who decides a property's value: the source at each change, the source at creation only, or people in the CRM. */
export type FieldOwner = 'source' | 'create-only' | 'crm';

export type PropertyType = 'string' | 'number' | 'date' | 'datetime' | 'enumeration' | 'bool';

/**
 * What a mapped value stands for when it is not the value itself: the e-mail of a HubSpot owner, or the key of a
 * pipeline or stage of the mapping's `pipeline`. The sink replaces it by the portal's id.
 */
type ValueReference = 'owner' | 'pipeline' | 'stage';

export interface PropertySpec {
  readonly object: ObjectType;
  readonly name: string;
  readonly label: string;
  readonly type: PropertyType;
  readonly owner: FieldOwner;
  /** One of ours, made by `setup`; absent for HubSpot's own properties. */
  readonly group?: 'erp_sync' | 'square_sync';
  /** The upsert key of its object in this mapping. */
  readonly unique?: boolean;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly refersTo?: ValueReference;
  /** HubSpot lets one object of the type hold a value: among ours the smallest key gets it, the others hold ''. */
  readonly exclusive?: boolean;
  readonly description?: string;
}

export interface StageSpec {
  readonly key: string;
  readonly label: string;
  /** 1 is closed won, 0 closed lost; steps of 0.1. */
  readonly probability: number;
  readonly closed: boolean;
}

export interface PipelineSpec {
  readonly key: string;
  readonly label: string;
  readonly stages: readonly StageSpec[];
}

/**
 * A mirrored row of another pipe, as a join sees it: its canonical record, or only the rule that excluded it; `gone`: it
 * was in scope, and the source has deleted it.
 */
export type JoinedRow =
  | { readonly kind: 'record'; readonly record: unknown }
  | { readonly kind: 'gone' }
  | { readonly kind: 'excluded'; readonly rule: string };

/** Joined rows by the name the mapping gave the join; per record of the entity, in the order of `records`. */
export type Joined = readonly Readonly<Record<string, JoinedRow | undefined>>[];

/** What is the same for every record of a run and belongs to neither record nor mapper. */
export interface Facts {
  readonly environment: Environment;
  /** The source's IANA time zone: what a date without a time means. */
  readonly zone: string;
  /** The portal's currency codes; `deal_currency_code` is sent only when the portal has more than one or this one. */
  readonly currencies: readonly string[];
  /** Names by id that the source keeps beside its records, such as Square's locations. */
  readonly names: Readonly<Record<string, string>>;
}

/** One fault of a record: where it is (dotted path) and what is wrong with it. Never the value itself. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export interface Link {
  readonly to: ObjectType;
  /** The property of the target that `value` is matched with; the engine resolves it from state. */
  readonly by: string;
  readonly value: string;
  readonly label: 'primary' | 'default';
  /** Made when the target is there now, otherwise dropped instead of waiting: for targets that mostly never come. */
  readonly ifThere?: boolean;
}

export interface Upsert {
  readonly object: ObjectType;
  /** Value of the unique property: the source id, trimmed, spelled as the source spells it. */
  readonly key: string;
  /** '' clears; a property that is not named is left alone. Includes create-only ones: the engine parts them. */
  readonly properties: Readonly<Record<string, string>>;
  readonly links?: readonly Link[];
}

export type Mapped =
  | { readonly kind: 'upserts'; readonly upserts: readonly Upsert[]; readonly notes?: readonly string[] }
  /** `farewell` is sent once, and only if HubSpot already holds the key. */
  | {
      readonly kind: 'excluded';
      readonly rule: string;
      readonly farewell?: readonly Upsert[];
      /** Amounts that no object carries, by what they are: the report adds them up. */
      readonly sums?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'invalid'; readonly issues: readonly Issue[] };

/**
 * In scope, out by a named rule, or not decidable: then it is a dead letter that keeps no payload. With `farewell`, a
 * record whose entity was synced before is mapped once more, so that HubSpot learns that it left.
 */
export type Scope =
  | { readonly in: true }
  | { readonly in: false; readonly rule: string; readonly farewell?: boolean }
  | { readonly in: 'unknown'; readonly issue: Issue };

/** An object that HubSpot holds for an entity whose records the source has deleted. */
export interface LeftObject {
  readonly object: ObjectType;
  readonly key: string;
  /** As last written, references resolved; null where the state no longer knows. */
  readonly properties: Readonly<Record<string, string>> | null;
}

/** What a mapper file exports: one value, read by setup, config show, plan, probes and the engine alike. */
export interface Mapping<E> {
  readonly schema: z.ZodType<E>;
  /**
   * Runs on the canonical record, and the rows it joins, before validation and before anything is remembered, so that
   * not even an invalid record of an excluded person is stored.
   */
  readonly scope: (record: Readonly<Record<string, unknown>>, joined: Joined[number]) => Scope;
  /** Mirrored rows to pass along: the join's name, the pipe that mirrors it, and this record's field with its id. */
  readonly joins?: Readonly<Record<string, { readonly pipe: string; readonly by: string }>>;
  readonly properties: readonly PropertySpec[];
  readonly pipeline?: PipelineSpec;
  /** Pure: the records of one entity in, its upserts out. */
  readonly map: (records: readonly E[], joined: Joined, facts: Facts, entity: string) => Mapped;
  /**
   * What changes on an object when the source has deleted every record of its entity; null leaves it as it is. Pure.
   * Without it nothing is concluded about records that the source has no more.
   */
  readonly deleted?: (left: LeftObject) => Readonly<Record<string, string>> | null;
}

// ---------------------------------------------------------------------------------------------------- job

/** What a job file exports. `Systems` is what `connect` returns; generic so that this file imports no vendor. */
export interface Job<Systems, E = unknown> {
  /** Also the stem of its job, mapper and fixture files. */
  readonly pipe: string;
  /** Which system has to be configured for it. */
  readonly system: 'erp' | 'square';
  readonly from: (systems: Systems) => Source;
  readonly mapping: Mapping<E>;
  /** Pipes whose objects this one links to: they run before it. */
  readonly after: readonly string[];
  /** Local time of the daily run in America/Chicago, `HH:MM`; pipes of one time are one scheduled job. */
  readonly daily: string;
  /** Several records make one entity: everything is read before the first entity is mapped. */
  readonly assembles: 'one-record' | 'many-records';
  /** An entity's id is a record's id, and that record must be there: it is fetched when the mirror lacks it. */
  readonly needsOwnRecord?: boolean;
}
