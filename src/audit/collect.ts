/** Asks a portal what it holds. Reads only, each part for itself: what is not allowed leaves a gap and stops nothing. */
import { asError, EXIT, FatalError } from '../errors.ts';
import type { ObjectType } from '../pipe.ts';
import type { AccountDetails } from '../sinks/hubspot/account.ts';
import { countObjects, type Filter } from '../sinks/hubspot/count.ts';
import { MARKETABLE } from '../sinks/hubspot/marketing.ts';
import { readOwners } from '../sinks/hubspot/owners.ts';
import { listPipelines } from '../sinks/hubspot/pipelines.ts';
import type { PropertyReply } from '../sinks/hubspot/replies.ts';
import { listProperties } from '../sinks/hubspot/schema-reads.ts';
import type { Transport } from '../sinks/hubspot/transport.ts';
import { SAMPLED, twinsAmong } from './duplicates.ts';
import type { Audit, Breakdown, CustomProperty, PipelineUse, Twins } from './model.ts';
import { sampleOf } from './search.ts';

const OBJECTS: readonly ObjectType[] = ['companies', 'contacts', 'deals', 'products'];
const STAGED: readonly (readonly [ObjectType, string])[] = [
  ['contacts', 'lifecyclestage'],
  ['contacts', 'hs_lead_status'],
  ['companies', 'lifecyclestage'],
  ['companies', 'hs_lead_status'],
];
/** Custom properties of one object whose use is counted, a search each: 20 s for a hundred at 5 a second. */
const COUNTED_MAX = 100;
/** Pages of 200 from either end. */
const SAMPLE_PAGES = 5;

type Properties = ReadonlyMap<string, PropertyReply>;

/** Asks each part for itself: what fails leaves a gap with its reason. */
class Asker {
  readonly transport: Transport;
  readonly signal: AbortSignal;
  readonly gaps: Audit['gaps'][number][] = [];

  constructor(transport: Transport, signal: AbortSignal) {
    this.transport = transport;
    this.signal = signal;
  }

  /** Null when it could not be read. */
  async part<T>(name: string, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (thrown) {
      this.signal.throwIfAborted();
      const exit = thrown instanceof FatalError ? thrown.exit : EXIT.hubspot;
      this.gaps.push({ part: name, reason: asError(thrown).message, exit });
      return null;
    }
  }

  readonly count: Count = (object, filters) => countObjects(this.transport, object, filters, this.signal);
}

export async function collectAudit(
  transport: Transport,
  account: AccountDetails,
  at: string,
  signal: AbortSignal,
): Promise<Audit> {
  const asker = new Asker(transport, signal);
  const properties = await propertiesOf(asker);
  const [counts, breakdowns, pipelines, custom, duplicates, marketingContacts, owners] = await Promise.all([
    totalsOf(asker),
    breakdownsOf(asker, properties),
    asker.part('pipelines', () => pipelineUses(asker)),
    customProperties(asker, properties),
    duplicatesOf(asker),
    marketingOf(asker, properties),
    asker.part('owners', async () => (await readOwners(transport, signal)).size),
  ]);
  return {
    ...account,
    ...{ at, counts, breakdowns, pipelines, marketingContacts, owners, duplicates },
    customProperties: custom.filter((list) => list !== null).flat(),
    areCustomPropertiesKnown: custom.every((list) => list !== null),
    gaps: asker.gaps,
    calls: transport.stats().calls,
  };
}

type PropertiesByObject = ReadonlyMap<ObjectType, Properties | null>;

async function propertiesOf(asker: Asker): Promise<PropertiesByObject> {
  const { transport, signal } = asker;
  const read = async (object: ObjectType) => {
    const list = () => listProperties(transport, object, { archived: false }, signal);
    return [object, await asker.part(`properties of ${object}`, list)] as const;
  };
  return new Map(await Promise.all(OBJECTS.map(read)));
}

