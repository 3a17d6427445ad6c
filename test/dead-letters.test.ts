/** Dead letters as ops handle them: seen, previewed, tried again, set aside. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { openShop, type Said, type Shop, widest } from './state-commands-harness.ts';

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
  runs: z.array(z.object({ pipe: z.string(), reason: z.string().nullable() })),
  counts: z.object({ letters: z.number(), resolved: z.number(), open: z.number(), wouldPass: z.number() }),
  letters: z.array(z.object({ id: z.number(), outcome: z.string(), reason: z.string().nullable() })),
});

/** Numbers of letters in the order of `bad`. A shop whose ERP holds two items with an unreadable weight, synced once. */
async function shopWithLetters(): Promise<{ shop: Shop; bad: readonly string[]; ids: readonly number[] }> {
  const shop = await openShop({ items: 30 });
  const bad = (await shop.itemsSold()).slice(0, 2);
  await shop.change({ ids: bad, set: { weightKg: 'heavy' } });
  expect((await shop.type('sync', 'products')).code).toBe(3);
  const letters = await list(shop);
  return {
    shop,
    bad,
    ids: bad.map((itemNo) => letters.find(({ subject }) => subject === `record ${itemNo}`)?.id ?? 0),
  };
}

const list = async (shop: Shop, ...flags: string[]) =>
  listed.parse(JSON.parse((await shop.type('dead-letters', 'list', '--json', ...flags)).stdout)).letters;

const retry = (shop: Shop, ...args: string[]): Promise<Said> => shop.type('dead-letters', 'retry', ...args);

const retryJson = async (shop: Shop, ...args: string[]) => {
  const said = await retry(shop, ...args, '--json');
  const document = retried.parse(JSON.parse(said.stdout));
  expect(document.exit).toBe(said.code);
  return document;
};

/** Everything a preview must leave as it is. */
const stateOf = (shop: Shop): unknown =>
  ['records', 'entities', 'objects', 'dead_letters', 'journal', 'cursors'].map((table) =>
    shop.rows(`SELECT * FROM ${table} ORDER BY 1, 2, 3`),
  );

describe('the list', () => {
  test('says before anything has run that there is nothing', async () => {
    const shop = await openShop({ items: 5, isSetUp: false });
    expect(await shop.type('dead-letters', 'list')).toMatchObject({ code: 0, stdout: 'no open dead letters\n' });
  });

  test('fits 80 columns, names the reason, and says how many more there are', async () => {
    const { shop, bad } = await shopWithLetters();
    const { stdout } = await shop.type('dead-letters', 'list', '--limit', '1');
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
    const hidden = (await shop.type('dead-letters', 'show', id)).stdout;
    expect(widest(hidden)).toBeLessThanOrEqual(80);
    expect(hidden).toContain('weightKg: string');
    expect(hidden).toContain(`retail-sync dead-letters retry ${id} --preview`);
    expect(hidden).not.toContain('heavy');
    expect((await shop.type('dead-letters', 'show', id, '--raw')).stdout).toContain('"weightKg": "heavy"');
    const json = z.object({ letter: z.object({ records: z.array(z.string()) }), raw: z.unknown().optional() });
    const plain = (await shop.type('dead-letters', 'show', id, '--json')).stdout;
    expect(json.parse(JSON.parse(plain))).toEqual({ letter: { records: [bad[0]] } });
    expect(plain).not.toContain('heavy');
  });

  test('that does not exist is a mistake in the command', async () => {
    const { shop } = await shopWithLetters();
    const said = await shop.type('dead-letters', 'show', '999');
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toContain('there is no dead letter 999');
  });
});

