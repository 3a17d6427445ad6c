/** Where Square's behaviour is undocumented or varies, a switch chooses it. Changed by `PUT /_sandbox/switches`. */
import * as z from 'zod';

export const switchesSchema = z.strictObject({
  /** `limit` above 1000: served as 1000, or refused. */
  overLimit: z.enum(['clamp', 'refuse']).default('clamp'),
  /** At most this many rows a page, with a cursor although more would fit; null: as many as asked for. */
  shortPages: z.int().positive().nullable().default(null),
  /** `filter` and `sort` at the body's root. */
  misplacedKeys: z.enum(['ignore', 'refuse']).default('ignore'),
  /** What an answer without rows holds. */
  emptyOrders: z.enum(['absent', 'array']).default('absent'),
  /** Keyset cursors survive a row leaving the window; offset cursors skip or repeat one. */
  cursors: z.enum(['keyset', 'offset']).default('keyset'),
  cursorTtlMs: z.int().positive().default(300_000),
  /** The order among equal stamps. */
  ties: z.enum(['id-ascending', 'id-descending']).default('id-ascending'),
  /** How long search does not find an order made by `/_sandbox/change`. */
  searchLagMs: z.int().nonnegative().default(0),
  /** How long such an order shows no line items. */
  linesLagMs: z.int().nonnegative().default(0),
  /** Background work raises `updated_at` to a whole second this long after an order closes. */
  settleMs: z.int().nonnegative().default(2_500),
  /** Broken on purpose: every page repeats the cursor it was asked with. */
  repeatCursor: z.boolean().default(false),
  /** Broken on purpose: the query is ignored, the newest orders come first. */
  ignoreQuery: z.boolean().default(false),
  /** Broken on purpose: a scan ends after its first page, without a cursor. */
  dropCursor: z.boolean().default(false),
  /** Broken on purpose: answers carry no Date header worth reading. */
  noDate: z.boolean().default(false),
});

export type Switches = z.infer<typeof switchesSchema>;
export type SwitchChanges = Partial<Switches>;
