/**
 * Batch upserts and updates: one outcome per key, whatever the server answered.
 *
 * With a trace id on every input HubSpot writes the good rows and names the bad ones (207). Where it refuses the whole
 * request without naming rows, the request is cut in halves until the bad rows stand alone: at most
 * 2 * k * log2(n) + 1 requests for k bad rows of n, and never more than 2n - 1.
 */
import { EXIT, FatalError } from '../../errors.ts';
import { foldKey } from '../../fingerprint.ts';
import type { ObjectType, Outcome } from '../../pipe.ts';
import { isSuccess, refused } from './ask.ts';
import { refuseMarketing } from './marketing.ts';
import { blamedInputs, type Input, type Matched, matchBatch } from './match.ts';
import { refusalOf, throwIfSystemic } from './reasons.ts';
import { contextList, type ErrorReply, type RecordReply, readBatch, readError } from './replies.ts';
import type { Answer, Call, Transport } from './transport.ts';
import { verify } from './verify.ts';

/** Inputs of one batch (developers.hubspot.com/docs/api-reference, CRM objects, batch). */
export const BATCH_MAX = 100;

/** What one request writes to, and how. `idProperty` null: an update by record id. */
export interface Target {
  readonly transport: Transport;
  readonly object: ObjectType;
  readonly action: 'upsert' | 'update';
  readonly idProperty: string | null;
  readonly traceId: () => string;
}

export interface Item {
  readonly key: string;
  readonly properties: Readonly<Record<string, string>>;
}

type Outcomes = Map<string, Outcome>;
type Answered = Extract<Answer, { kind: 'answered' }>;

/** Items with distinct keys, at most BATCH_MAX of them. */
async function writeBatch(target: Target, items: readonly Item[], signal: AbortSignal): Promise<Outcomes> {
  return send(target, items, { retryConflict: true }, signal);
}

async function send(
  target: Target,
  items: readonly Item[],
  options: { retryConflict: boolean },
  signal: AbortSignal,
): Promise<Outcomes> {
  if (items.length === 0) return new Map();
  const startedMs = target.transport.clock.now();
  const inputs = items.map((item): Input => ({ ...item, traceId: target.traceId() }));
  const call = callOf(target, inputs, options.retryConflict);
  const answer = await target.transport.call(call, signal);
  if (answer.kind === 'unknown') {
    return witnessed(
      (await verify(target, inputs, { reason: answer.reason, startedMs }, signal)).outcomes,
      inputs,
      null,
    );
  }
  if (isSuccess(answer.status)) {
    return witnessed(await settle(target, inputs, answer, startedMs, signal), inputs, answer);
  }
  const settled = witnessed(await refuse(target, inputs, call, answer, signal), inputs, answer);
  if (!answer.ambiguous) return settled;
  // An earlier attempt of the whole batch was never answered: what its halves say does not unsay it.
  return new Map([...settled].map(([key, outcome]) => [key, doubted(outcome)]));
}

/** What HubSpot answered goes along with each outcome; those of halves that were sent apart have theirs already. */
function witnessed(outcomes: Outcomes, inputs: readonly Input[], answer: Answered | null): Outcomes {
  const status = answer?.status ?? null;
  const correlation = answer?.correlation ?? (answer && readError(answer.body).correlationId) ?? null;
  for (const { key, traceId: trace } of inputs) {
    const outcome = outcomes.get(key);
    if (outcome && !outcome.evidence) outcomes.set(key, { ...outcome, evidence: { trace, status, correlation } });
  }
  return outcomes;
}

const doubted = (outcome: Outcome): Outcome => (outcome.kind === 'written' ? { ...outcome, ambiguous: true } : outcome);

function callOf(target: Target, inputs: readonly Input[], retryConflict: boolean): Call {
  return {
    method: 'POST',
    path: target.transport.paths.batch(target.object, target.action),
    body: {
      inputs: inputs.map(({ key, traceId, properties }) => ({
        id: key,
        ...(target.idProperty === null ? {} : { idProperty: target.idProperty }),
        objectWriteTraceId: traceId,
        properties: target.idProperty === null ? properties : { ...properties, [target.idProperty]: key },
      })),
    },
    budget: 'burst',
    operation: `${target.object} ${target.action}`,
    kind: 'write',
    retryConflict,
  };
}

// ------------------------------------------------------------------------------------------ a 2xx, whole or in parts

/** Results and errors must add up to the inputs; what is missing from both is read back, not assumed. */
async function settle(
  target: Target,
  inputs: readonly Input[],
  answer: Answered,
  startedMs: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  const reply = readBatch(answer.body);
  for (const error of reply.errors) throwIfSystemic(error, target.object);
  const matched = matchBatch(inputs, reply, target.idProperty);
  const outcomes: Outcomes = new Map();
  const open: Input[] = [];
  for (const input of inputs) {
    const error = matched.errors.get(input.key);
    const result = matched.results.get(input.key);
    if (error) outcomes.set(input.key, refusedOutcome(answer.status, error, input));
    else if (result) outcomes.set(input.key, writtenOutcome(result, answer.ambiguous));
    else open.push(input);
  }
  if (open.length === 0) return outcomes;
  return merge(outcomes, await settleOpen(target, open, matched, answer, startedMs, signal));
}

