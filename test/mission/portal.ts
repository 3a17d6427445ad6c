/** What a portal holds at one moment, and how it differs from what it has to hold. */
import { SANDBOX_TOKEN } from '../../src/sandbox/hubspot/server.ts';
import { type Expected, hundredths } from './spelling.ts';

type Values = Readonly<Record<string, string>>;

export interface Found {
  readonly object: string;
  readonly id: string;
  /** `erp_customer_id C-10007`; null for what only people know. */
  readonly key: string | null;
  /** Empty ones are left out; pipeline and stage by their labels. */
  readonly properties: Values;
}

export interface Portal {
  readonly byId: ReadonlyMap<string, Found>;
  /** Throws when two objects have one key. */
  readonly byKey: ReadonlyMap<string, Found>;
  /** `contacts 17 > companies 12: 1, 279`. */
  readonly links: ReadonlySet<string>;
  /** Ids of the stages by `pipeline: stage`. */
  readonly stages: ReadonlyMap<string, string>;
}

const OBJECTS = ['products', 'companies', 'contacts', 'deals'] as const;
const KEYS = ['erp_product_id', 'erp_customer_id', 'erp_contact_id', 'square_order_id', 'erp_opportunity_id'];

interface RawObject {
  readonly id: string;
  readonly properties: Readonly<Record<string, string | null>>;
}

export async function readPortal(url: string): Promise<Portal> {
  const labels = await stageLabels(url);
  const found: Found[] = [];
  for (const object of OBJECTS) {
    const { results }: { results: RawObject[] } = await get(`${url}/_sandbox/objects/${object}`);
    for (const { id, properties } of results) found.push({ object, id, ...described(properties, labels) });
  }
  const byId = new Map(found.map((one) => [one.id, one]));
  const byKey = new Map<string, Found>();
  for (const one of found) {
    if (one.key === null) continue;
    if (byKey.has(one.key)) throw new Error(`two objects have ${one.key}`);
    byKey.set(one.key, one);
  }
  const { results }: { results: { from: string; to: string; types: number[] }[] } = await get(
    `${url}/_sandbox/associations`,
  );
  const links = results.map(({ from, to, types }) => linkLine(byId.get(from), byId.get(to), types));
  const stages = new Map([...labels].map(([name, label]) => [label, name.replace(/^\w+ /, '')]));
  return { byId, byKey, links: new Set(links.flatMap((line) => line ?? [])), stages };
}

function described(
  properties: RawObject['properties'],
  labels: ReadonlyMap<string, string>,
): Omit<Found, 'object' | 'id'> {
  const filled: Record<string, string> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (value !== null && value !== '') filled[name] = labels.get(`${name} ${value}`) ?? sameInstant(value);
  }
  const [key = null] = KEYS.flatMap((name) => (filled[name] === undefined ? [] : [`${name} ${filled[name]}`]));
  return { key, properties: filled };
}

/** HubSpot drops idle zeros of a second's fraction. */
const sameInstant = (value: string): string =>
  /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? new Date(value).toISOString() : value;

/** Each link once: from the side that names the other. */
function linkLine(from: Found | undefined, to: Found | undefined, types: readonly number[]): string | null {
  if (!from || !to) throw new Error('a link to an object that is not there');
  const isNaming = from.object === to.object ? !types.includes(13) : to.object < from.object;
  const isDealsSide = from.object === 'deals' || to.object === 'deals';
  if (isDealsSide ? from.object !== 'deals' : !isNaming) return null;
  return `${from.object} ${from.id} > ${to.object} ${to.id}: ${types.join(', ')}`;
}

async function stageLabels(url: string): Promise<Map<string, string>> {
  const { results }: { results: { id: string; label: string; stages: { id: string; label: string }[] }[] } = await get(
    `${url}/crm/v3/pipelines/deals`,
  );
  return new Map(
    results.flatMap(({ id, label, stages }) => [
      [`pipeline ${id}`, label] as const,
      ...stages.map((stage) => [`dealstage ${stage.id}`, `${label}: ${stage.label}`] as const),
    ]),
  );
}

async function get(url: string) {
  const reply = await fetch(url, { headers: { authorization: `Bearer ${SANDBOX_TOKEN}` } });
  return JSON.parse(await reply.text());
}

/** What HubSpot itself turns at every write. */
const HUBSPOTS_OWN = new Set(['lastmodifieddate', 'hs_lastmodifieddate', 'hs_is_closed', 'hs_is_closed_won']);

