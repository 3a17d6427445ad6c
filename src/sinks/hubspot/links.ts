/** Links between records, made and removed in batches. Repeats are harmless: an association is there or it is not. */
import { TransientError } from '../../errors.ts';
import type { LinkOutcome, LinkWrite } from '../../pipe.ts';
import { sendPairs } from './link-batch.ts';
import { type FoundType, readLinks } from './link-reads.ts';
import { pairKey } from './link-replies.ts';
import { type AssociationType, type Pair, type Route, removalOf, routeOf } from './link-types.ts';
import type { Transport } from './transport.ts';

/** One outcome per link, in the order given. Throws FatalError as `Transport.call` does. */
export async function makeLinks(
  transport: Transport,
  links: readonly LinkWrite[],
  signal: AbortSignal,
): Promise<readonly LinkOutcome[]> {
  return await eachRoute(links, (route, pairs) =>
    route.type === null
      ? sendPairs({ transport, route, action: 'associate/default', removes: false, input: ends }, pairs, signal)
      : makeLabelled(transport, route, route.type, pairs, signal),
  );
}

/** The same for removals. An object that is gone counts as unlinked. */
export async function removeLinks(
  transport: Transport,
  links: readonly LinkWrite[],
  signal: AbortSignal,
): Promise<readonly LinkOutcome[]> {
  return await eachRoute(links, (route, pairs) => {
    const action = removalOf(route);
    const { type } = route;
    const input =
      action === 'labels/archive'
        ? (pair: Pair) => ({ ...ends(pair), types: [type] })
        : ({ fromId, toId }: Pair) => ({ from: { id: fromId }, to: [{ id: toId }] });
    return sendPairs({ transport, route, action, removes: true, input }, pairs, signal);
  });
}

const ends = ({ fromId, toId }: Pair) => ({ from: { id: fromId }, to: { id: toId } });

/**
 * A labelled create replaces all labels of a pair by those it names. So the labels are read first: a pair that has ours
 * is left alone, and people's labels are sent along with ours. One read per 1,000 records.
 */
async function makeLabelled(
  transport: Transport,
  route: Route,
  type: AssociationType,
  pairs: readonly Pair[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LinkOutcome>> {
  const outcomes = new Map<string, LinkOutcome>();
  const labels = new Map<string, readonly AssociationType[]>();
  try {
    const fromIds = pairs.map((pair) => pair.fromId);
    const found = await readLinks(transport, route.from, route.to, fromIds, signal);
    for (const pair of pairs) {
      const there = found.get(pair.fromId)?.get(pair.toId) ?? [];
      if (there.some((known) => sameType(known, type))) outcomes.set(pairKey(pair), { kind: 'done' });
      else labels.set(pairKey(pair), [type, ...there.filter(isLabel).map(bare)]);
    }
  } catch (thrown) {
    if (!(thrown instanceof TransientError)) throw thrown;
    return new Map(pairs.map((pair) => [pairKey(pair), { kind: 'unknown', reason: thrown.message }]));
  }
  const input = (pair: Pair) => ({ ...ends(pair), types: labels.get(pairKey(pair)) ?? [type] });
  const job = { transport, route, action: 'create', removes: false, input } as const;
  const missing = pairs.filter((pair) => labels.has(pairKey(pair)));
  for (const [key, outcome] of await sendPairs(job, missing, signal)) outcomes.set(key, outcome);
  return outcomes;
}

const sameType = (a: AssociationType, b: AssociationType): boolean =>
  a.associationTypeId === b.associationTypeId && a.associationCategory === b.associationCategory;

/** The unlabelled type comes with any label and need not be sent. */
const isLabel = (type: FoundType): boolean => type.label !== null || type.associationCategory !== 'HUBSPOT_DEFINED';

const bare = ({ associationCategory, associationTypeId }: FoundType): AssociationType => ({
  associationCategory,
  associationTypeId,
});

/** One group per pair of object types and label; a link that is given twice is sent once. */
async function eachRoute(
  links: readonly LinkWrite[],
  run: (route: Route, pairs: readonly Pair[]) => Promise<ReadonlyMap<string, LinkOutcome>>,
): Promise<readonly LinkOutcome[]> {
  const groups = Map.groupBy(links, ({ from, to, label }) => `${from.object} ${to.object} ${label}`);
  const byLink = new Map<LinkWrite, LinkOutcome>();
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const pairs = new Map(group.map((link) => [pairKey(pairOf(link)), pairOf(link)]));
    const outcomes = await run(routeOf(first), [...pairs.values()]);
    for (const link of group) byLink.set(link, outcomes.get(pairKey(pairOf(link))) ?? NO_OUTCOME);
  }
  return links.map((link) => byLink.get(link) ?? NO_OUTCOME);
}

const pairOf = ({ from, to }: LinkWrite): Pair => ({ fromId: from.hubspotId, toId: to.hubspotId });

const NO_OUTCOME: LinkOutcome = { kind: 'unknown', reason: 'HubSpot did not speak of this link' };
