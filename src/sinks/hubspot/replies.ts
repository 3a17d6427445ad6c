/** What HubSpot answers, as far as it is used. Every field may be missing: the documentation promises none of them. */
import { z } from 'zod';

const text = z.string().nullish().catch(null);
const list = z.array(z.unknown()).nullish().catch(null);
const record = z.record(z.string(), z.unknown()).nullish().catch(null);
const flag = z.boolean().nullish().catch(null);
const count = z.number().nullish().catch(null);

/** An error body, or one entry of an `errors` list (developers.hubspot.com/docs/api-reference/error-handling). */
const errorReply = z.object({
  id: text,
  category: text,
  subCategory: text,
  code: text,
  message: text,
  policyName: text,
  context: record,
  correlationId: text,
  errors: list,
});
export type ErrorReply = z.infer<typeof errorReply>;

const recordReply = z.object({
  id: z.coerce.string().min(1),
  new: flag,
  properties: record,
  objectWriteTraceId: text,
  createdAt: text,
});
export type RecordReply = z.infer<typeof recordReply>;

const batchReply = z.object({ results: list, errors: list, numErrors: count, completedAt: text });

export interface BatchReply {
  readonly results: readonly RecordReply[];
  readonly errors: readonly ErrorReply[];
  /** As HubSpot counted them; may exceed `errors`. */
  readonly numErrors: number;
  readonly completedAt: string | null;
}

const optionReply = z.looseObject({ value: z.string(), label: text, displayOrder: count, hidden: flag });
const propertyReply = z.object({
  name: z.string(),
  label: text,
  type: text,
  fieldType: text,
  hasUniqueValue: flag,
  hubspotDefined: flag,
  calculated: flag,
  archived: flag,
  options: z.array(optionReply).nullish().catch(null),
  modificationMetadata: z.object({ readOnlyOptions: flag }).nullish().catch(null),
});
export type PropertyReply = z.infer<typeof propertyReply>;
export type OptionReply = z.infer<typeof optionReply>;

export const propertyListReply = z.object({ results: z.array(propertyReply) });
export const groupListReply = z.object({ results: z.array(z.object({ name: z.string(), archived: flag })) });

const stageReply = z.object({ id: z.coerce.string(), label: z.string(), displayOrder: count, archived: flag });
const pipelineReply = z.object({
  id: z.coerce.string(),
  label: z.string(),
  displayOrder: count,
  archived: flag,
  stages: z.array(stageReply).nullish(),
});
export type PipelineReply = z.infer<typeof pipelineReply>;
export const pipelineListReply = z.object({ results: z.array(pipelineReply) });

export const pipelineLimitsReply = z.object({
  hubspotDefinedObjectTypes: z.array(
    z.object({ objectTypeId: text, pluralLabel: text, limit: z.number(), usage: z.number() }),
  ),
});

export const accountReply = z.object({
  portalId: z.coerce.string().min(1),
  accountType: text,
  timeZone: text,
  companyCurrency: text,
  additionalCurrencies: z.array(z.string()).nullish().catch(null),
});

export const tokenReply = z.object({
  hubId: z.coerce.string().nullish().catch(null),
  scopes: z.array(z.string()).nullish().catch(null),
});

/** Any JSON: an error body that is not an object has no fields. */
export function readError(body: unknown): ErrorReply {
  return errorReply.parse(isRecord(body) ? body : {});
}

/** Any JSON of a 2xx; a result or error that cannot be read is left out, so the count of what is known is right. */
export function readBatch(body: unknown): BatchReply {
  const reply = batchReply.parse(isRecord(body) ? body : {});
  const errors = (reply.errors ?? []).map(readError);
  return {
    results: (reply.results ?? []).flatMap((item) => recordReply.safeParse(item).data ?? []),
    errors,
    numErrors: Math.max(reply.numErrors ?? 0, errors.length),
    completedAt: reply.completedAt ?? null,
  };
}

/** The values of one `context` entry, which HubSpot sends as a string or as a list of strings. */
export function contextList(error: ErrorReply, name: string): readonly string[] {
  const value = error.context?.[name];
  const items = Array.isArray(value) ? value : [value];
  return items.filter((item) => typeof item === 'string' || typeof item === 'number').map(String);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where only it matters that there was an answer. */
export const anyReply = z.unknown();