/** Inputs that the answer does not speak of by name: found by reading, or guilty of an error that names nobody. */
async function settleOpen(
  target: Target,
  open: readonly Input[],
  matched: Matched,
  answer: Answered,
  startedMs: number,
  signal: AbortSignal,
): Promise<Outcomes> {
  const doubt = {
    reason: `HubSpot answered ${answer.status} without a result or an error for this record`,
    startedMs,
    answered: { orphans: matched.orphans, ambiguous: answer.ambiguous },
  };
  const { outcomes, unproven } = await verify(target, open, doubt, signal);
  if (matched.strayErrorCount === 0 || unproven.length === 0) return outcomes;
  const [first] = unproven;
  if (first && unproven.length === 1) {
    return outcomes.set(first.key, refusedOutcome(answer.status, matched.strayErrors[0] ?? readError({}), first));
  }
  return merge(outcomes, await sendInHalves(target, unproven, signal));
}

const writtenOutcome = (result: RecordReply, ambiguous: boolean): Outcome => ({
  kind: 'written',
  hubspotId: result.id,
  created: result.new ?? false,
  ambiguous,
});

const refusedOutcome = (status: number, error: ErrorReply, input: Input): Outcome => ({
  kind: 'refused',
  ...refusalOf(status, error, input.properties),
});

// ---------------------------------------------------------------------------------------- a 4xx for all of the inputs

/** Nothing of a refused request is written, so that what is not to blame can simply be sent again. */
async function refuse(
  target: Target,
  inputs: readonly Input[],
  call: Call,
  { status, body }: Answered,
  signal: AbortSignal,
): Promise<Outcomes> {
  const error = readError(body);
  throwIfSystemic(error, target.object);
  if (!concernsRows(status, error)) throw refused(call, status, body);
  const [first] = inputs;
  if (first && inputs.length === 1) return new Map([[first.key, refusedOutcome(status, error, first)]]);
  const blamed = status === 413 ? new Map<string, ErrorReply>() : blame(inputs, error);
  if (blamed.size === 0) return await sendInHalves(target, inputs, signal);
  const outcomes: Outcomes = new Map();
  for (const input of inputs) {
    const own = blamed.get(input.key);
    if (own) outcomes.set(input.key, refusedOutcome(status, own, input));
  }
  const rest = inputs.filter((input) => !blamed.has(input.key));
  return merge(outcomes, await send(target, rest, { retryConflict: false }, signal));
}

/** 404 only where it speaks of records: a wrong path is everybody's. */
const concernsRows = (status: number, error: ErrorReply): boolean =>
  [400, 409, 413, 422].includes(status) || (status === 404 && error.category === 'OBJECT_NOT_FOUND');

function blame(inputs: readonly Input[], error: ErrorReply): ReadonlyMap<string, ErrorReply> {
  const named = blamedInputs(inputs, error);
  return named.size > 0 ? named : duplicates(inputs, error);
}

/**
 * Keys are distinct when they are sent, but HubSpot may take two spellings for one. Then neither wins: the answer
 * names the spellings (`context.ids`, or in brackets in the message).
 */
function duplicates(inputs: readonly Input[], error: ErrorReply): ReadonlyMap<string, ErrorReply> {
  const message = error.message ?? '';
  if (!/^duplicate ids/i.test(message)) return new Map();
  const inText = (/\[([^\]]*)\]/.exec(message)?.[1] ?? '').split(',').map((id) => id.trim());
  const named = contextList(error, 'ids');
  const folded = new Set((named.length > 0 ? named : inText).map(foldKey));
  const told = { ...error, category: 'DUPLICATE_KEY', message: 'HubSpot takes this key and another one for the same' };
  return new Map(inputs.filter((input) => folded.has(foldKey(input.key))).map((input) => [input.key, told]));
}

async function sendInHalves(target: Target, items: readonly Item[], signal: AbortSignal): Promise<Outcomes> {
  const middle = Math.ceil(items.length / 2);
  const left = await send(target, items.slice(0, middle), { retryConflict: false }, signal);
  return merge(left, await send(target, items.slice(middle), { retryConflict: false }, signal));
}

function merge(into: Outcomes, more: ReadonlyMap<string, Outcome>): Outcomes {
  for (const [key, outcome] of more) into.set(key, outcome);
  return into;
}

/** Cuts into batches, one after the other; keys must be distinct. Throws an Error for what must never be written. */
export async function writeAll(target: Target, items: readonly Item[], signal: AbortSignal): Promise<Outcomes> {
  refuseMarketing(target.object, items);
  const outcomes: Outcomes = new Map();
  for (let start = 0; start < items.length; start += BATCH_MAX) {
    merge(outcomes, await writeBatch(target, items.slice(start, start + BATCH_MAX), signal));
  }
  if (outcomes.size !== items.length) {
    throw new FatalError(
      EXIT.internal,
      'a batch ended without an outcome for each of its records',
      'Report this fault',
    );
  }
  return outcomes;
}

/** Updates existing records; one outcome per id. Ids must be distinct. Throws as `Sink.write` does. */
export async function updateById(
  transport: Transport,
  object: ObjectType,
  updates: readonly { readonly id: string; readonly properties: Readonly<Record<string, string>> }[],
  traceId: () => string,
  signal: AbortSignal,
): Promise<Outcomes> {
  const items = updates.map(({ id, properties }) => ({ key: id, properties }));
  return await writeAll({ transport, object, action: 'update', idProperty: null, traceId }, items, signal);
}
