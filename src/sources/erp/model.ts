/**
 * The canonical ERP records: what every ERP adapter delivers, whatever its vendor calls it.
 *
 * A field that is absent (`undefined`) was not sent and leaves the CRM's value alone; `null` clears it. A blank text
 * means the same as null, so it is parsed to null: a mapper sees absent, null or a value, and never a blank.
 */
import { z } from 'zod';

/** An unknown enum value is named in the issue only up to here: longer ones are not codes but somebody's text. */
const ENUM_VALUE_CHARS_MAX = 40;

const blankToNull = (value: unknown): unknown => (typeof value === 'string' && value.trim() === '' ? null : value);

/** A field that may be absent (leave alone) or null or blank (clear). */
const clearable = <T extends z.ZodType>(schema: T) => z.preprocess(blankToNull, schema.nullable()).optional();

/** The source's own id, trimmed, spelled as the source spells it. */
const id = z.string().trim().min(1, 'must not be empty');

/** Text without the blanks around it that fixed-width columns leave. */
const text = clearable(z.string().trim());

/** Money, a quantity or a percentage as plain digits, because a float would change it. */
const decimal = clearable(z.string().regex(/^-?\d+(\.\d+)?$/, 'must be a decimal number in plain digits'));

/** A whole number of days or revisions: a JavaScript number, exact. */
const integer = clearable(z.int());

const flag = clearable(z.boolean());

/** A calendar day as the source means it in its own time zone: YYYY-MM-DD. */
const day = clearable(z.iso.date());

/** ISO 8601 in UTC with milliseconds, by the source's clock. */
const instant = z.iso.datetime({ precision: 3 });

/** The issue names an unknown value, because without it nobody can extend the profile's table. */
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  clearable(
    z.enum(values, {
      error: ({ input }) =>
        typeof input === 'string' && input.length <= ENUM_VALUE_CHARS_MAX
          ? `unknown value ${JSON.stringify(input)}; known: ${values.join(', ')}`
          : `unknown value; known: ${values.join(', ')}`,
    }),
  );

const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullable().optional();

const SalesRep = z.object({ id: text, name: text, email: text });

/** An item of the catalogue. Money and quantities are decimal strings, `leadTimeDays` is in days. */
export const ErpProduct = z.object({
  id,
  sku: text,
  name: text,
  description: text,
  category: text,
  subcategory: text,
  brand: text,
  vendorItemNumber: text,
  upc: text,
  unitOfMeasure: text,
  listPrice: decimal,
  cost: decimal,
  quantityOnHand: decimal,
  quantityAvailable: decimal,
  quantityOnOrder: decimal,
  stock: listOf(z.object({ location: text, quantity: decimal })),
  weight: decimal,
  leadTimeDays: integer,
  isStocked: flag,
  status: oneOf(['active', 'discontinued', 'special-order', 'inactive']),
  modifiedAt: instant,
});
export type ErpProduct = z.infer<typeof ErpProduct>;

/** A person at a customer. */
export const ErpContact = z.object({
  id,
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
  extension: text,
  mobile: text,
  role: text,
  isPrimary: flag,
});
export type ErpContact = z.infer<typeof ErpContact>;

/** An account with the people in it. `parentId` is another customer's id. */
export const ErpCustomer = z.object({
  id,
  accountNumber: text,
  name: text,
  type: oneOf(['contractor', 'architect', 'builder', 'designer', 'dealer', 'government', 'retail', 'other']),
  status: oneOf(['active', 'hold', 'inactive']),
  salesRep: SalesRep.nullable().optional(),
  creditLimit: decimal,
  balance: decimal,
  paymentTerms: text,
  priceLevel: text,
  taxExempt: flag,
  ytdSales: decimal,
  lastOrderOn: day,
  phone: text,
  website: text,
  address: z.object({ street: text, city: text, state: text, zip: text, country: text }).nullable().optional(),
  parentId: text,
  contacts: listOf(ErpContact),
  modifiedAt: instant,
});
export type ErpCustomer = z.infer<typeof ErpCustomer>;

/**
 * One revision of a quote. Revisions of one opportunity share `opportunityId`; `decidedOn` is the day the customer
 * accepted or declined, where the source keeps it.
 */
export const ErpQuote = z.object({
  id,
  opportunityId: text,
  quoteNumber: text,
  revision: integer,
  status: oneOf(['draft', 'sent', 'accepted', 'declined', 'expired', 'converted']),
  quotedOn: day,
  expiresOn: day,
  decidedOn: day,
  subtotal: decimal,
  tax: decimal,
  freight: decimal,
  total: decimal,
  marginPercent: decimal,
  salesRep: SalesRep.nullable().optional(),
  customerId: text,
  customerName: text,
  customerPo: text,
  jobName: text,
  lines: listOf(z.object({ productId: text, sku: text, description: text, quantity: decimal, unitPrice: decimal })),
  modifiedAt: instant,
});
export type ErpQuote = z.infer<typeof ErpQuote>;
