/** Dates of a shop: business hours, three years back, nothing newer than two days before the world's present. */

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const HISTORY_DAYS = 1_095;
/** 7:00 in Chicago in winter, as UTC. */
const OPENS_MS = 13 * HOUR_MS;
const OPEN_FOR_MS = 10 * HOUR_MS;

/** The last instant at which something in the world may have changed. */
export const newestMs = (asOfMs: number): number => asOfMs - 2 * DAY_MS;

export const oldestMs = (asOfMs: number): number => newestMs(asOfMs) - HISTORY_DAYS * DAY_MS;

const dayStart = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;

/** An instant in business hours: `age` 0 is the newest day, 1 the oldest; `hour` from 0 to 1 is within the day. */
export function businessInstant(asOfMs: number, age: number, hour: number): number {
  const day = dayStart(newestMs(asOfMs)) - DAY_MS - Math.floor(age * (HISTORY_DAYS - 3)) * DAY_MS;
  return day + OPENS_MS + Math.floor(hour * OPEN_FOR_MS);
}

/** The same day, at an hour that the night job runs (2:00 in Chicago in winter). */
export const nightJob = (ms: number): number => dayStart(ms) + 8 * HOUR_MS;

/**
 * What a bulk job of the ERP commits at once unless said. Assumed, so that the price file of one night is one commit at an
 * ordinary distributor (1,300 of 30,214 items, so up to 116,000 of them); a change of more rows than this is several.
 */
export const COMMIT_ROWS = 5_000;
/** Assumed: a job computes, checks and writes each row. */
const JOB_ROWS_PER_SECOND = 100;

/** When the nth row of a job was written, after its first commit: all rows of a commit carry the instant of that commit. */
export const afterFirstCommitMs = (nth: number, commitRows: number): number =>
  Math.floor(nth / commitRows) * Math.round((commitRows / JOB_ROWS_PER_SECOND) * 1_000);

/** The calendar day of an instant that lies in business hours: the same in UTC and in Chicago. */
export const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const instantOf = (ms: number): string => new Date(ms).toISOString();
