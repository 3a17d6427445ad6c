/** Which stretches of time a read asks for. */
import type { Since } from '../../pipe.ts';

export interface Window {
  readonly field: 'created_at' | 'updated_at';
  /** Epoch ms; Square counts both ends in. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface WindowOptions {
  /** Where a read of everything starts, epoch ms. */
  readonly backfillFromMs: number;
  readonly overlapMs: number;
  readonly windowDays: number;
  /** Days before the end that are read again by creation, for sales a till uploads late. 0: none. */
  readonly repairDays: number;
}

const DAY_MS = 86_400_000;

/**
 * Everything: by creation, which never moves, so that no order slips from one window to another. Changes: one window
 * by `updated_at`, begun a little early because Square rounds and delays those stamps, then the repair.
 */
export function windowsOf(since: Since, endMs: number, options: WindowOptions): Window[] {
  if (since.kind === 'everything') return byCreation(options.backfillFromMs, endMs, options.windowDays);
  const startMs = Math.min(Date.parse(since.from) - options.overlapMs, endMs);
  const repair =
    options.repairDays > 0 ? byCreation(endMs - options.repairDays * DAY_MS, endMs, options.windowDays) : [];
  return [{ field: 'updated_at', startMs, endMs }, ...repair];
}

/** Neighbours share their boundary: an instant between two milliseconds must not fall between two windows. */
function byCreation(fromMs: number, endMs: number, days: number): Window[] {
  const windows: Window[] = [];
  const stepMs = days * DAY_MS;
  for (let startMs = Math.min(fromMs, endMs); startMs < endMs || windows.length === 0; startMs += stepMs) {
    windows.push({ field: 'created_at', startMs, endMs: Math.min(startMs + stepMs, endMs) });
  }
  return windows;
}

/** Twelve months before, by the calendar. */
export function yearBefore(ms: number): number {
  const date = new Date(ms);
  date.setUTCFullYear(date.getUTCFullYear() - 1);
  return date.getTime();
}
