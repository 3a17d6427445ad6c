/** Every write ends in one outcome, matched by key, whatever shape HubSpot's answer has. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../src/errors.ts';
import type { Outcome, Write } from '../src/pipe.ts';
import { seeded } from '../src/sandbox/random.ts';
import { batchRead } from '../src/sinks/hubspot/batch-read.ts';
import { sameValue } from '../src/sinks/hubspot/same-value.ts';
import { hubspotSink } from '../src/sinks/hubspot/upsert.ts';
import {
  inputsOf,
  NEVER,
  type Seen,
  type SentInput,
  startWire,
  type Told,
  transportTo,
  type Wire,
} from './hubspot-wire.ts';

let wire: Wire;
let store: Map<string, { id: string; properties: Readonly<Record<string, string>> }>;
beforeEach(async () => {
  wire = await startWire();
  store = new Map();
  wire.answer = (request) => (request.path.endsWith('/read') ? readReply(request) : written(request));
});
afterEach(() => wire.close());

const write = (key: string, properties: Record<string, string> = {}): Write => ({
  object: 'products',
  keyProperty: 'erp_product_id',
  key,
  properties: { erp_product_id: key, name: `Tile ${key}`, ...properties },
  hubspotId: null,
});
const writes = (count: number): Write[] => Array.from({ length: count }, (_, index) => write(`P${index}`));

/** Stores the inputs and answers as HubSpot does: shuffled, `new` on creation, the trace id echoed. */
function written(
  request: Seen,
  options: { except?: (input: SentInput) => boolean; only?: readonly string[] } = {},
): Told {
  const results = inputsOf(request)
    .filter((input) => !options.except?.(input))
    .map((input) => {
      const earlier = store.get(input.id);
      const id = earlier?.id ?? String(1_000 + store.size);
      const properties = { ...earlier?.properties, ...input.properties };
      store.set(input.id, { id, properties });
      const full = { id, properties, new: !earlier, objectWriteTraceId: input.objectWriteTraceId };
      const fields = Object.entries(full).filter(([name]) => options.only?.includes(name) ?? true);
      return Object.fromEntries(fields);
    });
  const random = seeded(3);
  return { json: { status: 'COMPLETE', results: results.sort(() => random() - 0.5) } };
}

function readReply(request: Seen): Told {
  const inputs = inputsOf(request);
  const found = inputs.flatMap((input) => store.get(input.id) ?? []);
  const ids = inputs.filter((input) => !store.has(input.id)).map((input) => input.id);
  const errors =
    ids.length > 0 ? [{ category: 'OBJECT_NOT_FOUND', message: 'Could not get some', context: { ids } }] : [];
  const now = new Date().toISOString();
  const results = found.map((record) => ({ ...record, createdAt: now }));
  return { status: ids.length > 0 ? 207 : 200, json: { results, errors, numErrors: errors.length, completedAt: now } };
}

let trace = 0;
const traceIds = (): string => {
  trace += 1;
  return `trace-${trace}`;
};
const sink = () => hubspotSink({ transport: transportTo(wire), traceIds });
const send = (list: readonly Write[]) => sink().write(list, NEVER);
const upserts = () => wire.seen.filter((request) => request.path.endsWith('/batch/upsert'));
const reads = () => wire.seen.filter((request) => request.path.endsWith('/batch/read'));
const kinds = (outcomes: ReadonlyMap<string, Outcome>) =>
  Object.fromEntries([...outcomes].map(([key, outcome]) => [key, outcome.kind]));
const fatalOf = async (call: Promise<unknown>): Promise<FatalError> => {
  const thrown = await call.catch((reason: unknown) => reason);
  if (thrown instanceof FatalError) return thrown;
  throw new Error(`expected a FatalError, got ${JSON.stringify(thrown)}`);
};

const rowError = (input: SentInput | undefined, message = 'Property values were not valid') => ({
  status: 'error',
  category: 'VALIDATION_ERROR',
  message,
  context: { objectWriteTraceId: [input?.objectWriteTraceId] },
});

