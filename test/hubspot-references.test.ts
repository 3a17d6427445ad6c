/** Owners, pipelines and stages are named by e-mail and key in mappings, and by the portal's ids on the wire. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../src/errors.ts';
import type { PipelineSpec, PropertySpec } from '../src/pipe.ts';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { readOwners } from '../src/sinks/hubspot/owners.ts';
import { resolverFor } from '../src/sinks/hubspot/references.ts';
import { applySchema, planSchema } from '../src/sinks/hubspot/schema.ts';
import { openPortal } from './hubspot-over-http.ts';
import { NEVER, startWire, transportTo, type Wire } from './hubspot-wire.ts';

const owner = (id: number, email: string) => ({ id: String(id), email, firstName: 'F', lastName: 'L' });
const property = (refersTo?: PropertySpec['refersTo']): PropertySpec => ({
  object: 'deals',
  name: 'any',
  label: 'Any',
  type: 'string',
  owner: 'source',
  ...(refersTo && { refersTo }),
});
const pipeline = (key: string, label: string): PipelineSpec => ({
  key,
  label,
  stages: [
    { key: 'draft', label: 'Draft', probability: 0.2, closed: false },
    { key: 'won', label: `Won ${label}`, probability: 1, closed: true },
  ],
});
const QUOTES = pipeline('quotes', 'ERP Quotes');
const POS = pipeline('pos', 'Square POS');

describe('owners', () => {
  test('are found by e-mail in lower case, over all pages', async () => {
    const portal = await openPortal({
      owners: Array.from({ length: 230 }, (_, index) => owner(index + 1, `Rep${index + 1}@Shop.example`)),
    });
    const owners = await readOwners(transportTo(portal, { token: SANDBOX_TOKEN }), NEVER);
    expect(owners.size).toBe(230);
    expect(owners.get('rep230@shop.example')).toBe('230');
    expect(portal.log).toHaveLength(3);
  });

  describe('on the wire', () => {
    let wire: Wire;
    beforeEach(async () => {
      wire = await startWire();
    });
    afterEach(() => wire.close());

    test('that left, or have no e-mail, are left out; of two with one e-mail the first counts', async () => {
      const results = [
        { id: 1, email: 'gone@shop.example', archived: true },
        { id: 2, email: null },
        { id: 3, email: 'rep@shop.example' },
        { id: 4, email: 'REP@shop.example' },
      ];
      wire.answer = () => ({ json: { results } });
      expect([...(await readOwners(transportTo(wire), NEVER))]).toEqual([['rep@shop.example', '3']]);
    });

    test('of an endless list are given up', async () => {
      wire.answer = (_request, number) => ({ json: { results: [], paging: { next: { after: String(number) } } } });
      await expect(readOwners(transportTo(wire), NEVER)).rejects.toThrow(FatalError);
      expect(wire.seen).toHaveLength(100);
    });

    test('are not asked for when nothing refers to them', async () => {
      await resolverFor({ transport: transportTo(wire), pipelines: [], needsOwners: false }, NEVER);
      expect(wire.seen).toEqual([]);
    });
  });
});

describe('a resolver', () => {
  test("gives the portal's ids, null for what is not there, and other values as they are", async () => {
    const portal = await openPortal({ owners: [owner(7, 'rep@shop.example')] });
    const transport = transportTo(portal, { token: SANDBOX_TOKEN });
    await applySchema(transport, await planSchema(transport, [], [QUOTES, POS], NEVER), NEVER);
    const resolve = await resolverFor({ transport, pipelines: [QUOTES, POS], needsOwners: true }, NEVER);
    expect(resolve(property('owner'), undefined, ' Rep@shop.example')).toBe('7');
    expect(resolve(property('owner'), undefined, 'nobody@shop.example')).toBeNull();
    const shown = (await portal.send('GET', '/crm/v3/pipelines/deals')).body.list('results');
    const quotes = shown.find((row) => row.at('label') === 'ERP Quotes');
    expect(resolve(property('pipeline'), QUOTES, 'quotes')).toBe(quotes?.text('id'));
    expect(resolve(property('stage'), QUOTES, 'won')).toBe(quotes?.text('stages', 1, 'id'));
    expect(resolve(property('stage'), POS, 'won')).not.toBe(quotes?.text('stages', 1, 'id'));
    expect(resolve(property('stage'), QUOTES, 'lost')).toBeNull();
    expect(resolve(property('stage'), undefined, 'won')).toBeNull();
    expect(resolve(property('pipeline'), QUOTES, 'other')).toBeNull();
    expect(resolve(property(), undefined, 'as it is')).toBe('as it is');
    expect(resolve(property('owner'), undefined, '')).toBe('');
  });

  test('is refused by a portal that lacks a pipeline, and says how to make it', async () => {
    const portal = await openPortal();
    const options = {
      transport: transportTo(portal, { token: SANDBOX_TOKEN }),
      pipelines: [QUOTES],
      needsOwners: false,
    };
    const error = await resolverFor(options, NEVER).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exit: EXIT.usage, hint: expect.stringContaining('retail-sync setup --apply') });
  });
});
