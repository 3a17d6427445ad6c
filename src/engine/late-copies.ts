/** What earlier sends of an object may still do: an attempt that nobody heard of may land until its quarantine is over. */
import type { KnownObject, Late } from '../state/objects.ts';

/** What may still land when this object is sent now. */
export function lateOf(known: KnownObject, nowMs: number, quarantineMs: number): Late {
  const late =
    known.late !== null && known.lateUntilMs !== null ? { print: known.late, untilMs: known.lateUntilMs } : null;
  const intent =
    known.intent !== null && known.intentAtMs !== null
      ? { print: known.intent, untilMs: known.intentAtMs + quarantineMs }
      : null;
  return mergeLate(stillOpen(late, nowMs), stillOpen(intent, nowMs));
}

const stillOpen = (late: Late, nowMs: number): Late => (late !== null && late.untilMs > nowMs ? late : null);

/** Either may land. '*' stands for several different contents: it equals none. */
export function mergeLate(a: Late, b: Late): Late {
  if (a === null || b === null) return a ?? b;
  return { print: a.print === b.print ? a.print : '*', untilMs: Math.max(a.untilMs, b.untilMs) };
}
