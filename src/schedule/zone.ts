/** Local time as a schedule means it: an hour of a date in a zone, on the two odd days of the year too. */
import { localIso } from '../sources/erp/dates.ts';

/** Whose clock the hours are on, unless the schedule says otherwise. */
export const SCHEDULE_ZONE = 'America/Chicago';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** The date that a clock in the zone shows: YYYY-MM-DD. */
export const dateIn = (zone: string, atMs: number): string => localIso(atMs, zone).slice(0, 10);

/** `2026-11-27 06:00`, as a clock in the zone shows it. */
export const minuteIn = (zone: string, atMs: number): string => localIso(atMs, zone).slice(0, 16).replace('T', ' ');

/** So many days after a date; none of a date's 23, 24 or 25 hours matters here. */
export const daysAfter = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** 0 is Sunday. */
export const weekdayOf = (date: string): number => new Date(`${date}T00:00:00Z`).getUTCDay();

/**
 * The instant of a local time (`HH:MM`): the first instant at which a clock in the zone shows that time or a later one.
 * So a time that the spring change skips is the first instant after the gap, and of one that the autumn change doubles
 * the first counts.
 */
export function instantIn(zone: string, date: string, time: string): number {
  const wantedMs = Date.parse(`${date}T${time}:00Z`);
  const shownAt = (utcMs: number): number => Date.parse(`${localIso(utcMs, zone)}Z`);
  // The offset a day before and a day after: between them lies at most one change.
  const candidates = [-DAY_MS, DAY_MS]
    .map((away) => wantedMs - (shownAt(wantedMs + away) - wantedMs - away))
    .filter((utcMs) => shownAt(utcMs) === wantedMs);
  if (candidates.length > 0) return Math.min(...candidates);
  let before = wantedMs - DAY_MS;
  let after = wantedMs + DAY_MS;
  while (after - before > SECOND_MS) {
    // bounded: halves two days down to a second
    const middle = before + Math.floor((after - before) / 2 / SECOND_MS) * SECOND_MS;
    if (shownAt(middle) >= wantedMs) after = middle;
    else before = middle;
  }
  return after;
}
