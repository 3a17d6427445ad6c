/** How "changed at or after" is said to a vendor, and what the vendor will make of it. */
import { localToUtc, utcToLocal } from './dates.ts';
import type { SinceFilter } from './profile-schema.ts';

/** A lower bound as the vendor reads it: `fromMs` is never later than the instant that was asked for. */
export interface Bound {
  readonly text: string;
  readonly fromMs: number;
}

/** No lower bound: everything. */
export const NO_BOUND = { text: null, fromMs: Number.NEGATIVE_INFINITY } as const;

export type BoundMaker = (instantMs: number) => Bound;

/** Bounds at the filter's own granularity, rounded down; one unit earlier where the vendor excludes the bound. */
export function boundMaker(filter: SinceFilter, sourceZone: string): BoundMaker {
  const { format, inclusive } = filter;
  const isLocal = format === 'date' || isPattern(format); // neither can carry an offset
  const zone = filter.zone ?? (isLocal ? sourceZone : 'UTC');
  const unitMs = unitMsOf(format);
  return (instantMs) => {
    const asked = inclusive ? instantMs : instantMs - unitMs;
    const floored = Math.floor(utcToLocal(asked, zone) / unitMs) * unitMs;
    const fromMs = localToUtc(floored, zone);
    return {
      fromMs,
      // Most are compared and never sent.
      get text() {
        return written(format, fromMs, floored, filter.zone !== undefined);
      },
    };
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ...{ iso: 1, 'epoch-ms': 1, 'iso-seconds': 1000, 'epoch-s': 1000 },
  date: 86_400_000,
};

const isPattern = (format: string): boolean => UNITS_MS[format] === undefined;

/** What a pattern leaves out is rounded down. */
function unitMsOf(format: string): number {
  const known = UNITS_MS[format];
  if (known !== undefined) return known;
  if (format.includes('ss')) return 1000;
  if (format.includes('mm')) return 60_000;
  return format.includes('HH') ? 3_600_000 : 86_400_000;
}

function patterned(format: string, local: string): string {
  const [YYYY = '', MM = '', DD = '', HH = '', mm = '', ss = ''] = local.split(/[-T:.]/);
  const parts: Readonly<Record<string, string>> = { YYYY, MM, DD, HH, mm, ss };
  return format.replace(/YYYY|MM|DD|HH|mm|ss/g, (token) => parts[token] ?? token);
}

function written(format: string, fromMs: number, localMs: number, isLocal: boolean): string {
  const local = new Date(localMs).toISOString();
  if (format === 'epoch-ms') return String(fromMs);
  if (format === 'epoch-s') return String(Math.floor(fromMs / 1000));
  if (format === 'date') return local.slice(0, 10);
  if (isPattern(format)) return patterned(format, local);
  const text = format === 'iso' ? local.slice(0, 23) : local.slice(0, 19);
  return isLocal ? text : `${text}Z`;
}
