/** What may be taken back of a run: where HubSpot still has what the run wrote, and something is known from before. */
import type { ObjectType, Outcome, PropertySpec, Sink } from '../pipe.ts';
import { sameValue } from '../sinks/hubspot/same-value.ts';
import type { RunObject } from '../state/undo.ts';

interface Value {
  readonly name: string;
  readonly before: string;
  readonly written: string;
}

export interface Restorable {
  readonly of: RunObject;
  /** HubSpot has what the run wrote: these go back. */
  readonly restore: readonly Value[];
  /** HubSpot has the value from before already. */
  readonly already: readonly Value[];
  /** Somebody has changed these since: they stay. */
  readonly changedSince: readonly string[];
  readonly isGone: boolean;
}

export interface Survey {
  readonly restorable: readonly Restorable[];
  readonly created: readonly RunObject[];
  /** Written by the run, and nothing is known from before: adopted, or forgotten since. */
  readonly unknown: readonly RunObject[];
}

/** Objects read and written at once. */
const BATCH = 100;

/** `only`: names such as `deals.amount`; empty for all. */
export async function surveyRun(
  objects: readonly RunObject[],
  specs: readonly PropertySpec[],
  only: readonly string[],
  sink: Sink,
  signal: AbortSignal,
): Promise<Survey> {
  const ours = new Set(
    specs.filter(({ unique, owner }) => !unique && owner === 'source').map(({ object, name }) => `${object}.${name}`),
  );
  const isWanted = (object: string, name: string): boolean =>
    ours.has(`${object}.${name}`) && (only.length === 0 || only.includes(`${object}.${name}`));
  const updated = objects.filter(
    ({ wasCreated, before, written }) => !wasCreated && before !== null && written !== null,
  );
  const candidates = updated
    .map((of) => ({ of, values: valuesOf(of).filter(({ name }) => isWanted(of.object, name)) }))
    .filter(({ values }) => values.length > 0);
  const restorable: Restorable[] = [];
  for (const [object, group] of Map.groupBy(candidates, ({ of }) => of.object)) {
    const names = [...new Set(group.flatMap(({ values }) => values.map(({ name }) => name)))];
    const ids = group.map(({ of }) => of.hubspotId);
    const present = await sink.read(object, ids, names, signal);
    for (const { of, values } of group) restorable.push(judge(of, values, present.get(of.hubspotId)));
  }
  return {
    restorable,
    created: objects.filter(({ wasCreated }) => wasCreated),
    unknown: objects.filter(({ wasCreated, before, written }) => !wasCreated && (before === null || written === null)),
  };
}

/** Values that the run changed, and that are known from before. */
function valuesOf({ before, written }: RunObject): Value[] {
  const old: Record<string, string> = JSON.parse(before ?? '{}');
  const now: Record<string, string> = JSON.parse(written ?? '{}');
  return Object.entries(now).flatMap(([name, value]) => {
    const known = old[name];
    return known === undefined || known === value ? [] : [{ name, before: known, written: value }];
  });
}

function judge(
  of: RunObject,
  values: readonly Value[],
  present: Readonly<Record<string, string | null>> | undefined,
): Restorable {
  if (present === undefined) return { of, restore: [], already: [], changedSince: [], isGone: true };
  const isWritten = ({ name, written }: Value): boolean => sameValue(name, written, present[name]);
  const isBefore = ({ name, before }: Value): boolean => sameValue(name, before, present[name]);
  const restore = values.filter((value) => isWritten(value));
  const already = values.filter((value) => !isWritten(value) && isBefore(value));
  const changed = values.filter((value) => !isWritten(value) && !isBefore(value));
  return { of, restore, already, changedSince: changed.map(({ name }) => name), isGone: false };
}

interface Restored {
  readonly one: Restorable;
  readonly outcome: Outcome;
}

/** Sends the values from before; what HubSpot has already counts as sent. `settle` is called with each batch. */
export async function restoreAll(
  restorable: readonly Restorable[],
  sink: Sink,
  settle: (done: readonly Restorable[]) => void,
  signal: AbortSignal,
): Promise<Restored[]> {
  const results: Restored[] = [];
  for (const [object, group] of Map.groupBy(restorable, ({ of }) => of.object)) {
    for (let start = 0; start < group.length; start += BATCH) {
      const batch = group.slice(start, start + BATCH);
      const sent = await send(object, batch, sink, signal);
      settle(sent.filter(({ outcome }) => outcome.kind === 'written').map(({ one }) => one));
      results.push(...sent);
    }
  }
  return results;
}

async function send(
  object: ObjectType,
  batch: readonly Restorable[],
  sink: Sink,
  signal: AbortSignal,
): Promise<Restored[]> {
  const updates = batch
    .filter(({ restore }) => restore.length > 0)
    .map(({ of, restore }) => ({ id: of.hubspotId, properties: propertiesOf(restore) }));
  const outcomes = updates.length > 0 ? await sink.update(object, updates, signal) : new Map<string, Outcome>();
  return batch.map((one) => {
    const { hubspotId } = one.of;
    const there: Outcome = { kind: 'written', hubspotId, created: false, ambiguous: false };
    const unknown: Outcome = { kind: 'unknown', reason: 'HubSpot did not answer for it' };
    return { one, outcome: one.restore.length === 0 ? there : (outcomes.get(hubspotId) ?? unknown) };
  });
}

/** What became of an undo. */
export interface Undone {
  readonly id: string;
  readonly restored: number;
  readonly values: number;
  readonly failed: readonly { readonly of: RunObject; readonly reason: string }[];
  readonly toArchive: number;
  readonly archived: number;
}

export const propertiesOf = (values: readonly Value[]): Record<string, string> =>
  Object.fromEntries(values.map(({ name, before }) => [name, before]));
