/** Which values of a record stay as they are: codes, ids, figures, dates, flags. All else becomes other words. */
import { formatOf } from '../formats.ts';
import { filledOf, type SampleSummary } from '../model.ts';
import { isPersonalFormat, isPersonalName } from '../people.ts';
import { nameOf } from '../walk.ts';
import type { SchemaFields } from './schema-fields.ts';

/** Fewer values show no code list: one note on eight quotes is somebody's words. */
const CODE_FILLED_MIN = 50;
/** A value of a code list that comes seldom may be anything. */
const CODE_COUNT_MIN = 4;
const CODE_SHARE_MIN = 0.01;

const ID = /(?:^id|Id|ID|_id)$/;
/** A number somewhere, and no blank: where people type a reference, they type names, too. */
const ID_VALUE = /^\s*(?=\D*\d)\S+\s*$/;
const NUMBER_OF_A_THING = /(?:^|[a-z_])(?:Number|number|sku|Sku|SKU|upc|ean|gtin|uuid|guid)$/;
/** Fields that hold codes by their name, and how a code is written: one word, in one case. */
const CODE =
  /(?:^|[a-z_])(?:type|status|state|stage|kind|currency|country|country_?code|unit|unit_?of_?measure|uom|level|terms|method)$/i;
export const CODE_VALUE = /^(?:[A-Z0-9_-]{1,24}|[a-z0-9_-]{1,24})$/;
/** Ids that are of a person, and may be looked up outside. */
const ID_OF_A_PERSON = /tax_?id|vat_?id|national_?id|passport|licen[cs]e/i;
const FIGURES: ReadonlySet<string | null> = new Set(['money text', 'decimal text', 'integer text']);
export const DATES: ReadonlySet<string | null> = new Set([
  ...['ISO date', 'ISO datetime', 'ISO datetime without zone', 'local date', 'epoch s', 'epoch ms'],
]);

/** Codes by field: values that repeat so that they are nobody's words. */
export type Codes = ReadonlyMap<string, ReadonlySet<string>>;

export function codesOf({ fields }: SampleSummary): Codes {
  return new Map(
    fields
      .filter((field) => field.isEnum && filledOf(field) >= CODE_FILLED_MIN)
      .map((field) => {
        const least = Math.max(CODE_COUNT_MIN, filledOf(field) * CODE_SHARE_MIN);
        return [field.path, new Set(field.top.filter(({ count }) => count >= least).map(({ value }) => value))];
      }),
  );
}

/**
 * `fixed`: stays, whatever it is. `kept`: stays unless it holds somebody's value, such as an id made of a name.
 * `other`: is replaced.
 */
export type Treatment = 'fixed' | 'kept' | 'other';

export function treatmentOf(path: string, value: string | number, fields: SchemaFields, codes: Codes): Treatment {
  const text = String(value);
  if (text.trim() === '') return 'fixed';
  const name = nameOf(path);
  const format = formatOf(value, name);
  const { codes: known = null, form = null } = fields.get(path) ?? {};
  if (known?.includes(text)) return 'fixed';
  if (isId(name) && ID_VALUE.test(text) && !isPersonalFormat(format)) return 'kept';
  if (!isPersonalName(name) && (typeof value === 'number' || form?.test(text))) return 'fixed';
  if (isPersonal(path, name) || isPersonalFormat(format)) return 'other';
  if (DATES.has(format) || (form !== null && FIGURES.has(format))) return 'fixed';
  return codes.get(path)?.has(text) || (CODE.test(name) && CODE_VALUE.test(text)) ? 'kept' : 'other';
}

/** Whether what stays at a path stays as an id; else it is a code. */
export const isIdPath = (path: string): boolean => isId(nameOf(path));

/** An id by its name, even among a person's fields: joins hang on it, and so does who comes first. */
const isId = (name: string): boolean =>
  !ID_OF_A_PERSON.test(name) && (ID.test(name) || (NUMBER_OF_A_THING.test(name) && !isPersonalName(name)));

/** A country is nobody's, even in an address. */
const isPersonal = (path: string, name: string): boolean => !/^country(?:_?code)?$/i.test(name) && isPersonalName(path);

/** Fields whose words are names of people or firms, one by one: an id or code that holds one is not kept. */
const OF_A_PERSON =
  /(?:^|[.\]])(?:first|last|given|family|full)_?name$|(?:rep|contact|person|owner|buyer|user|recipient)[^.]*\.name$/i;

const OF_A_FIRM = /^(?:company|customer|account|cust|legal|trade)?_?name$/i;

/** `isAboutPeople`: a plain `name` is a firm's or a person's, and no product's. */
export const isPersonsName = (path: string, isAboutPeople: boolean): boolean =>
  OF_A_PERSON.test(path) || (isAboutPeople && OF_A_FIRM.test(nameOf(path)));
