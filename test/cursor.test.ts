/** Cursors as people see and move them: back at will, forward only when what is skipped is said and meant. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { openShop, type Shop, widest } from './state-commands-harness.ts';

const shown = z.object({
  schemaVersion: z.literal(1),
  cursors: z.array(z.object({ pipe: z.string(), partition: z.string(), position: z.string(), movedAt: z.string() })),
});

const HOUR_MS = 3_600_000;
const WHY = ['--reason', 'the ERP restored a backup'];

async function syncedShop(): Promise<{ shop: Shop; partition: string; position: string }> {
  const shop = await openShop({ items: 10 });
  expect((await shop.type('sync', 'products')).code).toBe(0);
  const [cursor] = await cursors(shop);
  return { shop, partition: cursor?.partition ?? '', position: cursor?.position ?? '' };
}

const cursors = async (shop: Shop) =>
  shown.parse(JSON.parse((await shop.type('cursor', 'show', '--json')).stdout)).cursors;

const earlier = (instant: string, hours: number): string =>
  new Date(Date.parse(instant) - hours * HOUR_MS).toISOString();

const journal = (shop: Shop) => shop.rows("SELECT run, subject, detail FROM journal WHERE kind = 'cursor'");

describe('the cursors', () => {
  test('are shown for every pipe, within 80 columns', async () => {
    const { shop, position } = await syncedShop();
    const { code, stdout } = await shop.type('cursor', 'show');
    expect(code).toBe(0);
    expect(stdout).toContain(position.slice(0, 16).replace('T', ' '));
    expect(stdout).toContain('quotes has no cursor: its next run reads everything');
    expect(widest(stdout)).toBeLessThanOrEqual(80);
  });

  test('are none before anything has run', async () => {
    const shop = await openShop({ items: 1, isSetUp: false });
    expect(await cursors(shop)).toEqual([]);
    expect(await shop.type('cursor', 'rewind', 'products', '1d', ...WHY)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('products has no cursor yet'),
    });
  });
});

describe('a rewind', () => {
  test('goes back by the time given, and leaves who, from where and why in the journal', async () => {
    const { shop, partition, position } = await syncedShop();
    expect((await shop.type('cursor', 'rewind', 'products', '12h', ...WHY)).code).toBe(0);
    const to = earlier(position, 12);
    expect(await cursors(shop)).toMatchObject([{ position: to }]);
    const detail = JSON.stringify({ from: position, to, reason: 'the ERP restored a backup', forced: false });
    expect(journal(shop)).toEqual([{ run: 'manual', subject: `cursor ${partition}`, detail }]);
  });

  test('makes the next run read again what lies between', async () => {
    const { shop } = await syncedShop();
    const [first] = shop.rows('SELECT count(*) AS n FROM records');
    expect(first).toEqual({ n: 10 });
    await shop.type('sync', 'products');
    const readBefore = readByLast(shop);
    await shop.type('cursor', 'rewind', 'products', '3650d', ...WHY);
    await shop.type('sync', 'products');
    expect(readByLast(shop)).toBe(10);
    expect(readBefore).toBeLessThan(10);
  });

  test('by a time that is none is refused', async () => {
    const { shop, position } = await syncedShop();
    await expect(shop.type('cursor', 'rewind', 'products', '3 weeks', ...WHY)).rejects.toThrow(/3d or 12h/);
    await expect(shop.type('cursor', 'rewind', 'products', '3d')).rejects.toThrow(/--reason/);
    expect(await cursors(shop)).toMatchObject([{ position }]);
  });

  test('waits for nobody: while a run holds the portal it ends with 75', async () => {
    const { shop, position } = await syncedShop();
    const lock = await lockPortal(lockFolder(shop.env), '1234567', 0, () => Promise.resolve());
    expect((await shop.type('cursor', 'rewind', 'products', '1d', ...WHY)).code).toBe(75);
    lock.release();
    expect(await cursors(shop)).toMatchObject([{ position }]);
  });
});

/** Records read by the latest run. */
function readByLast(shop: Shop): number {
  const [row] = shop.rows('SELECT report FROM runs ORDER BY started_at DESC, id DESC LIMIT 1');
  const { report } = z.object({ report: z.string() }).parse(row);
  return z.object({ counts: z.object({ read: z.number() }) }).parse(JSON.parse(report)).counts.read;
}

describe('setting a cursor', () => {
  test('back to an instant needs no more than a reason', async () => {
    const { shop, position } = await syncedShop();
    const to = earlier(position, 48);
    expect((await shop.type('cursor', 'set', 'products', to, ...WHY, '--json')).code).toBe(0);
    expect(await cursors(shop)).toMatchObject([{ position: to }]);
  });

  test('forward is refused with what would be skipped, and done with --force', async () => {
    const { shop, position } = await syncedShop();
    await shop.type('cursor', 'rewind', 'products', '10d', ...WHY);
    const refused = await shop.type('cursor', 'set', 'products', position, ...WHY);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`would skip changes from ${earlier(position, 240)} to ${position}`);
    expect(await cursors(shop)).toMatchObject([{ position: earlier(position, 240) }]);
    expect((await shop.type('cursor', 'set', 'products', position, '--force', ...WHY)).code).toBe(0);
    expect(await cursors(shop)).toMatchObject([{ position }]);
    expect(journal(shop)).toHaveLength(2);
  });

  test('into the future is refused even with --force', async () => {
    const { shop, position } = await syncedShop();
    const said = await shop.type('cursor', 'set', 'products', '2999-01-01', '--force', ...WHY);
    expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('lies in the future') });
    expect(await cursors(shop)).toMatchObject([{ position }]);
  });

  test('of all partitions asks for --yes, of one names it', async () => {
    const { shop, partition, position } = await syncedShop();
    shop.alter(`INSERT INTO cursors SELECT stream, 'other', position, moved_at, run FROM cursors`);
    const to = earlier(position, 24);
    const said = await shop.type('cursor', 'set', 'products', to, ...WHY);
    expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('all 2 cursors of products') });
    expect((await shop.type('cursor', 'set', 'products', to, '--partition', partition, ...WHY)).code).toBe(0);
    expect((await cursors(shop)).map((cursor) => cursor.position).sort()).toEqual([to, position]);
    expect((await shop.type('cursor', 'set', 'products', to, '--yes', ...WHY)).code).toBe(0);
    expect((await cursors(shop)).map((cursor) => cursor.position)).toEqual([to, to]);
    const unknown = await shop.type('cursor', 'set', 'products', to, '--partition', 'nobody', ...WHY);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no partition nobody') });
  });

  test('touches only the stream that feeds the pipe now', async () => {
    const { shop, position } = await syncedShop();
    shop.alter(`INSERT INTO streams (pipe, instance, environment, created_at) VALUES ('products', 'erp:staging:before', 'staging', 0);
       INSERT INTO cursors SELECT (SELECT max(id) FROM streams), 'p', position, moved_at, run FROM cursors`);
    await shop.type('cursor', 'rewind', 'products', '1d', ...WHY);
    expect(shop.rows('SELECT position FROM cursors ORDER BY stream')).toEqual([
      { position: earlier(position, 24) },
      { position },
    ]);
  });
});
