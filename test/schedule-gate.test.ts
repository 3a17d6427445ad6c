/** What a scheduled run waits for when the machine has just woken up: the network, the clock, the token. */
import nock from 'nock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FatalError } from '../src/errors.ts';
import { type GateOptions, NETWORK_WAIT_MS, passGate } from '../src/schedule/gate.ts';

const HUBSPOT = 'https://api.hubapi.com';
const ERP = ['https://erp.example.com', 'https://erp-staging.example.com'];
const ACCOUNT = '/account-info/2026-03/details';
const NOW = '2026-11-27T12:00:00Z';

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

/** A machine whose waits pass at once, on its own clock. */
function wake(changes: Partial<Omit<GateOptions, 'clock'>> = {}) {
  let nowMs = Date.parse(NOW);
  const told: string[] = [];
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const hubspot = { url: `${HUBSPOT}${ACCOUNT}`, token: 'pat-planted' };
  const options = { hubspot, erpUrls: [], clock, waitMs: NETWORK_WAIT_MS, onNotice: (text: string) => told.push(text) };
  const pass = (signal = new AbortController().signal) => passGate({ ...options, ...changes }, signal);
  return { pass, told, waitedMs: () => nowMs - Date.parse(NOW) };
}

const account = (times = 1) =>
  nock(HUBSPOT).get(ACCOUNT).matchHeader('authorization', 'Bearer pat-planted').times(times);
const answers = (status = 200, date = NOW) => account().reply(status, {}, { date: new Date(date).toUTCString() });
const fails = (code: string, times: number) => account(times).replyWithError(Object.assign(new Error(code), { code }));
const caught = (work: Promise<void>): Promise<unknown> => work.then(() => null).catch((thrown: unknown) => thrown);

describe('the gate', () => {
  test('lets a run pass at once where all is well', async () => {
    answers();
    const { pass, told, waitedMs } = wake();
    await pass();
    expect([told, waitedMs()]).toEqual([[], 0]);
  });

  test.each(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'ETIMEDOUT'])(
    'waits while the network is not there yet: %s',
    async (code) => {
      fails(code, 3);
      answers();
      const { pass, told, waitedMs } = wake();
      await pass();
      expect(told).toEqual(['api.hubapi.com: not reached yet, waiting for the network']);
      expect(waitedMs()).toBe(30_000);
    },
  );

  test('waits five minutes and no longer: exit 7', async () => {
    fails('ENOTFOUND', 100);
    const { pass, waitedMs } = wake();
    const thrown = await caught(pass());
    expect(thrown).toMatchObject({ exit: 7, message: 'there is no network: api.hubapi.com was not reached in 5 min' });
    expect(waitedMs()).toBe(NETWORK_WAIT_MS);
  });

  test('does not let a person wait', async () => {
    fails('ENOTFOUND', 1);
    const { pass, waitedMs } = wake({ waitMs: 0 });
    expect(await caught(pass())).toMatchObject({ exit: 7 });
    expect(waitedMs()).toBe(0);
  });

  test('ends its wait with a signal', async () => {
    fails('ENOTFOUND', 100);
    const stop = new AbortController();
    const reason = new Error('stopped');
    const { pass } = wake();
    stop.abort(reason);
    expect(await caught(pass(stop.signal))).toBe(reason);
  });

  test.each([
    ['2026-11-27T12:04:59Z', null],
    ['2026-11-27T12:05:01Z', 1],
    ['2026-11-27T11:54:59Z', 1],
    ['2031-01-01T00:00:00Z', 1],
  ])('holds our clock against that of HubSpot: %s', async (date, exit) => {
    answers(200, date);
    const thrown = await caught(wake().pass());
    expect(thrown instanceof FatalError ? thrown.exit : thrown).toBe(exit);
  });

  test.each(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'])('takes %s for a wrong clock', async (code) => {
    fails(code, 1);
    expect(await caught(wake().pass())).toMatchObject({ exit: 1, message: expect.stringContaining(code) });
  });

  test('stops at a token that HubSpot refuses: exit 5, and no word of the token', async () => {
    answers(401);
    const thrown = await caught(wake().pass());
    expect(thrown).toMatchObject({ exit: 5, hint: expect.stringContaining('.env') });
    expect(JSON.stringify(thrown) + String(thrown)).not.toContain('planted');
  });

  test.each([403, 429, 500, 302])('leaves status %i to the run, which says it better', async (status) => {
    answers(status);
    await wake().pass();
  });

  test('leaves a refused connection to the run: there is a network', async () => {
    fails('ECONNREFUSED', 1);
    const { pass, waitedMs } = wake();
    await pass();
    expect(waitedMs()).toBe(0);
  });

  test('waits for one of the addresses of the ERP, and goes on without', async () => {
    answers();
    for (const url of ERP)
      nock(url)
        .get('/')
        .times(100)
        .replyWithError(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    const { pass, told, waitedMs } = wake({ erpUrls: ERP });
    await pass();
    expect(told.at(-1)).toBe('the ERP is not reached: erp.example.com, erp-staging.example.com');
    expect(waitedMs()).toBe(NETWORK_WAIT_MS);
  });

  test('tells that the clock of the ERP goes otherwise, and lets the run pass', async () => {
    answers();
    nock(ERP[0] ?? '')
      .get('/')
      .replyWithError(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    nock(ERP[1] ?? '')
      .get('/')
      .reply(404, '', { date: new Date('2026-11-27T13:00:00Z').toUTCString() });
    const { pass, told } = wake({ erpUrls: ERP });
    await pass();
    expect(told).toEqual(['the clock of the ERP says 2026-11-27T13:00:00.000Z, ours 2026-11-27T12:00:00.000Z']);
  });
});
