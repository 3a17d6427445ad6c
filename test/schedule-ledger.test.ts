/** Planned against actual: a virtual clock, a real ledger on disk, and vendors that answer as each day says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT, type ExitCode, FatalError } from '../src/errors.ts';
import { groupPipes, type Schedule } from '../src/schedule/plan.ts';
import { tick } from '../src/schedule/tick.ts';
import { minuteIn } from '../src/schedule/zone.ts';
import { openDatabase } from '../src/state/database.ts';
import { claimSlot, slotOf, slotsSince } from '../src/state/slots.ts';

const ZONE = 'America/Chicago';
const HOUR_MS = 3_600_000;
const PIPES = [
  { pipe: 'products', daily: '06:00', after: [] },
  { pipe: 'pos-orders', daily: '06:00', after: ['customers'] },
  { pipe: 'customers', daily: '06:30', after: [] },
  { pipe: 'quotes', daily: '07:00', after: ['customers'] },
];
const SCHEDULE: Schedule = {
  zone: ZONE,
  runMsMax: 2 * HOUR_MS,
  jobs: groupPipes(PIPES, ({ daily: at }) => ({ at, isOn: true, windowMs: 20 * HOUR_MS, jitterMs: 0 })),
};
const [MORNING, CUSTOMERS, QUOTES] = ['products+pos-orders', 'customers', 'quotes'];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** One machine with its ledger; what a job's run ends with is asked of `answer`. */
function machine(startsAt: string, answer: (job: string, nowMs: number) => ExitCode = () => EXIT.ok) {
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-schedule-'));
  folders.push(folder);
  const db = openDatabase(folder, null);
  let nowMs = Date.parse(startsAt);
  const began: string[] = [];
  let gate: () => Promise<void> = async () => undefined;
  const setGate = (next: typeof gate): void => {
    gate = next;
  };
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const tickNow = (stop = new AbortController().signal) =>
    tick({
      ...{ ledger: (work) => work(db), schedule: SCHEDULE, clock, trigger: 'test', stop, gate: () => gate() },
      runJob: async ({ name }) => {
        began.push(`${minuteIn(ZONE, nowMs)} ${name}`);
        const exit = answer(name, nowMs);
        nowMs += 120_000;
        return { exit, runs: [`run-${began.length}`], reason: exit === EXIT.ok ? null : `exit ${exit}`, hint: null };
      },
      onNotice: () => undefined,
    });
  const at = async (time: string) => {
    nowMs = Date.parse(time);
    return await tickNow();
  };
  /** A trigger every quarter of an hour while the machine is awake. */
  const awake = async (from: string, to: string) => {
    for (let ms = Date.parse(from); ms <= Date.parse(to); ms += 900_000) {
      nowMs = Math.max(nowMs, ms);
      await tickNow();
    }
  };
  const table = () =>
    slotsSince(db, 0)
      .reverse()
      .filter(({ plannedAtMs }) => plannedAtMs <= nowMs)
      .map((row) => {
        const began = row.startedAtMs === null ? '-' : minuteIn(ZONE, row.startedAtMs).slice(5);
        return `${minuteIn(ZONE, row.plannedAtMs).slice(5)} ${row.job} ${began} ${row.state} ${row.attempts}`;
      });
  return { db, at, awake, table, began, setGate };
}