describe('a batch', () => {
  test('carries key, key property and a trace id of its own per input, a hundred at most', async () => {
    await send(writes(150));
    const inputs = upserts().flatMap(inputsOf);
    expect(upserts().map((request) => inputsOf(request).length)).toEqual([100, 50]);
    expect(new Set(inputs.map((input) => input.objectWriteTraceId)).size).toBe(150);
    expect(inputs[7]).toMatchObject({ id: 'P7', idProperty: 'erp_product_id', properties: { erp_product_id: 'P7' } });
    expect(sink()).toMatchObject({ batchSize: 100, concurrency: 10 });
  });

  test('is matched by trace id, though the results come in another order', async () => {
    const outcomes = await send(writes(20));
    for (const [key, outcome] of outcomes) {
      expect(outcome).toMatchObject({
        kind: 'written',
        hubspotId: store.get(key)?.id,
        created: true,
        ambiguous: false,
      });
    }
    expect(outcomes.size).toBe(20);
  });

  test('is matched by the key when no trace id comes back, also if HubSpot changed its case', async () => {
    wire.answer = (request) => written(request, { only: ['id', 'new', 'properties'] });
    expect([...(await send([write('Ab-1'), write('Cd-2')])).values()]).toMatchObject([
      { kind: 'written', hubspotId: store.get('Ab-1')?.id },
      { kind: 'written', hubspotId: store.get('Cd-2')?.id },
    ]);
    expect(reads()).toHaveLength(0);
  });

  test('is matched by a read when results name neither', async () => {
    wire.answer = (request) =>
      request.path.endsWith('/read') ? readReply(request) : written(request, { only: ['id', 'new'] });
    const outcomes = await send(writes(5));
    for (const [key, outcome] of outcomes) {
      expect(outcome).toMatchObject({
        kind: 'written',
        hubspotId: store.get(key)?.id,
        created: true,
        ambiguous: false,
      });
    }
    expect(reads()).toHaveLength(1);
  });

  test.each([200, 201, 207])('may be answered %d', async (status) => {
    wire.answer = (request) => ({ ...written(request), status });
    expect(kinds(await send(writes(2)))).toEqual({ P0: 'written', P1: 'written' });
  });

  test('with one key twice is sent once when both say the same, and not at all when they differ', async () => {
    const outcomes = await send([write('A'), write('A'), write('B'), write('B', { name: 'other' })]);
    expect(kinds(outcomes)).toEqual({ A: 'written', B: 'refused' });
    expect(inputsOf(upserts()[0]).map((input) => input.id)).toEqual(['A']);
  });

  test("comes with its trace id, the status, and HubSpot's own id of the request", async () => {
    wire.answer = (request) => ({ ...written(request), headers: { 'x-hubspot-correlation-id': 'c-1' } });
    const [outcome] = [...(await send([write('A')])).values()];
    const trace = inputsOf(upserts()[0])[0]?.objectWriteTraceId;
    expect(trace).toBeTruthy();
    expect(outcome?.evidence).toEqual({ trace, status: 200, correlation: 'c-1' });
  });

  test('without writes costs no call', async () => {
    expect((await send([])).size).toBe(0);
    expect(wire.seen).toHaveLength(0);
  });
});

