/** Reads JSON without losing digits: what a float cannot hold becomes the text the vendor sent. */

/** Anything that might be a number beyond 15 digits or a large exponent; the slow path is taken only then. */
const SUSPECT = /\d[\d.]{15,}|\d[eE]\+?\d{2,}/;

/** Throws SyntaxError on what is not JSON. `…993` stays `…993`, as a text, because a float would make it `…992`. */
export function parseExactly(text: string): unknown {
  if (!SUSPECT.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    return typeof value === 'number' && source !== undefined && !holds(value, source) ? source : value;
  });
}

function holds(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return false;
  return /e/i.test(source) || digitsOf(String(value)) === digitsOf(source);
}

/** Digits that count: without sign, leading zeros and zeros behind the point. Exponents only come from tiny numbers. */
function digitsOf(number: string): string {
  const [mantissa = '', exponent = ''] = number.toLowerCase().split('e');
  const trimmed = mantissa.includes('.') ? mantissa.replace(/0+$/, '') : mantissa;
  return exponent === '' ? trimmed.replace('.', '').replace(/^-?0*/, '') : mantissa.replace(/[-.]/g, '');
}
