/**
 * Rules of HubSpot's API that its documentation leaves open, as switches: a test can run both ways. Each default is
 * what the documentation, HubSpot's OpenAPI files or the reports of live users make most likely.
 */
import { z } from 'zod';

const requiredOnCreate = z.object({ object: z.string(), kind: z.literal('on-create'), property: z.string() });
const requiredWhen = z.object({
  object: z.string(),
  kind: z.literal('conditional'),
  when: z.object({ property: z.string(), value: z.string() }),
  property: z.string(),
});

export const SWITCHES = z.strictObject({
  /** Results of batch writes repeat `objectWriteTraceId`. */
  echoTraceId: z.boolean().default(true),
  /** A unique value held by another record: a row error in a 207 when all rows are traced, instead of 409 for all. */
  conflictAs207: z.boolean().default(false),
  /** A property nobody defined refuses the whole batch, traced or not. */
  unknownPropertyRefusesBatch: z.boolean().default(false),
  /** Keys that differ in case only are one key. */
  keysFoldCase: z.boolean().default(false),
  /** Keys are trimmed before they are matched and stored. */
  keysTrim: z.boolean().default(false),
  /** What `null` as a value does. */
  nullWrites: z.enum(['reject', 'clear', 'ignore']).default('reject'),
  /** `updatedAt` moves even when every value written was there already. */
  touchOnEqualWrite: z.boolean().default(true),
  /** An upsert that creates sets the key property from `id` when `properties` lacks it. */
  createFillsKey: z.boolean().default(true),
  /** `inputs: []`. */
  emptyInputs: z.enum(['reject', 'accept']).default('reject'),
  /** One batch may name several `idProperty`s. */
  mixedIdProperties: z.boolean().default(false),
  /** Upsert by `email` with some properties left out: works, is refused, or blanks the ones left out. */
  emailKeyPartial: z.enum(['keep', 'refuse', 'blank']).default('keep'),
  /** An upsert whose key an archived record holds. */
  archivedKey: z.enum(['new', 'revive', 'conflict']).default('new'),
  /** Numbers come back without leading and trailing zeros. */
  respellNumbers: z.boolean().default(false),
  /**
   * What a creation must carry. `usual`: a company's name or domain, a deal's name, stage and pipeline, a product's
   * name. `docs`: as the objects guide lists, so five properties of a product too.
   */
  requiredOnCreate: z.enum(['usual', 'docs', 'none']).default('usual'),
  /** Rules of the portal's administrators; path version 2026-09 only. */
  validationRules: z.array(z.union([requiredOnCreate, requiredWhen])).default([]),
  /** Status codes of 2026-09: 200 for every batch as its OpenAPI files say, or 200/201/207 as in v3. */
  statuses202609: z.enum(['spec', 'like-v3']).default('spec'),
  /** 429 carries `Retry-After` in seconds. */
  retryAfterOn429: z.boolean().default(false),
  /** Rows written to one object type within ten seconds before 423 Locked answers for two seconds; null: never. */
  lock423AfterWrites: z.int().positive().nullable().default(null),
  /** Fields left out of every error body. */
  omitErrorFields: z.array(z.string()).default([]),
  /** The per-app marketing toggle: contacts created through the API become marketing contacts. */
  marketableToggle: z.boolean().default(false),
  /** A write is found by search after this long, give or take half of it. */
  searchLagMs: z.number().nonnegative().default(5000),
  /** A write is seen by reads by id or key after this long. */
  readLagMs: z.number().nonnegative().default(0),
  /** Creation and modification times are rounded down to a multiple of this, as HubSpot's bulk jobs leave them. */
  stampGrainMs: z.number().positive().default(1),
  /** An unknown record in an association batch is a row error; otherwise the whole batch is refused. */
  associateUnknownRowAs207: z.boolean().default(true),
  /** `associate/default` lists both directions of each pair among its results. */
  associateDefaultBothWays: z.boolean().default(false),
  /** Most inputs of `associate/default` and association archive; the documentation says 2,000 for create only. */
  associateDefaultMax: z.int().positive().default(2000),
  /** Archiving an id that no record has: 204, or 404. */
  archiveUnknown: z.enum(['accept', 'reject']).default('accept'),
  /** Merging keeps the primary's id (a beta) instead of giving the survivor a new one. */
  mergeKeepsPrimaryId: z.boolean().default(false),
  /** The losing record's unique value: free for a new record, or an alias of the survivor. */
  mergeLosingKey: z.enum(['freed', 'kept']).default('freed'),
  /** Ids a client sends for pipelines and stages are honoured. */
  honourPipelineIds: z.boolean().default(false),
  /** Most deal pipelines; it depends on the subscription. */
  pipelinesMax: z.int().positive().default(15),
  /** Most custom properties of one object type, as a developer test account reports. */
  customPropertiesMax: z.int().positive().default(1000),
});

export type HubSpotSwitches = z.infer<typeof SWITCHES>;
