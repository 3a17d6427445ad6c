/** What the simulated HubSpot answers to association batches. */
import { z } from 'zod';
import { type Ends, pair, unlabelledOf } from './associations.ts';
import type { Portal } from './portal.ts';
import type { Answered } from './portal-answers.ts';
import type { Wire } from './wire.ts';

/** One batch about links, as it arrived. */
export interface LinkCall {
  readonly object: string;
  readonly to: string;
  readonly action: string;
  readonly text: string;
  readonly request: number;
}

const end = z.object({ id: z.string() });
const typeSchema = z.object({ associationTypeId: z.number() });
const bodySchema = z.object({
  inputs: z.array(
    z
      .object({ from: end, to: z.union([end, z.array(end)]), types: z.array(typeSchema).optional() })
      .transform((input) => ({
        from: input.from.id,
        to: Array.isArray(input.to) ? (input.to[0]?.id ?? '') : input.to.id,
        types: input.types?.map(({ associationTypeId }) => associationTypeId) ?? null,
      })),
  ),
});
const readSchema = z.object({ inputs: z.array(end) });
const TYPE_IDS: Readonly<Record<string, string>> = { companies: '0-2', deals: '0-3' };

type Input = z.infer<typeof bodySchema>['inputs'][number];

/** The pairs of a batch and the types it names for each. */
export const pairsOf = (text: string): readonly Input[] => bodySchema.parse(JSON.parse(text)).inputs;

export class AssociationAnswers {
  readonly #wire: Wire;
  readonly #portal: Portal;
  readonly #refusesWhole: boolean;

  constructor(wire: Wire, portal: Portal, refusesWhole: boolean) {
    this.#wire = wire;
    this.#portal = portal;
    this.#refusesWhole = refusesWhole;
  }

  /** A request takes effect; the answer says so. */
  apply(call: LinkCall): Answered {
    if (call.action === 'read') return this.#read(call);
    if (call.action.endsWith('archive')) return this.#remove(call);
    return this.#make(call);
  }

  #read({ text }: LinkCall): Answered {
    const { inputs } = readSchema.parse(JSON.parse(text));
    const results = inputs.flatMap(({ id }) => {
      const to = [...this.#portal.links.of(id)].map(([toObjectId, types]) => ({
        toObjectId,
        associationTypes: [...types].map((typeId) => ({ category: 'HUBSPOT_DEFINED', typeId, label: labelOf(typeId) })),
      }));
      return to.length > 0 ? [{ from: { id }, to }] : [];
    });
    const found = new Set(results.map(({ from }) => from.id));
    const errors = inputs
      .filter(({ id }) => !found.has(id))
      .map(({ id }) => ({ category: 'OBJECT_NOT_FOUND', message: 'no association', context: { fromObjectId: [id] } }));
    return batch(errors.length > 0 ? 207 : 200, this.#shuffled(results), errors);
  }

  /** 204 whether they were there or not. */
  #remove({ text, action, request }: LinkCall): Answered {
    const before = this.#portal.links.changes;
    for (const { types, ...ends } of pairsOf(text))
      this.#portal.links.remove(ends, action === 'labels/archive' ? (types ?? []) : null, request);
    if (this.#portal.links.changes > before) this.#portal.writes++;
    return { status: 204, body: undefined };
  }

  #make({ object, to, action, text, request }: LinkCall): Answered {
    const { links } = this.#portal;
    const inputs = pairsOf(text);
    const errors = inputs.flatMap((input) => this.#errorOf(input, object, to) ?? []);
    if (errors.length > 0) this.#wire.count('link refused');
    if (errors.length > 0 && this.#refusesWhole)
      return { status: 400, body: { category: 'VALIDATION_ERROR', message: 'Some associations are not possible' } };
    const good = inputs.filter((input) => this.#errorOf(input, object, to) === null);
    const before = links.changes;
    for (const { types, ...ends } of good)
      links.make(ends, unlabelledOf(object, to), action === 'create' ? (types ?? []) : null, request);
    if (links.changes > before) this.#portal.writes++;
    const results = good.map(({ from, to: target }) =>
      action === 'create'
        ? { fromObjectId: from, toObjectId: target, labels: [] }
        : { from: { id: from }, to: { id: target } },
    );
    const status = action === 'create' ? (errors.length > 0 ? 207 : 201) : 200;
    return batch(status, this.#someLeftOut(this.#shuffled(results)), errors);
  }

  #errorOf(ends: Ends, from: string, to: string) {
    const sides = [
      { object: from, id: ends.from },
      { object: to, id: ends.to },
    ];
    const absent = sides.find(({ object, id }) => this.#portal.byId(id)?.object !== object);
    if (absent) {
      const context = { objectId: [absent.id], objectTypeId: [TYPE_IDS[absent.object]] };
      return { category: 'OBJECT_NOT_FOUND', message: `${absent.object} ${absent.id} was not found`, context };
    }
    if (!this.#portal.links.refuses(ends)) return null;
    const context = { fromObjectId: [ends.from], toObjectId: [ends.to] };
    return { category: 'VALIDATION_ERROR', message: `the limit of ${pair(ends)} is reached`, context };
  }

  #shuffled<T>(results: readonly T[]): T[] {
    const { chance, rates } = this.#wire;
    return chance.hits(rates.hubShuffled) ? chance.shuffled(results) : [...results];
  }

  #someLeftOut<T>(results: T[]): T[] {
    const { chance, rates, count } = this.#wire;
    if (results.length === 0 || !chance.hits(rates.hubMissing)) return results;
    count('link left out of an answer');
    return results.toSpliced(chance.between(0, results.length - 1), 1);
  }
}

const labelOf = (typeId: number): string | null => (typeId === 5 ? 'Primary' : typeId === 14 ? 'Parent Company' : null);

const batch = (status: number, results: readonly unknown[], errors: readonly unknown[]): Answered => ({
  status,
  body: {
    ...{ status: 'COMPLETE', results },
    ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
  },
});
