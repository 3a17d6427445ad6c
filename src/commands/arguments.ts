/** What the command line understands as a number, a moment and a length of time. */
import { InvalidArgumentError } from 'commander';

const HOUR_MS = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS };
/** Longer than any retention or rewind that makes sense. */
const DURATION_MS_MAX = 10 * 365 * 24 * HOUR_MS;

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('Give a whole number.');
  return value;
}

/** A day or an instant as ISO 8601 in UTC with milliseconds; a day means its beginning in UTC. */
export function instant(text: string): string {
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = isDate ? new Date(text) : null;
  if (time === null || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('Give a day (2026-11-01) or an instant with its zone (2026-11-01T06:00:00-06:00).');
  }
  return time.toISOString();
}

/** Days or hours, such as `3d` or `12h`, in milliseconds. */
export function span(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)([dh])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  if (count === '' || ms > DURATION_MS_MAX) throw new InvalidArgumentError('Give days or hours, such as 3d or 12h.');
  return ms;
}

/** The number of a dead letter; collects several. */
export const letterIds = (text: string, before: readonly number[] = []): readonly number[] => [
  ...before,
  wholeNumber(text),
];

/** A whole number within limits. */
export const countOf =
  (min: number, max: number) =>
  (text: string): number => {
    const value = wholeNumber(text);
    if (value < min || value > max) throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    return value;
  };
