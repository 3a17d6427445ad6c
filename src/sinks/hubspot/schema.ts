/** What a portal lacks for our mappings: found by comparing, shown as steps, applied one by one. */
import { EXIT, FatalError } from '../../errors.ts';
import type { ObjectType, PipelineSpec, PropertySpec, StageSpec } from '../../pipe.ts';
import { findByLabel, listPipelines, pipelinesLeft } from './pipelines.ts';
import { missingOptions, unfit, unitedSpecs } from './property-definitions.ts';
import type { PipelineReply } from './replies.ts';
import { listGroups, listProperties, type PropertiesByName } from './schema-reads.ts';
import { applyStep, createProperties } from './schema-steps.ts';
import type { Transport } from './transport.ts';

export type StepContent =
  | { readonly kind: 'group'; readonly object: ObjectType; readonly name: NonNullable<PropertySpec['group']> }
  | { readonly kind: 'property'; readonly spec: PropertySpec }
  | { readonly kind: 'options'; readonly spec: PropertySpec; readonly missing: readonly string[] }
  | { readonly kind: 'pipeline'; readonly spec: PipelineSpec; readonly displayOrder: number }
  | {
      readonly kind: 'stage';
      readonly pipeline: PipelineSpec;
      readonly pipelineId: string;
      readonly stage: StageSpec;
      readonly displayOrder: number;
    };

export interface SchemaStep {
  readonly content: StepContent;
  /** One line, such as `create property erp_product_id on products (string, unique)`. */
  describe(): string;
}

export interface SchemaPlan {
  /** In the order in which they can be applied. */
  readonly steps: readonly SchemaStep[];
  /** What only a person can fix, a sentence each. */
  readonly blocked: readonly string[];
}

/** HubSpot's limit per object type (developers.hubspot.com/docs, CRM properties guide). */
const UNIQUE_MAX = 10;

/** Reads only. Specs without a group are HubSpot's own properties and are left alone. */
export async function planSchema(
  transport: Transport,
  specs: readonly PropertySpec[],
  pipelines: readonly PipelineSpec[],
  signal: AbortSignal,
): Promise<SchemaPlan> {
  const steps: StepContent[] = [];
  const blocked: string[] = [];
  for (const [object, ours] of unitedSpecs(specs)) {
    const part = await planObject(transport, object, ours, signal);
    steps.push(...part.steps);
    blocked.push(...part.blocked);
  }
  if (pipelines.length > 0) {
    const part = await planPipelines(transport, pipelines, signal);
    steps.push(...part.steps);
    blocked.push(...part.blocked);
  }
  return { steps: steps.map((content) => ({ content, describe: () => describe(content) })), blocked };
}

/**
 * Applies a plan. Throws FatalError before the first write when something is blocked; pass `blocked: []` to apply what
 * can be. May be repeated after any failure: what exists by then is checked and kept.
 */
export async function applySchema(
  transport: Transport,
  plan: SchemaPlan,
  signal: AbortSignal,
  onStep: (step: SchemaStep) => void = () => undefined,
): Promise<void> {
  if (plan.blocked.length > 0) {
    throw new FatalError(
      EXIT.usage,
      `The portal needs a person before anything is set up: ${plan.blocked.join(' ')}`,
      'Fix this in HubSpot, then run: retail-sync setup',
    );
  }
  for (const steps of together(plan.steps)) {
    const specs = steps.flatMap(({ content }) => (content.kind === 'property' ? [content.spec] : []));
    const [first] = steps;
    const [spec] = specs;
    if (spec) await createProperties(transport, spec.object, specs, signal);
    else if (first) await applyStep(transport, first.content, signal);
    for (const step of steps) onStep(step);
  }
}

/** The new properties of one object are one step on the wire; every other step is one of its own. Order is kept. */
function together(steps: readonly SchemaStep[]): readonly (readonly SchemaStep[])[] {
  const groups = Map.groupBy(steps, (step) => {
    const { content } = step;
    return content.kind === 'property' ? content.spec.object : step;
  });
  return [...groups.values()];
}

interface Part {
  readonly steps: readonly StepContent[];
  readonly blocked: readonly string[];
}

