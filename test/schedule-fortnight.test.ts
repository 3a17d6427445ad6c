/**
 * Planned against actual, for a fortnight over each change of the clock: the real service, node-cron, tick and ledger;
 * only the clock and the answers of the vendors are given. docs/fortnight.md is what comes out.
 */
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { historyText } from '../src/commands/jobs/show.ts';
import { EXIT } from '../src/errors.ts';
import { loadSchedule } from '../src/schedule/settings.ts';
import { dateIn, daysAfter, instantIn, minuteIn } from '../src/schedule/zone.ts';
import type { SlotRow } from '../src/state/slots.ts';
import { type Answer, Laptop } from './schedule-laptop.ts';

// Three seconds on a machine that has nothing else to do.
vi.setConfig({ testTimeout: 90_000 });

const ZONE = 'America/Chicago';
const PIPES = [
  { pipe: 'products', daily: '06:00', after: [] },
  { pipe: 'pos-orders', daily: '06:00', after: ['customers'] },
  { pipe: 'customers', daily: '06:30', after: [] },
  { pipe: 'quotes', daily: '07:00', after: ['customers'] },
];
const SCHEDULE = loadSchedule({ path: '/nowhere/schedule.yaml', isNamed: false }, PIPES);
const ERP_JOBS = ['products+pos-orders', 'customers', 'quotes', 'reconcile'];
const MINUTES: Readonly<Record<string, number>> = { reconcile: 30, customers: 4, prune: 1 };

/** So that the looks of the service, every 30 s, fall on no full minute: what begins on one was begun by node-cron. */
const WAKES_AFTER_MS = 13_000;

/** A local time of a day of the fortnight as an instant. */
const at = (first: string, day: number, time: string): string =>
  new Date(instantIn(ZONE, daysAfter(first, day), time) + WAKES_AFTER_MS).toISOString();

/** The laptop is open from 05:20 to 09:00; what happens on the way is in the names of the days below. */
async function fortnight(first: string): Promise<Laptop> {
  const is = (day: number, nowMs: number): boolean => dateIn(ZONE, nowMs) === daysAfter(first, day);
  const answer: Answer = (job, nowMs) => {
    const minutes = MINUTES[job] ?? 3;
    if (is(5, nowMs) && ERP_JOBS.includes(job)) return { exit: EXIT.source, minutes };
    return { exit: is(3, nowMs) && job === 'quotes' ? EXIT.deadLetters : EXIT.ok, minutes };
  };
  const laptop = new Laptop(at(first, 0, '05:20'), SCHEDULE, answer);
  laptop.boot();
  const day = async (n: number, from = '05:20', to = '09:00') => {
    laptop.asleepUntil(at(first, n, from));
    await laptop.awakeUntil(at(first, n, to));
  };
  for (const n of [0, 1]) await day(n);
  await day(2, '08:17'); // the lid stayed closed
  await day(3);
  await day(4, '05:20', '06:01'); // the power goes while the first job runs
  laptop.offUntil(at(first, 4, '10:03'));
  laptop.boot();
  await laptop.awakeUntil(at(first, 4, '11:00'));
  for (const n of [5, 6, 7]) await day(n); // 5: the ERP is down; 6: a Sunday, and the clock changes
  laptop.offUntil(at(first, 11, '05:20')); // 8 to 10: switched off
  laptop.fillDisk();
  laptop.boot();
  await laptop.awakeUntil(at(first, 11, '07:11'));
  laptop.clearDisk();
  await laptop.awakeUntil(at(first, 11, '09:00'));
  for (const n of [12, 13]) await day(n);
  return laptop;
}

/** `06:00 ok 1`: when it began, what became of it, after how many attempts. */
const told = ({ startedAtMs, state, attempts }: SlotRow): string =>
  `${startedAtMs === null ? '-' : minuteIn(ZONE, startedAtMs).slice(11)} ${state} ${attempts}`;

const USUAL = {
  'products+pos-orders': '06:00 ok 1',
  customers: '06:30 ok 1',
  quotes: '07:00 ok 1',
  prune: '08:30 ok 1',
};

