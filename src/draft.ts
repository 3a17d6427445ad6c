/** What a mapper fills while it turns a record into properties: one canonical spelling per kind of field. */
import { bool, cut, dateOnly, decimal, email, instant, noonInZone, text } from './canonical.ts';
import type { Issue, Mapped, Upsert } from './pipe.ts';

type Field<T> = T | null | undefined;

interface SalesRep {
  readonly id?: Field<string>;
  readonly name?: Field<string>;
  readonly email?: Field<string>;
}

/**
 * Properties in the making. For each kind of field: absent leaves the property out (HubSpot's value stays), null and
 * blank make it '' (HubSpot's value is cleared), a value gets its canonical spelling. What is not such a value is an
 * issue; what had to be changed is a note. Neither ever holds the value itself.
 */
export class Draft {
  readonly issues: Issue[] = [];
  readonly notes: string[] = [];
  readonly #properties: Record<string, string> = {};
  readonly #at: string;

  /** `at`: where in the record this part is, such as `contacts.2`; '' for the record itself. */
  constructor(at = '') {
    this.#at = at === '' ? '' : `${at}.`;
  }

  get properties(): Readonly<Record<string, string>> {
    return this.#properties;
  }

  /** A value that has its canonical spelling already. */
  put(name: string, value: string | undefined): void {
    if (value !== undefined) this.#properties[name] = value;
  }

  text(name: string, value: Field<string>, lines: 'one' | 'many' = 'one'): void {
    const whole = text(value, lines);
    if (whole === undefined) return;
    const kept = cut(whole);
    if (kept.removed > 0) this.note(name, `cut at HubSpot's limit, ${kept.removed} characters removed`);
    this.put(name, kept.text);
  }

  decimal(name: string, value: Field<string | number>): void {
    this.#parsed(name, value, decimal, 'not a decimal number in plain digits');
  }

  date(name: string, value: Field<string>): void {
    this.#parsed(name, value, dateOnly, 'not a calendar day');
  }

  instant(name: string, value: Field<string>): void {
    this.#parsed(name, value, instant, 'not an instant with its offset from UTC');
  }

  /** A day where HubSpot wants an instant: noon of that day in the source's zone. */
  noon(name: string, value: Field<string>, zone: string): void {
    const noon = (day: string): string | undefined => (dateOnly(day) === undefined ? undefined : noonInZone(day, zone));
    this.#parsed(name, value, noon, 'not a calendar day');
  }

  flag(name: string, value: Field<boolean>): void {
    this.put(name, value === null ? '' : value === undefined ? undefined : bool(value));
  }

  /** An e-mail that no mail could reach is left out, because HubSpot would refuse the whole record for it. */
  email(name: string, value: Field<string>): void {
    const address = text(value);
    const valid = address ? email(address) : address;
    if (address && valid === undefined) this.note(name, 'not a valid e-mail address, left out');
    this.put(name, valid);
  }

  /** The rep in words, and as the owner at creation where the e-mail can say who that is. */
  salesRep(rep: Field<SalesRep>): void {
    if (rep === undefined) return;
    this.text('erp_sales_rep', rep === null ? null : (rep.name ?? rep.id));
    if (rep?.email) this.email('hubspot_owner_id', rep.email);
  }

  note(name: string, what: string): void {
    this.notes.push(`${this.#at}${name}: ${what}`);
  }

  issue(path: string, message: string): void {
    this.issues.push({ path: `${this.#at}${path}`, message });
  }

  #parsed<T extends string | number>(
    name: string,
    value: Field<T>,
    parse: (value: T) => string | undefined,
    fault: string,
  ): void {
    if (value === undefined) return;
    const blank = value === null || (typeof value === 'string' && text(value) === '');
    const parsed = blank ? '' : parse(value);
    if (parsed === undefined) this.issue(name, fault);
    this.put(name, parsed);
  }
}

/** The mapper's answer from its drafts: invalid as soon as one of them has an issue. */
export function mapped(drafts: readonly Draft[], upserts: readonly Upsert[]): Mapped {
  const issues = drafts.flatMap((draft) => draft.issues);
  if (issues.length > 0) return { kind: 'invalid', issues };
  const notes = drafts.flatMap((draft) => draft.notes);
  return { kind: 'upserts', upserts, ...(notes.length > 0 ? { notes } : {}) };
}

/** An entity the mapper cannot make anything of, for one reason. */
export const invalid = (path: string, message: string): Mapped => ({ kind: 'invalid', issues: [{ path, message }] });
