/**
 * One association batch after another until each pair has its outcome. HubSpot accepts a batch in parts (200 or 207
 * with `errors`) or refuses it as a whole; what an answer does not name is looked up or isolated by halving.
 */
import { TransientError } from '../../errors.ts';
import type { LinkOutcome } from '../../pipe.ts';
import { isSuccess, refused } from './ask.ts';
import { readLinks } from './link-reads.ts';
import { blamed, pairKey, readLinkReply } from './link-replies.ts';
import type { Pair, Route } from './link-types.ts';
import type { AssociationAction } from './paths.ts';
import { refusalOf } from './reasons.ts';
import { type ErrorReply, readError } from './replies.ts';
import type { Answer, Call, Transport } from './transport.ts';

/** 2,000 are documented for the labelled create only; nothing is said of the other batches. */
const PAIRS_MAX = 1_000;
/** Requests that one job may cost; what is not isolated by then is asked again by the next run. */
const REQUESTS_MAX = 100;

export interface LinkJob {
  readonly transport: Transport;
  readonly route: Route;
  readonly action: AssociationAction;
  readonly removes: boolean;
  readonly input: (pair: Pair) => unknown;
}

type Outcomes = Map<string, LinkOutcome>;
type Answered = Extract<Answer, { kind: 'answered' }>;

const DONE: LinkOutcome = { kind: 'done' };
const unknown = (reason: string): LinkOutcome => ({ kind: 'unknown', reason });

/** Outcomes by `pairKey`; pairs must be distinct. */
export async function sendPairs(job: LinkJob, pairs: readonly Pair[], signal: AbortSignal): Promise<Outcomes> {
  const requests = { left: REQUESTS_MAX };
  const outcomes: Outcomes = new Map();
  for (let start = 0; start < pairs.length; start += PAIRS_MAX) {
    merge(outcomes, await send(job, pairs.slice(start, start + PAIRS_MAX), requests, signal));
  }
  return outcomes;
}

interface Requests {
  left: number;
}

async function send(job: LinkJob, pairs: readonly Pair[], requests: Requests, signal: AbortSignal): Promise<Outcomes> {
  if (pairs.length === 0) return new Map();
  if (requests.left === 0) return all(pairs, unknown('too many of these links were refused to find out which'));
  requests.left -= 1;
  const call = callOf(job, pairs);
  const answer = await job.transport.call(call, signal);
  if (answer.kind === 'unknown') return all(pairs, unknown(answer.reason));
  if (isSuccess(answer.status)) return await settle(job, pairs, answer, requests, signal);
  return await refuse(job, pairs, call, answer, requests, signal);
}

const callOf = ({ transport, route, action, removes, input }: LinkJob, pairs: readonly Pair[]): Call => ({
  method: 'POST',
  path: transport.paths.associations(route.from, route.to, action),
  body: { inputs: pairs.map(input) },
  budget: 'associations',
  operation: `${route.from}-${route.to} ${removes ? 'unlink' : 'link'}`,
  kind: 'write',
});

async function settle(
  job: LinkJob,
  pairs: readonly Pair[],
  { status, body }: Answered,
  requests: Requests,
  signal: AbortSignal,
): Promise<Outcomes> {
  const reply = readLinkReply(body);
  const made = new Set(reply.pairs.map(pairKey));
  const { outcomes, strays, namedErrors } = judgeNamed(job, pairs, status, reply.errors);
  for (const pair of pairs) if (made.has(pairKey(pair))) outcomes.set(pairKey(pair), DONE);
  const open = pairs.filter((pair) => !outcomes.has(pairKey(pair)));
  const allNamed = reply.numErrors <= namedErrors;
  if (open.length === 0) return outcomes;
  // A removal is answered without a body, or with one that lists nothing.
  if (job.removes && allNamed) return merge(outcomes, all(open, DONE));
  const unproven = job.removes ? open : await withoutLinked(job, open, outcomes, signal);
  if (allNamed)
    return merge(outcomes, all(unproven, unknown('HubSpot did not speak of this link, and does not show it')));
  return merge(outcomes, await isolate(job, unproven, status, strays[0] ?? readError({}), requests, signal));
}

/** A 4xx for the whole request: nothing of it was applied. */
async function refuse(
  job: LinkJob,
  pairs: readonly Pair[],
  call: Call,
  { status, body }: Answered,
  requests: Requests,
  signal: AbortSignal,
): Promise<Outcomes> {
  const error = readError(body);
  const concernsPairs = [400, 409, 413, 422].includes(status) || (status === 404 && isAbsence(error));
  if (!concernsPairs) throw refused(call, status, body);
  const { outcomes } = judgeNamed(job, pairs, status, [error, ...(error.errors ?? []).map(readError)]);
  if (outcomes.size === 0) return await isolate(job, pairs, status, error, requests, signal);
  const rest = pairs.filter((pair) => !outcomes.has(pairKey(pair)));
  return merge(outcomes, await send(job, rest, requests, signal));
}

/** An error that names nobody belongs to a pair that stands alone; several are sent again in halves. */
async function isolate(
  job: LinkJob,
  pairs: readonly Pair[],
  status: number,
  error: ErrorReply,
  requests: Requests,
  signal: AbortSignal,
): Promise<Outcomes> {
  if (pairs.length <= 1) return all(pairs, judge(job, status, error));
  const middle = Math.ceil(pairs.length / 2);
  const left = await send(job, pairs.slice(0, middle), requests, signal);
  return merge(left, await send(job, pairs.slice(middle), requests, signal));
}

function judgeNamed(job: LinkJob, pairs: readonly Pair[], status: number, errors: readonly ErrorReply[]) {
  const outcomes: Outcomes = new Map();
  const strays: ErrorReply[] = [];
  for (const error of errors) {
    const named = blamed(error, job.route, pairs);
    if (named.length === 0) strays.push(error);
    merge(outcomes, all(named, judge(job, status, error)));
  }
  return { outcomes, strays, namedErrors: errors.length - strays.length };
}

/** A record that is gone has lost its links: then nothing is left to remove. */
function judge(job: LinkJob, status: number, error: ErrorReply): LinkOutcome {
  if (job.removes && isAbsence(error)) return DONE;
  const { category, reason } = refusalOf(status, error, {});
  return { kind: 'refused', reason: `${reason} (${category})` };
}

const isAbsence = (error: ErrorReply): boolean => error.category === 'OBJECT_NOT_FOUND';

/** Pairs that a read does not show as linked; the others become `done`. */
async function withoutLinked(
  { transport, route }: LinkJob,
  pairs: readonly Pair[],
  outcomes: Outcomes,
  signal: AbortSignal,
): Promise<readonly Pair[]> {
  try {
    const fromIds = pairs.map((pair) => pair.fromId);
    const found = await readLinks(transport, route.from, route.to, fromIds, signal);
    const wanted = route.type?.associationTypeId;
    const linked = pairs.filter(({ fromId, toId }) => {
      const types = found.get(fromId)?.get(toId) ?? [];
      return types.some((type) => wanted === undefined || type.associationTypeId === wanted);
    });
    merge(outcomes, all(linked, DONE));
    return pairs.filter((pair) => !linked.includes(pair));
  } catch (thrown) {
    if (thrown instanceof TransientError) return pairs;
    throw thrown;
  }
}

const all = (pairs: readonly Pair[], outcome: LinkOutcome): Outcomes =>
  new Map(pairs.map((pair) => [pairKey(pair), outcome]));

function merge(into: Outcomes, more: ReadonlyMap<string, LinkOutcome>): Outcomes {
  for (const [key, outcome] of more) into.set(key, outcome);
  return into;
}
