/** What mapped values stand for in this portal: owners by e-mail, pipelines and stages by our keys. */
import type { PipelineSpec, PropertySpec } from '../../pipe.ts';
import { readOwners } from './owners.ts';
import { readPipelines } from './pipelines.ts';
import type { Transport } from './transport.ts';

export interface ReferenceOptions {
  readonly transport: Transport;
  readonly pipelines: readonly PipelineSpec[];
  /** Whether any property refers to an owner; otherwise the token needs no right to read them. */
  readonly needsOwners: boolean;
}

/**
 * The value to send. Null when the portal has no such owner, pipeline or stage, or when a stage comes without its
 * pipeline. A value that refers to nothing, or is empty, stays as it is.
 */
export type Resolve = (spec: PropertySpec, pipeline: PipelineSpec | undefined, value: string) => string | null;

/** Reads once. Throws FatalError (exit 2) when the portal lacks a pipeline or stage: no record could be written then. */
export async function resolverFor(options: ReferenceOptions, signal: AbortSignal): Promise<Resolve> {
  const pipelines = await readPipelines(options.transport, options.pipelines, signal);
  const owners = options.needsOwners ? await readOwners(options.transport, signal) : new Map<string, string>();
  return (spec, pipeline, value) => {
    if (spec.refersTo === undefined || value.trim() === '') return value;
    switch (spec.refersTo) {
      case 'owner':
        return owners.get(value.trim().toLowerCase()) ?? null;
      case 'pipeline':
        return pipelines.get(value)?.id ?? null;
      case 'stage':
        return (pipeline && pipelines.get(pipeline.key)?.stages.get(value)) ?? null;
    }
  };
}
