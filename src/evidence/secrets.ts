/** What must not leave the machine in any spelling, and the names that stand for it. */
import { inBase64, scrubber, spellingsOf } from '../log/scrub.ts';

/** Variables that a reader of the archive sets to make the calls. */
export type Variable = 'ERP_TOKEN' | 'ERP_USER' | 'ERP_PASSWORD' | 'ERP_SESSION';

export const reference = (name: Variable): string => `\${${name}}`;
export const REFERENCE = /\$\{(ERP_(?:TOKEN|USER|PASSWORD|SESSION))\}/g;

export const SECRET = '[secret]';

/** Names of headers, parameters and fields under which systems keep what must not be known. */
const SECRET_NAME =
  /token|passw|pwd|passphrase|secret|api[-_]?key|access[-_]?key|auth[-_]?key|subscription[-_]?key|authoriz|credential|cookie|session|signature|\bsig\b|jwt|\b(?:otp|pin|cvv|cvc)\b|private[-_]?key/i;
/** Where the next page begins; no secret, and without it a call cannot be made again. */
const PAGE_TOKEN = /(?:skip|page|next|sync|continuation|delta)[-_]?token/i;
/** Secrets under any name: a signed token, or an Authorization header. */
const SECRET_VALUE =
  /\beyJ[\w-]{8,}\.[\w-]{8,}|^(?:bearer|basic|token|session)\s+\S{6,}|\b(?:sk|pk|rk|pat|ghp|xox[a-z])[-_][\w-]{10,}/i;
/** Shorter values would blot out ordinary words. */
const CHARS_MIN = 4;
/** Each text is searched for each: where every row has one, the first of them show what there is; all are masked in place. */
const LEARNED_MAX = 500;

export const isSecretName = (name: string): boolean => SECRET_NAME.test(name) && !PAGE_TOKEN.test(name);
export const isSecretValue = (text: string): boolean => SECRET_VALUE.test(text);

export class Secrets {
  readonly #known: readonly (readonly [Variable, string])[];
  /** Got from the vendor while signing in, and whatever stood where secrets stand. */
  readonly #learned = new Set<string>();
  #scrub: ((text: string) => string) | null = null;

  constructor(known: Partial<Record<Exclude<Variable, 'ERP_SESSION'>, string>>) {
    const names = ['ERP_TOKEN', 'ERP_PASSWORD', 'ERP_USER'] as const;
    this.#known = names.flatMap((name) => {
      const value = known[name];
      return value === undefined || value === '' ? [] : [[name, value] as const];
    });
  }

  /** Words and dates are no secrets, whatever they stand under: `token_type: Bearer`, `passwordChangedAt`. */
  learn(value: string): void {
    if (!isTelling(value) || this.#learned.has(value) || this.#learned.size >= LEARNED_MAX) return;
    this.#learned.add(value);
    this.#scrub = null;
  }

  value(name: Variable): string | null {
    return this.#known.find(([known]) => known === name)?.[1] ?? null;
  }

  get names(): readonly Variable[] {
    return this.#known.map(([name]) => name);
  }

  /** Our own credentials as references, in the spellings of JSON and of addresses too; never a part of a word. */
  referenced(text: string): string {
    return this.#known.reduce((clean, [name, value]) => {
      if (value.length < CHARS_MIN) return clean;
      return spellingsOf(value).reduce((one, spelling) => one.replace(wholly(spelling), () => reference(name)), clean);
    }, text);
  }

  carriesPassword(text: string): boolean {
    const password = this.value('ERP_PASSWORD');
    return password !== null && spellingsOf(password).some((spelling) => wholly(spelling).test(text));
  }

  /** A text without any secret known or of a secret's shape, and without e-mail addresses. */
  scrub(text: string): string {
    this.#scrub ??= scrubber(this.#hidden());
    return this.#scrub(text);
  }

  /** Whether a text that is about to be written holds one of them after all. */
  holds(text: string): boolean {
    return this.#all().some((value) => text.includes(value));
  }

  /**
   * Spelt once: who searches for them spells them again, since an address may stand in an address and JSON in JSON.
   * A short user name may be an ordinary word, such as sales: it is hidden only where a user name stands.
   */
  #hidden(): string[] {
    const ours = this.#known.filter(
      ([name, value]) => value.length >= (name === 'ERP_USER' ? 2 * CHARS_MIN : CHARS_MIN),
    );
    const values = [...ours.flatMap(([, value]) => [value, inBase64(value)]), ...this.#learned];
    return [...new Set(values.flatMap(spellingsOf))];
  }

  #all(): string[] {
    const twice = this.#hidden().flatMap((value) => [...spellingsOf(value), inBase64(value)]);
    return [...new Set(twice)].filter((spelling) => spelling.length >= 2 * CHARS_MIN);
  }
}

const isTelling = (value: string): boolean =>
  value.length >= 10 && /\d/.test(value) && /[A-Za-z]/.test(value) && !/^\d{4}-\d\d-\d\d/.test(value);

const wholly = (text: string): RegExp =>
  new RegExp(`(?<!\\w)${text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')}(?!\\w)`, 'g');
