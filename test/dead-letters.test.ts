/** Dead letters as ops handle them: seen, previewed, tried again, set aside. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { openShop, type Shop } from './cli-shop.ts';
import { alter, rows, type as typed, type Said, widest } from './state-commands-harness.ts';

const listed = z.object({
  schemaVersion: z.literal(1),
  counts: z.object({ letters: z.number(), shown: z.number() }),
  letters: z.array(
    z.object({
      id: z.number(),
      pipe: z.string(),
      subject: z.string(),
      stage: z.string(),
      state: z.string(),
      attempts: z.number(),
    }),
  ),
});
const retried = z.object({
  schemaVersion: z.literal(1),
  status: z.string(),
  exit: z.number(),
  counts: z.object({ letters: z.number(), resolved: z.number(), open: z.number(), wouldPass: z.number() }),
  letters: z.array(z.object({ id: z.number(), outcome: z.string(), reason: z.string().nullable() })),
});

/** Numbers of letters in the order of `bad`. A shop whose ERP holds two items with an unreadable weight, synced once. */
async function shopWithLetters(): Promise<{ shop: Shop; bad: readonly string[]; ids: readonly number[] }> {
  const shop = await openShop({ items: 30 });
  const bad = (await shop.itemsSold()).slice(0, 2).map(({ itemNo }) => itemNo);
  await shop.change({ ids: bad, set: { weightKg: 'heavy' } });
  expect((await typed(shop, ['sync', 'products'])).code).toBe(3);
  const letters = await list(shop);
  return { shop, bad, ids: bad.map((itemNo) => letters.find(({ subject }) => subject === `record ${itemNo}`)?.id ?? 0) };
}

const list = async (shop: Shop, ...flags: string[]) =>
  listed.parse(JSON.parse((await typed(shop, ['dead-letters', 'list', '--json', ...flags])).stdout)).letters;

const retry = (shop: Shop, ...args: string[]): Promise<Said> => typed(shop, ['dead-letters', 'retry', ...args]);

const retryJson = async (shop: Shop, ...args: string[]) => {
  const said = await retry(shop, ...args, '--json');
  const document = retried.parse(JSON.parse(said.stdout));
  expect(document.exit).toBe(said.code);
  return document;
};

/** Everything a preview must leave as it is. */
const stateOf = (shop: Shop): unknown =>
  ['records', 'entities', 'objects', 'dead_letters', 'journal', 'cursors'].map((table) =>
    rows(shop, `SELECT * FROM ${table} ORDER BY 1, 2, 3`),
  );

describe('the list', () => {
  test('says before anything has run that there is nothing', async () => {
    const shop = await openShop({ items: 5, isSetUp: false });
    expect(await typed(shop, ['dead-letters', 'list'])).toMatchObject({ code: 0, stdout: 'no open dead letters\n' });
  });

  test('fits 80 columns, names the reason, and says how many more there are', async () => {
    const { shop, bad } = await shopWithLetters();
    const { stdout } = await typed(shop, ['dead-letters', 'list', '--limit', '1']);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/products +map +invalid/);
    expect(stdout).toMatch(/weight/);
    expect(stdout).toContain('2 open; 1 more with --limit 2');
    const filtered = await Promise.all([
      list(shop, '--pipe', 'products', '--stage', 'map', '--category', 'invalid'),
      list(shop, '--pipe', 'quotes'),
      list(shop, '--stage', 'write'),
      list(shop, '--state', 'resolved'),
      list(shop, '--since', '2999-01-01'),
    ]);
    expect(filtered.map(({ length }) => length)).toEqual([2, 0, 0, 0, 0]);
    expect((await list(shop)).map(({ subject }) => subject).sort()).toEqual(bad.map((id) => `record ${id}`).sort());
  });
});

describe('one letter', () => {
  test('is shown with fields and types; values only with --raw', async () => {
    const { shop, ids, bad } = await shopWithLetters();
    const id = String(ids[0]);
    const hidden = (await typed(shop, ['dead-letters', 'show', id])).stdout;
    expect(widest(hidden)).toBeLessThanOrEqual(80);
    expect(hidden).toContain('weightKg: string');
    expect(hidden).toContain(`retail-sync dead-letters retry ${id} --preview`);
    expect(hidden).not.toContain('heavy');
    expect((await typed(shop, ['dead-letters', 'show', id, '--raw'])).stdout).toContain('"weightKg": "heavy"');
    const json = z.object({ letter: z.object({ records: z.array(z.string()) }), raw: z.unknown().optional() });
    const plain = (await typed(shop, ['dead-letters', 'show', id, '--json'])).stdout;
    expect(json.parse(JSON.parse(plain))).toEqual({ letter: { records: [bad[0]] } });
    expect(plain).not.toContain('heavy');
  });

  test('that does not exist is a mistake in the command', async () => {
    const { shop } = await shopWithLetters();
    const said = await typed(shop, ['dead-letters', 'show', '999']);
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toContain('there is no dead letter 999');
  });
});

