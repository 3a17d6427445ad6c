/** Deal pipelines and their stages. Source: developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide */
import { conflict, invalidInput, notFound } from './errors.ts';

export interface Stage {
  readonly id: string;
  readonly label: string;
  readonly displayOrder: number;
  /** Strings, whatever the client sent: `{ "isClosed": "true", "probability": "1.0" }`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface Pipeline {
  readonly id: string;
  readonly label: string;
  readonly displayOrder: number;
  readonly stages: readonly Stage[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

const DEFAULT_STAGES = [
  ['appointmentscheduled', 'Appointment Scheduled', '0.2'],
  ['qualifiedtobuy', 'Qualified To Buy', '0.4'],
  ['presentationscheduled', 'Presentation Scheduled', '0.6'],
  ['decisionmakerboughtin', 'Decision Maker Bought-In', '0.8'],
  ['contractsent', 'Contract Sent', '0.9'],
  ['closedwon', 'Closed Won', '1.0'],
  ['closedlost', 'Closed Lost', '0.0'],
] as const;

const LABEL_LENGTH_MAX = 36;
const STAGES_MAX = 100;
/** Stages made by the API usually get numeric ids. */
const FIRST_STAGE_ID = 900_000_001;

/** What a client sent for a stage, narrowed but not yet checked. */
export interface StageDraft {
  readonly id: string | null;
  readonly label: string | null;
  readonly displayOrder: number;
  readonly metadata: Readonly<Record<string, string>> | null;
}

export class Pipelines {
  readonly #pipelines = new Map<string, Pipeline>();
  #nextId = FIRST_STAGE_ID;

  constructor(nowMs: number) {
    const stages = DEFAULT_STAGES.map(([id, label, probability], displayOrder) => ({
      id,
      label,
      displayOrder,
      metadata: { isClosed: String(probability === '1.0' || probability === '0.0'), probability },
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    }));
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
    this.#pipelines.set('default', { id: 'default', label: 'Sales Pipeline', displayOrder: 0, stages, ...times });
  }

  list(): readonly Pipeline[] {
    return [...this.#pipelines.values()].sort((a, b) => a.displayOrder - b.displayOrder);
  }

  find(id: string): Pipeline | undefined {
    return this.#pipelines.get(id);
  }

  /** @throws Refusal 404 */
  get(id: string): Pipeline {
    const pipeline = this.find(id);
    if (pipeline) return pipeline;
    throw notFound(`Pipeline ${id} was not found.`);
  }

  /** @throws Refusal 404 */
  stage(pipelineId: string, stageId: string): Stage {
    const stage = this.get(pipelineId).stages.find((known) => known.id === stageId);
    if (stage) return stage;
    throw notFound(`Stage ${stageId} of pipeline ${pipelineId} was not found.`);
  }

  /** Checks labels and stores; also for replacing. @throws Refusal 409 for a label in use, 400 for too long a one. */
  put(pipeline: Pipeline): void {
    checkLabel(pipeline.label);
    if (this.list().some((known) => known.id !== pipeline.id && known.label === pipeline.label)) {
      throw conflict(`A pipeline labelled '${pipeline.label}' already exists.`);
    }
    if (pipeline.stages.length > STAGES_MAX) throw invalidInput(`A pipeline has at most ${STAGES_MAX} stages.`);
    const labels = pipeline.stages.map((stage) => stage.label);
    const repeated = labels.find((label, index) => labels.indexOf(label) !== index);
    if (repeated !== undefined) throw conflict(`A stage labelled '${repeated}' already exists in the pipeline.`);
    this.#pipelines.set(pipeline.id, pipeline);
  }

  delete(id: string): void {
    this.#pipelines.delete(id);
  }

  /** @param wanted an id the client asked for and the portal honours; null: the server's own numbering. */
  newId(wanted: string | null): string {
    return wanted ?? String(this.#nextId++);
  }

  /** @throws Refusal 400 for a draft without label or valid probability. */
  stageFrom(draft: StageDraft, honourId: boolean, nowMs: number): Stage {
    if (draft.label === null || draft.label === '') throw invalidInput('Some required fields were not set: [label]');
    checkLabel(draft.label);
    return {
      id: this.newId(honourId ? draft.id : null),
      label: draft.label,
      displayOrder: draft.displayOrder,
      metadata: checkedMetadata(draft.metadata),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }
}

/** Probability is required for deals, 0.0 to 1.0 in steps of 0.1; both ends are closed. */
export function checkedMetadata(metadata: Readonly<Record<string, string>> | null): Readonly<Record<string, string>> {
  const probability = Number(metadata?.probability ?? Number.NaN);
  const tenths = probability * 10;
  if (!(tenths >= 0 && tenths <= 10) || Math.abs(tenths - Math.round(tenths)) > 1e-9) {
    throw invalidInput('Stage metadata needs a probability from 0.0 to 1.0 in steps of 0.1.');
  }
  const isClosed = metadata?.isClosed ?? String(probability === 0 || probability === 1);
  return { ...metadata, isClosed, probability: probability.toFixed(1) };
}

function checkLabel(label: string): void {
  if (label === '') throw invalidInput('Some required fields were not set: [label]');
  if (label.length > LABEL_LENGTH_MAX) throw invalidInput(`A label has at most ${LABEL_LENGTH_MAX} characters.`);
}
