/** Setup shows what a portal lacks, makes it, and says what only a person can fix. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../src/errors.ts';
import type { PipelineSpec, PropertySpec } from '../src/pipe.ts';
import { accountDetails, preflight } from '../src/sinks/hubspot/account.ts';
import { readPipelines } from '../src/sinks/hubspot/pipelines.ts';
import { applySchema, planSchema } from '../src/sinks/hubspot/schema.ts';
import { NEVER, type Seen, startWire, type Told, transportTo, type Wire } from './hubspot-wire.ts';

type Json = Record<string, unknown>;
interface Portal {
  account: Json;
  scopes: readonly string[] | null;
  groups: Json[];
  properties: Json[];
  archived: Json[];
  pipelines: (Json & { id: string; label: unknown; stages: Json[] })[];
  pipelineLimit: number;
}

let wire: Wire;
let portal: Portal;
beforeEach(async () => {
  wire = await startWire();
  portal = {
    account: {
      portalId: 4711,
      accountType: 'DEVELOPER_TEST',
      timeZone: 'US/Central',
      companyCurrency: 'USD',
      additionalCurrencies: ['CAD'],
    },
    scopes: null,
    groups: [{ name: 'productinformation', label: 'Product information' }],
    properties: [{ name: 'name', type: 'string', hubspotDefined: true }],
    archived: [],
    pipelines: [{ id: 'default', label: 'Sales Pipeline', displayOrder: 0, stages: [] }],
    pipelineLimit: 15,
  };
  wire.answer = answerOf;
});
afterEach(() => wire.close());

/** A portal's schema endpoints, in the shape of the public reference. */
function answerOf(request: Seen): Told {
  const { path, method } = request;
  const body = Object(request.body);
  if (path === '/account-info/2026-03/details') return { json: portal.account };
  if (path.startsWith('/oauth/'))
    return portal.scopes ? { json: { hubId: 4711, scopes: portal.scopes } } : { status: 404 };
  if (path.endsWith('/limits/2026-03/pipelines')) {
    const limit = { objectTypeId: '0-3', limit: portal.pipelineLimit, usage: portal.pipelines.length };
    return { json: { hubspotDefinedObjectTypes: [limit] } };
  }
  if (path.endsWith('/groups'))
    return method === 'POST' ? add(portal.groups, body) : { json: { results: portal.groups } };
  if (path.startsWith('/crm/properties/')) return properties(request, body);
  if (path.endsWith('/stages')) return addStage(path, body);
  return method === 'POST' ? addPipeline(body) : { json: { results: portal.pipelines } };
}

function properties({ path, method, query }: Seen, body: Json): Told {
  if (method === 'PATCH') {
    const found = portal.properties.find((property) => path.endsWith(`/${property.name}`));
    Object.assign(Object(found), { options: body.options });
    return { json: found };
  }
  if (path.endsWith('/batch/create')) return addAll(Array.isArray(body.inputs) ? body.inputs : []);
  if (method === 'POST') return add(portal.properties, body);
  return { json: { results: query.includes('archived=true') ? portal.archived : portal.properties } };
}

function add(list: Json[], item: Json): Told {
  if (list.some((other) => other.name === item.name))
    return { status: 409, json: { category: 'OBJECT_ALREADY_EXISTS' } };
  list.push(item);
  return { status: 201, json: item };
}

function addAll(inputs: readonly Json[]): Told {
  const told = inputs.map((input) => ({ name: input.name, ...add(portal.properties, input) }));
  const errors = told
    .filter(({ status }) => status !== 201)
    .map(({ name }) => ({ category: 'OBJECT_ALREADY_EXISTS', context: { name: [name] } }));
  const results = told.filter(({ status }) => status === 201).map(({ json }) => json);
  return { status: errors.length > 0 ? 207 : 201, json: { results, errors, numErrors: errors.length } };
}

function addPipeline(body: Json): Told {
  const stages: Json[] = Array.isArray(body.stages) ? body.stages : [];
  const id = String(900 + portal.pipelines.length);
  portal.pipelines.push({
    ...body,
    id,
    label: body.label,
    stages: stages.map((stage, index) => ({ ...stage, id: `${id}${index}` })),
  });
  return { status: 201, json: portal.pipelines.at(-1) };
}

function addStage(path: string, body: Json): Told {
  const pipeline = portal.pipelines.find(({ id }) => path.includes(`/${id}/stages`));
  pipeline?.stages.push({ ...body, id: `${pipeline.id}${pipeline.stages.length}` });
  return { status: 201, json: body };
}

