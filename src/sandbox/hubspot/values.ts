/**
 * Whether a value fits its property, and how HubSpot spells it once stored.
 * Source: developers.hubspot.com/docs/api-reference/crm-properties-v3/guide (property values); for dates
 * github.com/HubSpot/hubspot-api-php/issues/74, for options github.com/gregorspan/csc-frodx/issues/21. Number precision
 * is not documented, and of the codes only those two reports vouch for INVALID_DATE and INVALID_OPTION (see Problem).
 */
import { instantText } from './json.ts';
import type { PropertyDefinition } from './schema.ts';

export type CheckedValue =
  | { readonly ok: true; readonly value: string; readonly normalized?: true }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface ValueRules {
  /** Path version 2026-09 accepts odd dates and says what it made of them. */
  readonly looseDates: boolean;
  readonly respellNumbers: boolean;
  readonly ownerExists: (id: string) => boolean;
}

const STRING_LENGTH_MAX = 65_536;
const NUMBER = /^-?(\d+\.?\d*|\.\d+)$/;
const EMAIL = /^[^\s@,;<>()"]+@[^\s@,;<>()"]+\.[^\s@.,;<>()"]{2,}$/;
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;
const EPOCH_MS = /^-?\d{1,15}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;
const DAY_MS = 86_400_000;

const ok = (value: string): CheckedValue => ({ ok: true, value });
const bad = (code: string, message: string): CheckedValue => ({ ok: false, code, message });

/** @param current the stored value, for a leading `;` that appends to an enumeration. */
export function checkValue(
  property: PropertyDefinition,
  raw: string,
  current: string | undefined,
  rules: ValueRules,
): CheckedValue {
  if (raw === '') return ok('');
  switch (property.type) {
    case 'number':
      return checkNumber(raw, rules);
    case 'date':
      return checkDate(raw, rules);
    case 'datetime':
      return checkDatetime(raw, rules);
    case 'bool':
      return raw === 'true' || raw === 'false' ? ok(raw) : notAnOption(property, raw);
    case 'enumeration':
      return checkEnumeration(property, raw, current, rules);
    default:
      return checkText(property, raw);
  }
}

function checkText(property: PropertyDefinition, raw: string): CheckedValue {
  if (raw.length > STRING_LENGTH_MAX) {
    return bad('PROPERTY_VALUE_TOO_LONG', `${property.name} is longer than ${STRING_LENGTH_MAX} characters.`);
  }
  if (property.name !== 'email' || !property.hubspotDefined) return ok(raw);
  const email = raw.trim().toLowerCase();
  return EMAIL.test(email) ? ok(email) : bad('INVALID_EMAIL', `Email address ${raw} is invalid`);
}

function checkNumber(raw: string, rules: ValueRules): CheckedValue {
  if (!NUMBER.test(raw)) return bad('INVALID_INTEGER', `${raw} was not a valid number.`);
  return ok(rules.respellNumbers ? plainNumber(raw) : raw);
}

/** Digits without idle zeros, no float in between. */
function plainNumber(raw: string): string {
  const negative = raw.startsWith('-');
  const [whole = '', fraction = ''] = raw.replace('-', '').split('.');
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const rest = fraction.replace(/0+$/, '');
  const text = rest === '' ? digits : `${digits}.${rest}`;
  return negative && text !== '0' ? `-${text}` : text;
}

/** Milliseconds since 1970 of an ISO date that exists in the calendar, else null. */
function calendarDay(raw: string): number | null {
  if (!DATE_ONLY.test(raw)) return null;
  const ms = Date.parse(`${raw}T00:00:00Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== raw ? null : ms;
}

function checkDate(raw: string, rules: ValueRules): CheckedValue {
  if (calendarDay(raw) !== null) return ok(raw);
  const ms = EPOCH_MS.test(raw) ? Number(raw) : rules.looseDates ? Date.parse(raw) : Number.NaN;
  if (Number.isNaN(ms)) return bad('INVALID_DATE', `${raw} was not a valid date.`);
  const day = new Date(ms).toISOString().slice(0, 10);
  if (ms % DAY_MS === 0 && EPOCH_MS.test(raw)) return ok(day);
  if (rules.looseDates) return { ok: true, value: day, normalized: true };
  return bad('INVALID_DATE', `${raw} is at ${new Date(ms).toISOString().slice(11, -1)} UTC, not midnight!`);
}

function checkDatetime(raw: string, rules: ValueRules): CheckedValue {
  const strict = EPOCH_MS.test(raw) ? Number(raw) : INSTANT.test(raw) ? Date.parse(raw) : Number.NaN;
  if (!Number.isNaN(strict)) return ok(instantText(strict));
  const loose = rules.looseDates ? Date.parse(raw) : Number.NaN;
  if (!Number.isNaN(loose)) return { ok: true, value: instantText(loose), normalized: true };
  return bad('INVALID_DATE', `${raw} was not a valid datetime: send ISO 8601 in UTC or milliseconds since 1970.`);
}

function checkEnumeration(
  property: PropertyDefinition,
  raw: string,
  current: string | undefined,
  rules: ValueRules,
): CheckedValue {
  if (property.name === 'hubspot_owner_id' && property.hubspotDefined) {
    return rules.ownerExists(raw) ? ok(raw) : bad('INVALID_OWNER_ID', `Owner ${raw} does not exist.`);
  }
  if (property.externalOptions) return ok(raw);
  const appends = raw.startsWith(';');
  const several = property.fieldType === 'checkbox' || appends;
  const wanted = several ? raw.split(';').filter((value) => value !== '') : [raw];
  const unknown = wanted.find((value) => !property.options.some((option) => option.value === value));
  if (unknown !== undefined) return notAnOption(property, unknown);
  if (!several) return ok(raw);
  const kept = appends && current ? current.split(';') : [];
  return ok([...new Set([...kept, ...wanted])].join(';'));
}

function notAnOption(property: PropertyDefinition, raw: string): CheckedValue {
  const allowed = property.options.map((option) => option.value).join(', ');
  return bad('INVALID_OPTION', `${raw} was not one of the allowed options: [${allowed}]`);
}
