/** What is wrong, from facts alone: each kind of alert, when it begins and when it does not. */
import { describe, expect, test } from 'vitest';
import { type Facts, incidentsOf, type RunFact } from '../src/alerts/incident.ts';

const NOW = Date.parse('2026-11-27T13:00:00.000Z'); // a Friday
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const ok = (daysAgo: number, more: Partial<RunFact> = {}): RunFact => ({
  ...{ id: `r${daysAgo}`, pipe: 'customers', isFull: false, restricted: false, startedMs: NOW - daysAgo * DAY_MS },
  ...{ status: 'ok', exit: 0, code: null, read: 200, deadLettered: 0, unproven: false, quota: null },
  ...more,
});

const facts = (more: Partial<Facts>): Facts => ({
  ...{ nowMs: NOW, zone: 'America/Chicago', daily: new Set(['customers']), runs: [ok(0)], letters: [], cursors: [] },
  ...{ slots: [], signals: [], differences: [], flips: [], channels: [], disk: null },
  ...more,
});

const found = (more: Partial<Facts>): string[] =>
  incidentsOf(facts(more)).map(({ kind, subject, cause }) => `${kind} ${subject} ${cause}`);

describe('an alert', () => {
  test('is none when everything is well', () => expect(found({})).toEqual([]));

  test('of a pipe that did not run begins after 30 hours, unless the schedule has it no longer', () => {
    expect(found({ runs: [ok(29 / 24)] })).toEqual([]);
    expect(found({ runs: [ok(31 / 24)] })).toEqual(['nothing-ran customers silence']);
    expect(found({ runs: [ok(31 / 24)], daily: new Set() })).toEqual([]);
  });

  test('of zero records needs three runs of that weekday, each of which read something', () => {
    const none = ok(0, { read: 0 });
    const fridays = [ok(7, { read: 212 }), ok(14, { read: 260 }), ok(21)];
    expect(found({ runs: [none, ok(1), ...fridays] })).toEqual(['no-records customers zero']);
    expect(incidentsOf(facts({ runs: [none, ...fridays] }))[0]?.figures).toEqual({ least: 200, most: 260, runs: 3 });
    expect(found({ runs: [none, ok(1), ok(2), ok(3), ok(7), ok(14)] })).toEqual([]);
    expect(found({ runs: [none, ok(7), ok(14, { read: 0 }), ok(21), ok(28)] })).toEqual([]);
    expect(found({ runs: [ok(0), ...fridays] })).toEqual([]);
  });

  test('of zero records is not excused by the zeros just before, and names the first of them', () => {
    const zeros = [0, 1, 7].map((days) => ok(days, { read: 0 }));
    const [incident] = incidentsOf(facts({ runs: [...zeros, ok(14), ok(21), ok(28)] }));
    expect([incident?.kind, incident?.sinceMs]).toEqual(['no-records', NOW - 7 * DAY_MS]);
  });

  test('of zero records in a pass over everything is held against any earlier such pass', () => {
    const full = { isFull: true };
    expect(found({ runs: [ok(0, { ...full, read: 0 }), ok(1), ok(3, full)] })).toEqual(['no-records customers zero']);
  });

  test('of rejects needs ten of them and a fiftieth of what was read', () => {
    const run = (deadLettered: number, read: number) => [ok(0, { status: 'partial', exit: 3, deadLettered, read })];
    expect(found({ runs: run(10, 400) })).toEqual(['rejects customers share']);
    expect(found({ runs: run(9, 100) })).toEqual([]);
    expect(found({ runs: run(10, 500) })).toEqual([]);
  });

  test('of drift, of a billable contact and of a spent quota are kinds of their own', () => {
    const failed = (code: string | null, exit = 4) => [ok(0, { status: 'failed', exit, code })];
    expect(found({ runs: failed('drift.unknown-code') })).toEqual(['drift customers unknown-code']);
    expect(found({ runs: failed('billable-contact') })).toEqual(['billable-contact customers billable']);
    expect(found({ runs: failed('quota-spent', 7) })).toEqual(['quota customers spent']);
    expect(found({ runs: failed('creates') })).toEqual(['run-failed customers creates']);
    expect(found({ runs: failed(null, 6) })).toEqual(['run-failed customers exit-6']);
    expect(found({ runs: [ok(0, { status: 'crashed' })] })).toEqual(['run-failed customers crashed']);
    expect(found({ runs: [ok(0, { status: 'stopped', exit: 130 })] })).toEqual([]);
  });

  test('of failed runs begins with the first of them in a row', () => {
    const bad = (daysAgo: number) => ok(daysAgo, { status: 'failed', exit: 6 });
    const [incident] = incidentsOf(facts({ runs: [bad(0), bad(1), bad(2), ok(3), bad(4)] }));
    expect([incident?.sinceMs, incident?.figures]).toEqual([NOW - 2 * DAY_MS, { times: 3 }]);
  });

  test('of a partial run is about proof, where it is not about dead letters alone', () => {
    expect(found({ runs: [ok(0, { status: 'partial', exit: 3, unproven: true })] })).toEqual([
      'incomplete customers unproven',
    ]);
    expect(found({ runs: [ok(0, { status: 'partial', exit: 3 })] })).toEqual([]);
    const letters = (open: number, days: number) => [{ pipe: 'customers', open, oldestMs: NOW - days * DAY_MS }];
    expect(found({ letters: letters(1, 0) })).toEqual(['dead-letters customers open']);
    expect(found({ letters: letters(1, 8) })).toEqual(['dead-letters customers old']);
    expect(found({ letters: letters(25, 8) })).toEqual(['dead-letters customers many']);
  });

  test('of a cursor that stands still is for pipes whose runs are ok', () => {
    const cursors = [{ pipe: 'customers', positionMs: NOW - 50 * HOUR_MS }];
    expect(found({ cursors })).toEqual(['cursor-old customers stuck']);
    expect(found({ cursors, runs: [ok(0, { status: 'failed', exit: 6 })] })).toEqual(['run-failed customers exit-6']);
    expect(found({ cursors: [{ pipe: 'customers', positionMs: NOW - 48 * HOUR_MS }] })).toEqual([]);
  });

  test('of a job that put no run on record comes from its slot', () => {
    const slot = { job: 'reconcile', plannedMs: NOW - HOUR_MS, endedMs: NOW, state: 'failed', exit: 5, runs: 0 };
    expect(found({ slots: [slot] })).toEqual(['job-failed reconcile exit-5']);
    expect(found({ slots: [{ ...slot, runs: 2 }] })).toEqual([]);
    expect(found({ slots: [{ ...slot, state: 'missed' }] })).toEqual(['slot-missed reconcile missed']);
    expect(found({ slots: [{ ...slot, state: 'missed', plannedMs: NOW - 25 * HOUR_MS }] })).toEqual([]);
  });

  test('of the quota begins below a tenth and is over after a day', () => {
    const run = (left: number, hoursAgo: number) => [ok(hoursAgo / 24, { quota: { limit: 1000, left } })];
    expect(found({ runs: run(99, 1) })).toEqual(['quota hubspot low']);
    expect(found({ runs: run(100, 1) })).toEqual([]);
    expect(found({ runs: run(99, 25) })).toEqual([]);
  });

  test('of the disk tells low from full', () => {
    const disk = (free: number) => ({ free, low: 200, least: 20 });
    expect([250, 199, 19].flatMap((free) => found({ disk: disk(free) }))).toEqual([
      'disk state low',
      'disk state full',
    ]);
  });

  test('tells of a change-over, of differences, of a dead trigger and of a silent channel', () => {
    expect(
      found({
        flips: [
          { pipe: 'products', atMs: NOW - DAY_MS, count: 12 },
          { pipe: 'quotes', atMs: NOW - 8 * DAY_MS, count: 12 },
        ],
        differences: [{ pipe: 'products', count: 3, atMs: NOW }],
        signals: [{ job: 'tick', cause: 'exit-2', sinceMs: NOW }],
        channels: [
          { channel: 'slack', failedMs: NOW },
          { channel: 'mail', failedMs: null },
        ],
      }),
    ).toEqual([
      'job-failed tick exit-2',
      'differs products differences',
      'cutover products flipped',
      'channel slack failing',
    ]);
  });
});
