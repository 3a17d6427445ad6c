/** Days and instants. A day has no time zone until `noonInZone` gives it one. */

const DAY = /^[1-9]\d{3}-\d{2}-\d{2}$/;
const MIDNIGHT = /T00:00(?::00(?:\.0+)?)?Z?$/;
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * A calendar day as YYYY-MM-DD, years 1000 to 9999. A midnight behind it is dropped: sources without a date type write
 * days that way. Undefined for days that do not exist and for times other than midnight, whose day is a question of zone.
 */
export function dateOnly(value: string): string | undefined {
  const day = value.trim().replace(MIDNIGHT, '');
  if (!DAY.test(day)) return undefined;
  const parsed = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(day) ? undefined : day;
}

/** ISO 8601 in UTC with milliseconds (finer digits dropped). Undefined without an offset: its instant is not known. */
export function instant(value: string): string | undefined {
  const trimmed = value.trim();
  const day = INSTANT.exec(trimmed)?.[1];
  return day === undefined || dateOnly(day) === undefined ? undefined : new Date(trimmed).toISOString();
}

/** Zones a process meets: one per source. Beyond this many the formats are made anew. */
const FORMATS_MAX = 16;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Formats are kept because making one costs far more than using it. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  if (formats.size >= FORMATS_MAX) formats.clear();
  formats.set(zone, format);
  return format;
}

/** How far the zone's clocks are ahead of UTC at an instant. */
function offsetMs(atMs: number, zone: string): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const local = `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}T${parts.get('hour')}:${parts.get('minute')}:${parts.get('second')}Z`;
  return Date.parse(local) - atMs;
}

/**
 * The instant at which clocks in an IANA zone show 12:00 on a day (YYYY-MM-DD): far enough from midnight that the day
 * stays the same in every zone of the readers' continent. Throws RangeError for a day or a zone that does not exist.
 */
export function noonInZone(date: string, zone: string): string {
  const day = dateOnly(date);
  if (day === undefined) throw new RangeError('not a calendar day');
  const noonMs = Date.parse(`${day}T12:00:00Z`);
  // The offset is first read at noon UTC, then at the instant found with it: right also when clocks change in between.
  const nearMs = noonMs - offsetMs(noonMs, zone);
  return new Date(noonMs - offsetMs(nearMs, zone)).toISOString();
}
