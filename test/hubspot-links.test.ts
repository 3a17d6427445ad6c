/** Links are made and removed in batches, whatever HubSpot answers, and people's labels survive. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LinkOutcome, LinkWrite, ObjectType } from '../src/pipe.ts';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { hubspotSink } from '../src/sinks/hubspot/upsert.ts';
import { type OpenPortal, openPortal } from './hubspot-over-http.ts';
import { NEVER, type Seen, startWire, type Told, transportTo, type Wire } from './hubspot-wire.ts';

const link = (
  from: `${ObjectType}:${string}`,
  to: `${ObjectType}:${string}`,
  label: LinkWrite['label'] = 'default',
): LinkWrite => ({ from: end(from), to: end(to), label });

const OBJECTS: readonly ObjectType[] = ['products', 'companies', 'contacts', 'deals'];
function end(text: string): LinkWrite['from'] {
  const [name, hubspotId = ''] = text.split(':');
  const object = OBJECTS.find((known) => known === name);
  if (!object) throw new Error(`no object type ${name}`);
  return { object, hubspotId };
}

const kinds = (outcomes: readonly LinkOutcome[]): string[] => outcomes.map((outcome) => outcome.kind);

describe('in a portal', () => {
  const count = (length: number) =>
    Array.from({ length }, (_, index) => ({ name: `N${index}`, dealname: `N${index}` }));
  const open = (options: Parameters<typeof openPortal>[0] = {}) =>
    openPortal({ existing: { contacts: count(3), companies: count(3), deals: count(2) }, ...options });
  const sinkOf = (portal: OpenPortal) => hubspotSink({ transport: transportTo(portal, { token: SANDBOX_TOKEN }) });
  async function idsOf(portal: OpenPortal): Promise<Record<'contacts' | 'companies' | 'deals', string[]>> {
    const list = async (type: string) =>
      (await portal.send('GET', `/_sandbox/objects/${type}`)).body.list('results').map((row) => row.text('id'));
    return { contacts: await list('contacts'), companies: await list('companies'), deals: await list('deals') };
  }
  async function typesBetween(portal: OpenPortal, from: string | undefined, to: string | undefined): Promise<unknown> {
    const all = (await portal.send('GET', '/_sandbox/associations')).body.list('results');
    return all.find((row) => row.at('from') === from && row.at('to') === to)?.at('types') ?? null;
  }

  test('each kind of link gets its type, one call per kind', async () => {
    const portal = await open();
    const { contacts, companies, deals } = await idsOf(portal);
    const before = portal.log.length;
    const outcomes = await sinkOf(portal).link(
      [
        link(`contacts:${contacts[0]}`, `companies:${companies[0]}`, 'primary'),
        link(`deals:${deals[0]}`, `companies:${companies[0]}`, 'primary'),
        link(`contacts:${contacts[1]}`, `companies:${companies[0]}`),
        link(`deals:${deals[0]}`, `contacts:${contacts[0]}`),
        link(`companies:${companies[1]}`, `companies:${companies[0]}`),
        link(`contacts:${contacts[2]}`, `companies:${companies[0]}`),
      ],
      NEVER,
    );
    expect(kinds(outcomes)).toEqual(['done', 'done', 'done', 'done', 'done', 'done']);
    expect(await typesBetween(portal, contacts[0], companies[0])).toEqual([1, 279]);
    expect(await typesBetween(portal, deals[0], companies[0])).toEqual([5, 341]);
    expect(await typesBetween(portal, contacts[1], companies[0])).toEqual([279]);
    expect(await typesBetween(portal, deals[0], contacts[0])).toEqual([3]);
    expect(await typesBetween(portal, companies[1], companies[0])).toContain(14);
    const writes = portal.log.slice(before).filter(({ path }) => /batch\/(create|associate)/.test(path));
    expect(writes).toHaveLength(5);
  });

  test('a link that is there is not written again, and one given twice is sent once', async () => {
    const portal = await open();
    const { contacts, companies } = await idsOf(portal);
    const primary = link(`contacts:${contacts[0]}`, `companies:${companies[0]}`, 'primary');
    const sink = sinkOf(portal);
    expect(kinds(await sink.link([primary, { ...primary }], NEVER))).toEqual(['done', 'done']);
    const before = portal.log.length;
    expect(kinds(await sink.link([primary], NEVER))).toEqual(['done']);
    expect(portal.log.slice(before).map(({ path }) => path.split('/').at(-1))).toEqual(['read']);
  });

  test.each([true, false])(
    'a link to an object that is gone is refused alone (as a row: %s); its removal is done',
    async (associateUnknownRowAs207) => {
      const portal = await open({ switches: { associateUnknownRowAs207 } });
      const { contacts, companies } = await idsOf(portal);
      const links = ['default', 'primary'].flatMap((label) =>
        [companies[0], '404404', companies[1]].map((company, index) =>
          link(`contacts:${contacts[index]}`, `companies:${company}`, label === 'primary' ? 'primary' : 'default'),
        ),
      );
      const outcomes = await sinkOf(portal).link(links, NEVER);
      expect(kinds(outcomes)).toEqual(['done', 'refused', 'done', 'done', 'refused', 'done']);
      expect(outcomes[1]).toMatchObject({ reason: expect.stringContaining('OBJECT_NOT_FOUND') });
      expect(kinds(await sinkOf(portal).unlink(links.slice(1, 2), NEVER))).toEqual(['done']);
    },
  );

  test('a removal takes the whole association, but of two companies only the parent', async () => {
    const portal = await open();
    const { contacts, companies } = await idsOf(portal);
    const sink = sinkOf(portal);
    const links = [
      link(`contacts:${contacts[0]}`, `companies:${companies[0]}`, 'primary'),
      link(`companies:${companies[1]}`, `companies:${companies[0]}`),
    ];
    await sink.link(links, NEVER);
    expect(kinds(await sink.unlink(links, NEVER))).toEqual(['done', 'done']);
    expect(await typesBetween(portal, contacts[0], companies[0])).toBeNull();
    expect(await typesBetween(portal, companies[1], companies[0])).toEqual([450]);
    expect(kinds(await sink.unlink(links, NEVER))).toEqual(['done', 'done']);
  });

  test.each(['v3', '2026-09'] as const)('%s spells paths and statuses in its own way', async (version) => {
    const portal = await open();
    const { contacts, companies } = await idsOf(portal);
    const sink = hubspotSink({ transport: transportTo(portal, { token: SANDBOX_TOKEN, version }) });
    const links = (['primary', 'default'] as const).map((label, index) =>
      link(`contacts:${contacts[index]}`, `companies:${companies[0]}`, label),
    );
    expect(kinds(await sink.link(links, NEVER))).toEqual(['done', 'done']);
    expect(kinds(await sink.unlink(links, NEVER))).toEqual(['done', 'done']);
  });
});

describe('on the wire', () => {
  let wire: Wire;
  beforeEach(async () => {
    wire = await startWire();
  });
  afterEach(() => wire.close());

  const sink = () => hubspotSink({ transport: transportTo(wire, { attemptsMax: 2 }) });
  const inputs = (request: Seen | undefined): readonly Sent[] => Object(request?.body).inputs ?? [];
  interface Sent {
    readonly from: { readonly id: string };
    readonly to: { readonly id: string };
    readonly types?: readonly unknown[];
  }
  const made = (request: Seen): Told => ({
    json: { results: inputs(request).map(({ from, to }) => ({ from, to })), errors: [] },
  });
  const many = (length: number) =>
    Array.from({ length }, (_, index) => link(`contacts:${index + 1}`, 'companies:9', 'default'));

  test('at most 1,000 links travel in one call', async () => {
    wire.answer = made;
    expect(new Set(kinds(await sink().link(many(2_300), NEVER)))).toEqual(new Set(['done']));
    expect(wire.seen.map((request) => inputs(request).length)).toEqual([1_000, 1_000, 300]);
  });

  test('labels that people gave to a pair are sent along, because a labelled create replaces them', async () => {
    const types = [
      { category: 'HUBSPOT_DEFINED', typeId: 279, label: null },
      { category: 'USER_DEFINED', typeId: 36, label: 'Decision maker' },
    ];
    wire.answer = (request) =>
      request.path.endsWith('/read')
        ? { json: { results: [{ from: { id: '1' }, to: [{ toObjectId: 9, associationTypes: types }] }] } }
        : { status: 201, json: { results: [{ fromObjectId: 1, toObjectId: 9, labels: [] }] } };
    expect(kinds(await sink().link([link('contacts:1', 'companies:9', 'primary')], NEVER))).toEqual(['done']);
    expect(inputs(wire.seen[1])[0]?.types).toEqual([
      { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 1 },
      { associationCategory: 'USER_DEFINED', associationTypeId: 36 },
    ]);
  });

  test('labels that cannot be read are not overwritten: the link stays unknown', async () => {
    wire.answer = () => ({ status: 503 });
    expect(kinds(await sink().link([link('contacts:1', 'companies:9', 'primary')], NEVER))).toEqual(['unknown']);
    expect(wire.seen.every(({ path }) => path.endsWith('/read'))).toBe(true);
  });

  test('no readable answer is unknown, and a repeat after one settles it', async () => {
    wire.answer = () => ({ act: 'reset' });
    expect(kinds(await sink().link(many(2), NEVER))).toEqual(['unknown', 'unknown']);
    wire.answer = (request, number) => (number === 3 ? { status: 502 } : made(request));
    expect(kinds(await sink().link(many(2), NEVER))).toEqual(['done', 'done']);
  });

  test('an answer that is silent about a link is checked by a read', async () => {
    const shown = { toObjectId: 9, associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 279, label: null }] };
    wire.answer = (request) =>
      request.path.endsWith('/read') ? { json: { results: [{ from: { id: '1' }, to: [shown] }] } } : { json: {} };
    expect(kinds(await sink().link(many(2), NEVER))).toEqual(['done', 'unknown']);
  });

  test('a refusal that names nobody is cut in halves until the bad link stands alone', async () => {
    wire.answer = (request) =>
      inputs(request).some(({ from }) => from.id === '37')
        ? { status: 400, json: { category: 'VALIDATION_ERROR', message: 'One of the links is not allowed' } }
        : made(request);
    const outcomes = await sink().link(many(100), NEVER);
    expect(outcomes.flatMap((outcome, index) => (outcome.kind === 'refused' ? [index + 1] : []))).toEqual([37]);
    expect(kinds(outcomes).filter((kind) => kind === 'done')).toHaveLength(99);
    expect(wire.seen.length).toBeLessThanOrEqual(16);
  });

  test('a batch that is refused through and through costs a hundred calls at most', async () => {
    wire.answer = () => ({ status: 400, json: { category: 'VALIDATION_ERROR' } });
    const outcomes = await sink().link(many(1_000), NEVER);
    expect(wire.seen.length).toBeLessThanOrEqual(100);
    expect(kinds(outcomes)).toContain('unknown');
    expect(kinds(outcomes)).not.toContain('done');
  });

  test('an error that names both ends blames one pair, and one that names an object all of its pairs', async () => {
    const links = [
      link('contacts:1', 'companies:8'),
      link('contacts:1', 'companies:9'),
      link('contacts:2', 'companies:9'),
    ];
    const errors = (context: object): Told => ({
      json: { results: [], errors: [{ category: 'X', context }], numErrors: 1 },
    });
    wire.answer = (request) =>
      request.path.endsWith('/read') ? { json: { results: [] } } : errors({ fromObjectId: ['1'], toObjectId: ['9'] });
    expect(kinds(await sink().link(links, NEVER))).toEqual(['unknown', 'refused', 'unknown']);
    wire.answer = (request) =>
      request.path.endsWith('/read') ? { json: { results: [] } } : errors({ objectId: ['9'], objectTypeId: ['0-2'] });
    expect(kinds(await sink().link(links, NEVER))).toEqual(['unknown', 'refused', 'refused']);
  });

  test('a label that HubSpot does not have is a fault of the program', async () => {
    await expect(sink().link([link('deals:1', 'contacts:2', 'primary')], NEVER)).rejects.toThrow(/no primary/);
  });
});