describe('refused rows', () => {
  test.each([200, 201, 207])('named in the errors of a %d are refused, the others written', async (status) => {
    wire.answer = (request) => {
      const bad = inputsOf(request).find((input) => input.id === 'P1');
      const told = written(request, { except: (input) => input.id === 'P1' });
      const json = { ...Object(told.json), numErrors: 1, errors: [rowError(bad, 'Email address is invalid')] };
      return { status, json };
    };
    const outcomes = await send(writes(3));
    expect(kinds(outcomes)).toEqual({ P0: 'written', P1: 'refused', P2: 'written' });
    expect(outcomes.get('P1')).toMatchObject({
      kind: 'refused',
      category: 'VALIDATION_ERROR',
      reason: 'Email address is invalid',
    });
  });

  test("carry HubSpot's rule and property, but none of the values", async () => {
    const email = 'jane.doe@example.com';
    wire.answer = (request) => ({
      status: 207,
      json: {
        numErrors: 1,
        errors: [
          {
            ...rowError(inputsOf(request)[0]),
            message: `Property values were not valid: [{"isValid":false,"message":"Email address ${email} is invalid","error":"INVALID_EMAIL","name":"email"},{"message":"\\"Doe, Jane\\" was not one of the allowed options","error":"INVALID_OPTION","name":"erp_status"}]`,
          },
        ],
      },
    });
    const outcome = (await send([write('A', { email, erp_status: 'Doe, Jane' })])).get('A');
    expect(outcome).toMatchObject({
      kind: 'refused',
      category: 'VALIDATION_ERROR',
      reason:
        'INVALID_EMAIL on email: Email address … is invalid; INVALID_OPTION on erp_status: … was not one of the allowed options',
    });
  });

  test('have a reason of at most 300 characters', async () => {
    wire.answer = () => ({ status: 400, json: { message: 'x '.repeat(1_000) } });
    const outcome = (await send([write('A')])).get('A');
    expect(outcome?.kind === 'refused' && outcome.reason.length).toBe(300);
  });

  test('named by trace id in a refusal of the whole batch cost one more request', async () => {
    wire.answer = (request) => {
      const bad = inputsOf(request).filter((input) => input.id === 'P3');
      if (bad.length === 0) return written(request);
      return {
        status: 400,
        json: { category: 'VALIDATION_ERROR', message: 'no', errors: bad.map((row) => rowError(row)) },
      };
    };
    const outcomes = await send(writes(10));
    expect([...outcomes.values()].filter(({ kind }) => kind === 'written')).toHaveLength(9);
    expect(outcomes.get('P3')?.kind).toBe('refused');
    expect(upserts()).toHaveLength(2);
  });

  test.each([
    [400, 1],
    [400, 3],
    [409, 1],
    [422, 2],
  ])('that a %d does not name are found by halving: %d of 100', async (status, bad) => {
    const poison = new Set(['P13', 'P64', 'P99'].slice(0, bad));
    wire.answer = (request) =>
      inputsOf(request).some((input) => poison.has(input.id))
        ? { status, json: { category: status === 409 ? 'CONFLICT' : 'VALIDATION_ERROR', message: 'refused' } }
        : written(request);
    const outcomes = await send(writes(100));
    const refused = [...outcomes].filter(([, outcome]) => outcome.kind === 'refused').map(([key]) => key);
    expect(new Set(refused)).toEqual(poison);
    expect([...outcomes.values()].filter(({ kind }) => kind === 'written')).toHaveLength(100 - bad);
    const conflictsRetried = status === 409 ? 1 : 0;
    expect(upserts().length).toBeLessThanOrEqual(2 * bad * Math.ceil(Math.log2(100)) + 1 + conflictsRetried);
  });

  test('too large together are sent in halves', async () => {
    wire.answer = (request) => (inputsOf(request).length > 3 ? { status: 413, text: '' } : written(request));
    expect([...(await send(writes(10))).values()].every(({ kind }) => kind === 'written')).toBe(true);
  });

  test('that meet at one record of HubSpot get a second chance', async () => {
    wire.answer = (request, number) =>
      number === 1 ? { status: 409, json: { category: 'CONFLICT' } } : written(request);
    expect(kinds(await send(writes(3)))).toEqual({ P0: 'written', P1: 'written', P2: 'written' });
    expect(upserts()).toHaveLength(2);
  });

  test('whose keys HubSpot takes for one are both refused, and the rest is written', async () => {
    wire.answer = (request) => {
      const folded = inputsOf(request).filter((input) => input.id.toLowerCase() === 'abc');
      const message = 'Duplicate IDs found in batch input: [abc]. IDs must be unique';
      return folded.length > 1
        ? { status: 400, json: { category: 'VALIDATION_ERROR', message, context: { ids: ['abc'] } } }
        : written(request);
    };
    const outcomes = await send([write('ABC'), write('abc'), write('D')]);
    expect(kinds(outcomes)).toEqual({ ABC: 'refused', abc: 'refused', D: 'written' });
    expect(outcomes.get('ABC')).toMatchObject({ category: 'DUPLICATE_KEY' });
  });

  test('counted but not named are found among those that a read does not show', async () => {
    wire.answer = (request) => {
      if (request.path.endsWith('/read')) return readReply(request);
      const bad = (input: SentInput) => input.id === 'P2';
      const told = written(request, { except: bad });
      const errors = inputsOf(request).some(bad) ? [{ message: 'a value is wrong' }] : [];
      return { status: 207, json: { ...Object(told.json), numErrors: errors.length, errors } };
    };
    const outcomes = await send(writes(4));
    expect(kinds(outcomes)).toEqual({ P0: 'written', P1: 'written', P2: 'refused', P3: 'written' });
    expect(outcomes.get('P2')).toMatchObject({ reason: 'a value is wrong' });
  });
});

