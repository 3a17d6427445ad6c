/** Takes what is anybody's out of answers, addresses, headers and texts. Two looks: first gather, then replace. */
import { isPersonalName, maskOf } from '../probe/people.ts';
import { TellTales, wordsIn } from '../probe/record/tell-tale.ts';
import { isPersonsName } from '../probe/record/treatment.ts';
import { isObject, nameOf } from '../probe/walk.ts';
import type { Rulings } from './rulings.ts';
import { isSecretName, isSecretValue, REFERENCE, SECRET, type Secrets } from './secrets.ts';

/** Rows of a list that are shown whole, and rows of which ids, dates and codes are shown; the rest is counted. */
export interface RowLimits {
  readonly whole: number;
  readonly brief: number;
}

const REMOVED = '[removed]';
/** Deeper than any answer that means something. */
const DEPTH_MAX = 30;
const IDENTIFIER = /^[@$]?[A-Za-z_][\w.@$:-]{0,79}$/;
/** A map by people has their names for keys. */
const PERSON_KEY = /^\p{Lu}\p{Ll}+(?:[.-]\p{Lu}\p{Ll}+)+$/u;
const isField = (name: string): boolean => IDENTIFIER.test(name) && !PERSON_KEY.test(name);
const E_MAIL = /[^\s@<>,;:"'()[\]]+@[^\s@<>,;:"'()[\]]+\.[^\s@<>,;:"'()[\]]+/;
const PHONE = /(?<![\w.-])\+?(?:\(?\d{1,4}\)?[ .-]{1,2}){2,4}\d{2,5}(?![\w-])/g;
/** With fewer digits it is a date, or nothing. */
const PHONE_DIGITS_MIN = 9;

const withoutPhones = (text: string): string =>
  text.replace(PHONE, (found) =>
    /^\d{4}-\d\d-\d\d/.test(found) || found.replace(/\D/g, '').length < PHONE_DIGITS_MIN ? found : REMOVED,
  );

interface Place {
  readonly path: string;
  /** Inside a row of the answer's own list: paths begin anew there. */
  readonly isInRow: boolean;
  /** Only ids, dates and codes are shown. */
  readonly isBrief: boolean;
  readonly depth: number;
}

const TOP: Place = { path: '', isInRow: false, isBrief: false, depth: 0 };

export class Redaction {
  readonly #rulings: Rulings;
  readonly #secrets: Secrets;
  readonly #tells = new TellTales();
  /** Words of people's names: an id or code that holds one is not shown. */
  readonly #names = new TellTales();
  /** Names of fields are no evidence of anybody. */
  readonly #fields: Set<string>;
  readonly #judged = new Map<string, boolean>();

  readonly #isAboutPeople: boolean;

  /** `own`: words of our configuration, such as the codes in a profile, in lower case. */
  constructor(rulings: Rulings, secrets: Secrets, isAboutPeople: boolean, own: ReadonlySet<string>) {
    this.#fields = new Set(own);
    this.#isAboutPeople = isAboutPeople;
    this.#rulings = rulings;
    this.#secrets = secrets;
  }

  get removed(): number {
    return this.#tells.size;
  }

