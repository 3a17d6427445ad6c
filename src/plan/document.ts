/** A plan as a file: what one run would send, against what HubSpot had when it was made, and what it is bound to. */
import * as z from 'zod';

const entrySchema = z.strictObject({
  object: z.enum(['products', 'companies', 'contacts', 'deals']),
  key: z.string().min(1),
  keyProperty: z.string().min(1),
  /** `unclear`: several objects of the portal may be meant; nothing is sent for it. */
  action: z.enum(['adopt', 'create', 'update', 'unclear']),
  hubspotId: z.string().nullable(),
  /** What HubSpot had, of the properties in `after`; null for none. */
  before: z.record(z.string(), z.string().nullable()),
  after: z.record(z.string(), z.string()),
});

export const planSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('plan'),
  createdAt: z.iso.datetime(),
  pipe: z.string().min(1),
  environment: z.enum(['sandbox', 'staging', 'production']),
  portalId: z.string().min(1),
  /** Which source instance it was read from. */
  instance: z.string(),
  /** Version of mapper, adapter and facts. */
  mapper: z.string(),
  mode: z.strictObject({
    since: z.string().nullable(),
    full: z.boolean(),
    limit: z.number().int().positive().nullable(),
    partition: z.string().nullable(),
    adopt: z.boolean(),
  }),
  counts: z.record(z.string(), z.number()),
  entries: z.array(entrySchema),
});

export type Plan = z.infer<typeof planSchema>;
export type PlanEntry = z.infer<typeof entrySchema>;

export const entryName = ({ object, key }: Pick<PlanEntry, 'object' | 'key'>): string => `${object} ${key}`;
