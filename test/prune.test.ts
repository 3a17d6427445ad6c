/** What `prune` takes away, and what it never touches. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { openShop, type Shop } from './state-commands-harness.ts';

const document = z.object({
  schemaVersion: z.literal(1),
  dryRun: z.boolean(),
  counts: z.record(z.string(), z.number()),
});

/** What is taken of an old shop, where nothing else is said. */
const COUNTS = { letters: 2, payloads: 1, journal: 2, runs: 2, slots: 1, comparisons: 2, probes: 1, files: 0 };
const NONE = Object.fromEntries(Object.keys(COUNTS).map((kind) => [kind, 0]));

const prune = async (shop: Shop, ...flags: string[]) =>
  document.parse(JSON.parse((await shop.type('prune', '--json', ...flags)).stdout)).counts;

const DAY_MS = 86_400_000;
const daysAgo = (days: number): number => Date.now() - days * DAY_MS;

/** A shop after one run; beside it letters, journal and runs of long ago. */
async function oldShop(): Promise<Shop> {
  const shop = await openShop({ items: 5 });
  await shop.type('sync', 'products');
  const letter = (subject: string, state: string, days: number): string =>
    `INSERT INTO dead_letters (stream, subject, stage, category, reason, raw, mapper, first_seen, last_seen, attempts, run, state)
       VALUES (1, '${subject}', 'map', 'invalid', 'r', '{"a":1}', 'm', 0, ${daysAgo(days)}, 1, 'r', '${state}');`;
  const entry = (kind: string, days: number): string =>
    `INSERT INTO journal (at, run, stream, kind, subject) VALUES (${daysAgo(days)}, 'r', 1, '${kind}', 's');`;
  const run = (id: string, status: string, days: number): string =>
    `INSERT INTO runs SELECT '${id}', pipe, stream, trigger, mode, ${daysAgo(days)}, ended_at, pid, '${status}', exit, report
       FROM runs WHERE status = 'ok' LIMIT 1;
     INSERT INTO run_partitions VALUES ('${id}', 'p', '{}');`;
  const slot = (days: number, state: string): string =>
    `INSERT INTO slots (job, date, planned_at, not_before, state)
       VALUES ('quotes', '${new Date(daysAgo(days)).toISOString().slice(0, 10)}', ${daysAgo(days)}, 0, '${state}');`;
  shop.alter(
    [
      letter('record 1', 'resolved', 91),
      letter('record 2', 'discarded', 91),
      letter('record 3', 'resolved', 89),
      letter('record 4', 'open', 900),
      entry('updated', 91),
      entry('cursor', 91),
      entry('cursor', 401),
      entry('flip', 900),
      run('failed-long-ago', 'failed', 401),
      run('ok-long-ago', 'ok', 402),
      run('ok-lately', 'ok', 399),
      ...[401, 399, 1].map((days) => slot(days, 'ok')),
      slot(402, 'open'),
      ...[402, 401].map((days) => `INSERT INTO reconciliations VALUES (1, ${daysAgo(days)}, '{}');`),
      ...[402, 401].map(
        (days) => `INSERT INTO probes (system, resource, instance, kind, at, summary)
          VALUES ('erp', 'products', 'i', 'sample', ${daysAgo(days)}, '{}');`,
      ),
    ].join('\n'),
  );
  return shop;
}