describe('rows that the answer does not speak of', () => {
  test('are written when a read shows their values, and flagged because an attempt may still land', async () => {
    wire.answer = (request) => {
      if (request.path.endsWith('/read')) return readReply(request);
      const told = written(request);
      const { results } = Object(told.json);
      return { json: { results: results.filter((result: { id: string }) => result.id !== store.get('P1')?.id) } };
    };
    const outcomes = await send(writes(3));
    expect(outcomes.get('P0')).toMatchObject({ kind: 'written', ambiguous: false });
    expect(outcomes.get('P1')).toMatchObject({ kind: 'written', ambiguous: true, created: true });
    expect(inputsOf(reads()[0]).map((input) => input.id)).toEqual(['P1']);
  });

  test('are unknown when the read shows other values', async () => {
    store.set('P0', { id: '7', properties: { erp_product_id: 'P0', name: 'an older name' } });
    wire.answer = (request) => (request.path.endsWith('/read') ? readReply(request) : { json: { results: [] } });
    expect(kinds(await send(writes(1)))).toEqual({ P0: 'unknown' });
  });

  test.each<[string, Told]>([
    ['an empty object', { json: {} }],
    ['a list', { json: [] }],
    ['results of another shape', { json: { results: 'all of them', errors: 5 } }],
    ['results without ids', { json: { results: [{}, null, 3] } }],
  ])('include all of a batch answered with %s', async (_name, told) => {
    wire.answer = (request) => (request.path.endsWith('/read') ? readReply(request) : told);
    expect(kinds(await send(writes(2)))).toEqual({ P0: 'unknown', P1: 'unknown' });
  });
});

describe('a lost answer', () => {
  test('is asked for again with the same bytes, and the outcome says so', async () => {
    wire.answer = (request, number) => {
      const told = written(request);
      return number === 1 ? { act: 'reset' } : told;
    };
    const outcome = (await send([write('A')])).get('A');
    expect(outcome).toMatchObject({ kind: 'written', created: false, ambiguous: true });
    expect(upserts()[1]?.text).toBe(upserts()[0]?.text);
  });

  test('is looked up by key when it never comes', async () => {
    wire.answer = (request) => {
      if (request.path.endsWith('/read')) return readReply(request);
      written(request);
      return { status: 504 };
    };
    expect((await send([write('A', { price: '10.50' })])).get('A')).toMatchObject({
      kind: 'written',
      created: true,
      ambiguous: true,
    });
  });

  test('leaves the record unknown when nothing shows it', async () => {
    wire.answer = (request) => (request.path.endsWith('/read') ? readReply(request) : { act: 'reset' });
    expect((await send([write('A')])).get('A')).toMatchObject({ kind: 'unknown' });
  });

  test('leaves the record unknown when the look-up fails too', async () => {
    wire.answer = () => ({ act: 'reset' });
    expect((await send([write('A')])).get('A')).toMatchObject({ kind: 'unknown' });
  });
});

describe('what meets every record stops the run instead of filling the dead letters', () => {
  test.each<[string, Told]>([
    [
      'in a refusal',
      {
        status: 400,
        json: {
          category: 'VALIDATION_ERROR',
          message: 'Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"erp_brand"}]',
        },
      },
    ],
    [
      'in the errors of a 207',
      {
        status: 207,
        json: {
          numErrors: 1,
          errors: [{ errors: [{ code: 'PROPERTY_DOESNT_EXIST', context: { propertyName: ['erp_brand'] } }] }],
        },
      },
    ],
  ])('a missing property %s', async (_name, told) => {
    wire.answer = () => told;
    const error = await fatalOf(send(writes(2)));
    expect(error).toMatchObject({ exit: EXIT.usage, message: expect.stringContaining('erp_brand') });
    expect(error.hint).toContain('retail-sync setup --apply');
    expect(upserts()).toHaveLength(1);
  });

  test('a key that is not unique', async () => {
    const message = 'Unable to perform update/upsert by non-unique 0-7 property erp_product_id in portal ID 1';
    wire.answer = () => ({ status: 400, json: { category: 'VALIDATION_ERROR', message } });
    expect(await fatalOf(send(writes(2)))).toMatchObject({ exit: EXIT.usage });
    expect(upserts()).toHaveLength(1);
  });

  test('a path that HubSpot does not know', async () => {
    wire.answer = () => ({ status: 404, text: '' });
    const error = await fatalOf(send(writes(2)));
    expect(error).toMatchObject({ exit: EXIT.hubspot });
    expect(error.hint).toContain('HUBSPOT_API_VERSION');
  });
});

