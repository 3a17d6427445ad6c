/** The portal about itself: account details, the token's own data, owners, limits and their use. */
import type { VendorReply } from '../http.ts';
import { pageOf } from './answers.ts';
import { invalidInput, methodNotAllowed, notFound } from './errors.ts';
import { bodyRecord, instantText, textOf } from './json.ts';
import { ALL_SCOPES, KINDS, OBJECT_NAMES } from './kinds.ts';
import { type Call, needScope, type Owner, type World } from './world.ts';

/** Source: developers.hubspot.com/docs/api-reference/legacy/account/account-information/get-account-details */
export function accountRoute(world: World, call: Call): VendorReply {
  if (call.request.method !== 'GET') throw methodNotAllowed();
  switch (call.route.rest.join('/')) {
    case 'details':
      return { status: 200, json: details(world) };
    case 'api-usage/daily/private-apps':
      return { status: 200, json: { results: [dailyUsage(world)] } };
    default:
      throw notFound('resource not found');
  }
}

function details(world: World) {
  const { id, accountType, timeZone, companyCurrency, additionalCurrencies } = world.portal;
  const offsetMs = zoneOffsetMs(timeZone, world.now());
  return {
    portalId: id,
    accountType,
    timeZone,
    companyCurrency,
    additionalCurrencies,
    utcOffset: offsetText(offsetMs),
    utcOffsetMilliseconds: offsetMs,
    uiDomain: 'app.hubspot.com',
    dataHostingLocation: 'na1',
  };
}

/** The zone's wall clock read as if it were UTC, less UTC. */
function zoneOffsetMs(timeZone: string, nowMs: number): number {
  const wall = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(nowMs);
  return Date.parse(`${wall.replace(' ', 'T')}Z`) - Math.floor(nowMs / 1000) * 1000;
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / 60_000;
  const part = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${part(minutes / 60)}:${part(minutes % 60)}`;
}

function dailyUsage(world: World) {
  const now = world.now();
  const dayMs = 86_400_000;
  const localMs = now + zoneOffsetMs(world.portal.timeZone, now);
  return {
    name: 'private-apps-api-calls-daily',
    usageLimit: world.limits.settings.dailyLimit,
    currentUsage: world.limits.usedToday(now),
    collectedAt: instantText(now),
    fetchStatus: 'SUCCESS',
    resetsAt: instantText(now + dayMs - (localMs % dayMs)),
  };
}

/** Which portal, app and scopes a token has. The token travels in the body. */
export function tokenRoute(world: World, call: Pick<Call, 'request'>): VendorReply {
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const token = textOf(bodyRecord(call.request.body).tokenKey) ?? '';
  const scopes = world.tokens[token];
  if (!scopes) throw notFound('The private app token is not known.');
  return { status: 200, json: { userId: 1, hubId: world.portal.id, appId: 1, scopes } };
}

const OWNERS_MAX = 500;

/** Source: developers.hubspot.com/docs/guides/api/crm/owners */
export function ownersRoute(world: World, call: Call): VendorReply {
  needScope(call, ['crm.objects.owners.read']);
  if (call.request.method !== 'GET') throw methodNotAllowed();
  const [id] = call.route.rest;
  if (id !== undefined) {
    const owner = world.owners.find((known) => known.id === id);
    if (!owner) throw notFound('resource not found');
    return { status: 200, json: shownOwner(owner) };
  }
  const query = call.request.url.searchParams;
  const email = query.get('email')?.toLowerCase();
  const limit = Number(query.get('limit') ?? 100);
  if (!(limit >= 1 && limit <= OWNERS_MAX)) throw invalidInput(`limit must be between 1 and ${OWNERS_MAX}.`);
  const after = Number(query.get('after') ?? 0);
  const archived = query.get('archived') === 'true';
  const found = world.owners.filter(
    (owner) => !archived && Number(owner.id) > after && (email === undefined || owner.email.toLowerCase() === email),
  );
  const { page, paging } = pageOf(found, limit, (owner) => owner.id);
  return { status: 200, json: { results: page.map(shownOwner), ...paging } };
}

/** A deal's owner is named by `id`, never by `userId`. */
function shownOwner(owner: Owner) {
  const userId = Number(owner.id) + 1_000_000;
  const times = { createdAt: instantText(0), updatedAt: instantText(0) };
  return { ...owner, type: 'PERSON', userId, userIdIncludingInactive: userId, ...times, archived: false, teams: [] };
}

const percent = (usage: number, limit: number): number => Math.round((usage / limit) * 10_000) / 100;
const CUSTOM_PROPERTIES_OVERALL_MAX = 10_000;

/** Source: developers.hubspot.com/docs/api-reference/latest/crm/limits-tracking/guide */
export function limitsRoute(world: World, call: Call): VendorReply {
  needScope(
    call,
    ALL_SCOPES.filter((scope) => scope.startsWith('crm.objects.')),
  );
  if (call.request.method !== 'GET') throw methodNotAllowed();
  switch (call.route.rest.join('/')) {
    case 'custom-properties':
      return { status: 200, json: customPropertyLimits(world) };
    case 'pipelines':
      return { status: 200, json: pipelineLimits(world) };
    default:
      throw notFound('resource not found');
  }
}

function customPropertyLimits(world: World) {
  const byObjectType = OBJECT_NAMES.map((object) => {
    const { typeId, singularLabel, pluralLabel } = KINDS[object];
    const usage = world.schema.customCount(object);
    const limit = world.switches.customPropertiesMax;
    return { objectTypeId: typeId, singularLabel, pluralLabel, limit, usage, percentage: percent(usage, limit) };
  });
  const overallUsage = byObjectType.reduce((sum, { usage }) => sum + usage, 0);
  return {
    byObjectType,
    overallLimit: CUSTOM_PROPERTIES_OVERALL_MAX,
    overallUsage,
    overallPercentage: percent(overallUsage, CUSTOM_PROPERTIES_OVERALL_MAX),
  };
}

function pipelineLimits(world: World) {
  const { typeId, singularLabel, pluralLabel } = KINDS.deals;
  const usage = world.pipelines.list().length;
  const limit = world.switches.pipelinesMax;
  const deals = { objectTypeId: typeId, singularLabel, pluralLabel, limit, usage, percentage: percent(usage, limit) };
  const customObjectTypes = { byObjectType: [], overallLimit: 100, overallPercentage: 0, overallUsage: 0 };
  return { hubspotDefinedObjectTypes: [deals], customObjectTypes };
}
