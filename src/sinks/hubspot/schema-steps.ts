/** One step of a schema plan, written so that repeating it does no harm. */
import { z } from 'zod';
import { EXIT, FatalError } from '../../errors.ts';
import type { PropertySpec } from '../../pipe.ts';
import { answered, ask, isSuccess, refused } from './ask.ts';
import { createPipeline, createStage } from './pipelines.ts';
import { definitionOf, GROUP_LABELS, mergedOptions, missingOptions, unfit } from './property-definitions.ts';
import { refusalOf } from './reasons.ts';
import { type PropertyReply, readError } from './replies.ts';
import type { StepContent } from './schema.ts';
import { listProperties } from './schema-reads.ts';
import type { Call, Transport } from './transport.ts';

/** A new property can be read after 0.25 to 0.7 s. */
const VISIBLE_TRIES_MAX = 10;
const VISIBLE_PAUSE_MS = 500;

export async function applyStep(transport: Transport, step: StepContent, signal: AbortSignal): Promise<void> {
  switch (step.kind) {
    case 'group':
      return await createGroup(transport, step, signal);
    case 'property':
      return await createProperty(transport, step.spec, signal);
    case 'options':
      return await mergeOptions(transport, step.spec, signal);
    case 'pipeline':
      return await createPipeline(transport, step.spec, step.displayOrder, signal);
    case 'stage':
      return await createStage(transport, step.pipelineId, step.stage, step.displayOrder, signal);
  }
}

async function createGroup(
  transport: Transport,
  { object, name }: Extract<StepContent, { kind: 'group' }>,
  signal: AbortSignal,
): Promise<void> {
  const body = { name, label: GROUP_LABELS[name], displayOrder: -1 };
  await createOrFind(
    transport,
    writeCall('POST', transport.paths.groups(object), `${object} property group create`, body),
    signal,
  );
}

/** Ends when the property can be read, so that the next plan is empty. */
async function createProperty(transport: Transport, spec: PropertySpec, signal: AbortSignal): Promise<void> {
  const path = transport.paths.properties(spec.object);
  await createOrFind(transport, writeCall('POST', path, `${spec.object} property create`, definitionOf(spec)), signal);
  for (let tries = 0; tries < VISIBLE_TRIES_MAX; tries += 1) {
    const found = await findProperty(transport, spec, signal);
    const reason = found && unfit(spec, found);
    if (reason) throw new FatalError(EXIT.usage, reason, 'Fix this in HubSpot, then run: retail-sync setup');
    if (found) return;
    await transport.clock.sleep(VISIBLE_PAUSE_MS, signal);
  }
  throw new FatalError(
    EXIT.hubspot,
    `HubSpot accepted property ${spec.name} on ${spec.object} but does not show it yet`,
    'Wait a minute, then run: retail-sync setup',
  );
}

/** Read again just before writing: HubSpot replaces the whole list, and a person may have added an option. */
async function mergeOptions(transport: Transport, spec: PropertySpec, signal: AbortSignal): Promise<void> {
  const found = await findProperty(transport, spec, signal);
  if (!found) return await createProperty(transport, spec, signal);
  if (missingOptions(spec, found).length === 0) return;
  const path = transport.paths.property(spec.object, spec.name);
  const call = writeCall('PATCH', path, `${spec.object} property update`, { options: mergedOptions(spec, found) });
  await ask(transport, call, z.unknown(), signal);
}

const findProperty = async (
  transport: Transport,
  spec: PropertySpec,
  signal: AbortSignal,
): Promise<PropertyReply | undefined> =>
  (await listProperties(transport, spec.object, { archived: false }, signal)).get(spec.name);

/** 409: made by an earlier attempt or by somebody else in the meantime. */
async function createOrFind(transport: Transport, call: Call, signal: AbortSignal): Promise<void> {
  const answer = await answered(transport, call, signal);
  if (isSuccess(answer.status) || answer.status === 409) return;
  if (answer.status !== 400) throw refused(call, answer.status, answer.body);
  const { category, reason } = refusalOf(answer.status, readError(answer.body), {});
  throw new FatalError(
    EXIT.usage,
    `HubSpot refused "${call.operation}": ${reason} (${category})`,
    'Fix this in HubSpot, then run: retail-sync setup',
  );
}

const writeCall = (method: 'POST' | 'PATCH', path: string, operation: string, body: unknown): Call => ({
  method,
  path,
  body,
  budget: 'burst',
  operation,
  kind: 'write',
});
