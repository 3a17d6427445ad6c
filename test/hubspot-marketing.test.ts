/** No contact becomes billable: what is never written, who must confirm, and the first contact that is looked at. */
import { describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../src/errors.ts';
import type { Sink, Write } from '../src/pipe.ts';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { type GuardOptions, guardContacts } from '../src/sinks/hubspot/contact-guard.ts';
import { checkContacts } from '../src/sinks/hubspot/marketing.ts';
import { hubspotSink } from '../src/sinks/hubspot/upsert.ts';
import { contactPortal, type OpenPortal } from './hubspot-over-http.ts';
import { NEVER, transportTo } from './hubspot-wire.ts';

const transportOf = (portal: OpenPortal) => transportTo(portal, { token: SANDBOX_TOKEN });
const guarded = (portal: OpenPortal, options: Partial<GuardOptions> = {}): Sink => {
  const transport = transportOf(portal);
  return guardContacts(hubspotSink({ transport }), {
    transport,
    confirmedOn: null,
    accountType: 'DEVELOPER_TEST',
    ...options,
  });
};
const contact = (key: string, over: Partial<Write> = {}): Write => ({
  object: 'contacts',
  keyProperty: 'erp_contact_id',
  key,
  properties: { lastname: `L${key}` },
  hubspotId: null,
  ...over,
});
const contacts = (count: number, prefix = 'C'): Write[] =>
  Array.from({ length: count }, (_, index) => contact(`${prefix}${index}`));
const fatalOf = async (call: Promise<unknown>): Promise<FatalError> => {
  const thrown = await call.catch((reason: unknown) => reason);
  if (thrown instanceof FatalError) return thrown;
  throw new Error(`expected a FatalError, got ${String(thrown)}`);
};
const calls = (portal: OpenPortal, action: string) =>
  portal.log.filter(({ path }) => path.endsWith(`/batch/${action}`));
const rowsIn = (portal: OpenPortal) => portal.store.count('contacts').live;

describe('hs_marketable properties', () => {
  test('are never written, by upsert or by update: naming one is a fault of the program', async () => {
    const portal = await contactPortal();
    const sink = hubspotSink({ transport: transportOf(portal) });
    const properties = { hs_marketable_status: 'true' };
    await expect(sink.write([contact('C1', { properties })], NEVER)).rejects.toThrow(/hs_marketable_status/);
    await expect(sink.update('contacts', [{ id: '1', properties }], NEVER)).rejects.toThrow(/hs_marketable_status/);
    expect([...calls(portal, 'upsert'), ...calls(portal, 'update')]).toEqual([]);
  });
});

describe('a live portal', () => {
  test.each(['STANDARD', ''])(
    'of type "%s" gets no contact before a person has confirmed the toggle',
    async (accountType) => {
      const portal = await contactPortal();
      const sink = guarded(portal, { accountType });
      const update = sink.update('contacts', [{ id: '1', properties: { lastname: 'x' } }], NEVER);
      for (const call of [sink.write(contacts(2), NEVER), update, sink.adopt?.(contacts(2), NEVER)]) {
        const error = await fatalOf(Promise.resolve(call));
        expect(error).toMatchObject({
          exit: EXIT.usage,
          hint: expect.stringContaining('MARKETING_TOGGLE_CONFIRMED_ON'),
        });
      }
      expect(rowsIn(portal)).toBe(0);
      expect([...calls(portal, 'read'), ...calls(portal, 'update')]).toEqual([]);
    },
  );

  test('takes them once it is confirmed, and everything else in any case', async () => {
    const portal = await contactPortal();
    const confirmed = guarded(portal, { accountType: 'STANDARD', confirmedOn: '2026-11-01' });
    expect((await confirmed.write(contacts(2), NEVER)).size).toBe(2);
    const company: Write = { ...contact('A1'), object: 'companies', properties: { name: 'Acme' } };
    await guarded(portal, { accountType: 'STANDARD' }).adopt?.([company], NEVER);
  });
});

describe('the first contact of a process', () => {
  test('goes alone and is looked at; the others follow together, and the next batch at once', async () => {
    const portal = await contactPortal();
    const sink = guarded(portal);
    const outcomes = await sink.write(contacts(50), NEVER);
    expect([...outcomes.values()].filter((outcome) => outcome.kind === 'written')).toHaveLength(50);
    expect(calls(portal, 'upsert')).toHaveLength(2);
    expect(calls(portal, 'read')).toHaveLength(2);
    await sink.write(contacts(50, 'D'), NEVER);
    expect(calls(portal, 'upsert')).toHaveLength(3);
    expect(calls(portal, 'read')).toHaveLength(2);
  });

  test('stops the run when the portal bills it: no other contact was created, in this batch or beside it', async () => {
    const portal = await contactPortal({ switches: { marketableToggle: true } });
    const sink = guarded(portal);
    const errors = await Promise.all([
      fatalOf(sink.write(contacts(50), NEVER)),
      fatalOf(sink.write(contacts(50, 'D'), NEVER)),
    ]);
    expect(rowsIn(portal)).toBe(1);
    const [made] = (await portal.send('GET', '/_sandbox/objects/contacts')).body.list('results');
    for (const error of errors) {
      expect(error.exit).toBe(EXIT.gate);
      expect(error.message).toContain(`Contact ${made?.text('id')}`);
      expect(error.hint).toContain('Settings > Integrations > Marketing contacts');
    }
    expect((await fatalOf(sink.write(contacts(1, 'E'), NEVER))).exit).toBe(EXIT.gate);
    expect(rowsIn(portal)).toBe(1);
  });

  test('is one that is really new: contacts that are there are updated without any of this', async () => {
    const portal = await contactPortal();
    await hubspotSink({ transport: transportOf(portal) }).write(contacts(30), NEVER);
    const before = calls(portal, 'upsert').length;
    const sink = guarded(portal);
    await sink.write(contacts(30), NEVER);
    expect(calls(portal, 'upsert').length - before).toBe(1);
    const known = contacts(30).map((write) => ({ ...write, hubspotId: '1' }));
    const reads = calls(portal, 'read').length;
    await sink.write(known, NEVER);
    expect(calls(portal, 'read')).toHaveLength(reads);
  });

  test('that HubSpot refuses proves nothing, so the next one goes alone', async () => {
    const portal = await contactPortal();
    const bad = contact('B0', { properties: { email: 'no address' } });
    const outcomes = await guarded(portal).write([bad, ...contacts(20)], NEVER);
    expect(outcomes.get('B0')?.kind).toBe('refused');
    expect(outcomes.size).toBe(21);
    expect(calls(portal, 'upsert')).toHaveLength(3);
  });

  test('is still looked for after a batch that got no answer', async () => {
    const portal = await contactPortal({
      faults: [{ path: '/batch/read', times: 2, fault: { kind: 'reset-before' } }],
    });
    const transport = transportTo(portal, { token: SANDBOX_TOKEN, attemptsMax: 2 });
    const sink = guardContacts(hubspotSink({ transport }), { transport, confirmedOn: null, accountType: 'SANDBOX' });
    await expect(sink.write(contacts(3), NEVER)).rejects.toThrow('contacts read');
    expect(rowsIn(portal)).toBe(0);
    expect((await sink.write(contacts(3), NEVER)).size).toBe(3);
    expect(calls(portal, 'upsert')).toHaveLength(2);
  });

  test('is waited for when it cannot be read at once', async () => {
    const portal = await contactPortal({ switches: { readLagMs: 400 } });
    const transport = transportTo(portal, { token: SANDBOX_TOKEN, clock: slow });
    const sink = guardContacts(hubspotSink({ transport }), { transport, confirmedOn: null, accountType: 'SANDBOX' });
    expect((await sink.write(contacts(3), NEVER)).size).toBe(3);
  });
});

/** Really waits, but not as long as it is asked to. */
const slow = {
  now: () => Date.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 100))),
};

test('a check names the marketing contacts among those given, reading a hundred at a time', async () => {
  const portal = await contactPortal();
  const transport = transportOf(portal);
  const outcomes = await hubspotSink({ transport }).write(contacts(150), NEVER);
  const ids = [...outcomes.values()].flatMap((outcome) => (outcome.kind === 'written' ? [outcome.hubspotId] : []));
  const [billed = ''] = ids;
  const properties = { hs_marketable_status: 'true' };
  await portal.send('POST', '/_sandbox/edit', { type: 'contacts', id: billed, properties });
  expect(await checkContacts(transport, [...ids, '404404'], NEVER)).toEqual([billed]);
  expect(calls(portal, 'read')).toHaveLength(2);
});
