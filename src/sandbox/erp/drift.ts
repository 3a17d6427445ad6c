/** How a live ERP departs from its own document. Everything is off until a person or a test turns it on. */
import { z } from 'zod';

export const resourceSchema = z.enum(['items', 'accounts', 'quotes']);
export type Resource = z.infer<typeof resourceSchema>;

const count = z.int().min(0).default(0);
const share = z.number().min(0).max(1);
const off = z.boolean().default(false);

export const driftSchema = z.strictObject({
  /** An update of the vendor renamed a field of all rows. */
  renamedField: z.strictObject({ resource: resourceSchema, from: z.string(), to: z.string() }).nullable().default(null),
  /** A user added a value to a code list, and a share of the rows has it. */
  newEnumValue: z
    .strictObject({ resource: resourceSchema, field: z.string(), value: z.string(), share })
    .nullable()
    .default(null),
  /** The date filter of the document was never built: everything is listed, whatever bound is given. */
  modifiedSinceIgnored: off,
  /** The digits of the bound are read as local time, America/Chicago: the last hours of changes are missed. */
  modifiedSinceLocalTime: off,
  /** "Since" means "after": a row changed at the bound itself is left out. */
  modifiedSinceExclusive: off,
  /** The filter goes by the day on which a row was made, not by its last change. */
  modifiedSinceCreated: off,
  /** Only the day of the bound counts: everything since its midnight in UTC is listed. */
  modifiedSinceDateOnly: off,
  /** A bound that is no date is taken for none. */
  badDateIgnored: off,
  /** Another serializer for one field: text where numbers were, or an object around the value. */
  changedType: z
    .strictObject({ resource: resourceSchema, field: z.string(), to: z.enum(['text', 'object']) })
    .nullable()
    .default(null),
  /** Pages are cut shorter than asked, and only the reply's `pageSize` says so; 0 is off. */
  pageSizeCap: count,
  /** A query without a full tie-breaker: neighbours by id, and rows of one instant, change places between requests. */
  unstableOrder: off,
  /** People keep working: at every so-many-th listing a row of an earlier page is saved and moves; 0 is off. */
  shiftRows: count,
  /** Another serializer: all numbers of a row are text. */
  numbersAsText: off,
  /** A broken export leaves a field null in a share of the rows. */
  nullField: z.strictObject({ resource: resourceSchema, field: z.string(), share }).nullable().default(null),
  /** `totalCount` is off by so many, as counts from statistics or a stale cache are. */
  totalWrong: z.int().default(0),
  /** Saving a quote's lines does not touch the quote's own `lastChanged`. */
  lineEditDoesNotTouch: off,
  /** A page past the end is the last page again, for ever. */
  repeatPageForever: off,
  /** A join that fans out: each page starts with an older version of its first row, one hour back. */
  duplicateRows: off,
  /** So many rows of each resource were saved on a workstation whose clock is a year ahead. */
  futureDated: count,
  /** The server's clock is wrong, in its Date header and in what it stamps on changes. */
  clockSkewMs: z.int().default(0),
  /** A proxy strips the clock: the Date header is sent empty. */
  dateHeader: z.enum(['on', 'off']).default('on'),
  /** An update added fields that nobody asked for. */
  extraFields: off,
  /** So many rows of each resource, the first by id, come without their id. */
  missingId: count,
});

export type ErpDrift = z.infer<typeof driftSchema>;

const CHICAGO = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Chicago',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
});

/** The instant at which a clock in Chicago shows the digits that a UTC clock shows at `ms`. */
export function sameDigitsInChicago(ms: number): number {
  const part = new Map(CHICAGO.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const at = (name: Intl.DateTimeFormatPartTypes): number => part.get(name) ?? 0;
  const shown = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
  return ms + (Math.floor(ms / 1_000) * 1_000 - shown);
}
