/** The steps of a schema plan, written so that repeating it does no harm. */
import { z } from 'zod';
import { EXIT, FatalError } from '../../errors.ts';
import type { ObjectType, PropertySpec } from '../../pipe.ts';
import { answered, ask, isSuccess, refused } from './ask.ts';
import { createPipeline, createStage } from './pipelines.ts';
import { createTogether, waitUntilVisible } from './property-batch.ts';
import { definitionOf, GROUP_LABELS, mergedOptions, missingOptions } from './property-definitions.ts';
import { refusalOf } from './reasons.ts';
import { type PropertyReply, readError } from './replies.ts';
import type { StepContent } from './schema.ts';
import { listProperties } from './schema-reads.ts';
import type { Call, Transport } from './transport.ts';

export async function applyStep(transport: Transport, step: StepContent, signal: AbortSignal): Promise<void> {
  switch (step.kind) {
    case 'group':
      return await createGroup(transport, step, signal);
    case 'property':
      return await createProperties(transport, step.spec.object, [step.spec], signal);
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

/** All of one object. Ends when they can be read. What the batch did not create is asked for on its own. */
export async function createProperties(
  transport: Transport,
  object: ObjectType,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<void> {
  const open = specs.length > 1 ? await createTogether(transport, object, specs, signal) : specs;
  const path = transport.paths.properties(object);
  for (const spec of open) {
    await createOrFind(transport, writeCall('POST', path, 'properties create', definitionOf(spec)), signal);
  }
  await waitUntilVisible(transport, object, specs, signal);
}

/** Read again just before writing: HubSpot replaces the whole list, and a person may have added an option. */
async function mergeOptions(transport: Transport, spec: PropertySpec, signal: AbortSignal): Promise<void> {
  const found = await findProperty(transport, spec, signal);
  if (!found) return await createProperties(transport, spec.object, [spec], signal);
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