async function planObject(
  transport: Transport,
  object: ObjectType,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<Part> {
  const [groups, existing, archived] = await Promise.all([
    listGroups(transport, object, signal),
    listProperties(transport, object, { archived: false }, signal),
    listProperties(transport, object, { archived: true }, signal),
  ]);
  const steps: StepContent[] = [];
  const blocked: string[] = [];
  for (const name of new Set(specs.map((spec) => spec.group))) {
    if (name !== undefined && !groups.has(name)) steps.push({ kind: 'group', object, name });
  }
  for (const spec of specs) {
    const step = planProperty(spec, existing, archived);
    if (typeof step === 'string') blocked.push(step);
    else if (step) steps.push(step);
  }
  const noRoom = tooManyUnique(object, steps, existing);
  if (noRoom.length === 0) return { steps, blocked };
  const possible = steps.filter((step) => step.kind !== 'property' || !step.spec.unique);
  return { steps: possible, blocked: [...blocked, ...noRoom] };
}

/** A step, a sentence on why none can help, or null when all is well. */
function planProperty(
  spec: PropertySpec,
  existing: PropertiesByName,
  archived: PropertiesByName,
): StepContent | string | null {
  const found = existing.get(spec.name);
  if (found) {
    const reason = unfit(spec, found);
    if (reason) return reason;
    const missing = missingOptions(spec, found);
    return missing.length > 0 ? { kind: 'options', spec, missing } : null;
  }
  if (archived.has(spec.name)) {
    return `${spec.name} on ${spec.object} lies in HubSpot's archive, and creating it would bring back the old one: restore it in HubSpot (Settings, Properties, Archived), then run setup again.`;
  }
  return { kind: 'property', spec };
}

function tooManyUnique(
  object: ObjectType,
  steps: readonly StepContent[],
  existing: PropertiesByName,
): readonly string[] {
  const there = [...existing.values()].filter((found) => found.hasUniqueValue && !found.hubspotDefined);
  const wanted = steps.flatMap((step) => (step.kind === 'property' && step.spec.unique ? [step.spec.name] : []));
  if (wanted.length === 0 || there.length + wanted.length <= UNIQUE_MAX) return [];
  return [
    `${wanted.join(', ')} cannot be created: ${object} already have ${there.length} properties with unique values and HubSpot allows ${UNIQUE_MAX}. Delete one that nothing uses, then run setup again.`,
  ];
}

async function planPipelines(transport: Transport, specs: readonly PipelineSpec[], signal: AbortSignal): Promise<Part> {
  const existing = await listPipelines(transport, signal);
  const steps = specs.flatMap((spec, index) => planPipeline(spec, existing, existing.length + index));
  const wanted = steps.flatMap((step) => (step.kind === 'pipeline' ? [step.spec.label] : []));
  const left = wanted.length > 0 ? await pipelinesLeft(transport, signal) : null;
  if (left === null || left >= wanted.length) return { steps, blocked: [] };
  return {
    // Which of them matters more is not ours to choose: none is made until there is room.
    steps: steps.filter((step) => step.kind !== 'pipeline'),
    blocked: [
      `The portal's subscription has room for ${left} more deal pipelines, but ${wanted.length} are needed (${wanted.join(', ')}): delete one that nothing uses, or leave out the pipes that need them.`,
    ],
  };
}

function planPipeline(
  spec: PipelineSpec,
  existing: readonly PipelineReply[],
  displayOrder: number,
): readonly StepContent[] {
  const found = findByLabel(existing, spec.label);
  if (!found) return [{ kind: 'pipeline', spec, displayOrder }];
  const stages = found.stages ?? [];
  return spec.stages
    .filter((stage) => !findByLabel(stages, stage.label))
    .map((stage, index) => ({
      kind: 'stage',
      pipeline: spec,
      pipelineId: found.id,
      stage,
      displayOrder: stages.length + index,
    }));
}

function describe(content: StepContent): string {
  switch (content.kind) {
    case 'group':
      return `create property group ${content.name} on ${content.object}`;
    case 'property': {
      const { spec } = content;
      return `create property ${spec.name} on ${spec.object} (${spec.type}${spec.unique ? ', unique' : ''})`;
    }
    case 'options':
      return `add options to ${content.spec.name} on ${content.spec.object}: ${content.missing.join(', ')}`;
    case 'pipeline':
      return `create deal pipeline "${content.spec.label}" with ${content.spec.stages.length} stages`;
    case 'stage':
      return `add stage "${content.stage.label}" to deal pipeline "${content.pipeline.label}"`;
  }
}