const LEFT_OUT = {
  ...{ 'products+pos-orders': '- superseded 0', customers: '- superseded 0' },
  ...{ quotes: '- superseded 0', prune: '- superseded 0' },
};

const EXPECTED: readonly Readonly<Record<string, string>>[] = [
  USUAL,
  USUAL,
  { 'products+pos-orders': '08:17 ok 1', customers: '08:20 ok 1', quotes: '08:24 ok 1', prune: '08:30 ok 1' },
  { ...USUAL, quotes: '07:00 partial 1' },
  { 'products+pos-orders': '06:00 ok 2', customers: '10:06 ok 1', quotes: '10:10 ok 1', prune: '10:13 ok 1' },
  {
    'products+pos-orders': '06:00 failed 3',
    customers: '06:30 failed 3',
    quotes: '07:12 failed 3',
    prune: '08:30 ok 1',
  },
  { ...USUAL, reconcile: '05:20 ok 1', 'products+pos-orders': '06:00 ok 1' },
  USUAL,
  LEFT_OUT,
  LEFT_OUT,
  { ...LEFT_OUT, prune: '- missed 0' },
  { 'products+pos-orders': '07:15 ok 1', customers: '07:18 ok 1', quotes: '07:22 ok 1', prune: '08:30 ok 1' },
  USUAL,
  { ...USUAL, reconcile: '05:20 ok 1' },
];

const INTRODUCTION = `# A fortnight, planned against actual

What \`jobs history\` shows after a fortnight on a laptop that is open from 05:20 to 09:00, over each change
of the clock. \`test/schedule-fortnight.test.ts\` runs the real service, node-cron, tick and ledger on a
clock of its own, and holds this page equal to what comes out. Counted from the first day:

| day | what happens | what becomes of it |
|---|---|---|
| 3 | the lid stays closed until 08:17 | everything runs then, one after the other |
| 4 | a dead letter among the quotes | \`partial\`, which is no failure of the job |
| 5 | the power goes at 06:01, during the first job; it is back at 10:03 | its slot is taken up again, a second attempt |
| 6 | the ERP does not answer | three attempts each, 15 min apart; quotes wait for customers |
| 7 | the clock changes, in the night to Sunday | 06:00 is 06:00; \`reconcile\` of 04:00 runs when the lid opens |
| 9 to 11 | switched off | superseded by day 12; a \`prune\` whose window closed is missed |
| 12 | the disk is full until 07:11 | nothing begins, no attempt is counted; then everything runs |
`;

describe('a fortnight of the service', () => {
  const tables: string[] = [];

  test.each([
    ['spring', '2026-03-02'],
    ['autumn', '2026-10-26'],
  ])('over the change in %s, with a lid, a power cut, a failed night and a full disk', async (season, first) => {
    const laptop = await fortnight(first);
    const slots = laptop.slots();
    const actual = Array.from({ length: 14 }, (_, n) =>
      Object.fromEntries(
        slots.filter(({ date }) => date === daysAfter(first, n)).map((slot) => [slot.job, told(slot)]),
      ),
    );
    expect(actual.map((day, n) => [n, day])).toEqual(EXPECTED.map((day, n) => [n, day]));
    const punctual = slots.filter((slot) => told(slot).startsWith(minuteIn(ZONE, slot.plannedAtMs).slice(11)));
    expect(punctual.length).toBeGreaterThan(30);
    for (const { startedAtMs, plannedAtMs } of punctual) expect((startedAtMs ?? 0) - plannedAtMs).toBeLessThan(1_000);
    const begun = laptop.began.map(({ job, atMs }) => `${job} ${atMs}`);
    expect(new Set(begun).size).toBe(slots.reduce((sum, { attempts }) => sum + attempts, 0));
    tables.push(`## ${season}\n\n\`\`\`text\n${historyText(ZONE, slots, 14)}\`\`\`\n`);
  });

  test('is what the document shows', async () => {
    await expect([INTRODUCTION, ...tables].join('\n')).toMatchFileSnapshot(
      join(import.meta.dirname, '../docs/fortnight.md'),
    );
  });
});
