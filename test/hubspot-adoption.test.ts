/** Objects that people made are found and given our key, and nothing is guessed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Adoption, ObjectType, Write } from '../src/pipe.ts';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { hubspotSink, type SinkOptions } from '../src/sinks/hubspot/upsert.ts';
import { addKey, type OpenPortal, openPortal } from './hubspot-over-http.ts';
import { inputsOf, NEVER, type Seen, startWire, transportTo, type Wire } from './hubspot-wire.ts';

type Existing = NonNullable<Parameters<typeof openPortal>[0]>['existing'];

async function portalWith(existing: Existing, switches: object = {}): Promise<OpenPortal> {
  const portal = await openPortal({ existing: existing ?? {}, switches: { searchLagMs: 0, ...switches } });
  await addKey(portal, 'contacts', 'erp_contact_id', 'contactinformation');
  await addKey(portal, 'companies', 'erp_customer_id', 'companyinformation');
  return portal;
}
const sinkOf = (portal: OpenPortal, options: Partial<SinkOptions> = {}) =>
  hubspotSink({ transport: transportTo(portal, { token: SANDBOX_TOKEN }), ...options });

const write = (
  object: ObjectType,
  key: string,
  properties: Record<string, string>,
  hubspotId: string | null = null,
): Write => ({
  object,
  keyProperty: object === 'contacts' ? 'erp_contact_id' : 'erp_customer_id',
  key,
  properties,
  hubspotId,
});
const contact = (key: string, email: string) => write('contacts', key, { email });
const company = (key: string, domain: string, name: string) => write('companies', key, { domain, name });

async function adopt(portal: OpenPortal, writes: readonly Write[]): Promise<Record<string, Adoption>> {
  const adopted = await sinkOf(portal).adopt?.(writes, NEVER);
  return Object.fromEntries(adopted ?? []);
}

async function rows(portal: OpenPortal, type: string) {
  return (await portal.send('GET', `/_sandbox/objects/${type}`)).body.list('results');
}
const edit = (portal: OpenPortal, type: string, id: string, properties: Record<string, string>) =>
  portal.send('POST', '/_sandbox/edit', { type, id, properties });

describe('a contact with the same e-mail', () => {
  test('gets our key, whatever the case of its letters, and the next upsert finds it', async () => {
    const portal = await portalWith({ contacts: [{ email: 'ANN@Acme.example' }, { email: 'bob@acme.example' }] });
    const [ann] = await rows(portal, 'contacts');
    const writes = [contact('C1', 'ann@acme.example'), contact('C2', 'new@acme.example')];
    expect(await adopt(portal, writes)).toEqual({ C1: { kind: 'adopted', hubspotId: ann?.text('id') } });
    const outcomes = await sinkOf(portal).write(writes, NEVER);
    expect(outcomes.get('C1')).toMatchObject({ kind: 'written', hubspotId: ann?.text('id'), created: false });
    expect(await rows(portal, 'contacts')).toHaveLength(3);
  });

  test('that carries another key is ambiguous, in words that do not repeat the e-mail', async () => {
    const portal = await portalWith({ contacts: [{ email: 'ann@acme.example', erp_contact_id: 'C9' }] });
    const [adoption] = Object.values(await adopt(portal, [contact('C1', 'ann@acme.example')]));
    expect(adoption).toMatchObject({ kind: 'ambiguous', reason: expect.stringContaining('another ERP contact') });
    expect(JSON.stringify(adoption)).not.toContain('acme');
  });

  test('that carries our key is left to the upsert, and so is everything that has nothing to look for', async () => {
    const portal = await portalWith({ contacts: [{ email: 'ann@acme.example', erp_contact_id: 'C1' }] });
    expect(await adopt(portal, [contact('C1', 'ann@acme.example')])).toEqual({});
    const before = portal.log.length;
    const writes = [
      contact('C2', ''),
      contact('C3', 'not an address'),
      write('contacts', 'C4', { email: 'known@acme.example' }, '77'),
      write('companies', 'A1', { name: 'Acme' }),
      write('deals', 'D1', { dealname: 'Deck' }),
    ];
    expect(await adopt(portal, writes)).toEqual({});
    expect(portal.log.length).toBe(before);
  });

  test('that two writes want is given to neither, in one call or in two at the same time', async () => {
    const portal = await portalWith({ contacts: [{ email: 'ann@acme.example' }, { email: 'bob@acme.example' }] });
    const pair = [contact('C1', 'ann@acme.example'), contact('C2', 'Ann@acme.example')];
    const kinds = Object.values(await adopt(portal, pair)).map(({ kind }) => kind);
    expect(kinds).toEqual(['ambiguous', 'ambiguous']);
    const sink = sinkOf(portal);
    const results = await Promise.all(
      ['C3', 'C4'].map((key) => sink.adopt?.([contact(key, 'bob@acme.example')], NEVER)),
    );
    expect(results.flatMap((result) => [...(result?.values() ?? [])].map(({ kind }) => kind)).sort()).toEqual([
      'adopted',
      'ambiguous',
    ]);
  });

  test('is left alone when another contact has our key already', async () => {
    const portal = await portalWith({ contacts: [{ email: 'ann@acme.example' }, { erp_contact_id: 'C1' }] });
    expect(await adopt(portal, [contact('C1', 'ann@acme.example')])).toEqual({});
  });

  test('is not looked for when adoption is off', async () => {
    const portal = await portalWith({});
    expect(sinkOf(portal, { adopt: false }).adopt).toBeUndefined();
  });
});

describe('a company with the same domain and name', () => {
  test('gets our key; spelling counts in neither, a different name does', async () => {
    const portal = await portalWith({
      companies: [
        { domain: 'Acme.example', name: 'ACME  Supply, Inc.' },
        { domain: 'acme.example', name: 'Acme Supply' },
        { domain: 'other.example', name: 'Acme Supply, Inc.' },
      ],
    });
    const [acme] = await rows(portal, 'companies');
    const writes = [company('A1', 'acme.example', 'Acme Supply Inc'), company('A2', 'acme.example', 'Beta')];
    expect(await adopt(portal, writes)).toEqual({ A1: { kind: 'adopted', hubspotId: acme?.text('id') } });
    expect((await rows(portal, 'companies'))[0]?.text('properties', 'erp_customer_id')).toBe('A1');
  });

  test('twice is ambiguous, with the ids of both; one with another key too', async () => {
    const twin = { domain: 'acme.example', name: 'Acme' };
    const portal = await portalWith({
      companies: [twin, twin, { domain: 'beta.example', name: 'Beta', erp_customer_id: 'A9' }],
    });
    const [one, two] = (await rows(portal, 'companies')).map((row) => row.text('id'));
    const found = await adopt(portal, [company('A1', 'acme.example', 'Acme'), company('A2', 'beta.example', 'Beta')]);
    expect(found.A1).toMatchObject({ kind: 'ambiguous', reason: expect.stringContaining(`${one}, ${two}`) });
    expect(found.A2).toMatchObject({ kind: 'ambiguous', reason: expect.stringContaining('another ERP customer') });
  });

  test('is judged by what it is now, not by a search index that lags behind', async () => {
    const portal = await portalWith(
      {
        companies: [
          { domain: 'acme.example', name: 'Acme' },
          { domain: 'beta.example', name: 'Beta' },
        ],
      },
      { searchLagMs: 60_000 },
    );
    const [acme, beta] = (await rows(portal, 'companies')).map((row) => row.text('id'));
    await edit(portal, 'companies', acme ?? '', { erp_customer_id: 'A9' });
    await edit(portal, 'companies', beta ?? '', { name: 'Beta Holding' });
    const found = await adopt(portal, [company('A1', 'acme.example', 'Acme'), company('A2', 'beta.example', 'Beta')]);
    expect(found).toEqual({ A1: expect.objectContaining({ kind: 'ambiguous' }) });
  });

  test('is searched with many others in one query that keeps within the limits', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `company-number-${index}`);
    const portal = await portalWith({ companies: names.map((name) => ({ domain: `${name}.example`, name })) });
    const before = portal.log.length;
    const found = await adopt(
      portal,
      names.map((name) => company(`K${name}`, `${name}.example`, name)),
    );
    expect(new Set(Object.values(found).map(({ kind }) => kind))).toEqual(new Set(['adopted']));
    expect(Object.keys(found)).toHaveLength(250);
    const searches = portal.log.slice(before).filter(({ path }) => path.endsWith('/search'));
    expect(searches.length).toBeLessThanOrEqual(4);
    expect(searches.every(({ status, requestBytes }) => status === 200 && requestBytes <= 3_000)).toBe(true);
  });
});

describe('on the wire', () => {
  let wire: Wire;
  beforeEach(async () => {
    wire = await startWire();
  });
  afterEach(() => wire.close());
  const sink = () => hubspotSink({ transport: transportTo(wire, { attemptsMax: 2 }) });

  test('a domain of more companies than a search can list spoils only its own', async () => {
    wire.answer = (request) => {
      if (!request.path.endsWith('/search')) return records(request);
      if (request.text.includes('crowd.example'))
        return { json: { results: [], paging: { next: { after: String(Math.random()) } } } };
      return { json: { results: [{ id: '5', properties: { name: 'Acme', domain: 'acme.example' } }] } };
    };
    const found = await sink().adopt?.(
      [company('A1', 'acme.example', 'Acme'), company('A2', 'crowd.example', 'Crowd')],
      NEVER,
    );
    expect(found?.get('A1')).toEqual({ kind: 'adopted', hubspotId: '5' });
    expect(found?.get('A2')).toMatchObject({ kind: 'ambiguous' });
    expect(wire.seen.length).toBeLessThan(110);
  });

  const records = (request: Seen) => ({
    json: {
      results: inputsOf(request).map(({ id, properties }) => ({
        id,
        properties: { name: 'Acme', domain: 'acme.example', erp_customer_id: null, ...properties },
      })),
    },
  });

  test('a stamp without a readable answer creates no second object: the key is ambiguous', async () => {
    wire.answer = ({ path }) =>
      path.endsWith('/read')
        ? { json: { results: [{ id: '5', properties: { email: 'ann@acme.example', erp_contact_id: null } }] } }
        : { act: 'reset' };
    const found = await sink().adopt?.([contact('C1', 'ann@acme.example')], NEVER);
    expect(found?.get('C1')).toMatchObject({ kind: 'ambiguous', reason: expect.stringContaining('object 5') });
  });

  test('a read that fails is an error, and nothing was stamped', async () => {
    wire.answer = () => ({ status: 503 });
    await expect(sink().adopt?.([contact('C1', 'ann@acme.example')], NEVER)).rejects.toThrow('contacts read');
    expect(wire.seen.every(({ path }) => path.endsWith('/read'))).toBe(true);
  });
});

describe('an e-mail that another contact has', () => {
  test.each([false, true])(
    'is left out, the contact is written, and the key is told (as a row: %s)',
    async (conflictAs207) => {
      const portal = await portalWith({ contacts: [{ email: 'ann@acme.example' }] }, { conflictAs207 });
      const told: string[] = [];
      const writes = ['ann', 'bob', 'cleo', 'dora'].map((name, index) =>
        write('contacts', `C${index}`, { email: `${name}@acme.example`, lastname: name }),
      );
      const outcomes = await sinkOf(portal, { onEmailConflict: (key) => told.push(key) }).write(writes, NEVER);
      expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(['written', 'written', 'written', 'written']);
      expect(told).toEqual(['C0']);
      const made = (await rows(portal, 'contacts')).find((row) => row.at('properties', 'erp_contact_id') === 'C0');
      expect(made?.at('properties', 'lastname')).toBe('ann');
      expect(made?.at('properties', 'email') ?? null).toBeNull();
    },
  );

  test('is not suspected behind any other refusal', async () => {
    const portal = await portalWith({});
    const told: string[] = [];
    const bad = write('contacts', 'C1', { email: 'no address', lastname: 'Ann' });
    const outcomes = await sinkOf(portal, { onEmailConflict: (key) => told.push(key) }).write([bad], NEVER);
    expect(outcomes.get('C1')).toMatchObject({ kind: 'refused' });
    expect(told).toEqual([]);
  });
});
