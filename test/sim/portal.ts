/** A simulated HubSpot: the three batch calls the engine writes with, keyed by a unique property. */
import { z } from 'zod';
import type { Wire } from './wire.ts';

export interface Stored {
  readonly id: string;
  readonly properties: Record<string, string>;
  readonly createdAtMs: number;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

export type PortalInput = z.infer<typeof inputSchema>;

const inputSchema = z.object({
  id: z.string(),
  idProperty: z.string().optional(),
  objectWriteTraceId: z.string().optional(),
  properties: z.record(z.string(), z.string()).optional(),
});
const bodySchema = z.object({ idProperty: z.string().optional(), inputs: z.array(inputSchema) });

export class Portal {
  readonly #wire: Wire;
  /** By object type and key. */
  readonly objects = new Map<string, Stored>();
  /** Keys of objects that people archived. */
  readonly archived = new Set<string>();
  writes = 0;
  /** Whether one bad row makes it refuse all, without a word about which. */
  readonly #refusesWhole: boolean;
  #ids = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
    this.#refusesWhole = wire.chance.hits(wire.rates.hubUnnamed);
  }

  /** A request takes effect; the answer says so. */
  apply(object: string, action: string, text: string): Answered {
    const { inputs, idProperty } = bodySchema.parse(JSON.parse(text));
    if (action === 'read') return this.#read(object, inputs, idProperty ?? null);
    if (action === 'update') return this.#update(object, inputs);
    return this.#upsert(object, inputs);
  }

  #read(object: string, inputs: readonly PortalInput[], idProperty: string | null): Answered {
    const found = inputs.map(({ id }) => (idProperty === null ? this.#byId(id) : this.objects.get(`${object} ${id}`)));
    const results = found.flatMap((stored) => (stored ? [shown(stored)] : []));
    const missing = inputs.filter((_, index) => found[index] === undefined).map(({ id }) => id);
    if (missing.length === 0) return { status: 200, body: { ...this.#complete(), results } };
    const error = { status: 'error', category: 'OBJECT_NOT_FOUND', message: 'not found', context: { ids: missing } };
    return { status: 207, body: { ...this.#complete(), results, numErrors: 1, errors: [error] } };
  }

  #byId(id: string): Stored | undefined {
    return [...this.objects.values()].find((stored) => stored.id === id);
  }

  #update(_object: string, inputs: readonly PortalInput[]): Answered {
    this.writes++;
    const results = inputs.flatMap(({ id, properties, objectWriteTraceId }) => {
      const stored = this.#byId(id);
      if (!stored) return [];
      Object.assign(stored.properties, properties);
      return [{ ...shown(stored), objectWriteTraceId }];
    });
    return { status: 200, body: { ...this.#complete(), results } };
  }

  #upsert(object: string, inputs: readonly PortalInput[]): Answered {
    this.writes++;
    if (new Set(inputs.map(({ id }) => id)).size < inputs.length) {
      return { status: 400, body: { category: 'VALIDATION_ERROR', message: 'Duplicate IDs found in batch input' } };
    }
    const bad = inputs.filter(isRefused);
    if (bad.length > 0 && this.#refusesWhole) {
      this.#wire.count(`refused whole, ${inputs.length > 4 ? 'more than four' : 'up to four'} in it`);
      return { status: 400, body: { category: 'VALIDATION_ERROR', message: 'Property values were not valid' } };
    }
    const good = inputs.filter((input) => !isRefused(input));
    const results = good.map((input) => this.#put(object, input));
    const errors = bad.map(({ objectWriteTraceId }) => ({
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: 'Property values were not valid',
      context: { objectWriteTraceId: [objectWriteTraceId] },
    }));
    return this.#multi(results, errors);
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

  #put(object: string, { id, properties = {}, objectWriteTraceId }: PortalInput): unknown {
    const name = `${object} ${id}`;
    const known = this.objects.get(name);
    if (known) Object.assign(known.properties, properties);
    const stored = known ?? {
      id: String(1_000 + this.#ids++),
      properties: { ...properties },
      createdAtMs: this.#wire.time.nowMs,
    };
    this.objects.set(name, stored);
    this.#wire.trace(`portal ${name} = ${JSON.stringify(stored.properties)}`);
    return { ...shown(stored), new: known === undefined, ...(stored.id.endsWith('7') ? {} : { objectWriteTraceId }) };
  }

  archive(name: string): void {
    this.objects.delete(name);
    this.archived.add(name);
  }

  #complete() {
    const at = new Date(this.#wire.time.nowMs).toISOString();
    return { status: 'COMPLETE', startedAt: at, completedAt: at };
  }
}

/** What the portal's own validation refuses. */
const isRefused = ({ properties }: PortalInput): boolean => properties?.name?.startsWith('refused') ?? false;

const shown = ({ id, properties, createdAtMs }: Stored) => ({
  id,
  properties: { ...properties },
  createdAt: new Date(createdAtMs).toISOString(),
});
