import { expect, test } from 'vitest';
import { z } from 'zod';
import { runScheduledJob } from '../src/commands/jobs/work.ts';
import { weeklyCommand } from '../src/commands/weekly-reconcile.ts';
import { EXIT } from '../src/errors.ts';
import { account, openBench, quote } from './pipe-harness.ts';
import { at, openShop } from './reconcile-harness.ts';

test('the weekly comparison needs every system configured, and says which variable is missing', async () => {
  const shop = await openShop();
  await expect(weeklyCommand({}, shop.invocation())).rejects.toMatchObject({
    exit: EXIT.usage,
    message: expect.stringContaining('SQUARE_TOKEN'),
  });
  expect(at(shop.living('products'), 0)).toBeDefined();
});

test('the weekly comparison refuses what only one pipe can be asked for', async () => {
  const shop = await openShop();
  await expect(weeklyCommand({ fix: true }, shop.invocation())).rejects.toMatchObject({
    exit: EXIT.usage,
    message: expect.stringContaining('--fix is for one pipe'),
  });
});

const weekly = z.object({
  status: z.string(),
  exit: z.number(),
  hint: z.string().nullable(),
  counts: z.object({ pipes: z.number(), compared: z.number(), differences: z.number() }),
  runs: z.array(z.object({ pipe: z.string(), mode: z.object({ full: z.boolean() }) })),
  comparisons: z.array(z.object({ pipe: z.string(), counts: z.record(z.string(), z.number()) })),
});

test('the weekly comparison prints one document, and the job of the schedule is the same', async () => {
  const bench = await openBench({
    accounts: [account('C-1')],
    quotes: [quote('Q-1', 'C-1')],
    hubspot: { switches: { searchLagMs: 0 } },
  });
  let text = '';
  const invocation = {
    ...{ env: bench.env, cwd: bench.folder, trigger: 'test', stop: new AbortController().signal },
    stdout: {
      write: (part: string) => {
        text += part;
      },
    },
    stderr: { write: () => undefined },
  };
  expect(await weeklyCommand({ json: true }, invocation)).toBe(0);
  const first = weekly.parse(JSON.parse(text));
  expect(first).toMatchObject({ status: 'ok', hint: null, counts: { pipes: 4, compared: 4, differences: 0 } });
  expect(first.runs.map(({ pipe, mode }) => [pipe, mode.full])).toEqual(
    ['products', 'customers', 'pos-orders', 'quotes'].map((pipe) => [pipe, true]),
  );

  await bench.edit('companies', bench.company('C-1').id, { name: 'A name by hand' });
  text = '';
  const job = {
    ...({ name: 'reconcile', task: 'reconcile', pipes: [], at: '04:00', weekday: 0, after: [] } as const),
    ...{ windowMs: 0, jitterMs: 0, maxRunMs: 600_000, isOn: true },
  };
  const outcome = await runScheduledJob(job, { waitMs: 0, isShown: true }, invocation);
  expect(outcome).toMatchObject({
    ...{ exit: EXIT.deadLetters, hint: 'retail-sync reconcile customers' },
    reason: 'HubSpot differs from what was written: customers',
  });
  expect(outcome.runs).toHaveLength(4);
  expect(text).toContain('! customers: 1 differences left');
});
