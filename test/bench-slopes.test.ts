/** The slope of memory that the page about performance prints. */
import { expect, test } from 'vitest';
import { type Memory, slopes } from './bench/slopes.ts';

const row = (records: number, rssMb: number, heapMb: number | null, phase = 'first'): Memory => ({
  what: 'products, raw',
  ...{ phase, records, rssMb, heapMb },
});

test('is per hundred thousand records more, from each size to the next, phase by phase', () => {
  const rows = [row(1_000_000, 290, 34), row(100_000, 200, 25), row(100_000, 160, 20, 'unchanged')];
  const found = slopes(rows).map(({ phase, rssPer100k, heapPer100k }) => [phase, rssPer100k, heapPer100k]);
  expect(found).toEqual([['first', 10, 1]]);
});

test('leaves out what is mostly the start of a process, and a heap that was not measured', () => {
  const rows = [row(252, 100, 5), row(50_000, 150, null), row(100_000, 160, 20)];
  const found = slopes(rows).map(({ from, to, heapPer100k }) => [from.records, to.records, heapPer100k]);
  expect(found).toEqual([[50_000, 100_000, null]]);
});