describe('prune', () => {
  test('takes what is settled and old, and leaves what is open, recent or decided by a person', async () => {
    const shop = await oldShop();
    const created = shop.rows("SELECT id FROM journal WHERE kind = 'created'").length;
    expect(await prune(shop)).toEqual(COUNTS);
    expect(shop.rows('SELECT subject, raw FROM dead_letters ORDER BY id')).toEqual([
      { subject: 'record 3', raw: null },
      { subject: 'record 4', raw: '{"a":1}' },
    ]);
    expect(shop.rows("SELECT kind FROM journal WHERE kind <> 'created' ORDER BY id")).toEqual([
      { kind: 'cursor' },
      { kind: 'flip' },
    ]);
    expect(shop.rows("SELECT id FROM journal WHERE kind = 'created'")).toHaveLength(created);
    expect(shop.rows("SELECT id FROM runs WHERE id LIKE '%ago' OR id LIKE '%lately'")).toEqual([{ id: 'ok-lately' }]);
    expect(shop.rows('SELECT run FROM run_partitions WHERE run NOT IN (SELECT id FROM runs)')).toEqual([]);
    expect(shop.rows('SELECT count(*) AS n FROM slots')).toEqual([{ n: 3 }]);
    expect(
      shop.rows("SELECT at FROM reconciliations UNION ALL SELECT at FROM probes WHERE kind = 'sample'"),
    ).toHaveLength(2);
    expect(await prune(shop)).toEqual(NONE);
  });

  test('keeps the last proven run of a pipe however old it is', async () => {
    const shop = await oldShop();
    shop.alter(`UPDATE runs SET started_at = started_at - ${500 * DAY_MS}`);
    const [latest] = shop.rows("SELECT id FROM runs WHERE status = 'ok' ORDER BY started_at DESC LIMIT 1");
    expect((await prune(shop)).runs).toBe(3);
    expect(shop.rows('SELECT id FROM runs')).toEqual([latest]);
  });

  test('never forgets which objects this tool made, as long as it knows them: only those may be archived', async () => {
    const shop = await oldShop();
    shop.alter(`UPDATE journal SET at = ${daysAgo(800)} WHERE kind = 'created'`);
    const made = shop.rows("SELECT count(*) AS n FROM journal WHERE kind = 'created'");
    expect(await prune(shop)).toEqual(COUNTS);
    expect(shop.rows("SELECT count(*) AS n FROM journal WHERE kind = 'created'")).toEqual(made);
    shop.alter('DELETE FROM objects');
    await prune(shop);
    expect(shop.rows("SELECT count(*) AS n FROM journal WHERE kind = 'created'")).toEqual([{ n: 0 }]);
  });

  test('with --dry-run only counts, for a person too', async () => {
    const shop = await oldShop();
    const before = shop.rows('SELECT count(*) AS n FROM journal');
    expect(await prune(shop, '--dry-run')).toEqual(COUNTS);
    const { stdout } = await shop.type('prune', '--dry-run');
    expect(stdout).toMatch(/would delete\n +2 {2}resolved and discarded letters/);
    expect(shop.rows('SELECT count(*) AS n FROM journal')).toEqual(before);
  });

  test('clears the payloads of settled letters with --payloads, never those of open ones', async () => {
    const shop = await oldShop();
    shop.alter(`UPDATE dead_letters SET last_seen = ${daysAgo(1)} WHERE subject = 'record 3'`);
    expect(await prune(shop, '--dry-run')).toMatchObject({ payloads: 0 });
    expect(await prune(shop, '--payloads', '--dry-run')).toMatchObject({ letters: 2, payloads: 1 });
    expect(await prune(shop, '--payloads')).toMatchObject({ letters: 2, payloads: 1 });
    expect(shop.rows('SELECT subject, raw FROM dead_letters ORDER BY id')).toEqual([
      { subject: 'record 3', raw: null },
      { subject: 'record 4', raw: '{"a":1}' },
    ]);
  });

  test('takes younger ones with --older-than, and gives space back with --vacuum', async () => {
    const shop = await oldShop();
    expect(await prune(shop, '--older-than', '30d', '--vacuum')).toMatchObject({ letters: 3 });
    expect(shop.rows('PRAGMA freelist_count')).toEqual([{ freelist_count: 0 }]);
    expect((await shop.type('sync', 'products')).code).toBe(0);
  });

  test('keeps each kind as long as the configuration says', async () => {
    const shop = await oldShop();
    const keep = { KEEP_RUNS_DAYS: '500', KEEP_JOURNAL_DAYS: '92', KEEP_LETTERS_DAYS: '92', KEEP_PAYLOADS_DAYS: '90' };
    const other = shop.with({ ...keep, KEEP_PROBES_DAYS: '500' });
    // Of the letters only the payloads go; of the journal nothing, for nothing is older.
    expect(await prune(other, '--dry-run')).toEqual({ ...NONE, payloads: 2 });
    expect((await shop.with({ KEEP_RUNS_DAYS: '0' }).type('prune')).stderr).toContain(
      'KEEP_RUNS_DAYS is not a whole number from 1 to 3650',
    );
  });

  test('takes daily copies beyond their number, and databases that a restore moved aside', async () => {
    const shop = await oldShop();
    const stamp = (days: number): string => new Date(daysAgo(days)).toISOString().replace(/[-:.]/g, '');
    const backups = join(shop.folder, 'state', 'backups');
    const daily = [1, 2, 3, 4, 5, 6, 7].map((days) => join(backups, `daily-${stamp(days)}.db`));
    const manual = join(backups, `manual-${stamp(500)}.db`);
    const [aside, young] = [91, 89].map((days) => join(shop.folder, 'state', `state-before-restore-${stamp(days)}.db`));
    for (const file of [...daily, manual, aside, young]) writeFileSync(file ?? '', '');
    const oldest = daily.at(-1) ?? ''; // the sync has made a copy too: now there are eight
    expect((await shop.type('prune', '--dry-run')).stdout).toContain(`2  files: daily copies beyond 7`);
    expect(existsSync(oldest)).toBe(true);
    expect(await prune(shop)).toMatchObject({ files: 2 });
    const there = [oldest, manual, aside, young].map((file) => existsSync(file ?? ''));
    expect(there).toEqual([false, true, false, true]);
  });

  test('waits for nobody: while a run holds the portal it ends with 75', async () => {
    const shop = await oldShop();
    const lock = await lockPortal(lockFolder(shop.env), '1234567', 0, () => Promise.resolve());
    expect((await shop.type('prune')).code).toBe(75);
    lock.release();
    expect(await prune(shop, '--dry-run')).toMatchObject({ letters: 2 });
  });
});
