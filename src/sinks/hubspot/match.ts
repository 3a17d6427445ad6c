/** Which input each result and each error of a batch belongs to. By trace id, else by key; never by position. */
import { KeyMatcher } from './keys.ts';
import { type BatchReply, contextList, type ErrorReply, type RecordReply, readError } from './replies.ts';

export interface Input {
  readonly key: string;
  /** Unique in its request; HubSpot repeats it in errors, and may do so in results. */
  readonly traceId: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface Matched {
  readonly results: ReadonlyMap<string, RecordReply>;
  readonly errors: ReadonlyMap<string, ErrorReply>;
  /** Results that name neither a trace id nor a key of ours, by record id. */
  readonly orphans: ReadonlyMap<string, RecordReply>;
  /** Errors that name none of the inputs, counted as HubSpot counted them. */
  readonly strayErrors: readonly ErrorReply[];
  readonly strayErrorCount: number;
}

/** `idProperty` null: the key of an input is its record id. */
export function matchBatch(inputs: readonly Input[], reply: BatchReply, idProperty: string | null): Matched {
  const whose = new Attribution(inputs);
  const results = new Map<string, RecordReply>();
  const orphans = new Map<string, RecordReply>();
  for (const result of reply.results) {
    const key = whose.ofResult(result, idProperty);
    if (key === null) orphans.set(result.id, result);
    else results.set(key, result);
  }
  const errors = new Map<string, ErrorReply>();
  const strayErrors: ErrorReply[] = [];
  for (const error of reply.errors) {
    const keys = whose.ofError(error, { byId: true });
    if (keys.length === 0) strayErrors.push(error);
    for (const key of keys) errors.set(key, error);
  }
  const counted = reply.errors.length - strayErrors.length;
  return { results, errors, orphans, strayErrors, strayErrorCount: Math.max(0, reply.numErrors - counted) };
}

/**
 * The inputs that the errors inside a refusal of the whole request name. Only trace ids count here: the ids in such
 * an error may be record ids of whatever they collided with.
 */
export function blamedInputs(inputs: readonly Input[], error: ErrorReply): ReadonlyMap<string, ErrorReply> {
  const whose = new Attribution(inputs);
  const blamed = new Map<string, ErrorReply>();
  for (const nested of (error.errors ?? []).map(readError)) {
    for (const key of whose.ofError(nested, { byId: false })) {
      blamed.set(key, { ...nested, category: nested.category ?? error.category });
    }
  }
  return blamed;
}

class Attribution {
  readonly #byTrace: ReadonlyMap<string, string>;
  readonly #keys: KeyMatcher;

  constructor(inputs: readonly Input[]) {
    this.#byTrace = new Map(inputs.map((input) => [input.traceId, input.key]));
    this.#keys = new KeyMatcher(inputs.map((input) => input.key));
  }

  ofResult(result: RecordReply, idProperty: string | null): string | null {
    const traced = result.objectWriteTraceId ? this.#byTrace.get(result.objectWriteTraceId) : undefined;
    if (traced !== undefined) return traced;
    return this.#keys.match(idProperty === null ? result.id : result.properties?.[idProperty]);
  }

  ofError(error: ErrorReply, options: { byId: boolean }): readonly string[] {
    const traces = contextList(error, 'objectWriteTraceId');
    if (traces.length > 0) return traces.map((trace) => this.#byTrace.get(trace)).filter((key) => key !== undefined);
    if (!options.byId) return [];
    const ids = [...contextList(error, 'ids'), ...contextList(error, 'id'), ...(error.id ? [error.id] : [])];
    return ids.map((id) => this.#keys.match(id)).filter((key) => key !== null);
  }
}