const KEY: PropertySpec = {
  object: 'products',
  name: 'erp_product_id',
  label: 'ERP product id',
  type: 'string',
  owner: 'source',
  group: 'erp_sync',
  unique: true,
};
const STATUS: PropertySpec = {
  ...KEY,
  name: 'erp_status',
  label: 'ERP status',
  type: 'enumeration',
  unique: false,
  options: [
    { value: 'active', label: 'Active' },
    { value: 'discontinued', label: 'Discontinued' },
  ],
};
const STOCKED: PropertySpec = { ...KEY, name: 'erp_is_stocked', label: 'Stocked', type: 'bool', unique: false };
const MODIFIED: PropertySpec = { ...KEY, name: 'erp_modified_at', label: 'Modified', type: 'datetime', unique: false };
const OWN: PropertySpec = { object: 'products', name: 'name', label: 'Name', type: 'string', owner: 'source' };
const SPECS = [KEY, STATUS, STOCKED, MODIFIED, OWN];
const PIPELINE: PipelineSpec = {
  key: 'pos',
  label: 'Square POS',
  stages: [
    { key: 'completed', label: 'Completed', probability: 1, closed: true },
    { key: 'refunded', label: 'Refunded', probability: 0, closed: true },
  ],
};

const plan = (specs: readonly PropertySpec[] = SPECS, pipelines: readonly PipelineSpec[] = []) =>
  planSchema(transportTo(wire), specs, pipelines, NEVER);
const described = async (...args: Parameters<typeof plan>) =>
  (await plan(...args)).steps.map((step) => step.describe());
const writesSeen = () => wire.seen.filter((request) => request.method !== 'GET' && !request.path.startsWith('/oauth/'));
const fatalOf = async (call: Promise<unknown>): Promise<FatalError> => {
  const thrown = await call.catch((reason: unknown) => reason);
  if (thrown instanceof FatalError) return thrown;
  throw new Error(`expected a FatalError, got ${JSON.stringify(thrown)}`);
};
const keyThere = (over: Json = {}): Json => ({ name: KEY.name, type: 'string', hasUniqueValue: true, ...over });

describe('a plan', () => {
  test('names the group and each property that is missing, and writes nothing', async () => {
    expect(await described()).toEqual([
      'create property group erp_sync on products',
      'create property erp_product_id on products (string, unique)',
      'create property erp_status on products (enumeration)',
      'create property erp_is_stocked on products (bool)',
      'create property erp_modified_at on products (datetime)',
    ]);
    expect(writesSeen()).toEqual([]);
  });

  test('is empty after it was applied', async () => {
    const transport = transportTo(wire);
    const applied: string[] = [];
    await applySchema(transport, await plan(SPECS, [PIPELINE]), NEVER, (step) => applied.push(step.describe()));
    expect(applied).toHaveLength(6);
    expect(await plan(SPECS, [PIPELINE])).toEqual({ steps: [], blocked: [] });
  });

  test('takes the same property of two mappings for one, with the options of both', async () => {
    const other = { ...STATUS, options: [{ value: 'inactive', label: 'Inactive' }] };
    await applySchema(transportTo(wire), await plan([STATUS, other]), NEVER);
    const made = portal.properties.filter((property) => property.name === 'erp_status');
    expect(made).toHaveLength(1);
    expect(made[0]?.options).toMatchObject([{ value: 'active' }, { value: 'discontinued' }, { value: 'inactive' }]);
  });
});