describe('a tick', () => {
  test('a hundred times at one moment runs each slot once', async () => {
    const { at, began } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    for (let n = 0; n < 100; n++) await at('2026-06-01T11:00:01Z');
    expect(began).toEqual(['2026-06-01 06:00 products+pos-orders']);
  });

  test('of a job that was not known yesterday begins with the next slot, not with one before it was installed', async () => {
    const { at, began, table } = machine('2026-06-01T17:00Z');
    await at('2026-06-01T17:00Z');
    expect([began, table()]).toEqual([[], []]);
  });

  test('does nothing again when the clock goes back over the hour', async () => {
    const { at, began } = machine('2026-06-01T10:00Z');
    for (const time of ['10:00:00', '11:00:01', '10:59:00', '11:00:01']) await at(`2026-06-01T${time}Z`);
    expect(began).toHaveLength(1);
  });

  test('by a clock behind what has happened runs nothing', async () => {
    const { at, began } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    await at('2026-06-01T11:00Z');
    await expect(at('1970-01-01T00:00:00Z')).rejects.toThrow(/the clock of this machine says 1970/);
    expect(began).toHaveLength(1);
  });

  test('without network, or by a wrong clock, leaves slots open and counts no attempt', async () => {
    const { at, db, setGate } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    setGate(() => Promise.reject(new FatalError(EXIT.hubspot, 'there is no network', '')));
    await expect(at('2026-06-01T11:00Z')).rejects.toThrow('there is no network');
    expect(slotOf(db, 'products+pos-orders', '2026-06-01')).toMatchObject({ state: 'open', attempts: 0 });
    setGate(async () => undefined);
    await at('2026-06-01T11:20Z');
    expect(slotOf(db, 'products+pos-orders', '2026-06-01')).toMatchObject({ state: 'ok', attempts: 1 });
  });

  test('tries again what may pass, three times, 15 min apart, and never what needs a person', async () => {
    const { awake, table } = machine('2026-06-01T10:00Z', (job) => (job === CUSTOMERS ? EXIT.access : EXIT.source));
    await awake('2026-06-01T10:00Z', '2026-06-01T18:00Z');
    expect(table()).toEqual([
      '06-01 06:00 products+pos-orders 06-01 06:00 failed 3',
      '06-01 06:30 customers 06-01 06:32 failed 1',
      '06-01 07:00 quotes 06-01 07:02 failed 3',
    ]);
  });

  test('lets quotes wait for customers, and says when they failed', async () => {
    const { awake, db, began } = machine('2026-06-01T10:00Z', (job) => (job === CUSTOMERS ? EXIT.source : EXIT.ok));
    await awake('2026-06-01T10:00Z', '2026-06-01T14:00Z');
    expect(began.filter((line) => line.endsWith(CUSTOMERS ?? ''))).toHaveLength(3);
    expect(began.findIndex((line) => line.endsWith(QUOTES ?? ''))).toBe(began.length - 1);
    expect(slotOf(db, 'quotes', '2026-06-01')?.reason).toBe('customers had failed before it');
  });

  test('takes a slot whose process died up again', async () => {
    const { at, db, began } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    const slot = { job: MORNING ?? '', date: '2026-06-01' };
    const atMs = Date.parse('2026-06-01T11:00Z');
    const die = () =>
      claimSlot(db, slot, { pid: 4711, trigger: 'test', atMs, retryAtMs: atMs + 900_000, from: ['open'] });
    expect(die()).toBe(true);
    expect(die()).toBe(false);
    await at('2026-06-01T11:05Z');
    expect(slotOf(db, slot.job, slot.date)).toMatchObject({
      state: 'open',
      reason: 'the process 4711 that ran it died',
    });
    await at('2026-06-01T11:15Z');
    expect(slotOf(db, slot.job, slot.date)).toMatchObject({ state: 'ok', attempts: 2 });
    expect(began).toHaveLength(1);
  });

  test('gives a slot up whose process died three times', async () => {
    const { at, db, began } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    const slot = { job: MORNING ?? '', date: '2026-06-01' };
    for (const [minute, state] of [
      [0, 'open'],
      [20, 'open'],
      [40, 'failed'],
    ] as const) {
      const atMs = Date.parse('2026-06-01T11:00Z') + minute * 60_000;
      const retryAtMs = atMs + 900_000;
      expect(claimSlot(db, slot, { pid: 4711, trigger: 'test', atMs, retryAtMs, from: ['open'] })).toBe(true);
      await at(new Date(atMs + 60_000).toISOString());
      expect(slotOf(db, slot.job, slot.date)?.state).toBe(state);
    }
    await at('2026-06-01T12:30Z');
    expect(slotOf(db, slot.job, slot.date)).toMatchObject({ state: 'failed', attempts: 3 });
    expect(began.filter((line) => line.endsWith(slot.job))).toEqual([]);
  });

  test('leaves a slot alone whose window has closed', async () => {
    const { at, table } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    await at('2026-06-02T09:00Z');
    expect(table().map((line) => line.split(' ').at(-2))).toEqual(['missed', 'missed', 'missed']);
  });
});

