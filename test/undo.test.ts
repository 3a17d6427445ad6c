/** A run taken back, over HTTP: what goes back, what stays, and what the next sync makes of it. */
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type UndoFlags, undoRun } from '../src/commands/undo.ts';
import { openReadOnly } from '../src/state/database.ts';
import { at, keyOf, openShop } from './reconcile-harness.ts';

const documentSchema = z.looseObject({
  counts: z.record(z.string(), z.number()),
  objects: z.array(z.looseObject({ key: z.string(), changedSince: z.array(z.string()) })),
});

/** A shop whose last run changed the prices of two products. */
async function openRepriced() {
  const shop = await openShop();
  const [first, second] = [at(shop.living('products'), 0), at(shop.living('products'), 1)];
  const before = { first: first.properties.price, second: second.properties.price };
  const set = (unitPrice: string) => shop.inErp({ ids: [keyOf(first), keyOf(second)], set: { unitPrice } });
  await set('77.70');
  expect(await shop.sync({ full: true })).toBe(0);
  const runs = (): string[] => {
    const db = openReadOnly(shop.folder);
    const ids = db
      ?.prepare<[], { id: string }>('SELECT id FROM runs ORDER BY started_at')
      .all()
      .map(({ id }) => id);
    db?.close();
    return ids ?? [];
  };
  const price = (one: typeof first) => shop.find('products', keyOf(one))?.properties.price;
  const undo = async (
    flags: UndoFlags,
    run = at(runs(), runs().length - 1),
    confirm: null | (() => Promise<boolean>) = null,
  ) => {
    let text = '';
    const exit = await undoRun(
      run,
      { json: true, ...flags },
      shop.invocation({ write: (part) => (text += part) }),
      confirm,
    );
    return { exit, text, ...(flags.json === false ? {} : { document: documentSchema.parse(JSON.parse(text)) }) };
  };
  return { shop, first, second, before, set, runs, price, undo };
}

describe('undo run', () => {
  test('restores the values from before, and leaves what somebody has changed since', async () => {
    const { shop, first, second, before, price, undo } = await openRepriced();
    await shop.edit('products', second.id, { price: '5' });
    const { exit, document } = await undo({ yes: true, only: ['products.price'] });
    expect(exit).toBe(0);
    expect(price(first)).toBe(before.first);
    expect(price(second)).toBe('5');
    expect(document?.counts).toMatchObject({ restored: 1, restorable: 1 });
    expect(document?.objects.find(({ key }) => key === keyOf(second))?.changedSince).toEqual(['price']);
  });

  test('is not redone by the next sync, until the record changes at the source: then the report says so', async () => {
    const { shop, first, before, set, price, undo } = await openRepriced();
    expect((await undo({ yes: true })).exit).toBe(0);
    expect(await shop.sync({ full: true })).toBe(0);
    expect(price(first)).toBe(before.first);
    await set('88.80');
    const { sync } = await import('../src/commands/sync.ts');
    let text = '';
    await sync('products', { full: true, json: true }, shop.invocation({ write: (part) => (text += part) }));
    expect(price(first)).toBe('88.8');
    expect(text).toContain('2 objects whose values undo had taken back changed at the source');
  });

  test('with --preview, without a yes, and with a no changes nothing', async () => {
    const { first, price, undo } = await openRepriced();
    expect((await undo({ preview: true })).document?.counts).toMatchObject({ restorable: 2, restored: 0 });
    await expect(undo({})).rejects.toMatchObject({ exit: 2, hint: expect.stringContaining('--yes') });
    await expect(undo({ json: false }, undefined, async () => false)).rejects.toMatchObject({ exit: 2 });
    expect(price(first)).toBe('77.7');
  });

  test('may be repeated, and then finds nothing to do', async () => {
    const { first, before, price, undo } = await openRepriced();
    await undo({ yes: true });
    expect((await undo({ yes: true })).document?.counts).toMatchObject({ restorable: 0 });
    expect(price(first)).toBe(before.first);
  });

  test('lists what the run created, and archives it only when asked', async () => {
    const { shop, runs, undo } = await openRepriced();
    const load = at(runs(), 0);
    const count = shop.living('products').length;
    const shown = await undo({ preview: true, json: false }, load);
    expect(shown.text).toContain(`Created by the run, and kept (--archive moves them to the recycle bin): ${count}`);
    expect(shown.text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect((await undo({ yes: true }, load)).document?.counts).toMatchObject({ created: count, archived: 0 });
    expect(shop.living('products')).toHaveLength(count);
    expect((await undo({ yes: true, archive: true }, load)).document?.counts).toMatchObject({ archived: count });
    expect(shop.living('products')).toHaveLength(0);
  });

  test('of a run that is not on record, and of a property that the pipe does not write, ends with 2', async () => {
    const { undo } = await openRepriced();
    await expect(undo({}, 'none')).rejects.toMatchObject({ exit: 2 });
    await expect(undo({ only: ['deals.amount'] })).rejects.toMatchObject({ exit: 2 });
  });
});
