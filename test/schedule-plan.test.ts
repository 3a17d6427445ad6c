/** Which slot is planned when: on every day of twenty years, in zones with the oddest changes of the clock. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupPipes, nextSlots, previousSlot, slotOn, slotsBetween } from '../src/schedule/plan.ts';
import { dateIn, daysAfter, instantIn, minuteIn } from '../src/schedule/zone.ts';

const CHICAGO = 'America/Chicago';
const ZONES = [CHICAGO, 'Australia/Lord_Howe', 'Pacific/Chatham', 'UTC'];
const daily = (at: string, jitterMs = 0) => ({ name: 'products', at, weekday: null, jitterMs });
const iso = (ms: number): string => new Date(ms).toISOString();

describe('a local hour', () => {
  test.each([
    ['an ordinary winter day', '2026-11-27', '06:00', '2026-11-27T12:00:00.000Z'],
    ['an ordinary summer day', '2026-07-01', '06:00', '2026-07-01T11:00:00.000Z'],
    ['the morning of the spring change', '2026-03-08', '06:00', '2026-03-08T11:00:00.000Z'],
    ['the morning of the autumn change', '2026-11-01', '06:00', '2026-11-01T12:00:00.000Z'],
    [
      'a time that the spring change skips: the first instant after it',
      '2026-03-08',
      '02:30',
      '2026-03-08T08:00:00.000Z',
    ],
    ['the minute the gap begins', '2026-03-08', '02:00', '2026-03-08T08:00:00.000Z'],
    ['the minute after the gap', '2026-03-08', '03:00', '2026-03-08T08:00:00.000Z'],
    ['a time that the autumn change doubles: the first of the two', '2026-11-01', '01:30', '2026-11-01T06:30:00.000Z'],
    ['the minute after the doubled hour', '2026-11-01', '02:00', '2026-11-01T08:00:00.000Z'],
  ])('on %s', (_, date, time, expected) => {
    expect(iso(instantIn(CHICAGO, date, time))).toBe(expected);
  });

  test('of half an hour that Lord Howe skips is the first instant after it', () => {
    expect(minuteIn('Australia/Lord_Howe', instantIn('Australia/Lord_Howe', '2026-10-04', '02:15'))).toBe(
      '2026-10-04 02:30',
    );
  });

  test("does not depend on the machine's zone", () => {
    const zone = process.env.TZ;
    try {
      for (const machine of ['Asia/Tokyo', 'UTC', 'America/New_York']) {
        process.env.TZ = machine;
        expect(iso(instantIn(CHICAGO, '2026-03-09', '06:00'))).toBe('2026-03-09T11:00:00.000Z');
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });
});

describe('slots', () => {
  test.each(ZONES)(
    'in %s: exactly one for every date from 2020 to 2040, in order, at its hour or in the gap',
    (zone) => {
      for (const at of ['02:15', '06:00']) {
        const slots = slotsBetween(daily(at), zone, '2020-01-01', '2040-12-31');
        expect(slots).toHaveLength(7_671);
        let before = Number.NEGATIVE_INFINITY;
        for (const [day, { date, plannedAtMs }] of slots.entries()) {
          const wrong =
            date !== daysAfter('2020-01-01', day) ||
            plannedAtMs <= before ||
            dateIn(zone, plannedAtMs) !== date ||
            minuteIn(zone, plannedAtMs).slice(11) < at ||
            minuteIn(zone, plannedAtMs - 60_000) >= `${date} ${at}`;
          if (wrong) expect.fail(`${zone} ${date} ${at}: ${iso(plannedAtMs)}`);
          before = plannedAtMs;
        }
      }
    },
  );

  const instants = fc.integer({ min: Date.parse('2020-01-02T00:00Z'), max: Date.parse('2040-12-30T00:00Z') });
  const times = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
  const clock = ([hour, minute]: readonly [number, number]): string =>
    `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;

  test('before and after any instant are neighbours: none is left out, none counted twice', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...ZONES), times, (atMs, zone, time) => {
        const job = daily(clock(time));
        const [previous, next] = [previousSlot(job, zone, atMs), nextSlots(job, zone, atMs, 1)[0]];
        expect(previous?.plannedAtMs).toBeLessThanOrEqual(atMs);
        expect(next?.plannedAtMs).toBeGreaterThan(atMs);
        expect(daysAfter(previous?.date ?? '', 1)).toBe(next?.date);
      }),
      { numRuns: 300 },
    );
  });

  test('of a week are on its weekday, seven days apart', () => {
    const sunday = { ...daily('05:00'), weekday: 0 };
    expect(nextSlots(sunday, CHICAGO, Date.parse('2026-10-27T12:00Z'), 2).map(({ date }) => date)).toEqual([
      '2026-11-01',
      '2026-11-08',
    ]);
    expect(previousSlot(sunday, CHICAGO, Date.parse('2026-10-27T12:00Z'))?.date).toBe('2026-10-25');
    expect(slotOn(sunday, '2026-10-27', CHICAGO)).toBeNull();
  });

  test('with jitter begin within it, at the same moment however often they are planned', () => {
    const draws = slotsBetween(daily('06:00', 600_000), CHICAGO, '2026-01-01', '2026-01-31').map(
      (slot) => slot.notBeforeMs - slot.plannedAtMs,
    );
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(600_000);
    expect(new Set(draws).size).toBeGreaterThan(20);
    expect(slotOn(daily('06:00', 600_000), '2026-01-01', CHICAGO)).toMatchObject({
      notBeforeMs: Date.parse('2026-01-01T12:00Z') + (draws[0] ?? Number.NaN),
    });
  });
});

test('pipes of one hour are one job, and a job knows which jobs make what it links to', () => {
  const pipes = [
    { pipe: 'products', daily: '06:00', after: [] },
    { pipe: 'customers', daily: '06:30', after: [] },
    { pipe: 'pos-orders', daily: '06:00', after: ['customers'] },
    { pipe: 'quotes', daily: '07:00', after: ['customers'] },
  ];
  const jobs = groupPipes(pipes, ({ daily: at }) => ({ at, isOn: true, windowMs: 1, jitterMs: 0 }));
  expect(jobs.map(({ name, at, pipes: members, after }) => [name, at, members, after])).toEqual([
    ['products+pos-orders', '06:00', ['products', 'pos-orders'], ['customers']],
    ['customers', '06:30', ['customers'], []],
    ['quotes', '07:00', ['quotes'], ['customers']],
  ]);
});
