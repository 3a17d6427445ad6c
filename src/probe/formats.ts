/** What a value looks like, whatever its field is called. Pure; the first pattern that fits names it. */

/** For people, as the table shows it. */
export type FormatName =
  | 'ISO date'
  | 'ISO datetime'
  | 'ISO datetime without zone'
  | 'local date'
  | 'epoch s'
  | 'epoch ms'
  | 'GUID'
  | 'e-mail'
  | 'phone'
  | 'URL'
  | 'boolean word'
  | 'money text'
  | 'digits with leading zeros'
  | 'integer text'
  | 'decimal text'
  | 'HTML'
  | 'other';

const PATTERNS: readonly (readonly [FormatName, RegExp])[] = [
  ['GUID', /^\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$/i],
  ['ISO datetime', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/i],
  ['ISO datetime without zone', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/i],
  ['ISO date', /^\d{4}-\d\d-\d\d$/],
  [
    'local date',
    // To its end: a note that begins with a date is somebody's words.
    /^(?:\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d{2})|\d{1,2}[- ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[- ,]+\d{2,4})(?: \d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?)?$/i,
  ],
  ['e-mail', /^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]{2,}$/],
  ['URL', /^(?:https?:\/\/|www\.)\S+$/i],
  ['boolean word', /^(?:true|false|yes|no|y|n|t|f|on|off)$/i],
  ['digits with leading zeros', /^0\d{2,}$/],
  ['integer text', /^-?\d+$/],
  ['money text', /^-?(?:[$€£] ?)?(?:\d{1,3}(?:,\d{3})+|\d+)\.\d\d(?: ?[€$])?$|^-?[$€£] ?\d[\d,]*$/],
  ['decimal text', /^-?\d*\.\d+$/],
  ['phone', /^(?:\+?\d{1,3}[ .-]?)?(?:\(\d{2,4}\)|\d{2,4})[ .-]?\d{3,4}[ .-]?\d{3,4}(?: ?(?:x|ext\.?) ?\d{1,6})?$/i],
  ['HTML', /<(?:p|br|div|b|i|ul|li|span|strong)\b[^>]*>/i],
];

/** Words in a field's name that make an integer an instant rather than an id. */
const DATE_NAME = /(?:date|time|stamp|modified|changed|created|updated|_at$|At$|On$|_on$|_ts$)/;
/** 2000 to 2040, in seconds. */
const EPOCH_S = [946_684_800, 2_208_988_800] as const;

const isBetween = (value: number, scale: number): boolean => value >= EPOCH_S[0] * scale && value <= EPOCH_S[1] * scale;

/** The format of a text or number; `name` is the field's own name, for integers that may be instants. */
export function formatOf(value: string | number, name: string): FormatName | null {
  const text = String(value).trim();
  if (DATE_NAME.test(name) && /^\d{9,13}$/.test(text)) {
    if (isBetween(Number(text), 1000)) return 'epoch ms';
    if (isBetween(Number(text), 1)) return 'epoch s';
  }
  if (typeof value === 'number') return null;
  // Longer ones are prose; patterns need not be tried on them.
  if (text.length > 300) return 'other';
  const found = PATTERNS.find(([, pattern]) => pattern.test(text));
  return found === undefined ? 'other' : found[0];
}

/** Milliseconds since 1970 of a value in one of the date formats; null for local dates, whose order is not known. */
export function instantIn(value: string | number, format: FormatName | null): number | null {
  if (format === 'epoch s') return Number(value) * 1000;
  if (format === 'epoch ms') return Number(value);
  if (format === 'ISO date' || format === 'ISO datetime') return orNull(Date.parse(String(value)));
  if (format === 'ISO datetime without zone') return orNull(Date.parse(`${String(value).replace(' ', 'T')}Z`));
  return null;
}

/** The number a text stands for, in the formats that are numbers. */
export function numberIn(value: string | number, format: FormatName | null): number | null {
  if (typeof value === 'number') return format === null ? value : null;
  if (format !== 'integer text' && format !== 'decimal text' && format !== 'money text') return null;
  return orNull(Number(value.replace(/[$€£, ]/g, '')));
}

const orNull = (number: number): number | null => (Number.isFinite(number) ? number : null);
