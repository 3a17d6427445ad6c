/** Pipelines and stages over HTTP. Source: developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide */
import type { VendorReply } from '../http.ts';
import { noContent } from './answers.ts';
import { knownKind } from './associations.ts';
import { invalidInput, methodNotAllowed } from './errors.ts';
import { bodyRecord, instantText, isRecord, numberOf, textOf } from './json.ts';
import { KINDS } from './kinds.ts';
import { checkedMetadata, type Pipeline, type Stage, type StageDraft } from './pipelines.ts';
import { type Call, needScope, type World } from './world.ts';

/** `{type}[/{id}[/stages[/{stageId}]]]`; of the sandbox's objects only deals have pipelines of this kind. */
export function pipelineRoute(world: World, call: Call): VendorReply {
  const [type = '', id, stages, stageId] = call.route.rest;
  const kind = knownKind(type);
  needScope(call, call.request.method === 'GET' ? kind.schemaReadScopes : kind.schemaWriteScopes);
  if (kind !== KINDS.deals) throw invalidInput(`Object type ${kind.typeId} has no pipelines.`);
  if (id === undefined) return collectionRoute(world, call);
  const pipeline = world.pipelines.get(id);
  if (stages === undefined) return pipelineById(world, call, pipeline);
  return stageId === undefined ? stagesRoute(world, call, pipeline) : stageById(world, call, pipeline, stageId);
}

function collectionRoute(world: World, call: Call): VendorReply {
  if (call.request.method === 'GET') return { status: 200, json: { results: world.pipelines.list().map(shown) } };
  if (call.request.method !== 'POST') throw methodNotAllowed();
  if (world.pipelines.list().length >= world.switches.pipelinesMax) {
    throw invalidInput(`The limit of ${world.switches.pipelinesMax} pipelines is reached.`);
  }
  const body = bodyRecord(call.request.body);
  const wantedId = world.switches.honourPipelineIds ? textOf(body.pipelineId) : null;
  const pipeline = readPipeline(world, body, () => world.pipelines.newId(wantedId), world.now());
  world.pipelines.put(pipeline);
  return { status: 201, json: shown(pipeline) };
}

/** @param id asked only once the stages are sound. */
function readPipeline(
  world: World,
  body: Readonly<Record<string, unknown>>,
  id: () => string,
  createdAtMs: number,
): Pipeline {
  const stages = Array.isArray(body.stages) ? body.stages.map((stage: unknown) => newStage(world, stage)) : [];
  return {
    id: id(),
    label: textOf(body.label) ?? '',
    displayOrder: numberOf(body.displayOrder) ?? 0,
    stages: [...stages].sort((a, b) => a.displayOrder - b.displayOrder),
    createdAtMs,
    updatedAtMs: world.now(),
  };
}

const newStage = (world: World, given: unknown): Stage =>
  world.pipelines.stageFrom(readDraft(given), world.switches.honourPipelineIds, world.now());

function readDraft(given: unknown): StageDraft {
  const parts = isRecord(given) ? given : {};
  return {
    id: textOf(parts.stageId),
    label: textOf(parts.label),
    displayOrder: numberOf(parts.displayOrder) ?? 0,
    metadata: readMetadata(parts.metadata),
  };
}

/** Values come back as strings, whatever was sent. */
function readMetadata(given: unknown): Readonly<Record<string, string>> | null {
  if (!isRecord(given)) return null;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
}

function pipelineById(world: World, call: Call, pipeline: Pipeline): VendorReply {
  switch (call.request.method) {
    case 'GET':
      return { status: 200, json: shown(pipeline) };
    case 'PATCH': {
      const body = bodyRecord(call.request.body);
      return store(world, {
        ...pipeline,
        label: textOf(body.label) ?? pipeline.label,
        displayOrder: numberOf(body.displayOrder) ?? pipeline.displayOrder,
        updatedAtMs: world.now(),
      });
    }
    case 'PUT': {
      const body = bodyRecord(call.request.body);
      return store(
        world,
        readPipeline(world, body, () => pipeline.id, pipeline.createdAtMs),
      );
    }
    case 'DELETE':
      refuseInUse(world, call, (deal) => deal.pipeline === pipeline.id);
      world.pipelines.delete(pipeline.id);
      return noContent;
    default:
      throw methodNotAllowed();
  }
}

function store(world: World, pipeline: Pipeline): VendorReply {
  world.pipelines.put(pipeline);
  return { status: 200, json: shown(pipeline) };
}

function stagesRoute(world: World, call: Call, pipeline: Pipeline): VendorReply {
  if (call.request.method === 'GET') return { status: 200, json: { results: pipeline.stages.map(shownStage) } };
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const stage = newStage(world, call.request.body);
  world.pipelines.put({ ...pipeline, stages: [...pipeline.stages, stage] });
  return { status: 201, json: shownStage(stage) };
}

function stageById(world: World, call: Call, pipeline: Pipeline, stageId: string): VendorReply {
  const stage = world.pipelines.stage(pipeline.id, stageId);
  switch (call.request.method) {
    case 'GET':
      return { status: 200, json: shownStage(stage) };
    case 'PUT':
    case 'PATCH': {
      const changed = changedStage(world, stage, call.request.body);
      const stages = pipeline.stages.map((known) => (known.id === stageId ? changed : known));
      world.pipelines.put({ ...pipeline, stages });
      return { status: 200, json: shownStage(changed) };
    }
    case 'DELETE':
      refuseInUse(world, call, (deal) => deal.pipeline === pipeline.id && deal.dealstage === stageId);
      world.pipelines.put({ ...pipeline, stages: pipeline.stages.filter((known) => known.id !== stageId) });
      return noContent;
    default:
      throw methodNotAllowed();
  }
}

/** A change must carry `metadata`, even if only the label changes. */
function changedStage(world: World, stage: Stage, given: unknown): Stage {
  const draft = readDraft(given);
  const displayOrder = numberOf(bodyRecord(given).displayOrder) ?? stage.displayOrder;
  const metadata = checkedMetadata(draft.metadata);
  return { ...stage, label: draft.label ?? stage.label, displayOrder, metadata, updatedAtMs: world.now() };
}

/** 2026-09 always refuses to delete what deals use; older versions only when asked to look. */
function refuseInUse(world: World, call: Call, uses: (deal: Readonly<Record<string, string>>) => boolean): void {
  const query = call.request.url.searchParams;
  const asked = ['validateReferencesBeforeDelete', 'validateDealStageUsagesBeforeDelete'].some(
    (name) => query.get(name) === 'true',
  );
  if (call.route.version !== '2026-09' && !asked) return;
  const used = world.store.all('deals').some((deal) => deal.archivedAtMs === null && uses(deal.properties));
  if (used) throw invalidInput('It is in use by deals and cannot be deleted.');
}

function shown(pipeline: Pipeline) {
  const { createdAtMs, updatedAtMs, stages, ...rest } = pipeline;
  const times = { createdAt: instantText(createdAtMs), updatedAt: instantText(updatedAtMs) };
  return { ...rest, stages: stages.map(shownStage), ...times, archived: false };
}

function shownStage(stage: Stage) {
  const { createdAtMs, updatedAtMs, ...rest } = stage;
  const times = { createdAt: instantText(createdAtMs), updatedAt: instantText(updatedAtMs) };
  return { ...rest, ...times, archived: false, writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT' };
}
