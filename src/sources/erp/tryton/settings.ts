/** What an installation of Tryton has no field for, and a YAML file therefore says. */
import { z } from 'zod';
import { isZone } from '../dates.ts';
import { BaseUrls } from '../profile-words.ts';

const CUSTOMER_TYPES = [
  'contractor',
  'architect',
  'builder',
  'designer',
  'dealer',
  'government',
  'retail',
  'other',
] as const;
const QUOTE_STATUSES = ['draft', 'sent', 'accepted', 'declined', 'expired', 'converted'] as const;
const names = z.array(z.string().min(1));

/** A profile for the Tryton adapter: `adapter: tryton` and these settings. */
export const TrytonSettings = z.strictObject({
  adapter: z.literal('tryton'),
  name: z.string().default('tryton'),
  zone: z.string().refine(isZone, 'is no IANA time zone, such as America/Chicago'),
  /** Where the server is, when no variable says so; without the database. */
  baseUrls: BaseUrls.optional(),
  /** Id of the company whose prices and quotes are read; absent: the user's own. */
  company: z.int().positive().optional(),
  limits: z
    .strictObject({
      /** Records of one call. Above 200, Tryton 6.0 on SQLite repeats nested rows. */
      pageSize: z.int().min(1).max(1000).default(200),
      /** Ids of one slice: slices fail, and are asked again, alone. */
      idsPerSlice: z.int().min(100).default(20_000),
      /** For one call; longer ones are asked in smaller pages. */
      deadlineMs: z.int().min(1000).default(30_000),
      maxReplyBytes: z.int().min(1000).default(50_000_000),
    })
    .prefault({}),
  products: z.strictObject({ specialOrderCategories: names.default([]) }).prefault({}),
  customers: z.strictObject({
    /** Party category to customer type; the first that fits decides. Other parties are no customers. */
    types: z.record(z.string(), z.enum(CUSTOMER_TYPES)).refine((table) => Object.keys(table).length > 0, 'is empty'),
    holdCategories: names.default([]),
    /** Names of the relation types that lead from a customer to the people in it. */
    contactRelations: names.default([]),
    /** Name of the relation type that leads from a customer to its parent company. */
    parentRelation: z.string().optional(),
  }),
  quotes: z
    .strictObject({
      states: z.record(z.string(), z.enum(QUOTE_STATUSES)).default({
        ...{ draft: 'draft', quotation: 'sent', cancelled: 'declined' },
        ...{ confirmed: 'accepted', processing: 'converted', done: 'converted' },
      }),
    })
    .prefault({}),
});
export type TrytonSettings = z.infer<typeof TrytonSettings>;
