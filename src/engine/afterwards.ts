/** What follows the upserts of a run: create-only properties that are owed, and links. */
import { hash } from 'node:crypto';
import pLimit from 'p-limit';
import type { LinkOutcome, ObjectType, Outcome, Sink } from '../pipe.ts';
import { nameOfLink, type OpenLink } from '../state/links.ts';
import type { Owing } from '../state/owed-properties.ts';
import type { StreamState } from '../state/stream.ts';

export interface LinkCounts {
  made: number;
  removed: number;
  refused: number;
  /** Wanted by this pipe; the other end is not in HubSpot yet. */
  pending: number;
  /** HubSpot did not say whether they were made or removed: the next run tries again. */
  unknown: number;
}

/** Links handled in one request, and debts read in one go: bounds memory. */
const CHUNK = 1_000;

/**
 * Sends create-only properties of objects this tool created, where people have not filled them in meanwhile. They stay
 * owed until HubSpot has acknowledged them. Returns how many objects are still owed something.
 */
export async function payOwed(state: StreamState, sink: Sink, signal: AbortSignal): Promise<number> {
  for (;;) {
    const owing = state.owed.waiting(CHUNK);
    const parts = [...Map.groupBy(owing, (debt) => debt.object)].flatMap(([object, debts]) =>
      chunksOf(debts, sink.batchSize).map((part) => ({ object, part })),
    );
    const paid = await allEnded(parts, sink.concurrency, ({ object, part }) =>
      payObject(object, part, state, sink, signal),
    );
    if (paid.every((count) => count === 0)) return owing.length; // bounded: every round pays at least one, or is the last
  }
}

async function payObject(
  object: ObjectType,
  debts: readonly Owing[],
  state: StreamState,
  sink: Sink,
  signal: AbortSignal,
): Promise<number> {
  const names = [...new Set(debts.flatMap((debt) => Object.keys(debt.properties)))];
  const ids = debts.map((debt) => debt.hubspotId);
  const present = await sink.read(object, ids, names, signal);
  const updates = debts.flatMap(({ hubspotId, properties }) => {
    const held = present.get(hubspotId);
    const empty = Object.entries(properties).filter(([name]) => !held?.[name]);
    return held === undefined || empty.length === 0 ? [] : [{ id: hubspotId, properties: Object.fromEntries(empty) }];
  });
  const outcomes = updates.length > 0 ? await sink.update(object, updates, signal) : new Map<string, Outcome>();
  return state.transaction(() => {
    let paid = 0;
    for (const { key, hubspotId } of debts) {
      const outcome = outcomes.get(hubspotId);
      if (outcome?.kind === 'unknown' || isConflict(outcome)) continue; // stays owed: the next run tries again
      if (outcome?.kind === 'refused') state.letters.journal('create-only refused', `${object} ${key}`, outcome.reason);
      state.owed.paid(object, key);
      paid++;
    }
    return paid;
  });
}

/** Two requests met at one object: that says nothing about the value. */
const isConflict = (outcome: Outcome | undefined): boolean =>
  outcome?.kind === 'refused' && /CONFLICT|409/.test(outcome.category);

/** Makes the links whose both ends are in HubSpot, whichever pipe wanted them, and removes those no longer wanted. */
export async function settleLinks(
  state: StreamState,
  sink: Sink,
  onDeadLetter: (added: boolean) => void,
  signal: AbortSignal,
): Promise<LinkCounts> {
  const counts: LinkCounts = { made: 0, removed: 0, refused: 0, pending: 0, unknown: 0 };
  // Old links first: a contact has one primary company, and the new one must be the last to be set.
  await removeUnwanted(state, sink, signal, counts);
  const tried = new Set(state.letters.restingLinks());
  for (;;) {
    const links = [...state.links.ready(CHUNK + tried.size), ...byOtherProperty(state)].filter(
      (link) => !tried.has(nameOfLink(link)),
    );
    if (links.length === 0) break; // bounded: every link is tried once at most
    for (const link of links) tried.add(nameOfLink(link));
    await allEnded(chunksOf(links, CHUNK), sink.concurrency, (part) =>
      make(part, state, sink, onDeadLetter, signal, counts),
    );
  }
  state.links.dropIfThere();
  counts.pending = state.links.pendingCount();
  return counts;
}