describe('batch reads', () => {
  test('go in hundreds, leave out what is absent and answer under the key that was asked for', async () => {
    store.set('P5', { id: '5', properties: { erp_product_id: 'P5', name: 'five' } });
    const keys = Array.from({ length: 130 }, (_, index) => `P${index}`);
    const found = await batchRead(transportTo(wire), 'products', 'erp_product_id', keys, ['name'], NEVER);
    expect(reads().map((request) => inputsOf(request).length)).toEqual([100, 30]);
    expect([...found]).toMatchObject([['P5', { hubspotId: '5', properties: { name: 'five' } }]]);
    expect(reads()[0]?.body).toMatchObject({ idProperty: 'erp_product_id', properties: ['name', 'erp_product_id'] });
  });

  test('find an e-mail whatever its case', async () => {
    wire.answer = () => ({ json: { results: [{ id: '9', properties: { email: 'jane@example.com' } }] } });
    const found = await batchRead(transportTo(wire), 'contacts', 'email', ['Jane@Example.com'], [], NEVER);
    expect(found.get('Jane@Example.com')).toMatchObject({ hubspotId: '9' });
  });

  test('can go by record id', async () => {
    wire.answer = () => ({ json: { results: [{ id: 31, properties: { hs_marketable_status: null } }] } });
    const found = await batchRead(transportTo(wire), 'contacts', null, ['31'], ['hs_marketable_status'], NEVER);
    expect(found.get('31')?.properties).toEqual({ hs_marketable_status: null });
    expect(reads()[0]?.body).not.toHaveProperty('idProperty');
  });

  test('do not take a failure for an absence', async () => {
    wire.answer = () => ({ status: 207, json: { results: [], errors: [{ category: 'INTERNAL_ERROR' }] } });
    await expect(batchRead(transportTo(wire), 'products', null, ['1'], [], NEVER)).rejects.toThrow('INTERNAL_ERROR');
  });
});

describe('updates by record id', () => {
  test('are matched by id and name no key property', async () => {
    wire.answer = (request) => ({
      json: {
        results: inputsOf(request)
          .map((input) => ({ id: input.id, properties: {} }))
          .reverse(),
      },
    });
    const updates = [
      { id: '1', properties: { hubspot_owner_id: '7' } },
      { id: '2', properties: { hubspot_owner_id: '8' } },
    ];
    const outcomes = await hubspotSink({ transport: transportTo(wire) }).update('companies', updates, NEVER);
    expect([...outcomes.values()]).toMatchObject([
      { kind: 'written', hubspotId: '1', created: false, ambiguous: false },
      { kind: 'written', hubspotId: '2', created: false, ambiguous: false },
    ]);
    expect(inputsOf(wire.seen[0])[0]).toMatchObject({ id: '1', properties: { hubspot_owner_id: '7' } });
    expect(inputsOf(wire.seen[0])[0]).not.toHaveProperty('idProperty');
  });

  test('of records that are gone are refused one by one', async () => {
    wire.answer = (request) => ({
      status: 207,
      json: {
        results: [{ id: '1' }],
        numErrors: 1,
        errors: [{ category: 'OBJECT_NOT_FOUND', message: 'gone', context: { ids: [inputsOf(request)[1]?.id] } }],
      },
    });
    const updates = ['1', '2'].map((id) => ({ id, properties: { name: 'x' } }));
    expect(kinds(await hubspotSink({ transport: transportTo(wire) }).update('companies', updates, NEVER))).toEqual({
      1: 'written',
      2: 'refused',
    });
  });
});

describe('a value is the same', () => {
  test.each([
    ['price', '10.50', '10.5', true],
    ['price', '0.00', '0', true],
    ['price', '10.5', '10.51', false],
    ['erp_upc', '007', '7', false],
    ['closedate', '2026-11-21T18:00:00.000Z', '1795284000000', true],
    ['closedate', '2026-11-21T18:00:00Z', '2026-11-21T18:00:00.000Z', true],
    ['erp_quoted_on', '2026-11-21', '1795219200000', true],
    ['erp_quoted_on', '2026-11-21', '2026-11-22', false],
    ['email', 'Jane@Example.com', 'jane@example.com', true],
    ['name', 'Jane', 'jane', false],
    ['name', '', null, true],
    ['name', 'x', null, false],
  ])('%s: %s and %s, %s', (property, sent, read, same) => {
    expect(sameValue(property, sent, read)).toBe(same);
  });
});
