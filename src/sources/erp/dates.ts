/** Days and instants as vendors write them, in the zone they mean. Times are milliseconds since 1970, UTC. */

/** `iso` also takes a blank for the T, and no offset: then it is local time. A pattern is e.g. `MM/DD/YYYY HH:mm:ss`. */
export interface DateStyle {
  readonly format: string;
  /** IANA time zone of what carries no offset, and of the day an instant falls on. */
  readonly zone: string;
}

const DAY_MS = 86_400_000;
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/i;
const TOKEN = /YYYY|MM|DD|HH|mm|ss/g;

/** The parts of a text: local clock reading as if it were UTC, and the offset when the text carries one. */
interface Reading {
  readonly localMs: number;
  readonly offsetMs: number | null;
}

/** The instant a value means; null when it means none. A repeated local hour is taken as the earlier one. */
export function instantOf(value: unknown, style: DateStyle): number | null {
  const epochMs = epochOf(value, style.format);
  if (epochMs !== undefined) return epochMs;
  const reading = typeof value === 'string' ? readingOf(value.trim(), style.format) : null;
  if (!reading) return null;
  return reading.offsetMs === null ? localToUtc(reading.localMs, style.zone) : reading.localMs - reading.offsetMs;
}

/** The calendar day (YYYY-MM-DD) a value means in the style's zone; null when it means none. */
export function dayOf(value: unknown, style: DateStyle): string | null {
  const epochMs = epochOf(value, style.format);
  if (epochMs === null) return null;
  if (epochMs !== undefined) return localIso(epochMs, style.zone).slice(0, 10);
  const reading = typeof value === 'string' ? readingOf(value.trim(), style.format) : null;
  if (!reading) return null;
  if (reading.offsetMs !== null) return localIso(reading.localMs - reading.offsetMs, style.zone).slice(0, 10);
  return new Date(reading.localMs).toISOString().slice(0, 10);
}

/** What a clock in the zone shows at an instant, as if it were UTC. */
export const utcToLocal = (utcMs: number, zone: string): number => utcMs + offsetAt(utcMs, zone);

/** The same as text: YYYY-MM-DDTHH:mm:ss.sss, without offset. */
export const localIso = (utcMs: number, zone: string): string =>
  new Date(utcToLocal(utcMs, zone)).toISOString().slice(0, -1);

/** The instant at which a clock in the zone shows `localMs`; earlier one when twice, the jump itself when never. */
export function localToUtc(localMs: number, zone: string): number {
  if (zone === 'UTC') return localMs;
  const before = localMs - offsetAt(localMs - DAY_MS, zone);
  const after = localMs - offsetAt(localMs + DAY_MS, zone);
  const meant = [before, after].filter((utcMs) => utcMs + offsetAt(utcMs, zone) === localMs);
  return meant.length > 0 ? Math.min(...meant) : before;
}

export function isZone(zone: string): boolean {
  try {
    clockIn(zone);
    return true;
  } catch {
    return false; // Intl's only way to say that it does not know a zone
  }
}

/** Whether a format is one that can be read: a known word, or a pattern with at least year, month and day. */
export const isDateFormat = (format: string): boolean =>
  ['iso', 'epoch-ms', 'epoch-s'].includes(format) || ['YYYY', 'MM', 'DD'].every((token) => format.includes(token));

/** undefined: the format is not an epoch; null: it is, but the value is not a number. */
function epochOf(value: unknown, format: string): number | null | undefined {
  const unitMs = format === 'epoch-ms' ? 1 : format === 'epoch-s' ? 1000 : null;
  if (unitMs === null) return undefined;
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  const ms = /^-?\d+(\.\d+)?$/.test(text) ? Math.floor(Number(text) * unitMs) : Number.NaN;
  return Number.isNaN(new Date(ms).getTime()) ? null : ms;
}

/** What a text says, before anybody asked whether there is such a day and hour. */
interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
  readonly offset: string | undefined;
}