describe('a retry', () => {
  test('in preview says what would pass, and changes neither HubSpot nor the state', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    await shop.change({ ids: bad.slice(0, 1), set: { weightKg: 2 } });
    const [before, mark] = [stateOf(shop), shop.mark];
    const preview = await retryJson(shop, '--all', '--preview');
    expect(preview).toMatchObject({ status: 'partial', exit: 3, counts: { letters: 2, wouldPass: 1, resolved: 0 } });
    const [passes, fails] = ids.map((id) => preview.letters.find((letter) => letter.id === id));
    expect(passes).toMatchObject({ outcome: 'would-pass' });
    expect(fails).toMatchObject({ outcome: 'would-fail', reason: expect.stringMatching(/weight/) });
    expect(shop.writes(mark)).toEqual([]);
    expect(stateOf(shop)).toEqual(before);
  });

  test('writes what was corrected in the source, says what is still open, and ends with 3', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    await shop.change({ ids: bad.slice(0, 1), set: { weightKg: 2 } });
    const said = await retry(shop, ...ids.map(String));
    expect(said.code).toBe(3);
    expect(said.stdout).toMatch(new RegExp(`${ids[0]} +resolved +products, record ${bad[0]}`));
    expect(said.stdout).toMatch(new RegExp(`${ids[1]} +still open[^]*weight`));
    expect(widest(said.stdout)).toBeLessThanOrEqual(80);
    expect(shop.products().get(bad[0] ?? '')?.erp_weight).toBe('2');
    expect(shop.products().has(bad[1] ?? '')).toBe(false);
    await shop.change({ ids: bad, set: { weightKg: 3 } });
    expect(await retryJson(shop, '--pipe', 'products', '--yes')).toMatchObject({ exit: 0, counts: { resolved: 1 } });
    expect(await list(shop)).toEqual([]);
    expect(await list(shop, '--state', 'resolved')).toHaveLength(2);
  });

  test('moves no cursor', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    const before = rows(shop, 'SELECT * FROM cursors');
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    expect(await retryJson(shop, ...ids.map(String))).toMatchObject({ exit: 0 });
    expect(rows(shop, 'SELECT * FROM cursors')).toEqual(before);
  });

  test('takes the kept payload of a record that the source no longer has', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    await shop.change({ delete: bad.slice(0, 1) });
    const document = await retryJson(shop, String(ids[0]));
    expect(document.letters).toMatchObject([{ outcome: 'open', reason: expect.stringMatching(/weight/) }]);
    expect((await list(shop)).find(({ id }) => id === ids[0])?.attempts).toBe(2);
  });

  test('of a record that has left the scope since settles the letter', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    await shop.change({ ids: bad, set: { statusCode: 'D' } });
    expect((await retryJson(shop, '--all', '--preview')).counts.wouldPass).toBe(2);
    expect(await retryJson(shop, ...ids.map(String))).toMatchObject({ exit: 0, counts: { resolved: 2 } });
    expect(rows(shop, 'SELECT count(*) AS n FROM dead_letters WHERE raw IS NOT NULL')).toEqual([{ n: 0 }]);
  });

  test('of letters that are not named asks for --yes, and of none at all for names', async () => {
    const { shop } = await shopWithLetters();
    const mark = shop.mark;
    const unasked = await retry(shop, '--all');
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('2 letters would be read again') });
    expect(await retry(shop)).toMatchObject({ code: 2, stderr: expect.stringContaining('no letters are named') });
    expect(shop.requests(mark)).toEqual([]);
  });

  test('does not try what another source instance left behind', async () => {
    const { shop, ids } = await shopWithLetters();
    const document = await retryJson(shop, String(ids[0])).then((first) => first.letters);
    expect(document).toHaveLength(1);
    alter(shop, "UPDATE streams SET instance = 'erp:staging:elsewhere'");
    const other = await retryJson(shop, String(ids[0]));
    expect(other.letters).toMatchObject([{ outcome: 'not-tried', reason: expect.stringMatching(/no longer feeds/) }]);
    expect(other.exit).toBe(3);
  });

  test('waits for nobody: while a run holds the portal it ends with 75', async () => {
    const { shop, ids } = await shopWithLetters();
    const lock = await lockPortal(lockFolder(shop.env), '1234567', 0, () => Promise.resolve());
    try {
      const codes = [
        (await retry(shop, String(ids[0]))).code,
        (await typed(shop, ['dead-letters', 'discard', String(ids[0]), '--reason', 'x'])).code,
      ];
      expect(codes).toEqual([75, 75]);
    } finally {
      lock.release();
    }
    expect(await list(shop)).toHaveLength(2);
  });
});

describe('a letter set aside', () => {
  test('is out of the list, in the journal with its reason, and taken up again by retry', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    const id = String(ids[0]);
    const said = await typed(shop, ['dead-letters', 'discard', id, '--reason', 'sample item']);
    expect(said).toMatchObject({ code: 0, stdout: `${id} discarded\nundo: retail-sync dead-letters retry ${id}\n` });
    expect(await list(shop)).toHaveLength(1);
    expect((await typed(shop, ['dead-letters', 'show', id])).stdout).toContain('letter discarded (manual): sample item');
    const before = stateOf(shop);
    expect((await retryJson(shop, id, '--preview')).letters).toMatchObject([{ outcome: 'would-fail' }]);
    expect(stateOf(shop)).toEqual(before);
    expect((await retryJson(shop, id)).letters).toMatchObject([{ outcome: 'open' }]);
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    await typed(shop, ['dead-letters', 'discard', id, '--reason', 'again']);
    expect((await retryJson(shop, id, '--preview')).letters).toMatchObject([{ outcome: 'would-pass' }]);
    expect((await retryJson(shop, id)).letters).toMatchObject([{ outcome: 'resolved' }]);
  });

  test('needs a reason', async () => {
    const { shop, ids } = await shopWithLetters();
    expect(await typed(shop, ['dead-letters', 'discard', String(ids[0]), '--reason', ' '])).toMatchObject({ code: 2 });
    expect(await list(shop)).toHaveLength(2);
  });
});
