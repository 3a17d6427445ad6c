/** What "changed since" means to a vendor: whether it filters, by which date, in which zone, with its bound or without. */
import type { Inquiry, Sight } from '../inquiry.ts';
import type { SourceRecord } from '../pipe.ts';
import type { Ask, Notes } from './behaviour.ts';
import type { Sample } from './sample.ts';

interface FilterQuestion {
  readonly whole: Sight;
  readonly inquiry: Inquiry;
  readonly sample: Sample;
  readonly ask: Ask;
  readonly notes: Notes;
  readonly nowMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A bound before all data; some databases know no earlier date than 1753, so not 0. */
const LONG_AGO = '1990-01-01T00:00:00.000Z';

export async function measureFilter(asked: FilterQuestion): Promise<undefined> {
  const { inquiry, notes } = asked;
  if (!inquiry.canFilter) return notes.unknown('date filter', 'the profile names none (since)');
  if (!(await filtersAtAll(asked))) return;
  await pastBound(asked);
  await misspeltBound(asked);
  await boundItself(asked);
}

/** Nothing has changed since the day after tomorrow. */
async function filtersAtAll({ whole, sample, ask, notes, nowMs }: FilterQuestion): Promise<boolean> {
  const asOfMs = sample.asOf === null ? nowMs : Date.parse(sample.asOf);
  const since = new Date(asOfMs + 2 * DAY_MS).toISOString();
  const sight = await ask({ since });
  if (sight.kind !== 'page') {
    notes.unknown('date filter', `${sight.request}: ${sight.reason}`);
    return false;
  }
  const past = sight.records.filter(({ modifiedAt }) => modifiedAt < since).length;
  if (past === 0) {
    notes.fine(
      'date filter',
      'filters',
      `since ${since}: ${sight.records.length} records; without: ${whole.total ?? whole.records.length}`,
    );
    return true;
  }
  notes.drift('date filter', 'ignored', {
    kind: 'filter-ignored',
    message: 'the date filter does nothing: everything is listed, whatever the bound',
    evidence: `since ${since}, which lies ahead: ${sight.total ?? past} records; without a bound: ${whole.total ?? whole.records.length}`,
    fix: 'correct since.param in the ERP profile; if the vendor has no filter remove since: each run then reads everything',
  });
  return false;
}

async function pastBound({ whole, ask, notes }: FilterQuestion): Promise<undefined> {
  const sight = await ask({ since: LONG_AGO });
  if (sight.kind !== 'page' || sight.total === null || whole.total === null)
    return notes.unknown('bound long ago', sight.kind === 'page' ? 'no total to compare' : sight.reason);
  const said = `${sight.total} since 1990, ${whole.total} without a bound`;
  if (sight.total === whole.total) return notes.fine('bound long ago', 'everything', said);
  notes.drift('bound long ago', 'not everything', {
    kind: 'filter-other-date',
    message: 'records without a date of change are missing behind any bound',
    evidence: said,
    fix: 'run retail-sync sync --full regularly: changes of these records are seen by no run that asks for changes',
  });
}

async function misspeltBound({ ask, notes }: FilterQuestion): Promise<undefined> {
  const sight = await ask({ since: { literally: 'not-a-date' } });
  const question = 'bound that is no date';
  if (sight.kind === 'refused') return notes.fine(question, 'refused', 'a wrong date format cannot pass unnoticed');
  if (sight.kind !== 'page') return notes.unknown(question, sight.reason);
  const rows = sight.total ?? sight.records.length;
  if (rows === 0) return notes.fine(question, 'nothing', `${rows} records: a wrong date format would read nothing`);
  notes.drift(question, 'everything', {
    kind: 'filter-misspelt',
    message: 'a bound that is no date is not refused',
    evidence: `${sight.request}: ${rows} records`,
    fix: 'check since.format in the ERP profile against what the vendor documents: a wrong one passes unnoticed',
  });
}

/**
 * A record from the listing without a bound, so that it was not chosen by the filter it is to judge: the newest that
 * follows another one of the same day, which shows a bound that is rounded down; else the newest.
 */
function witnessOf({ records }: Sight, asOf: string | null): SourceRecord | null {
  const past = records
    .filter(({ modifiedAt }) => asOf === null || modifiedAt <= asOf)
    .toSorted((a, b) => (a.modifiedAt < b.modifiedAt ? 1 : -1));
  const follows = past.find(({ modifiedAt }, at) => {
    const before = past[at + 1]?.modifiedAt ?? '';
    return before.slice(0, 10) === modifiedAt.slice(0, 10) && Date.parse(modifiedAt) - Date.parse(before) > 2_000;
  });
  return follows ?? past[0] ?? null;
}

async function boundItself(asked: FilterQuestion): Promise<undefined> {
  const { whole, sample, ask, notes, inquiry } = asked;
  const question = 'bound itself';
  const witness = witnessOf(whole, sample.asOf);
  if (witness === null) return notes.unknown(question, 'no record to ask with');
  const atMs = Date.parse(witness.modifiedAt);
  const seenAt = async (ms: number): Promise<{ has: boolean; sight: Sight } | null> => {
    const sight = await ask({ since: new Date(ms).toISOString() });
    return sight.kind === 'page' ? { has: sight.records.some(({ id }) => id === witness.id), sight } : null;
  };
  const exact = await seenAt(atMs);
  if (exact === null) return notes.unknown(question, 'no answer at the bound');
  if (exact.has) return inclusive(exact.sight, atMs, asked);
  const justBefore = await seenAt(atMs - 1_000);
  if (justBefore?.has) return exclusive(witness, notes);
  const offsetMs = zoneLagMs(atMs, inquiry.zone);
  const lagging = offsetMs > 0 ? await seenAt(atMs - offsetMs - 1_000) : null;
  if (lagging?.has) return localTime(offsetMs, asked);
  const twoDays = await seenAt(atMs - 2 * DAY_MS);
  if (twoDays?.has) return shifted(notes);
  const anything = twoDays?.sight ?? exact.sight;
  otherDate(witness, anything, atMs - 2 * DAY_MS, notes);
}

function inclusive(sight: Sight, atMs: number, { notes }: FilterQuestion): undefined {
  const earliestMs = Math.min(...sight.records.map(({ modifiedAt }) => Date.parse(modifiedAt)));
  const earlyMs = atMs - earliestMs;
  const bound = new Date(atMs).toISOString();
  if (earlyMs < 1_000)
    return notes.fine('bound itself', 'included', `since ${bound}: the record of that instant comes, none older`);
  if (earlyMs > 2 * DAY_MS) return otherDate(null, sight, atMs, notes);
  notes.drift('bound itself', 'rounded down', {
    kind: 'filter-coarse',
    message:
      earlyMs > 60_000
        ? 'the filter knows days or hours only: it begins earlier than asked'
        : 'the filter rounds its bound down',
    evidence: `since ${bound}: records as old as ${new Date(earliestMs).toISOString()}, ${hours(earlyMs)} earlier`,
    fix: 'nothing is missed; set since.format: date in the ERP profile if the vendor documents days only',
  });
}

function exclusive({ modifiedAt }: SourceRecord, notes: Notes): undefined {
  notes.drift('bound itself', 'left out', {
    kind: 'filter-exclusive',
    message: '"since" means "after": a record changed at the bound itself is left out',
    evidence: `the record changed at ${modifiedAt} is missing since ${modifiedAt}, and there since a second before`,
    fix: 'set since.inclusive: false in the ERP profile',
  });
}

function localTime(offsetMs: number, { notes, inquiry }: FilterQuestion): undefined {
  notes.drift('zone of the bound', inquiry.zone, {
    kind: 'filter-zone',
    message: `the bound is read as ${inquiry.zone} time: the changes of the last ${hours(offsetMs)} before it are missed`,
    evidence: `a record is missing since its own instant in UTC, and there ${hours(offsetMs)} earlier, which is the zone's offset`,
    fix: `set since.zone: ${inquiry.zone} in the ERP profile`,
  });
}

function shifted(notes: Notes): undefined {
  notes.drift('zone of the bound', 'another one', {
    kind: 'filter-zone',
    message: 'the filter begins later than asked, by up to two days: its bound is read in another zone, or as a day',
    evidence: 'a record is missing since its own instant, and there since two days before',
    fix: 'set since.zone, or since.format: date with since.inclusive: false, in the ERP profile as the vendor documents it',
  });
}

/** Names the field that the filter seems to go by, where all that came agree on one and the witness does not. */
function otherDate(witness: SourceRecord | null, { records, total }: Sight, fromMs: number, notes: Notes): undefined {
  const candidates = records.length > 0 ? dateFields(records[0]?.raw) : [];
  const field = candidates.find((name) => {
    const fits = (raw: unknown): boolean => dateAt(raw, name) >= fromMs;
    return records.every(({ raw }) => fits(raw)) && (witness === null || !fits(witness.raw));
  });
  const which = field === undefined ? 'another date, such as that of creation' : `${field}`;
  const seen =
    witness === null
      ? `since ${new Date(fromMs).toISOString()} records come that changed more than two days before it`
      : `a record changed at ${witness.modifiedAt} is missing since two days before, where ${total ?? records.length} others come`;
  notes.drift('date filtered by', which, {
    kind: 'filter-other-date',
    message: `the filter goes by ${which}, not by the date of change: later changes are never seen`,
    evidence: seen,
    fix: 'correct since.param in the ERP profile; if the vendor filters by nothing better remove since: each run then reads everything',
    ...(field === undefined ? {} : { field }),
  });
}

const dateFields = (raw: unknown): string[] =>
  typeof raw === 'object' && raw !== null
    ? Object.entries(raw).flatMap(([name, value]) =>
        typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? [name] : [],
      )
    : [];

function dateAt(raw: unknown, name: string): number {
  const value = typeof raw === 'object' && raw !== null ? Object.getOwnPropertyDescriptor(raw, name)?.value : undefined;
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}

/** How far a zone's clocks are behind UTC at an instant. */
function zoneLagMs(atMs: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(
    atMs,
  );
  return Math.round((atMs - Date.parse(`${parts.replace(' ', 'T')}Z`)) / 60_000) * 60_000;
}

const hours = (ms: number): string =>
  ms < HOUR_MS ? `${Math.round(ms / 1000)} s` : `${Number((ms / HOUR_MS).toFixed(1))} h`;
