/** Objects that people made before the tool came: found by e-mail or by domain and name, and given our key. */
import type { Adoption, ObjectType, Sink, Write } from '../../pipe.ts';
import { updateById } from './batch-write.ts';
import { findCompanies } from './company-matches.ts';
import { findContacts } from './contact-matches.ts';
import { isConflict } from './email-conflict.ts';
import type { Transport } from './transport.ts';

/** An object of the portal that is what a write would create. `key` is our key property's value; null without one. */
interface Candidate {
  readonly hubspotId: string;
  readonly key: string | null;
}

/** `unclear`: there are candidates, but not which. All words are free of people's data. */
export type Match =
  | { readonly write: Write; readonly unclear: string }
  | {
      readonly write: Write;
      readonly candidates: readonly Candidate[];
      /** What is wrong when the only candidate carries another key, and when there are several. */
      readonly words: { readonly other: string; readonly several: string };
    };

type Find = (transport: Transport, writes: readonly Write[], signal: AbortSignal) => Promise<readonly Match[]>;

const FINDERS: Readonly<Partial<Record<ObjectType, Find>>> = { contacts: findContacts, companies: findCompanies };

type Adoptions = Map<string, Adoption>;
type Adopt = NonNullable<Sink['adopt']>;

const ambiguous = (reason: string): Adoption => ({ kind: 'ambiguous', reason });

/**
 * See `Sink.adopt`. Throws TransientError when a read failed; nothing is stamped then. A stamp without a readable answer
 * is `ambiguous`, because creating beside it would make a second object.
 */
export const adopter = (transport: Transport, traceIds: () => string): Adopt =>
  adoptWith(transport, (first, matches, claims, signal) => stamp(transport, first, matches, claims, traceIds, signal));

/** Says what `adopter` would adopt, and stamps nothing. */
export const adoptionFinder = (transport: Transport): Adopt =>
  adoptWith(transport, async (_first, matches) => {
    const found = [...matches].map(([hubspotId, key]) => [key, { kind: 'adopted', hubspotId } as const] as const);
    return new Map<string, Adoption>(found);
  });

type Take = (
  first: Write,
  matches: ReadonlyMap<string, string>,
  claims: Map<string, string>,
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, Adoption>>;

function adoptWith(transport: Transport, take: Take): Adopt {
  /** Who gets an object, by its id: batches run side by side, and both may have read it before either stamped it. */
  const claims = new Map<string, string>();
  return async (writes, signal, onFound = () => undefined) => {
    const adoptions: Adoptions = new Map();
    const creating = writes.filter((write) => write.hubspotId === null);
    for (const group of Map.groupBy(creating, (write) => `${write.object} ${write.keyProperty}`).values()) {
      const [first] = group;
      const find = first && FINDERS[first.object];
      if (!first || !find) continue;
      const matches = chosen(await find(transport, group, signal), adoptions, claims);
      if (matches.size > 0) onFound([...matches.values()]);
      for (const [key, adoption] of await take(first, matches, claims, signal)) adoptions.set(key, adoption);
    }
    return adoptions;
  };
}

/** Keys by the id of the object that each may have; everybody else is put into `adoptions`, or left out. */
function chosen(
  matches: readonly Match[],
  adoptions: Adoptions,
  claims: Map<string, string>,
): ReadonlyMap<string, string> {
  const wanted = new Map<string, Write[]>();
  for (const match of matches) {
    const { write } = match;
    const verdict = judge(match);
    if (typeof verdict === 'string') adoptions.set(write.key, ambiguous(verdict));
    else if (verdict) wanted.set(verdict.hubspotId, [...(wanted.get(verdict.hubspotId) ?? []), write]);
  }
  const taken = new Map<string, string>();
  for (const [id, writes] of wanted) {
    const [first] = writes;
    if (!first) continue;
    const holder = claims.get(claimOf(first, id)) ?? first.key;
    if (writes.length === 1 && holder === first.key) {
      claims.set(claimOf(first, id), first.key);
      taken.set(id, first.key);
    } else for (const { key } of writes) adoptions.set(key, ambiguous(contested(id)));
  }
  return taken;
}

/** The one object that may be taken, a sentence on why none may, or null when there is nothing to take. */
function judge(match: Match): Candidate | string | null {
  if ('unclear' in match) return match.unclear;
  const { write, candidates, words } = match;
  const [only, ...more] = candidates;
  if (!only || candidates.some((candidate) => candidate.key === write.key)) return null; // the upsert finds its key
  if (more.length > 0) return words.several;
  return only.key === null ? only : words.other;
}

const claimOf = (write: Pick<Write, 'object'>, id: string): string => `${write.object} ${id}`;

const contested = (id: string): string =>
  `several ERP records match HubSpot object ${id}: put the ERP id of the right one into it`;

async function stamp(
  transport: Transport,
  { object, keyProperty }: Write,
  keys: ReadonlyMap<string, string>,
  claims: Map<string, string>,
  traceIds: () => string,
  signal: AbortSignal,
): Promise<Adoptions> {
  const adoptions: Adoptions = new Map();
  const updates = [...keys].map(([id, key]) => ({ id, properties: { [keyProperty]: key } }));
  const outcomes = await updateById(transport, object, updates, traceIds, signal);
  for (const [id, key] of keys) {
    const outcome = outcomes.get(id);
    if (outcome?.kind === 'written') {
      adoptions.set(key, { kind: 'adopted', hubspotId: id });
      continue;
    }
    claims.delete(claimOf({ object }, id));
    // Another object has the key already: the upsert finds that one.
    if (outcome?.kind === 'refused' && isConflict(outcome)) continue;
    adoptions.set(
      key,
      ambiguous(`HubSpot object ${id} could not be given the ERP id: ${outcome?.reason ?? 'no answer'}`),
    );
  }
  return adoptions;
}
