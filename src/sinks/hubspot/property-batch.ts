/** Properties of one object created together: sixty of them in a few calls instead of a hundred and twenty. */
import { EXIT, FatalError } from '../../errors.ts';
import type { ObjectType, PropertySpec } from '../../pipe.ts';
import { answered, isSuccess } from './ask.ts';
import { definitionOf, unfit } from './property-definitions.ts';
import { isRecord } from './replies.ts';
import { listProperties } from './schema-reads.ts';
import type { Call, Transport } from './transport.ts';

/** Not documented for properties; the limit of records. */
const BATCH_MAX = 100;
/** A new property can be read after 0.25 to 0.7 s. */
const VISIBLE_TRIES_MAX = 10;
const VISIBLE_PAUSE_MS = 500;

/**
 * Asks for all of them and returns those that HubSpot did not say it had created: they are there already, or were
 * refused in a way that only a request of their own explains.
 */
export async function createTogether(
  transport: Transport,
  object: ObjectType,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<readonly PropertySpec[]> {
  const created = new Set<string>();
  for (let start = 0; start < specs.length; start += BATCH_MAX) {
    const call: Call = {
      method: 'POST',
      path: transport.paths.propertyBatch(object, 'create'),
      body: { inputs: specs.slice(start, start + BATCH_MAX).map(definitionOf) },
      budget: 'burst',
      operation: 'properties create',
      kind: 'write',
    };
    const answer = await answered(transport, call, signal);
    if (isSuccess(answer.status)) for (const name of namesOf(answer.body)) created.add(name);
  }
  return specs.filter((spec) => !created.has(spec.name));
}

function namesOf(body: unknown): readonly string[] {
  const results: readonly unknown[] = isRecord(body) && Array.isArray(body.results) ? body.results : [];
  return results.flatMap((result) => (isRecord(result) && typeof result.name === 'string' ? [result.name] : []));
}

/** Ends when all can be read and are what was asked for, so that the next plan is empty. */
export async function waitUntilVisible(
  transport: Transport,
  object: ObjectType,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<void> {
  let missing = specs;
  for (let tries = 0; tries < VISIBLE_TRIES_MAX; tries += 1) {
    if (tries > 0) await transport.clock.sleep(VISIBLE_PAUSE_MS, signal);
    const existing = await listProperties(transport, object, { archived: false }, signal);
    for (const spec of missing) {
      const found = existing.get(spec.name);
      const reason = found && unfit(spec, found);
      if (reason) throw new FatalError(EXIT.usage, reason, 'Fix this in HubSpot, then run: retail-sync setup');
    }
    missing = missing.filter((spec) => !existing.has(spec.name));
    if (missing.length === 0) return;
  }
  throw new FatalError(
    EXIT.hubspot,
    `HubSpot accepted ${missing.map((spec) => spec.name).join(', ')} on ${object} but does not show them yet`,
    'Wait a minute, then run: retail-sync setup',
  );
}
