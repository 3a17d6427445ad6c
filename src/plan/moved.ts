/** What is no longer as a plan says: the source makes something else of a record, or HubSpot has other values. */
import { canonicalJson } from '../fingerprint.ts';
import { entryName, type PlanEntry } from './document.ts';

export interface Moved {
  readonly record: string;
  readonly what: string;
}

export function movedSince(planned: readonly PlanEntry[], now: readonly PlanEntry[]): Moved[] {
  const present = new Map(now.map((entry) => [entryName(entry), entry]));
  const names = new Set(planned.map(entryName));
  const gone = planned.flatMap((entry) => {
    const what = difference(entry, present.get(entryName(entry)));
    return what === null ? [] : [{ record: entryName(entry), what }];
  });
  const added = now
    .filter((entry) => !names.has(entryName(entry)))
    .map((entry) => ({ record: entryName(entry), what: 'changed at the source, and is not in the plan' }));
  return [...gone, ...added];
}

function difference(planned: PlanEntry, now: PlanEntry | undefined): string | null {
  if (now === undefined) return 'the source or the state says now what HubSpot was told: nothing to send';
  if (canonicalJson(planned.after) !== canonicalJson(now.after)) return 'changed at the source';
  if (planned.action !== now.action) return `was to ${planned.action}, would now ${now.action}`;
  if (planned.hubspotId !== now.hubspotId) return 'is another object in HubSpot';
  const other = Object.keys(planned.before).filter((name) => planned.before[name] !== now.before[name]);
  return other.length > 0 ? `changed in HubSpot: ${other.join(', ')}` : null;
}