describe('an applied property', () => {
  test('has the field type of its type, both options of a bool, and uniqueness from the start', async () => {
    await applySchema(transportTo(wire), await plan(), NEVER);
    const made = new Map(portal.properties.map((property) => [property.name, property]));
    expect(made.get('erp_product_id')).toMatchObject({
      fieldType: 'text',
      hasUniqueValue: true,
      groupName: 'erp_sync',
    });
    expect(made.get('erp_status')).toMatchObject({ fieldType: 'select', hasUniqueValue: false });
    expect(made.get('erp_modified_at')).toMatchObject({ type: 'datetime', fieldType: 'date' });
    expect(made.get('erp_is_stocked')).toMatchObject({
      fieldType: 'booleancheckbox',
      options: [
        { value: 'true', displayOrder: 0, hidden: false },
        { value: 'false', displayOrder: 1, hidden: false },
      ],
    });
  });

  test("that somebody made in the meantime is kept, but not if it isn't what is needed", async () => {
    const stale = await plan([KEY]);
    portal.groups.push({ name: 'erp_sync' });
    portal.properties.push(keyThere());
    await applySchema(transportTo(wire), stale, NEVER);
    portal.properties = [keyThere({ hasUniqueValue: false })];
    expect(await fatalOf(applySchema(transportTo(wire), stale, NEVER))).toMatchObject({ exit: EXIT.usage });
  });

  test('comes with all others of its object in one call', async () => {
    const many = Array.from({ length: 60 }, (_, index) => ({ ...MODIFIED, name: `erp_field_${index}` }));
    portal.groups.push({ name: 'erp_sync' });
    const found = await plan(many);
    wire.seen.length = 0;
    const transport = transportTo(wire);
    await applySchema(transport, found, NEVER);
    expect(portal.properties).toHaveLength(61);
    expect(transport.stats()).toMatchObject({ calls: 2, byOperation: { 'properties create': 1 } });
  });

  test('that a batch does not create is asked for alone: those there already are kept, a refused one says why', async () => {
    portal.groups.push({ name: 'erp_sync' });
    const found = await plan([KEY, STATUS, MODIFIED]);
    portal.properties.push(keyThere());
    await applySchema(transportTo(wire), found, NEVER);
    expect(writesSeen().map(({ path }) => path)).toEqual([
      '/crm/properties/2026-03/products/batch/create',
      '/crm/properties/2026-03/products',
    ]);
    portal.properties = [];
    wire.answer = (request) =>
      request.method === 'POST'
        ? { status: 400, json: { category: 'VALIDATION_ERROR', message: 'The group does not exist' } }
        : answerOf(request);
    const error = await fatalOf(applySchema(transportTo(wire), found, NEVER));
    expect(error).toMatchObject({ exit: EXIT.usage, message: expect.stringContaining('The group does not exist') });
  });

  test('is waited for until it can be read', async () => {
    let late = 3;
    wire.answer = (request) => {
      const told = answerOf(request);
      if (request.method !== 'GET' || !request.path.endsWith('/products')) return told;
      if (request.query !== '' || !portal.properties.some(({ name }) => name === KEY.name)) return told;
      late -= 1;
      return late > 0 ? { json: { results: [] } } : told;
    };
    await applySchema(transportTo(wire), await plan([KEY]), NEVER);
    expect(late).toBe(0);
  });
});

describe('options', () => {
  test("are added behind people's own, which stay as they are", async () => {
    const theirs = { value: 'on_sale', label: 'On sale!', displayOrder: 4, hidden: true, description: 'mine' };
    portal.groups.push({ name: 'erp_sync' });
    portal.properties.push({
      name: 'erp_status',
      type: 'enumeration',
      options: [{ value: 'active', label: 'In stock', displayOrder: 0, hidden: false }, theirs],
    });
    const found = await plan([STATUS]);
    expect(found.steps.map((step) => step.describe())).toEqual(['add options to erp_status on products: discontinued']);
    const late = { value: 'late', label: 'Late', displayOrder: 5, hidden: false };
    Object(portal.properties.at(-1)).options.push(late);
    await applySchema(transportTo(wire), found, NEVER);
    expect(portal.properties.at(-1)?.options).toEqual([
      { value: 'active', label: 'In stock', displayOrder: 0, hidden: false },
      theirs,
      late,
      { value: 'discontinued', label: 'Discontinued', displayOrder: 6, hidden: false },
    ]);
    expect(await described([STATUS])).toEqual([]);
  });
});

describe('what a person must fix is said, and then nothing is written', () => {
  const sentences: readonly [string, Json[], Json[], RegExp][] = [
    ['a key without uniqueness', [keyThere({ hasUniqueValue: false })], [], /erp_product_id.*without unique values/],
    ['another type', [keyThere({ type: 'number' })], [], /type number, but string is needed/],
    ['a calculated property', [keyThere({ calculated: true })], [], /calculated/],
    ['an archived property', [], [keyThere({ archived: true })], /archive/],
    [
      'ten unique properties already',
      Array.from({ length: 10 }, (_, index) => ({ name: `u${index}`, type: 'string', hasUniqueValue: true })),
      [],
      /HubSpot allows 10/,
    ],
  ];
  test.each(sentences)('%s', async (_name, existing, archived, sentence) => {
    portal.properties.push(...existing);
    portal.archived.push(...archived);
    const found = await plan([KEY]);
    expect(found.blocked).toHaveLength(1);
    expect(found.blocked[0]).toMatch(sentence);
    expect(await fatalOf(applySchema(transportTo(wire), found, NEVER))).toMatchObject({ exit: EXIT.usage });
    expect(writesSeen()).toEqual([]);
  });

  test('no room for another pipeline', async () => {
    portal.pipelineLimit = 1;
    expect((await plan([], [PIPELINE])).blocked[0]).toMatch(/room for 0 more deal pipelines/);
  });
});

