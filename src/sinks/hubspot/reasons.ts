/** HubSpot's own words about what it refused, without the values they quote. */
import { EXIT, FatalError } from '../../errors.ts';
import { contextList, type ErrorReply, isRecord, readError } from './replies.ts';

/** One fault as HubSpot tells it: which rule, of which property, in which words. */
interface Detail {
  readonly code: string | null;
  readonly property: string | null;
  readonly message: string | null;
}

export interface Refusal {
  readonly category: string;
  readonly reason: string;
}

type Properties = Readonly<Record<string, string>>;

const REASON_MAX = 300;
/** Faults named in one reason: the first ones tell what to mend. */
const DETAILS_MAX = 5;

/**
 * The refusal of one record. `properties` are what was sent: their values are struck out of HubSpot's words, because a
 * reason is logged and stored, and values may be people's data.
 */
export function refusalOf(status: number, error: ErrorReply, properties: Properties): Refusal {
  const details = detailsOf(error).slice(0, DETAILS_MAX);
  const said = details.map((detail) => sentence(detail, properties)).filter((text) => text !== '');
  const own = strike(error.message ?? '', properties);
  const reason = [...new Set(said)].join('; ') || own || `HubSpot answered ${status} without a reason`;
  return { category: error.category ?? error.code ?? `HTTP_${status}`, reason: cut(reason) };
}

/** Throws when the error would meet every record: the portal lacks what all of them need. */
export function throwIfSystemic(error: ErrorReply, object: string): void {
  const missing = detailsOf(error).filter((detail) => detail.code === 'PROPERTY_DOESNT_EXIST');
  const names = [...new Set(missing.map((detail) => detail.property).filter((name) => name !== null))];
  if (missing.length > 0 || error.category === 'PROPERTY_DOESNT_EXIST') {
    throw new FatalError(
      EXIT.usage,
      `The portal has no property ${names.length > 0 ? names.join(', ') : 'that a mapping writes'} on ${object}`,
      'Create it with: retail-sync setup --apply',
    );
  }
  if (/\bnon-unique\b/i.test(error.message ?? '')) {
    throw new FatalError(
      EXIT.usage,
      `The key property of ${object} does not have unique values in this portal, so nothing can be matched by it`,
      'See what is wrong with: retail-sync setup',
    );
  }
}

/** The nested errors, or the JSON list that HubSpot puts into the text of "Property values were not valid: [...]". */
function detailsOf(error: ErrorReply): readonly Detail[] {
  const nested = (error.errors ?? []).map(readError);
  if (nested.length > 0) {
    return nested.map((item) => ({
      code: item.code ?? item.subCategory ?? null,
      property: contextList(item, 'propertyName')[0] ?? null,
      message: item.message ?? null,
    }));
  }
  const embedded = embeddedList(error.message ?? '');
  if (embedded.length > 0) return embedded;
  const property = contextList(error, 'propertyName')[0] ?? null;
  if (error.code || property) return [{ code: error.code ?? null, property, message: error.message ?? null }];
  return [];
}

function embeddedList(message: string): readonly Detail[] {
  const start = message.indexOf('[{');
  if (start < 0) return [];
  try {
    const list: unknown = JSON.parse(message.slice(start, message.lastIndexOf(']') + 1));
    return Array.isArray(list) ? list.filter(isRecord).map(embeddedDetail) : [];
  } catch {
    return []; // the text was cut; what stands before the list is used
  }
}

const embeddedDetail = (item: Readonly<Record<string, unknown>>): Detail => ({
  code: textOf(item.error) ?? textOf(item.code),
  property: textOf(item.name) ?? textOf(item.propertyName),
  message: textOf(item.message) ?? textOf(item.localizedErrorMessage),
});

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

function sentence({ code, property, message }: Detail, properties: Properties): string {
  const head = [code, property ? `on ${property}` : null].filter((part) => part !== null).join(' ');
  return [head, message ? strike(message, properties) : ''].filter((part) => part !== '').join(': ');
}

/** Replaces by "…": quoted texts that are no property's name, the values sent, e-mail addresses, embedded JSON. */
function strike(message: string, properties: Properties): string {
  const json = message.search(/[[{]\s*[{"]/);
  let text = json < 0 ? message : message.slice(0, json).replace(/[\s:,]+$/, '');
  text = text.replace(/"([^"]*)"|'([^']*)'|`([^`]*)`/g, (quoted, ...groups) => {
    const name = groups.slice(0, 3).find((group) => typeof group === 'string');
    return name !== undefined && Object.hasOwn(properties, name) ? quoted : '…';
  });
  for (const value of valuesOf(properties)) text = replaceAllOf(text, value);
  return text.replace(/[^\s@]+@[^\s@]+/g, '…').trim();
}

/** Longer ones first, so that a part does not break up the whole; shorter than three letters identifies nobody. */
const valuesOf = (properties: Properties): readonly string[] =>
  [...new Set(Object.values(properties).map((value) => value.trim()))]
    .filter((value) => value.length >= 3)
    .sort((a, b) => b.length - a.length);

function replaceAllOf(text: string, value: string): string {
  const escaped = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(escaped, 'giu'), '…');
}

const cut = (text: string): string => (text.length > REASON_MAX ? `${text.slice(0, REASON_MAX - 1)}…` : text);