async function make(
  links: readonly OpenLink[],
  state: StreamState,
  sink: Sink,
  onDeadLetter: (added: boolean) => void,
  signal: AbortSignal,
  counts: LinkCounts,
): Promise<void> {
  state.transaction(() => {
    for (const link of links) state.links.intend(link);
  });
  const outcomes = await sink.link(links.map(ends), signal);
  state.transaction(() => {
    for (const [index, link] of links.entries()) {
      const outcome: LinkOutcome = outcomes[index] ?? { kind: 'unknown', reason: 'no outcome' };
      if (outcome.kind === 'done') {
        state.links.made(link);
        state.letters.resolveLink(nameOfLink(link));
        counts.made++;
      } else if (outcome.kind === 'refused') {
        const { reason } = outcome;
        state.links.refused(link);
        const letter = {
          subject: nameOfLink(link),
          entity: nameOfLink(link),
          stage: 'link',
          category: 'link',
          reason,
          raw: null,
          // The other end may have been archived, or locked: nothing that the source could tell.
          isPassing: true,
        } as const;
        onDeadLetter(state.letters.open(letter));
        counts.refused++;
      } else counts.unknown++;
    }
  });
}

async function removeUnwanted(state: StreamState, sink: Sink, signal: AbortSignal, counts: LinkCounts): Promise<void> {
  for (;;) {
    const links = state.links.unwanted(CHUNK);
    const alone = links.filter((link) => !state.links.isShared(link));
    const outcomes = alone.length > 0 ? await sink.unlink(alone.map(ends), signal) : [];
    const gone = new Set(alone.filter((_, index) => outcomes[index]?.kind === 'done'));
    const settled = links.filter((link) => gone.has(link) || !alone.includes(link));
    state.transaction(() => {
      for (const link of settled) state.links.removed(link);
    });
    counts.removed += gone.size;
    if (settled.length === 0) {
      counts.unknown += links.length;
      return;
    } // bounded: every round settles at least one, or is the last
  }
}

/** Links to targets named by an account number or the digest of an e-mail: found in what was last written there. */
function byOtherProperty(state: StreamState): OpenLink[] {
  const open = state.links.byProperty(100_000); // a year of orders is 900; a look-up index of companies is small too
  return [...Map.groupBy(open, (link) => `${link.toObject}\n${link.byProperty}`).values()].flatMap((links) => {
    const [first] = links;
    if (first === undefined) return [];
    const targets = indexOf(state, first.toObject, first.byProperty);
    return links.flatMap((link) => {
      const toId = targets.get(link.value);
      return typeof toId === 'string' ? [{ ...link, toId }] : [];
    });
  });
}

const SHA256 = '-sha256';

/** Ids by a property's value; null where several objects hold it: then no one can tell which is meant. */
function indexOf(state: StreamState, object: ObjectType, by: string): Map<string, string | null> {
  const hashed = by.endsWith(SHA256);
  const property = hashed ? by.slice(0, -SHA256.length) : by;
  const index = new Map<string, string | null>();
  for (const { hubspotId, properties } of state.links.targets(object)) {
    const value = properties[property];
    if (!value) continue;
    const key = hashed ? hash('sha256', value.trim().toLowerCase(), 'hex') : value;
    index.set(key, index.has(key) && index.get(key) !== hubspotId ? null : hubspotId);
  }
  return index;
}

/**
 * The results of all parts, at most `concurrency` at a time. After a failure no further part begins, and it is thrown when
 * those under way have ended: none of them may write when the run is over and its lock free.
 */
async function allEnded<Part, Result>(
  parts: readonly Part[],
  concurrency: number,
  work: (part: Part) => Promise<Result>,
): Promise<Result[]> {
  const limit = pLimit(concurrency);
  const results: Result[] = [];
  const failures: unknown[] = [];
  const one = async (part: Part): Promise<void> => {
    if (failures.length > 0) return;
    try {
      results.push(await work(part));
    } catch (reason) {
      failures.push(reason);
    }
  };
  await Promise.all(parts.map((part) => limit(() => one(part))));
  if (failures.length > 0) throw failures[0];
  return results;
}

const chunksOf = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

const ends = (link: OpenLink) => ({
  from: { object: link.fromObject, hubspotId: link.fromId },
  to: { object: link.toObject, hubspotId: link.toId },
  label: link.label,
});