function readingOf(text: string, format: string): Reading | null {
  const parts = format === 'iso' ? isoParts(text) : patternParts(text, format);
  if (!parts) return null;
  const { year, month, day, hour, minute, second } = parts;
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second) + parts.ms;
  const date = new Date(localMs);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24;
  if (!real || minute > 59 || second > 59) return null;
  return { localMs, offsetMs: offsetOf(parts.offset) };
}

/** By places: each row is dated, and the named groups of a match would cost more than all else that is done with it. */
function isoParts(text: string): Parts | null {
  if (!ISO.test(text)) return null;
  const hasTime = text.length > 10;
  const hasSeconds = text[16] === ':';
  const clockEnd = hasSeconds ? 19 : 16;
  const hasFraction = text[clockEnd] === '.' || text[clockEnd] === ',';
  let end = clockEnd + (hasFraction ? 1 : 0);
  while (hasFraction && isDigit(text, end)) end++;
  return {
    year: twoDigits(text, 0) * 100 + twoDigits(text, 2),
    month: twoDigits(text, 5),
    day: twoDigits(text, 8),
    hour: hasTime ? twoDigits(text, 11) : 0,
    minute: hasTime ? twoDigits(text, 14) : 0,
    second: hasSeconds ? twoDigits(text, 17) : 0,
    ms: hasFraction
      ? Number(
          text
            .slice(clockEnd + 1, end)
            .padEnd(3, '0')
            .slice(0, 3),
        )
      : 0,
    offset: text.slice(end).trim() || undefined,
  };
}

const isDigit = (text: string, at: number): boolean => text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57;
const twoDigits = (text: string, at: number): number => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528; // 11 times the code of 0

function patternParts(text: string, format: string): Parts | null {
  const groups = patternOf(format).exec(text)?.groups;
  if (!groups) return null;
  const number = (name: string): number => Number(groups[name] ?? 0);
  return {
    ...{ year: number('YYYY'), month: number('MM'), day: number('DD') },
    ...{ hour: number('HH'), minute: number('mm'), second: number('ss') },
    ...{ ms: 0, offset: undefined },
  };
}

function offsetOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text.toUpperCase() === 'Z') return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.slice(1).replace(':', '').padEnd(4, '0');
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}

/** Compiled once per format: profiles hold a handful of them. */
const patterns = new Map<string, RegExp>();
function patternOf(format: string): RegExp {
  const known = patterns.get(format);
  if (known) return known;
  const source = format
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(TOKEN, (token) => `(?<${token}>\\d{${token.length}})`);
  const pattern = new RegExp(`^${source}$`);
  patterns.set(format, pattern);
  return pattern;
}

/** Formatters are slow to make and few: one per zone. */
const clocks = new Map<string, Intl.DateTimeFormat>();
function clockIn(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  clocks.set(zone, clock);
  return clock;
}

/** Clocks are never changed twice within it: where both of its ends have one offset, all of it has. */
const BLOCK_MS = 3 * 3_600_000;
/** The last instant there is (ECMA-262, 21.4.1.1). */
const LAST_MS = 8.64e15;
/** Offsets by zone and block, null where it changes: asking Intl costs more than the rest of a row. */
const offsets = new Map<string, number | null>();
/** A year and a half. */
const OFFSETS_MAX = 4_000;

function offsetAt(utcMs: number, zone: string): number {
  if (zone === 'UTC') return 0;
  const block = Math.floor(utcMs / BLOCK_MS);
  const key = `${zone} ${block}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    const first = askedOffset(block * BLOCK_MS, zone);
    offset = first === askedOffset(Math.min((block + 1) * BLOCK_MS, LAST_MS), zone) ? first : null;
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    offsets.set(key, offset);
  }
  return offset ?? askedOffset(utcMs, zone);
}

function askedOffset(utcMs: number, zone: string): number {
  const shown: Record<string, number> = {};
  for (const { type, value } of clockIn(zone).formatToParts(utcMs)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  const wholeMs = Math.floor(utcMs / 1000) * 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
}
