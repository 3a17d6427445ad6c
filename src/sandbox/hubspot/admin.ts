/** What demo, tests and people ask of the sandbox itself, under `/_sandbox/`. Needs no token and spends no budget. */
import { z } from 'zod';
import type { VendorReply, VendorRequest } from '../http.ts';
import { invalidInput, notFound } from './errors.ts';
import { kindOf, OBJECT_NAMES } from './kinds.ts';
import { present } from './present.ts';
import { SWITCHES } from './switches.ts';
import type { World } from './world.ts';

const OWNERS = z.array(z.object({ id: z.string(), email: z.string(), firstName: z.string(), lastName: z.string() }));
const LIMITS = z
  .strictObject({
    burstPer10s: z.int().positive().nullable(),
    searchPerSecond: z.int().positive(),
    associationsPer10s: z.int().positive(),
    dailyLimit: z.int().nonnegative(),
  })
  .partial();
const EDIT = z.object({ type: z.string(), id: z.string(), properties: z.record(z.string(), z.string()) });

const done: VendorReply = { status: 200, json: { ok: true } };

export function adminRoute(world: World, request: VendorRequest): VendorReply {
  const [, resource, type] = request.url.pathname.split('/').filter((segment) => segment !== '');
  switch (`${request.method} ${resource}`) {
    case 'GET state':
      return { status: 200, json: state(world) };
    case 'GET switches':
      return { status: 200, json: world.switches };
    case 'PUT switches':
      return setSwitches(world, request.body);
    case 'GET objects':
      return listObjects(world, type ?? '', request.url.searchParams.get('format') === 'ndjson');
    case 'GET associations':
      return { status: 200, json: { results: [...world.links.all()] } };
    case 'GET journal':
      return { status: 200, json: { entries: world.store.journal.entries, totals: world.store.journal.totals } };
    case 'PUT owners':
      world.owners = parsed(OWNERS, request.body);
      return done;
    case 'POST edit':
      return edit(world, request.body);
    case 'POST limits':
      Object.assign(world.limits.settings, parsed(LIMITS, request.body));
      return { status: 200, json: world.limits.settings };
    default:
      throw notFound('resource not found');
  }
}

/** @throws Refusal 400 that names the first fault. */
function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidInput(`${issue?.path.join('.') || 'body'}: ${issue?.message}`);
}

function state(world: World) {
  const objects = Object.fromEntries(OBJECT_NAMES.map((object) => [object, world.store.count(object)]));
  const associations = [...world.links.all()].length / 2;
  return { portalId: world.portal.id, objects, associations, totals: world.store.journal.totals };
}

/** Only the switches that are named change. */
function setSwitches(world: World, body: unknown): VendorReply {
  const patch = parsed(z.record(z.string(), z.unknown()), body);
  world.switches = parsed(SWITCHES, { ...world.switches, ...patch });
  world.store.reindex();
  return { status: 200, json: world.switches };
}

/** All live records with every property they have. */
function listObjects(world: World, type: string, asLines: boolean): VendorReply {
  const kind = kindOf(type);
  if (!kind) throw notFound('resource not found');
  const results = world.store
    .all(kind.name)
    .filter((record) => record.archivedAtMs === null)
    .map((record) => present(world, record, record, [...Object.keys(record.properties), 'hs_object_id']));
  if (!asLines) return { status: 200, json: { results } };
  const text = results.map((result) => `${JSON.stringify(result)}\n`).join('');
  return { status: 200, text, contentType: 'application/x-ndjson' };
}

/** A person's edit: bound by none of the API's rules, read-only properties included. */
function edit(world: World, body: unknown): VendorReply {
  const { type, id, properties } = parsed(EDIT, body);
  const kind = kindOf(type);
  const record = kind ? world.store.findLive(kind.name, id) : undefined;
  if (!record) throw notFound('resource not found');
  world.store.update(record, properties, 0);
  return done;
}