describe('a retry', () => {
  test('in preview says what would pass, and changes neither HubSpot nor the state', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    await shop.change({ ids: bad.slice(0, 1), set: { weightKg: 2 } });
    const [before, mark] = [stateOf(shop), shop.writes];
    const preview = await retryJson(shop, '--all', '--preview');
    expect(preview).toMatchObject({ status: 'partial', exit: 3, counts: { letters: 2, wouldPass: 1, resolved: 0 } });
    const [passes, fails] = ids.map((id) => preview.letters.find((letter) => letter.id === id));
    expect(passes).toMatchObject({ outcome: 'would-pass' });
    expect(fails).toMatchObject({ outcome: 'would-fail', reason: expect.stringMatching(/weight/) });
    expect(shop.writes).toBe(mark);
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
    const before = shop.rows('SELECT * FROM cursors');
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    expect(await retryJson(shop, ...ids.map(String))).toMatchObject({ exit: 0 });
    expect(shop.rows('SELECT * FROM cursors')).toEqual(before);
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
    expect(shop.rows('SELECT count(*) AS n FROM dead_letters WHERE raw IS NOT NULL')).toEqual([{ n: 0 }]);
  });

  test('finds the records of a refused write by its entity, and of a refused link by where it begins', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    const link = `link products ${bad[1]} to companies by erp_customer_id 7 (default)`;
    shop.alter(`
      UPDATE dead_letters SET stage = 'write', subject = 'products ${bad[0]}' WHERE id = ${ids[0]};
      UPDATE dead_letters SET stage = 'link', subject = '${link}', entity = '${link}', reason = 'limit' WHERE id = ${ids[1]};
      INSERT INTO objects (stream, object, key, entity) VALUES (1, 'products', '${bad[1]}', '${bad[1]}')`);
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    expect((await retryJson(shop, ...ids.map(String), '--preview')).letters).toMatchObject([
      { outcome: 'would-pass', reason: expect.stringMatching(/HubSpot has the last word/) },
      { outcome: 'not-tried', reason: expect.stringMatching(/only HubSpot can tell/) },
    ]);
    expect((await retryJson(shop, ...ids.map(String))).letters).toMatchObject([
      { outcome: 'resolved' },
      { outcome: 'open', reason: 'limit' },
    ]);
    expect(bad.every((id) => shop.products().has(id))).toBe(true);
  });

  test('cannot be made of a row without an id, and says what to do instead', async () => {
    const { shop, ids } = await shopWithLetters();
    shop.alter(`UPDATE dead_letters SET stage = 'read', subject = 'row abc', entity = NULL WHERE id = ${ids[0]}`);
    expect(await retryJson(shop, String(ids[0]))).toMatchObject({
      ...{ exit: 3, runs: [] },
      letters: [{ outcome: 'not-tried', reason: expect.stringMatching(/sync products --full/) }],
    });
  });

  test('is stopped by the circuit breakers like any run, when much else waits to be written', async () => {
    const { shop, bad, ids } = await shopWithLetters();
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    // After an earlier proven run, sixty new records that a stopped run has read and not written.
    shop.alter(`
      UPDATE runs SET status = 'ok';
      CREATE TEMP TABLE new AS SELECT r.*, '' AS new_id FROM json_each('[${Array(60).fill(0)}]'),
        (SELECT * FROM records WHERE rule IS NULL AND id NOT IN ('${bad.join("','")}') LIMIT 1) r;
      UPDATE new SET new_id = 8000000 + rowid;
      INSERT INTO records (stream, id, modified_at, content, raw, rule, run) SELECT stream, new_id, modified_at, content, replace(raw, id, new_id), rule, run FROM new;
      INSERT INTO entities SELECT stream, new_id, 'pending', NULL, modified_at, run FROM new;
      INSERT INTO membership SELECT stream, new_id, new_id FROM new`);
    const writes = shop.writes;
    const document = await retryJson(shop, ...ids.map(String));
    expect(document).toMatchObject({ exit: 4, counts: { resolved: 0, open: 2 } });
    expect(shop.writes).toBe(writes);
  });

  test('of letters that are not named asks for --yes, and of none at all for names', async () => {
    const { shop } = await shopWithLetters();
    const mark = shop.writes;
    const unasked = await retry(shop, '--all');
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('2 letters would be read again') });
    expect(await retry(shop)).toMatchObject({ code: 2, stderr: expect.stringContaining('no letters are named') });
    expect(shop.writes).toBe(mark);
  });

  test('does not try what another source instance left behind', async () => {
    const { shop, ids } = await shopWithLetters();
    const document = await retryJson(shop, String(ids[0])).then((first) => first.letters);
    expect(document).toHaveLength(1);
    shop.alter("UPDATE streams SET instance = 'erp:staging:elsewhere'");
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
        (await shop.type('dead-letters', 'discard', String(ids[0]), '--reason', 'x')).code,
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
    const said = await shop.type('dead-letters', 'discard', id, '--reason', 'sample item');
    expect(said).toMatchObject({ code: 0, stdout: `${id} discarded\nundo: retail-sync dead-letters retry ${id}\n` });
    expect(await list(shop)).toHaveLength(1);
    expect((await shop.type('dead-letters', 'show', id)).stdout).toContain('letter discarded (manual): sample item');
    const before = stateOf(shop);
    expect((await retryJson(shop, id, '--preview')).letters).toMatchObject([{ outcome: 'would-fail' }]);
    expect(stateOf(shop)).toEqual(before);
    expect((await retryJson(shop, id)).letters).toMatchObject([{ outcome: 'open' }]);
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    await shop.type('dead-letters', 'discard', id, '--reason', 'again');
    expect((await retryJson(shop, id, '--preview')).letters).toMatchObject([{ outcome: 'would-pass' }]);
    expect((await retryJson(shop, id)).letters).toMatchObject([{ outcome: 'resolved' }]);
  });

  test('needs a reason', async () => {
    const { shop, ids } = await shopWithLetters();
    expect(await shop.type('dead-letters', 'discard', String(ids[0]), '--reason', ' ')).toMatchObject({ code: 2 });
    expect(await list(shop)).toHaveLength(2);
  });
});