describe('a fortnight', () => {
  test.each([
    ['spring', '2026-03-02', 12, '2026-03-08'],
    ['autumn', '2026-10-26', 11, '2026-11-01'],
  ])(
    'over the change in %s, with a lid, a power cut, a failed night and a full disk',
    async (_, first, hourUtc, changes) => {
      const day = (n: number): string => new Date(Date.parse(first) + n * 86_400_000).toISOString().slice(0, 10);
      const local = (n: number): string => day(n).slice(5);
      // The hour of 06:00 Chicago in UTC, before and after the change.
      const six = (n: number): number => (day(n) < changes ? hourUtc : hourUtc + (first.includes('-03-') ? -1 : 1));
      const instant = (n: number, hours: number): string =>
        new Date(Date.parse(day(n)) + (six(n) - 6 + hours) * HOUR_MS).toISOString();
      const isOn = (ms: number, n: number, from: number, to: number): boolean =>
        ms >= Date.parse(instant(n, from)) && ms < Date.parse(instant(n, to));
      const { awake, at, db, table, setGate } = machine(instant(0, 5), (job, ms) => {
        if (isOn(ms, 5, 0, 24)) return EXIT.source; // the ERP is down all night and day
        return job === QUOTES && isOn(ms, 3, 0, 24) ? EXIT.deadLetters : EXIT.ok;
      });
      const whole = (n: number) => awake(instant(n, 5), instant(n, 22));
      for (const n of [0, 1]) await whole(n);
      await awake(instant(2, 8.5), instant(2, 22)); // the lid was closed until half past eight
      await whole(3);
      await at(instant(4, 5.75));
      const atMs = Date.parse(instant(4, 6));
      // The power goes while the first job runs, and comes back at ten.
      const claim = { pid: 99, trigger: 'test', atMs, retryAtMs: atMs + 900_000, from: ['open'] as const };
      claimSlot(db, { job: MORNING ?? '', date: day(4) }, claim);
      await awake(instant(4, 10), instant(4, 22));
      for (const n of [5, 6, 7]) await whole(n); // day 6 is the change
      // Days 8 to 10: switched off. Day 11: a full disk until seven.
      setGate(() => Promise.reject(new FatalError(EXIT.internal, 'the disk is full', '')));
      await at(instant(11, 5)).catch(() => undefined);
      await at(instant(11, 6.25)).catch(() => undefined);
      setGate(async () => undefined);
      await awake(instant(11, 7.25), instant(11, 22));
      for (const n of [12, 13]) await whole(n);
      const usual = (n: number) => [
        `${local(n)} 06:00 products+pos-orders ${local(n)} 06:00 ok 1`,
        `${local(n)} 06:30 customers ${local(n)} 06:30 ok 1`,
        `${local(n)} 07:00 quotes ${local(n)} 07:00 ok 1`,
      ];
      const late = (n: number, begin: readonly string[], attempts: number) => [
        `${local(n)} 06:00 products+pos-orders ${local(n)} ${begin[0]} ok ${attempts}`,
        `${local(n)} 06:30 customers ${local(n)} ${begin[1]} ok 1`,
        `${local(n)} 07:00 quotes ${local(n)} ${begin[2]} ok 1`,
      ];
      const superseded = (n: number) =>
        usual(n).map((line) => line.replace(/ \d\d-\d\d \d\d:\d\d ok 1$/, ' - superseded 0'));
      expect(table()).toEqual([
        ...usual(0),
        ...usual(1),
        ...late(2, ['08:30', '08:32', '08:34'], 1),
        ...usual(3).map((line) => line.replace(/(quotes .*) ok/, '$1 partial')),
        ...late(4, ['06:00', '10:02', '10:04'], 2),
        `${local(5)} 06:00 products+pos-orders ${local(5)} 06:00 failed 3`,
        `${local(5)} 06:30 customers ${local(5)} ${slotBegan(db, CUSTOMERS, day(5))} failed 3`,
        `${local(5)} 07:00 quotes ${local(5)} ${slotBegan(db, QUOTES, day(5))} failed 3`,
        ...usual(6),
        ...usual(7),
        ...[8, 9, 10].flatMap(superseded),
        ...late(11, ['07:15', '07:17', '07:19'], 1),
        ...usual(12),
        ...usual(13),
      ]);
    },
  );
});

const slotBegan = (db: ReturnType<typeof openDatabase>, job = '', date = ''): string =>
  minuteIn(ZONE, slotOf(db, job, date)?.startedAtMs ?? 0).slice(11);