  /** Gathers what is somebody's. All answers are to be looked at before any is shown. */
  learn(answer: unknown): void {
    this.#judged.clear();
    eachLeaf(answer, TOP, (leaf, path) => this.#gather(leaf, path), this.#fields);
  }

  #gather(leaf: string | number, path: string): void {
    const text = String(leaf);
    const ruling = this.#rulings.of(leaf, path);
    if (ruling === 'secret') this.#secrets.learn(text);
    else if (ruling !== 'other') return;
    this.#tells.add(text);
    if (isPersonsName(path, this.#isAboutPeople)) for (const word of wordsIn(text)) this.#names.add(word);
  }

  /** An answer as it may be shown. `isSignIn`: no text of it is. */
  answer(value: unknown, limits: RowLimits, isSignIn: boolean): unknown {
    const shown = (leaf: string | number, { path, isBrief }: Place): unknown => {
      if (isSignIn && typeof leaf === 'string') return SECRET;
      return this.#leaf(leaf, path, isBrief);
    };
    return mapped(value, TOP, limits, shown, (name) => this.#name(name));
  }

  #leaf(leaf: string | number, path: string, isBrief: boolean): unknown {
    const ruling = this.#rulings.of(leaf, path);
    if (ruling === 'secret') return isBrief ? undefined : SECRET;
    if (isBrief && ruling !== 'id') return undefined;
    if (ruling === 'other' || this.#isSomebodys(String(leaf))) return isBrief ? undefined : maskOf(String(leaf));
    return leaf;
  }

  #name(name: string): string {
    return isField(name) && !E_MAIL.test(name) && this.#secrets.scrub(name) === name ? name : maskOf(name);
  }

  /** Whether a text that would stay holds what was removed elsewhere. */
  #isSomebodys(text: string): boolean {
    const known = this.#judged.get(text);
    if (known !== undefined) return known;
    const is =
      this.#tells.in(text, this.#fields) !== null ||
      this.#names.in(text, this.#fields) !== null ||
      this.#secrets.scrub(text) !== text;
    if (this.#judged.size < JUDGED_MAX) this.#judged.set(text, is);
    return is;
  }

  /** What a parameter of a request may show; null: not at all. */
  parameter(name: string, value: string): string | null {
    const referenced = this.#secrets.referenced(value);
    if (isSecretName(name)) return referenced === value ? null : referenced;
    if (isSecretValue(value) || E_MAIL.test(value) || withoutPhones(value) !== value) return null;
    if (isPersonalName(name) && value.length > 4) return null;
    return this.#secrets.scrub(value) !== value || this.#tells.in(value, this.#fields) !== null ? null : value;
  }

  /** Path and parameters, credentials as references. `isWhole` false: something had to go. */
  address(address: string): { readonly text: string; readonly isWhole: boolean } {
    const url = new URL(address);
    let isWhole = true;
    const shown = (name: string, value: string): string => {
      const text = this.parameter(name, value);
      if (text === null) isWhole = false;
      return text ?? REMOVED;
    };
    const path = url.pathname
      .split('/')
      .map((part) => (part === '' ? part : shown('', decoded(part)) === REMOVED ? REMOVED : part))
      .join('/');
    const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(shown(name, value))}`);
    return { text: `${url.origin}${path}${query.length === 0 ? '' : `?${query.join('&')}`}`, isWhole };
  }

  /** A body that we sent: our own words, in which ids and bounds stand. */
  sent(body: string): { readonly text: string; readonly isWhole: boolean } {
    const referenced = this.#secrets.referenced(body);
    const scrubbed = this.#secrets.scrub(referenced);
    if (scrubbed === referenced && !hasSecretField(referenced) && !this.#isSomebodysBody(body))
      return { text: referenced, isWhole: true };
    return { text: `[${body.length} characters, not shown: they hold what was removed elsewhere]`, isWhole: false };
  }

  /** Method, field and parameter names are ours: a text must be somebody's as a whole, or in several words of it. */
  #isSomebodysBody(body: string): boolean {
    let is = false;
    const judge = (text: string): void => {
      const found = this.#tells.in(text, this.#fields);
      if (found !== null && (/[^\p{L}\p{N}]/u.test(found) || found === text.trim().toLowerCase())) is = true;
    };
    try {
      eachLeaf(JSON.parse(body), TOP, (leaf) => judge(String(leaf)), new Set());
    } catch {
      for (const [, value] of new URLSearchParams(body)) judge(value);
    }
    return is;
  }

  /** A sentence of ours: what it quotes, and the parameters it names, are the vendor's. */
  sentence(text: string): string {
    const quoted = text
      .replace(/"(?:[^"\\]|\\.)*"/g, (part) => (this.#isSomebodys(part) || E_MAIL.test(part) ? `"${REMOVED}"` : part))
      .replace(/\?\S+/g, (query) => this.#query(query));
    const clean = withoutPhones(this.#secrets.scrub(quoted));
    const found = this.#tells.in(clean, this.#fields);
    return found !== null && /[^\p{L}\p{N}]/u.test(found) ? REMOVED : clean;
  }

  #query(query: string): string {
    const [, list = '', end = ''] = /^\?(.*?)([).,:;]*)$/s.exec(query) ?? [];
    const pairs = [...new URLSearchParams(list)].map(
      ([name, value]) => `${encoded(name)}=${encoded(this.parameter(name, value) ?? REMOVED)}`,
    );
    return `?${pairs.join('&')}${end}`;
  }
}

const JUDGED_MAX = 300_000;

/** A secret too short to be searched for is known by where it stands. */
function hasSecretField(body: string): boolean {
  let has = false;
  try {
    eachLeaf(
      JSON.parse(body),
      TOP,
      (leaf, path) => {
        has ||= isSecretName(nameOf(path)) && String(leaf).replace(REFERENCE, '') !== '';
      },
      new Set(),
    );
  } catch {
    return false; // a form: its parameters are judged one by one
  }
  return has;
}

/** As curl and people read it best: what an address takes as it is stays. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/%(?:3A|2C|2F|24|40|5B|5D|7B|7D)/g, (code) => decodeURIComponent(code));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const isLeaf = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

/** Within the answer's own list paths begin anew, so that they are those of the sample's records. */
function inside(items: readonly unknown[], { path, isInRow, depth }: Place): Place {
  const isRows = !isInRow && items.some(isObject);
  return { path: isRows ? '' : `${path}[]`, isInRow: isInRow || isRows, isBrief: false, depth: depth + 1 };
}

const below = ({ path, isInRow, isBrief, depth }: Place, name: string): Place => ({
  path: path === '' ? name : `${path}.${name}`,
  ...{ isInRow, isBrief, depth: depth + 1 },
});

function eachLeaf(
  value: unknown,
  place: Place,
  visit: (leaf: string | number, path: string) => void,
  fields: Set<string>,
): void {
  if (place.depth > DEPTH_MAX) return;
  if (isLeaf(value)) visit(value, place.path);
  else if (Array.isArray(value)) {
    const within = inside(value, place);
    for (const item of value) eachLeaf(item, within, visit, fields);
  } else if (isObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      if (isField(name)) fields.add(name.toLowerCase());
      eachLeaf(field, below(place, name), visit, fields);
    }
  }
}

function mapped(
  value: unknown,
  place: Place,
  limits: RowLimits,
  show: (leaf: string | number, place: Place) => unknown,
  nameFor: (name: string) => string,
): unknown {
  if (place.depth > DEPTH_MAX) return '[deeper than is shown]';
  if (isLeaf(value)) return show(value, place);
  if (Array.isArray(value)) {
    const within = inside(value, place);
    const rows = value.slice(0, limits.whole + limits.brief).map((item, at) => {
      const isBrief = place.isBrief || (at >= limits.whole && isObject(item));
      return mapped(item, { ...within, isBrief }, limits, show, nameFor);
    });
    const left = value.length - rows.length;
    return left > 0 ? [...rows, `[and ${left} more]`] : rows;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    // A row in brief has no parts but typed values, such as Tryton's dates.
    .filter(([, field]) => !place.isBrief || isLeaf(field) || (isObject(field) && '__class__' in field))
    .map(([name, field]) => {
      const at = isObject(field) && '__class__' in field ? { ...place, isBrief: false } : place;
      return [nameFor(name), mapped(field, below(at, name), limits, show, nameFor)] as const;
    })
    .filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries);
}