export interface Comparison {
  readonly expected: readonly Expected[];
  /** The portal before the tool ran, as people had left it. */
  readonly before: Portal;
  readonly after: Portal;
  readonly owners: ReadonlyMap<string, string>;
}

/** Every difference, one sentence each; none when the portal is exactly as it has to be. */
export function differences({ expected, before, after, owners }: Comparison): string[] {
  const keys = new Set(expected.map(({ key }) => key));
  const superfluous = [...after.byKey.keys()]
    .filter((key) => !keys.has(key))
    .map((key) => `${key} should not be there`);
  const lost = [...before.byId.keys()].filter((id) => !after.byId.has(id)).map((id) => `object ${id} is gone`);
  const unkeyed = [...after.byId.values()].filter(({ key }) => key === null);
  return [
    ...superfluous,
    ...lost,
    ...unkeyed.flatMap((one) => differencesOfPeoples(one, before)),
    ...expected.flatMap((one) => differencesOf(one, before, after, owners)),
    ...differencesOfLinks(expected, before, after),
  ];
}

/** An object that only people know is as they left it, to the last property. */
function differencesOfPeoples(now: Found, before: Portal): string[] {
  const then = before.byId.get(now.id);
  if (!then) return [`${now.object} ${now.id} was made without a key`];
  return changed(then.properties, now.properties).map((what) => `${now.object} ${now.id}: ${what}`);
}

function differencesOf(
  { object, key, properties, rep }: Expected,
  before: Portal,
  after: Portal,
  owners: Comparison['owners'],
): string[] {
  const now = after.byKey.get(key);
  if (!now) return [`${key} is missing`];
  const then = before.byId.get(now.id);
  const owner = then ? then.properties.hubspot_owner_id : owners.get(rep ?? '');
  const wanted = { ...then?.properties, ...properties, hubspot_owner_id: owner ?? '' };
  const ours = then ? now.properties : only(now.properties, Object.keys(wanted));
  return [
    ...(now.object === object ? [] : [`${key} is among the ${now.object}`]),
    ...changed(without(wanted, HUBSPOTS_OWN), without(ours, HUBSPOTS_OWN)).map((what) => `${key}: ${what}`),
  ];
}

function changed(then: Values, now: Values): string[] {
  const names = new Set([...Object.keys(then), ...Object.keys(now)]);
  return [...names]
    .filter((name) => (then[name] ?? '') !== (now[name] ?? ''))
    .map((name) => `${name} is "${now[name] ?? ''}" instead of "${then[name] ?? ''}"`);
}

const only = (values: Values, names: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));

const without = (values: Values, names: ReadonlySet<string>): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name)));

/** Ours are exactly the expected ones; people's, which have no key of ours on both sides, stay. */
function differencesOfLinks(expected: readonly Expected[], before: Portal, after: Portal): string[] {
  const wanted = new Set<string>();
  for (const { object, key, links } of expected) {
    for (const { to, types } of links) {
      const [from, target] = [after.byKey.get(key), after.byKey.get(to)];
      if (from && target) wanted.add(`${object} ${from.id} > ${target.object} ${target.id}: ${types.join(', ')}`);
      else wanted.add(`${key} > ${to}`);
    }
  }
  const peoples = [...before.links].filter((line) => !isOurs(line, before));
  for (const line of peoples) wanted.add(line);
  return [
    ...[...wanted].filter((line) => !after.links.has(line)).map((line) => `no link ${line}`),
    ...[...after.links].filter((line) => !wanted.has(line)).map((line) => `a link too many: ${line}`),
  ];
}

function isOurs(line: string, { byId }: Portal): boolean {
  const [, from = '', to = ''] = /^\w+ (\S+) > \w+ (\S+):/.exec(line) ?? [];
  return byId.get(from)?.key != null && byId.get(to)?.key != null;
}

/** How many deals stand in each stage and what they are worth together, in hundredths. */
export function totals(deals: readonly Values[]): Readonly<Record<string, readonly [count: number, sum: bigint]>> {
  const byStage = Map.groupBy(deals, ({ dealstage = '' }) => dealstage);
  return Object.fromEntries(
    [...byStage]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([stage, list]) => [
        stage,
        [list.length, list.reduce((sum, { amount = '' }) => sum + hundredths(amount), 0n)] as const,
      ]),
  );
}
