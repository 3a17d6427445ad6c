/** Planned against actual: a virtual clock, a real ledger on disk, and vendors that answer as each day says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { asError, EXIT, type ExitCode, FatalError } from '../src/errors.ts';
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
  db.pragma('synchronous = OFF'); // no power is cut here
  let nowMs = Date.parse(startsAt);
  const began: string[] = [];
  let gate: () => Promise<void> = async () => undefined;
  const setGate = (next: typeof gate): void => {
    gate = next;
  };
  const clock = { now: () => nowMs, sleep: async () => undefined };
  let [call, hear]: [number, (call: number) => void] = [0, () => undefined];
  const beforeLedger = (next: typeof hear): void => {
    [call, hear] = [0, next];
  };
  const ledger = <T>(work: (db: Database) => T): T => {
    call += 1;
    hear(call);
    return work(db);
  };
  let schedule = SCHEDULE;
  const setSchedule = (next: Schedule): void => {
    schedule = next;
  };
  const tickNow = (stop = new AbortController().signal) =>
    tick({
      ...{ ledger, schedule, clock, trigger: 'test', stop, gate: () => gate() },
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
  return { db, at, awake, table, began, setGate, beforeLedger, setSchedule };
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
    expect(slotOf(db, 'products+pos-orders', '2026-06-01')).toMatchObject({
      ...{ state: 'open', attempts: 0, reason: 'there is no network' },
    });
    setGate(async () => undefined);
    await at('2026-06-01T11:20Z');
    expect(slotOf(db, 'products+pos-orders', '2026-06-01')).toMatchObject({
      ...{ state: 'ok', attempts: 1, reason: null },
    });
  });

  test('tells of a slot that was missed what had kept it', async () => {
    const { at, db, setGate } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    setGate(() => Promise.reject(new FatalError(EXIT.access, 'the token is refused', '')));
    await expect(at('2026-06-01T11:00Z')).rejects.toThrow('the token is refused');
    setGate(async () => undefined);
    await at('2026-06-02T10:59Z');
    expect(slotOf(db, 'products+pos-orders', '2026-06-01')).toMatchObject({
      ...{ state: 'missed', reason: 'the token is refused; its window of 20 h has closed' },
    });
  });

  test('does not run what somebody else takes between the look and the claim', async () => {
    const { at, db, began, beforeLedger } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    const slot = { job: MORNING ?? '', date: '2026-06-01' };
    const atMs = Date.parse('2026-06-01T11:00Z');
    const claim = { pid: 4711, trigger: 'test', atMs, retryAtMs: atMs + 900_000, from: ['open'] as const };
    const answers: boolean[] = [];
    // The clock, what is due, the look, the claim.
    beforeLedger((call) => void (call === 4 && answers.push(claimSlot(db, slot, claim))));
    await at('2026-06-01T11:00Z');
    expect([answers, began]).toEqual([[true], []]);
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

/** The same pipes at other hours. */
const rescheduled = (hours: Readonly<Record<string, string>>): Schedule => ({
  ...SCHEDULE,
  jobs: groupPipes(PIPES, ({ pipe, daily }) => {
    return { at: hours[pipe] ?? daily, isOn: true, windowMs: 20 * HOUR_MS, jitterMs: 0 };
  }),
});

describe('an edit of the schedule', () => {
  const TOGETHER = 'customers+quotes';

  test('that merges jobs before their hour moves them', async () => {
    const { at, began, setSchedule } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    setSchedule(rescheduled({ quotes: '06:30' }));
    await at('2026-06-01T11:00Z');
    await at('2026-06-01T11:30Z');
    expect(began).toEqual([`2026-06-01 06:00 ${MORNING}`, `2026-06-01 06:30 ${TOGETHER}`]);
  });

  test('that merges jobs after they ran does not run them a second time', async () => {
    const { at, began, setSchedule, db } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    await at('2026-06-01T12:00Z');
    expect(began).toHaveLength(3);
    setSchedule(rescheduled({ customers: '09:00', quotes: '09:00' }));
    await at('2026-06-01T13:00Z');
    await at('2026-06-01T14:00Z');
    expect(began).toHaveLength(3);
    expect(slotOf(db, TOGETHER, '2026-06-01')).toMatchObject({
      ...{ state: 'superseded', reason: 'its pipes have run that day as customers, quotes' },
    });
    await at('2026-06-02T14:00Z');
    expect(began.at(-1)).toBe(`2026-06-02 09:02 ${TOGETHER}`);
  });

  test('that merges jobs of which one is still owed runs them late, under the new name', async () => {
    const { at, began, setSchedule, db } = machine('2026-06-01T10:00Z', (job) =>
      job === QUOTES ? EXIT.source : EXIT.ok,
    );
    await at('2026-06-01T10:00Z');
    await at('2026-06-01T12:00Z');
    expect(slotOf(db, 'quotes', '2026-06-01')).toMatchObject({ state: 'open', attempts: 1 });
    setSchedule(rescheduled({ quotes: '06:30' }));
    await at('2026-06-01T12:30Z');
    expect(began.at(-1)).toBe(`2026-06-01 07:30 ${TOGETHER}`);
    expect(slotOf(db, 'quotes', '2026-06-01')?.state).toBe('skipped');
  });

  test('that splits a job which ran leaves its pipes alone for that day', async () => {
    const { at, began, setSchedule } = machine('2026-06-01T10:00Z');
    await at('2026-06-01T10:00Z');
    await at('2026-06-01T11:00Z');
    setSchedule(rescheduled({ products: '06:10' }));
    await at('2026-06-01T11:15Z');
    expect(began).toEqual([`2026-06-01 06:00 ${MORNING}`]);
    await at('2026-06-02T11:15Z');
    expect(began.slice(1)).toEqual(['2026-06-02 06:15 pos-orders', '2026-06-02 06:17 products']);
  });
});

describe('a run', () => {
  test('that takes longer than the schedule allows is stopped, says so, and is tried again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'retail-sync-schedule-'));
    folders.push(folder);
    const db = openDatabase(folder, null);
    let shiftMs = Date.parse('2026-06-01T10:00Z') - Date.now();
    const clock = { now: () => Date.now() + shiftMs, sleep: async () => undefined };
    const tickNow = () =>
      tick({
        ...{ ledger: (work) => work(db), schedule: { ...SCHEDULE, runMsMax: 100 }, clock, trigger: 'test' },
        ...{ stop: new AbortController().signal, gate: async () => undefined, onNotice: () => undefined },
        runJob: (_, signal) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () =>
              resolve({ exit: EXIT.internal, runs: [], reason: asError(signal.reason).message, hint: null }),
            );
          }),
      });
    await tickNow();
    shiftMs += HOUR_MS;
    await tickNow();
    expect(slotOf(db, MORNING ?? '', '2026-06-01')).toMatchObject({
      ...{
        state: 'open',
        attempts: 1,
        exit: EXIT.internal,
        reason: expect.stringMatching(/^it took longer than the /),
      },
    });
  });
});
