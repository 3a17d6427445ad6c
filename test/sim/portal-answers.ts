/** What the simulated HubSpot answers to the calls that the program makes. */
import { z } from 'zod';
import { AssociationAnswers } from './association-answers.ts';
import { MERGED, type Portal, type Stored } from './portal.ts';
import type { Wire } from './wire.ts';

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** One call, as it arrived. `request` counts them in the order in which they were sent. */
export interface PortalCall {
  readonly object: string;
  /** The other end of the links that it is about; null where it is about objects. */
  readonly to: string | null;
  readonly action: string;
  readonly query: URLSearchParams;
  readonly text: string;
  readonly request: number;
}

type Input = z.infer<typeof inputSchema>;

const inputSchema = z.object({
  id: z.string(),
  idProperty: z.string().optional(),
  objectWriteTraceId: z.string().optional(),
  properties: z.record(z.string(), z.string()).optional(),
});
const bodySchema = z.object({ idProperty: z.string().optional(), inputs: z.array(inputSchema) });

export class PortalAnswers {
  readonly #wire: Wire;
  readonly #portal: Portal;
  /** Whether one bad row makes it refuse all, without a word about which. */
  readonly #refusesWhole: boolean;
  /** How often a batch with this key was halved. */
  readonly #halvings = new Map<string, number>();
  readonly #links: AssociationAnswers;

  constructor(wire: Wire, portal: Portal) {
    this.#wire = wire;
    this.#portal = portal;
    this.#refusesWhole = wire.chance.hits(wire.rates.hubUnnamed);
    this.#links = new AssociationAnswers(wire, portal, this.#refusesWhole);
  }

  /** A request takes effect; the answer says so. */
  apply(call: PortalCall): Answered {
    if (call.to !== null) return this.#links.apply({ ...call, to: call.to });
    if (call.action === 'list') return this.#list(call);
    const { inputs, idProperty } = bodySchema.parse(JSON.parse(call.text));
    if (call.action === 'read') return this.#read(call, inputs, idProperty ?? null);
    if (call.action === 'update') return this.#update(inputs, call.request);
    return this.#upsert(call, inputs);
  }

  #list({ object, query }: PortalCall): Answered {
    const limit = Number(query.get('limit'));
    const from = Number(query.get('after') ?? 0);
    const all = this.#shelf(query.get('archived') === 'true').filter((stored) => stored.object === object);
    const results = all.slice(from, from + limit).map(shown);
    const paging = from + limit < all.length ? { paging: { next: { after: String(from + limit) } } } : {};
    return { status: 200, body: { results, ...paging } };
  }

  #shelf(archived: boolean): Stored[] {
    return archived ? this.#portal.bin : [...this.#portal.objects.values()];
  }

  #read({ object, query }: PortalCall, inputs: readonly Input[], idProperty: string | null): Answered {
    const shelf = this.#shelf(query.get('archived') === 'true').filter((stored) => stored.object === object);
    const index = new Map(shelf.map((stored) => [idProperty === null ? stored.id : stored.key, stored]));
    const results = inputs.flatMap(({ id }) => {
      const stored = index.get(id);
      return stored ? [shown(stored)] : [];
    });
    const missing = inputs.filter(({ id }) => !index.has(id)).map(({ id }) => id);
    if (missing.length === 0) return { status: 200, body: { ...this.#complete(), results } };
    const error = { status: 'error', category: 'OBJECT_NOT_FOUND', message: 'not found', context: { ids: missing } };
    return { status: 207, body: { ...this.#complete(), results, numErrors: 1, errors: [error] } };
  }

  #update(inputs: readonly Input[], request: number): Answered {
    this.#portal.writes++;
    const results = inputs.flatMap(({ id, properties = {}, objectWriteTraceId }) => {
      const stored = this.#portal.byId(id);
      if (!stored) return [];
      this.#portal.put(stored.object, stored.key, properties, request);
      return [{ ...shown(stored), objectWriteTraceId }];
    });
    return { status: 200, body: { ...this.#complete(), results } };
  }

  #upsert({ object, request }: PortalCall, inputs: readonly Input[]): Answered {
    this.#portal.writes++;
    if (new Set(inputs.map(({ id }) => id)).size < inputs.length) {
      return { status: 400, body: { category: 'VALIDATION_ERROR', message: 'Duplicate IDs found in batch input' } };
    }
    const bad = inputs.filter(isRefused);
    if (bad.length > 0 && this.#refusesWhole) return this.#refuseWhole(inputs);
    for (const { id } of inputs) this.#halvings.delete(id);
    const results = inputs.filter((input) => !isRefused(input)).map((input) => this.#put(object, input, request));
    const errors = bad.map(({ objectWriteTraceId }) => ({
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: 'Property values were not valid',
      context: { objectWriteTraceId: [objectWriteTraceId] },
    }));
    return this.#multi(results, errors);
  }

  #refuseWhole(inputs: readonly Input[]): Answered {
    const depth = Math.max(...inputs.map(({ id }) => this.#halvings.get(id) ?? 0));
    for (const { id } of inputs) this.#halvings.set(id, depth + 1);
    if (depth >= 3) this.#wire.count('halved three times or more');
    this.#wire.count('refused whole');
    if (inputs.length === 1) for (const { id } of inputs) this.#halvings.delete(id);
    return { status: 400, body: { category: 'VALIDATION_ERROR', message: 'Property values were not valid' } };
  }

  #multi(results: unknown[], errors: unknown[]): Answered {
    const { chance, rates } = this.#wire;
    const told = chance.hits(rates.hubShuffled) ? chance.shuffled(results) : [...results];
    if (told.length > 1 && chance.hits(rates.hubMissing)) {
      told.splice(chance.between(0, told.length - 1), 1);
      this.#wire.count('result left out of an answer');
    }
    if (errors.length === 0) return { status: 200, body: { ...this.#complete(), results: told } };
    this.#wire.count('207 or 200 with errors inside');
    const status = chance.hits(0.3) ? 200 : 207;
    return { status, body: { ...this.#complete(), results: told, numErrors: errors.length, errors } };
  }

  #put(object: string, { id, properties = {}, objectWriteTraceId }: Input, request: number): unknown {
    const [stored, isNew] = this.#portal.put(object, id, properties, request);
    this.#wire.trace(`portal ${object} ${id} = ${JSON.stringify(stored.properties)}`);
    return { ...shown(stored), new: isNew, ...(stored.id.endsWith('7') ? {} : { objectWriteTraceId }) };
  }

  #complete() {
    const at = new Date(this.#wire.time.nowMs).toISOString();
    return { status: 'COMPLETE', startedAt: at, completedAt: at };
  }
}

/** What the portal's own validation refuses. */
const isRefused = ({ properties }: Input): boolean => properties?.name?.startsWith('refused') ?? false;

const shown = ({ id, properties, createdAtMs, mergedIds }: Stored) => ({
  id,
  properties: { ...properties, ...(mergedIds.length > 0 ? { [MERGED]: mergedIds.join(';') } : {}) },
  createdAt: new Date(createdAtMs).toISOString(),
});