describe('pipelines', () => {
  test('are made with stages whose metadata are strings, and their ids are read back by key', async () => {
    const transport = transportTo(wire);
    await applySchema(transport, await plan([], [PIPELINE]), NEVER);
    expect(portal.pipelines[1]?.stages).toMatchObject([
      { label: 'Completed', metadata: { probability: '1.0', isClosed: 'true' } },
      { label: 'Refunded', metadata: { probability: '0.0', isClosed: 'true' } },
    ]);
    const ids = await readPipelines(transport, [PIPELINE], NEVER);
    expect(ids.get('pos')).toEqual({
      id: '901',
      stages: new Map([
        ['completed', '9010'],
        ['refunded', '9011'],
      ]),
    });
  });

  test('that exist get the stages they lack', async () => {
    portal.pipelines.push({ id: '5', label: 'square pos', stages: [{ id: '50', label: 'Completed' }] });
    const found = await plan([], [PIPELINE]);
    expect(found.steps.map((step) => step.describe())).toEqual(['add stage "Refunded" to deal pipeline "Square POS"']);
    await applySchema(transportTo(wire), found, NEVER);
    expect((await plan([], [PIPELINE])).steps).toEqual([]);
  });

  test('that are missing at the start of a run are named', async () => {
    const error = await fatalOf(readPipelines(transportTo(wire), [PIPELINE], NEVER));
    expect(error).toMatchObject({ exit: EXIT.usage, message: expect.stringContaining('Square POS') });
  });
});

describe('before the first write', () => {
  const check = (over: Partial<Parameters<typeof preflight>[0]> = {}) =>
    preflight({
      transport: transportTo(wire),
      portalIdExpected: '4711',
      environment: 'staging',
      specs: [KEY, OWN],
      signal: NEVER,
      ...over,
    });

  test('a portal that is ready is described', async () => {
    portal.properties.push(keyThere());
    portal.scopes = ['crm.objects.products.read', 'crm.objects.products.write'];
    expect(await check()).toEqual({
      portalId: '4711',
      accountType: 'DEVELOPER_TEST',
      timeZone: 'US/Central',
      currencies: ['USD', 'CAD'],
    });
    expect(writesSeen()).toEqual([]);
    expect(wire.seen).toHaveLength(3);
    expect(wire.seen.map((request) => `${request.path}${request.query}`).join()).not.toContain('pat-');
  });

  test('the wrong portal is refused, both ids named', async () => {
    const error = await fatalOf(check({ portalIdExpected: '815' }));
    expect(error).toMatchObject({ exit: EXIT.access });
    expect(error.message).toMatch(/4711.*815/);
    expect(wire.seen).toHaveLength(1);
  });

  test.each(['STANDARD', undefined])('staging never reaches an account of type %s', async (accountType) => {
    portal.account = { ...portal.account, accountType };
    expect(await fatalOf(check())).toMatchObject({ exit: EXIT.access });
    expect(await fatalOf(check({ environment: 'sandbox' }))).toMatchObject({ exit: EXIT.access });
    portal.properties.push(keyThere());
    expect(await check({ environment: 'production' })).toMatchObject({ portalId: '4711' });
  });

  test('missing scopes are named', async () => {
    portal.properties.push(keyThere());
    portal.scopes = ['crm.objects.products.read'];
    const error = await fatalOf(check());
    expect(error).toMatchObject({ exit: EXIT.access, message: expect.stringContaining('crm.objects.products.write') });
    portal.scopes = ['e-commerce'];
    expect(await check()).toMatchObject({ portalId: '4711' });
  });

  test('a missing property leads to setup', async () => {
    const error = await fatalOf(check());
    expect(error).toMatchObject({ exit: EXIT.usage, message: expect.stringContaining('erp_product_id') });
    expect(error.hint).toContain('retail-sync setup --apply');
  });

  test('a key that is not unique is explained', async () => {
    portal.properties.push(keyThere({ hasUniqueValue: false }));
    expect((await fatalOf(check())).message).toMatch(/without unique values/);
  });

  test('account details survive missing fields', async () => {
    portal.account = { portalId: '12' };
    const details = await accountDetails(transportTo(wire), NEVER);
    expect(details).toEqual({ portalId: '12', accountType: '', timeZone: '', currencies: [] });
  });
});