async function totalsOf(asker: Asker): Promise<Audit['counts']> {
  const totals = await Promise.all(
    OBJECTS.map(async (object) => ({
      object,
      total: await asker.part(`number of ${object}`, () => asker.count(object, [])),
    })),
  );
  return totals.flatMap(({ object, total }) => (total === null ? [] : [{ object, total }]));
}

/** Of an object whose properties could not be read nothing is said: the gap is on record. */
async function breakdownsOf(asker: Asker, properties: PropertiesByObject): Promise<Breakdown[]> {
  const found = await Promise.all(
    STAGED.map(([object, name]) => {
      const property = properties.get(object)?.get(name);
      return property && asker.part(`${name} of ${object}`, () => breakdownOf(object, property, asker.count));
    }),
  );
  return found.filter((one) => one != null);
}

const customProperties = (asker: Asker, properties: PropertiesByObject): Promise<(CustomProperty[] | null)[]> =>
  Promise.all(
    OBJECTS.map(async (object) => {
      const known = properties.get(object);
      return known ? asker.part(`use of ${object}`, () => customOf(object, known, asker.count)) : null;
    }),
  );

async function duplicatesOf(asker: Asker): Promise<Twins[]> {
  const { transport, signal } = asker;
  const found = await Promise.all(
    SAMPLED.map(({ object, properties }) =>
      asker.part(`sample of ${object}`, async () =>
        twinsAmong(object, await sampleOf(transport, object, { properties, pages: SAMPLE_PAGES }, signal)),
      ),
    ),
  );
  return found.filter((twins) => twins !== null).flat();
}

/** `absent`: a portal without the property, such as one without Marketing Hub; null: it could not be read. */
async function marketingOf(asker: Asker, properties: PropertiesByObject): Promise<Audit['marketingContacts']> {
  const known = properties.get('contacts');
  if (!known) return null;
  if (!known.has(MARKETABLE)) return 'absent';
  return asker.part('marketing contacts', () =>
    asker.count('contacts', [{ propertyName: MARKETABLE, operator: 'EQ', value: 'true' }]),
  );
}

type Count = (object: ObjectType, filters: readonly Filter[]) => Promise<number>;

async function breakdownOf(object: ObjectType, property: PropertyReply, count: Count): Promise<Breakdown> {
  const propertyName = property.name;
  const shares = (property.options ?? []).map(async ({ value, label }) => ({
    value,
    label: label ?? value,
    count: await count(object, [{ propertyName, operator: 'EQ', value }]),
  }));
  const without = count(object, [{ propertyName, operator: 'NOT_HAS_PROPERTY' }]);
  return { object, property: propertyName, shares: await Promise.all(shares), without: await without };
}

async function pipelineUses({ transport, count, signal }: Asker): Promise<PipelineUse[]> {
  const found = await listPipelines(transport, signal);
  return Promise.all(
    found.map(async ({ id, label, stages }) => {
      const here: Filter = { propertyName: 'pipeline', operator: 'EQ', value: id };
      const shares = (stages ?? []).map(async (stage) => ({
        value: stage.id,
        label: stage.label,
        count: await count('deals', [here, { propertyName: 'dealstage', operator: 'EQ', value: stage.id }]),
      }));
      return { id, label, stages: await Promise.all(shares) };
    }),
  );
}

async function customOf(object: ObjectType, properties: Properties, count: Count): Promise<CustomProperty[]> {
  const custom = [...properties.values()].filter(({ hubspotDefined }) => hubspotDefined !== true);
  return Promise.all(
    custom.map(async ({ name, label, type, hasUniqueValue }, place) => ({
      object,
      name,
      label: label ?? name,
      type: type ?? '',
      isUnique: hasUniqueValue === true,
      used: place < COUNTED_MAX ? await count(object, [{ propertyName: name, operator: 'HAS_PROPERTY' }]) : null,
    })),
  );
}
