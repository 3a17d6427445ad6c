import { expect, test } from 'vitest';
import { weeklyReconcile } from '../src/commands/weekly-reconcile.ts';
import { EXIT } from '../src/errors.ts';
import { at, openShop } from './reconcile-harness.ts';

test('the weekly comparison needs every system configured, and says which variable is missing', async () => {
  const shop = await openShop();
  await expect(weeklyReconcile({}, shop.invocation())).rejects.toMatchObject({
    exit: EXIT.usage,
    message: expect.stringContaining('SQUARE_TOKEN'),
  });
  expect(at(shop.living('products'), 0)).toBeDefined();
});

test('the weekly comparison refuses what only one pipe can be asked for', async () => {
  const shop = await openShop();
  await expect(weeklyReconcile({ fix: true }, shop.invocation())).rejects.toMatchObject({
    exit: EXIT.usage,
    message: expect.stringContaining('--fix is for one pipe'),
  });
});
