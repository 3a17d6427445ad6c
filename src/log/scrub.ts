/** The last look at every line that leaves the process: known secrets and what looks like one become marks. */

/** Shorter values would blot out ordinary words; real tokens have at least this many characters. */
const SECRET_LENGTH_MIN = 4;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\bpat-[a-z0-9-]{6,}/gi, '[token]'],
  [/\bEAAA[\w-]{6,}/g, '[token]'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 [token]'],
  [/([?&][\w-]*(?:token|key|secret|password|signature|sig)=)[^&#\s"'\\]+/gi, '$1[token]'],
  [/(https:\/\/hooks\.slack\.com\/)[\w/-]+/gi, '$1[token]'],
  [/(:\/\/)[^/\s@"]+@/g, '$1[credentials]@'],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '[e-mail]'],
];

export type Scrub = (text: string) => string;

/** Replaces the given secrets, also as JSON, addresses, forms and base64 spell them, and whatever has the shape of one. */
export function scrubber(secrets: readonly string[]): Scrub {
  const known = secrets
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap((secret) => [...spellingsOf(secret), inBase64(secret)]);
  const longestFirst = [...new Set(known)].sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const secret of longestFirst) clean = clean.replaceAll(secret, '[secret]');
    for (const [pattern, mark] of PATTERNS) clean = clean.replace(pattern, mark);
    return clean;
  };
}

/** As JSON, addresses and forms write it: in a form a blank is a plus. Escapes come in capitals or, from some, in small letters. */
export function spellingsOf(secret: string): string[] {
  const escaped = [encodeURIComponent(secret), new URLSearchParams({ '': secret }).toString().slice(1)];
  const small = escaped.map((text) => text.replace(/%[\dA-F]{2}/g, (byte) => byte.toLowerCase()));
  return [...new Set([secret, JSON.stringify(secret).slice(1, -1), ...escaped, ...small])];
}

export const inBase64 = (secret: string): string => Buffer.from(secret).toString('base64');
