/** Exact decimal numbers as text: plain digits with a point. Money never passes through a float. */

/** Longer than any amount or quantity is; beyond it a "number" is a mistake and slow to compute with. */
const CHARS_MAX = 60;

const PLAIN = /^[+-]?\d*\.?\d*$/;
const EXPONENT = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;

interface Scaled {
  readonly units: bigint;
  /** Digits behind the point. */
  readonly scale: number;
}

/**
 * The one spelling of a decimal number: no sign on zero, no leading or trailing zeros, no exponent, so "1234.9600" and
 * "1234.96" are the same money. Undefined for anything else: text with separators, blanks inside, exponents or more
 * than 60 characters, and numbers too large for a float to hold exactly.
 */
export function decimal(value: string | number): string | undefined {
  const plain = typeof value === 'number' ? digitsOf(value) : value.trim();
  return plain === undefined || plain.length > CHARS_MAX ? undefined : canonicalOf(plain);
}

/** By places in the text: every quantity and price passes here, and a list of its parts would cost more than they do. */
function canonicalOf(plain: string): string | undefined {
  if (!PLAIN.test(plain)) return undefined;
  const isSigned = plain.startsWith('-') || plain.startsWith('+');
  const point = plain.indexOf('.');
  const wholeEnd = point < 0 ? plain.length : point;
  let first = isSigned ? 1 : 0;
  if (first === plain.length || (first === point && point === plain.length - 1)) return undefined;
  while (first < wholeEnd && plain[first] === '0') first++;
  let end = plain.length;
  while (end > wholeEnd && (plain[end - 1] === '0' || plain[end - 1] === '.')) end--;
  const magnitude = first < wholeEnd ? plain.slice(first, end) : `0${plain.slice(wholeEnd, end)}`;
  return plain.startsWith('-') && magnitude !== '0' ? `-${magnitude}` : magnitude;
}

/** The shortest digits that read back as the same float, without the exponent JavaScript uses for small ones. */
function digitsOf(value: number): string | undefined {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return undefined;
  const written = String(value);
  if (!written.includes('e')) return written;
  const [, sign, lead, rest = '', exponent] = EXPONENT.exec(written) ?? [];
  if (sign === undefined || lead === undefined) return written;
  return `${sign}0.${'0'.repeat(-Number(exponent) - 1)}${lead}${rest}`;
}

function scaled(value: string): Scaled {
  const canonical = canonicalOf(value.trim());
  if (canonical === undefined) throw new RangeError('not a decimal number in plain digits');
  const [whole = '', fraction = ''] = canonical.split('.');
  return { units: BigInt(whole + fraction), scale: fraction.length };
}

const unitsAt = ({ units, scale }: Scaled, target: number): bigint => units * 10n ** BigInt(target - scale);

function written({ units, scale }: Scaled): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const magnitude = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`.replace(/\.?0+$/, '');
  return units < 0n ? `-${magnitude}` : magnitude;
}

/** Exact a + b. Throws RangeError when one of them is not a decimal number. */
export function add(a: string, b: string): string {
  const left = scaled(a);
  const right = scaled(b);
  const scale = Math.max(left.scale, right.scale);
  return written({ units: unitsAt(left, scale) + unitsAt(right, scale), scale });
}

/** Exact a - b. Throws RangeError when one of them is not a decimal number. */
export function subtract(a: string, b: string): string {
  const right = scaled(b);
  return add(a, written({ units: -right.units, scale: right.scale }));
}

/** Exact total; '0' of nothing. Throws RangeError when one of them is not a decimal number. */
export const sum = (values: readonly string[]): string => values.reduce(add, '0');

/** By value, not by spelling. Throws RangeError when one of them is not a decimal number. */
export function compare(a: string, b: string): -1 | 0 | 1 {
  const left = scaled(a);
  const right = scaled(b);
  const scale = Math.max(left.scale, right.scale);
  const difference = unitsAt(left, scale) - unitsAt(right, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Digits behind the point of the currencies that do not have two (ISO 4217, list one). */
const CURRENCY_DIGITS: Readonly<Record<number, readonly string[]>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' '),
  3: 'BHD IQD JOD KWD LYD OMR TND'.split(' '),
  4: 'CLF UYW'.split(' '),
};

const digitsOfCurrency = new Map(
  Object.entries(CURRENCY_DIGITS).flatMap(([digits, codes]) => codes.map((code) => [code, Number(digits)] as const)),
);

/**
 * An amount of minor units (cents; yen, which has none) as a decimal number of the currency. Undefined when the amount
 * is no whole number in digits or the currency no ISO 4217 code.
 */
export function fromMinorUnits(amount: string, currency: string): string | undefined {
  if (!/^-?\d+$/.test(amount) || amount.length > CHARS_MAX || !/^[A-Z]{3}$/.test(currency)) return undefined;
  return written({ units: BigInt(amount), scale: digitsOfCurrency.get(currency) ?? 2 });
}
