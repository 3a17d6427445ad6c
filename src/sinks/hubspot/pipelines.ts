/** Deal pipelines: what the portal has, what ours lack, and the ids HubSpot gave them. */
import { EXIT, FatalError } from '../../errors.ts';
import type { ObjectType, PipelineSpec, StageSpec } from '../../pipe.ts';
import { answered, ask, askIfThere, isSuccess, refused } from './ask.ts';
import { type PipelineReply, pipelineLimitsReply, pipelineListReply } from './replies.ts';
import type { Call, Transport } from './transport.ts';

const DEALS: ObjectType = 'deals';
const DEALS_TYPE_ID = '0-3';

/** The portal's ids of one pipeline of ours, stages by the spec's keys. */
export interface PipelineIds {
  readonly id: string;
  readonly stages: ReadonlyMap<string, string>;
}

/** Ids by the specs' pipeline keys. Throws FatalError when a pipeline or stage is not there yet. */
export async function readPipelines(
  transport: Transport,
  specs: readonly PipelineSpec[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PipelineIds>> {
  const ids = new Map<string, PipelineIds>();
  if (specs.length === 0) return ids;
  const existing = await listPipelines(transport, signal);
  for (const spec of specs) {
    const pipeline = findByLabel(existing, spec.label);
    if (!pipeline) throw missing(`pipeline "${spec.label}"`);
    const stages = spec.stages.map((stage): [string, string] => {
      const found = findByLabel(pipeline.stages ?? [], stage.label);
      if (!found) throw missing(`stage "${stage.label}" of pipeline "${spec.label}"`);
      return [stage.key, found.id];
    });
    ids.set(spec.key, { id: pipeline.id, stages: new Map(stages) });
  }
  return ids;
}

const missing = (what: string): FatalError =>
  new FatalError(EXIT.usage, `The portal has no ${what}`, 'Create it with: retail-sync setup --apply');

export async function listPipelines(transport: Transport, signal: AbortSignal): Promise<readonly PipelineReply[]> {
  const call = {
    method: 'GET',
    path: transport.paths.pipelines(DEALS),
    budget: 'burst',
    operation: 'pipelines read',
    kind: 'read',
  } as const;
  const { results } = await ask(transport, call, pipelineListReply, signal);
  return results.filter((pipeline) => !pipeline.archived);
}

/** Labels are unique among pipelines, and among the stages of one; people may change their case. */
export function findByLabel<T extends { readonly label: string; readonly archived?: boolean | null | undefined }>(
  list: readonly T[],
  label: string,
): T | undefined {
  const wanted = label.trim().toLowerCase();
  return list.find((item) => !item.archived && item.label.trim().toLowerCase() === wanted);
}

/**
 * How many deal pipelines may still be made; null when the portal does not say. The number depends on the
 * subscription (developers.hubspot.com/docs/api-reference/2026-03/crm/limits-tracking/get-pipelines).
 */
export async function pipelinesLeft(transport: Transport, signal: AbortSignal): Promise<number | null> {
  const call = {
    method: 'GET',
    path: transport.paths.pipelineLimits,
    budget: 'burst',
    operation: 'pipeline limits read',
    kind: 'read',
  } as const;
  const limits = await askIfThere(transport, call, pipelineLimitsReply, signal);
  const deals = limits?.hubspotDefinedObjectTypes.find(
    (type) => type.objectTypeId === DEALS_TYPE_ID || type.pluralLabel?.toLowerCase() === DEALS,
  );
  return deals ? Math.max(0, deals.limit - deals.usage) : null;
}

/** The body of a stage create. Metadata are strings; probability is required for deals. */
const stageDefinition = (stage: StageSpec, displayOrder: number) => ({
  label: stage.label,
  displayOrder,
  metadata: { probability: stage.probability.toFixed(1), isClosed: String(stage.closed) },
});

/** Whoever made it in the meantime, an earlier attempt of ours or a person: that it is there is what counts. */
export async function createPipeline(
  transport: Transport,
  spec: PipelineSpec,
  displayOrder: number,
  signal: AbortSignal,
): Promise<void> {
  const body = { label: spec.label, displayOrder, stages: spec.stages.map(stageDefinition) };
  const call = createCall(transport.paths.pipelines(DEALS), 'pipeline create', body);
  const answer = await answered(transport, call, signal);
  if (isSuccess(answer.status)) return;
  if (!findByLabel(await listPipelines(transport, signal), spec.label)) throw refused(call, answer.status, answer.body);
}

export async function createStage(
  transport: Transport,
  pipelineId: string,
  stage: StageSpec,
  displayOrder: number,
  signal: AbortSignal,
): Promise<void> {
  const call = createCall(
    transport.paths.stages(DEALS, pipelineId),
    'stage create',
    stageDefinition(stage, displayOrder),
  );
  const answer = await answered(transport, call, signal);
  if (isSuccess(answer.status)) return;
  const pipeline = (await listPipelines(transport, signal)).find(({ id }) => id === pipelineId);
  if (!findByLabel(pipeline?.stages ?? [], stage.label)) throw refused(call, answer.status, answer.body);
}

const createCall = (path: string, operation: string, body: unknown): Call => ({
  method: 'POST',
  path,
  body,
  budget: 'burst',
  operation,
  kind: 'write',
});
