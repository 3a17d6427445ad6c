/** A draft has so much time: what it says when that is over, and not the calls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { Asker, CallCount } from '../src/probe/draft/ask.ts';
import { toldOf } from '../src/probe/draft/entry.ts';
import { refuseOpening } from '../src/probe/draft/opening.ts';
import { draftResource } from '../src/probe/draft/resource.ts';

const URL_OF_PARTS = new URL('https://erp.example.com/v1/parts');
const ROWS = Array.from({ length: 20 }, (_, at) => ({ partId: at + 1, updated_at: `2026-01-05T12:00:${10 + at}Z` }));

function askerOf(answer: () => Promise<Response>, msMax: number): Asker {
  const count = new CallCount(answer);
  const stop = new AbortController().signal;
  const { fetch } = count;
  const options = { authenticator: null, headers: {}, origin: URL_OF_PARTS.origin, clock: systemClock, stop, msMax };
  return new Asker({ ...options, fetch, onCall: () => undefined }, count);
}

test('a draft whose time is over says so, and not that its calls were used up', async () => {
  const asker = askerOf(async () => {
    await sleep(25);
    return Response.json(ROWS);
  }, 150);
  const opening = await asker.ask(URL_OF_PARTS, {}, true);
  refuseOpening(opening, URL_OF_PARTS, 'nobody');
  const about = { resource: 'products', url: URL_OF_PARTS, path: 'v1/parts', zone: 'UTC', nowMs: Date.now() } as const;
  const { entries, calls } = await draftResource(
    { ...about, learned: new Set(), say: () => undefined },
    asker,
    opening,
  );
  expect(calls).toBeLessThan(40);
  const told = new Map(toldOf(entries).map(({ setting, evidence }) => [setting, evidence]));
  expect(told.get('calls')).toBe(`its 0.15 s were over after ${calls} calls: what is open may not have been tried`);
  expect(told.get('since')).toMatch(
    /(?:0 of 31 with dates as date\): )?its 0.15 s were over after \d+ calls(?: before one of 31 names in use was tried)?; /,
  );
});

/** What is said of "changed since" by a draft that begins with so many of its calls used. */
async function saidOfSince(used: number, answer: (url: URL) => Response): Promise<string | undefined> {
  const count = new CallCount(async (input) => answer(new URL(String(input))));
  const { fetch } = count;
  const stop = new AbortController().signal;
  const options = { authenticator: null, headers: {}, origin: URL_OF_PARTS.origin, clock: systemClock, stop };
  const asker = new Asker({ ...options, fetch, onCall: () => undefined }, count);
  const opening = await asker.ask(URL_OF_PARTS, {}, true);
  refuseOpening(opening, URL_OF_PARTS, 'nobody');
  asker.calls = used;
  const about = { resource: 'products', url: URL_OF_PARTS, path: 'v1/parts', zone: 'UTC', nowMs: Date.now() } as const;
  const draft = await draftResource({ ...about, learned: new Set(), say: () => undefined }, asker, opening);
  return toldOf(draft.entries).find(({ setting }) => setting === 'since')?.evidence;
}

test('a draft says of how many names it tried that none filters by change, and why not of more', async () => {
  const ignoring = () => Response.json(ROWS);
  const refusing = ({ searchParams }: URL) =>
    searchParams.size === 0 ? Response.json(ROWS) : new Response('{}', { status: 400 });
  const end = 'without it every run reads everything';
  const none = 'none of the names that were tried filters by change';
  expect(await saidOfSince(1, ignoring)).toBe(`none of 31 names in use filters by change; ${end}`);
  expect(await saidOfSince(30, ignoring)).toBe(
    `${none} (31 of 31 with dates as iso, 0 of 31 with dates as date): only 5 of 40 calls were left; ${end}`,
  );
  expect(await saidOfSince(1, refusing)).toBe(
    `${none} (6 of 31 with dates as iso, 6 of 31 with dates as date): the vendor refuses names unknown to it; ${end}`,
  );
});

test('a vendor that asks for a longer wait than there is time for is told by its own answer', async () => {
  const asker = askerOf(async () => new Response('{}', { status: 429, headers: { 'retry-after': '600' } }), 40);
  const answer = await asker.ask(URL_OF_PARTS, {}, true);
  expect(() => refuseOpening(answer, URL_OF_PARTS, 'nobody')).toThrow('failed: status 429');
});
