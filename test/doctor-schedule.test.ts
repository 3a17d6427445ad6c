/** What `doctor` says of the schedule: on a Mac and a Linux machine, with nothing, a sound and a broken installation. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scheduleFindings } from '../src/doctor/schedule.ts';
import { loadSchedule } from '../src/schedule/settings.ts';
import { openDatabase } from '../src/state/database.ts';
import { planSlot } from '../src/state/slots.ts';
import { LinuxBox, Mac } from './install-machines.ts';

const HOUR_MS = 3_600_000;
const pipes = [{ pipe: 'products', daily: '05:00', after: [] }];

function look(machine: Mac | LinuxBox, nowMs = Date.now()) {
  const schedule = () => loadSchedule({ path: join(machine.folder, 'schedule.yaml'), isNamed: false }, pipes);
  return scheduleFindings({ machine: machine.machine, stateDir: join(machine.folder, 'state'), schedule, nowMs });
}

describe.each([
  ['a Mac', () => new Mac()],
  ['Linux', () => new LinuxBox()],
])('the schedule on %s', (_, open) => {
  test('is a warning where nothing is installed', () => {
    expect(look(open())).toEqual([
      expect.objectContaining({ level: 'warning', result: 'nothing', fix: 'retail-sync jobs install' }),
    ]);
  });

  test('is fine once it is installed, and a warning when it is not loaded any more', async () => {
    const machine = open();
    expect((await machine.install()).exit).toBe(0);
    expect(look(machine)).toEqual([expect.objectContaining({ name: 'installed', level: 'ok' })]);
    machine.loaded.clear();
    expect(look(machine)[0]).toMatchObject({ level: 'warning', fix: expect.stringContaining('jobs install --as') });
    rmSync(machine.folder, { recursive: true });
    expect(look(machine)[0]?.result).toMatch(/is no longer there/);
  });
});

test('a slot that nothing has started for half an hour is overdue, and one that is to come is not', () => {
  const machine = new Mac();
  const nowMs = Date.now();
  const db = openDatabase(join(machine.folder, 'state'), { environment: 'sandbox', portalId: '1234567' });
  const plannedAtMs = nowMs - HOUR_MS;
  planSlot(db, { job: 'products', date: '2026-11-27', plannedAtMs, notBeforeMs: plannedAtMs });
  planSlot(db, { job: 'quotes', date: '2026-11-27', plannedAtMs: nowMs + HOUR_MS, notBeforeMs: nowMs + HOUR_MS });
  db.close();
  expect(look(machine, nowMs).slice(1)).toEqual([
    expect.objectContaining({ name: 'products', level: 'warning', fix: expect.stringContaining('jobs tick') }),
  ]);
  expect(look(machine, nowMs - HOUR_MS).slice(1)).toEqual([expect.objectContaining({ name: 'slots', level: 'ok' })]);
});
