/**
 * What is wrong with the configuration, the state or a vendor's answer is said in one sentence with its exit code and
 * the next thing to do; no secret and no stack is shown, and once it is mended the next run continues.
 */
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Ended, run, temporaryFolder } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN, openShop, SANDBOX_TOKEN, type Shop } from './cli-shop.ts';
import { openSmallDisk } from './small-disk.ts';

/** Everything a process said, without the line breaks that a narrow screen needs; checked for what it must not say. */
function saidBy({ stdout, stderr }: Ended): string {
  const text = stdout + stderr;
  expect(text).not.toContain(SANDBOX_TOKEN);
  expect(text).not.toContain(ERP_SANDBOX_TOKEN);
  expect(text).not.toMatch(/\n\s+at .*:\d+:\d+/);
  expect(text).not.toMatch(/fault in retail-sync itself/);
  return text.replace(/\s+/g, ' ');
}

/** The run after the fault was mended: everything sold is in HubSpot, once. */
async function expectWhole(shop: Shop): Promise<void> {
  const ended = await shop.sync(['--json']);
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  const sold = (await shop.itemsSold()).map(({ itemNo }) => itemNo);
  expect([...shop.products().keys()].sort()).toEqual(sold.sort());
  expect([...shop.commits('created').values()].every((times) => times === 1)).toBe(true);
}

/** A shop that was synced once, with half of a day's changes still to come. */
async function openSyncedShop(): Promise<Shop> {
  const shop = await openShop({ items: 150 });
  expect(await shop.syncHere()).toBe(0);
  await shop.change({ share: 0.05 });
  return shop;
}

/** Runs SQL on the state as no version of the tool would. */
function tamper(shop: Shop, pragma: string): void {
  const db = new Database(shop.database);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.pragma(pragma);
  db.close();
}

describe.concurrent('a configuration that cannot work', () => {
  test('is told as a whole: every missing variable at once', async () => {
    const ended = await run(['sync', 'products']);
    expect(ended.code).toBe(2);
    const said = saidBy(ended);
    for (const name of ['HUBSPOT_TOKEN', 'HUBSPOT_PORTAL_ID', 'ERP_PRODUCTION_URL', 'ERP_TOKEN']) {
      expect(said).toContain(`${name} is missing`);
    }
    expect(said).toContain('.env.example');
  });

  test('names each wrong variable without its value', async () => {
    const env = { HUBSPOT_TOKEN: 'pat with a blank', HUBSPOT_PORTAL_ID: 'pat-pasted-here', RETAIL_SYNC_ENV: 'prod' };
    const ended = await run(['config', 'show'], env);
    expect(ended.code).toBe(2);
    const said = saidBy(ended);
    for (const name of Object.keys(env)) expect(said).toContain(name);
    expect(said).not.toMatch(/with a blank|pasted-here/);
  });

  test('shows a configuration that works, with its secrets masked', async () => {
    const shop = await openShop();
    const shown = await shop.run(['config', 'show']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(saidBy(shown)).toMatch(/HUBSPOT_TOKEN environment set \(sha256:[0-9a-f]{4}\)/);
  });

  test('of a .env that others can read is not read at all', async () => {
    const shop = await openShop();
    const { HUBSPOT_TOKEN: token, ...rest } = shop.env;
    const env = join(shop.folder, '.env');
    writeFileSync(env, `HUBSPOT_TOKEN=${token}\n`);
    chmodSync(env, 0o644);
    const start = async () => run(['sync', 'products'], rest, shop.folder);
    const refused = await start();
    expect(refused.code).toBe(2);
    expect(saidBy(refused)).toMatch(/\.env can be read or written by other users: chmod 600 \.env/);
    chmodSync(env, 0o600);
    expect((await start()).code).toBe(0);
    await expectWhole(shop);
  });

  test('of a token in a file is read, and a file that is not there is named by its variable', async () => {
    const shop = await openShop();
    const { HUBSPOT_TOKEN: token, ...rest } = shop.env;
    const file = join(shop.folder, 'token');
    const start = () => run(['sync', 'products'], { ...rest, HUBSPOT_TOKEN_FILE: file }, shop.folder);
    const refused = await start();
    expect(refused.code).toBe(2);
    expect(saidBy(refused)).toContain('HUBSPOT_TOKEN_FILE');
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    expect((await start()).code).toBe(0);
  });
});

describe.concurrent('an ERP profile', () => {
  test('that does not exist is named, with the profiles that do', async () => {
    const shop = await openShop();
    const ended = await shop.sync([], { ERP_PROFILE: './nowhere.yaml' });
    expect(ended.code).toBe(2);
    expect(saidBy(ended)).toMatch(/nowhere\.yaml cannot be read.*sandbox/);
    await expectWhole(shop);
  });

  test('with faults is refused with the line of each, and works once they are mended', async () => {
    const shop = await openShop();
    const file = join(shop.folder, 'vendor.yaml');
    const good = readFileSync('src/sources/erp/profiles/sandbox.yaml', 'utf8');
    const lines = good.split('\n');
    const zone = lines.findIndex((line) => line.startsWith('zone:'));
    const size = lines.findIndex((line) => line.includes('paging:'));
    const bad = lines
      .with(zone, 'zone: Mars/Olympus')
      .with(size, (lines[size] ?? '').replace('kind: page', 'kind: leaf'))
      .join('\n');
    writeFileSync(file, bad);
    const ended = await shop.sync([], { ERP_PROFILE: file });
    expect(ended.code).toBe(2);
    const said = saidBy(ended);
    expect(said).toContain(`vendor.yaml:${zone + 1}:`);
    expect(said).toContain(`vendor.yaml:${size + 1}:`);
    writeFileSync(file, '{ name: [');
    expect(saidBy(await shop.sync([], { ERP_PROFILE: file }))).toMatch(/vendor\.yaml:1:\d+/);
    writeFileSync(file, good);
    expect((await shop.sync([], { ERP_PROFILE: file })).code).toBe(0);
    await expectWhole(shop);
  });
});

describe.concurrent('a state database', () => {
  test('of a newer version is refused and left alone', async () => {
    const shop = await openSyncedShop();
    const db = new Database(shop.database, { readonly: true });
    const version = Number(db.pragma('user_version', { simple: true }));
    db.close();
    tamper(shop, `user_version = ${version + 1}`);
    for (const command of [['sync', 'products'], ['status']]) {
      const ended = await shop.run(command);
      expect(ended.code).toBe(2);
      expect(saidBy(ended)).toMatch(/schema \d+.*update retail-sync/);
    }
    tamper(shop, `user_version = ${version}`);
    await expectWhole(shop);
  });

  test('of another portal is refused before a call', async () => {
    const shop = await openSyncedShop();
    const { mark } = shop;
    const ended = await shop.sync([], { HUBSPOT_PORTAL_ID: '42' });
    expect(ended.code).toBe(5);
    expect(saidBy(ended)).toMatch(/belongs to HubSpot portal 1234567.*says 42.*RETAIL_SYNC_STATE_DIR/);
    expect(shop.requests(mark)).toEqual([]);
    await expectWhole(shop);
  });

  test('of another environment is refused before a call', async () => {
    const shop = await openSyncedShop();
    const { mark } = shop;
    const ended = await shop.sync([], { RETAIL_SYNC_ENV: 'staging' });
    expect(ended.code).toBe(5);
    expect(saidBy(ended)).toMatch(/belongs to environment sandbox.*says staging/);
    expect(shop.requests(mark)).toEqual([]);
    await expectWhole(shop);
  });

  test('that was emptied is not quietly replaced by a new one', async () => {
    const shop = await openSyncedShop();
    tamper(shop, 'journal_mode = DELETE');
    const backup = `${shop.database}.backup`;
    copyFileSync(shop.database, backup);
    writeFileSync(shop.database, '');
    const ended = await shop.sync();
    expect(ended.code).toBe(2);
    expect(saidBy(ended)).toMatch(/state\.db is empty \(0 bytes\).*backup/);
    expect(statSync(shop.database).size).toBe(0);
    copyFileSync(backup, shop.database);
    await expectWhole(shop);
  });

  test('that is no database is refused, and without it everything is read again without doubles', async () => {
    const shop = await openSyncedShop();
    tamper(shop, 'journal_mode = DELETE');
    const garbage = 'this was never a database. '.repeat(400);
    writeFileSync(shop.database, garbage);
    for (const command of [['sync', 'products'], ['status']]) {
      const ended = await shop.run(command);
      expect(ended.code).toBe(2);
      expect(saidBy(ended)).toMatch(/state\.db is damaged.*move it aside/);
    }
    expect(readFileSync(shop.database, 'utf8')).toBe(garbage);
    rmSync(shop.database);
    await expectWhole(shop);
  });

  test('with a torn page is found out at the start', async () => {
    const shop = await openSyncedShop();
    tamper(shop, 'journal_mode = DELETE');
    const backup = readFileSync(shop.database);
    const torn = Buffer.from(backup);
    for (let page = 2; page * 4096 < torn.length; page += 2) torn.fill(0xa5, page * 4096, page * 4096 + 200);
    writeFileSync(shop.database, torn);
    const ended = await shop.sync();
    expect(ended.code).toBe(2);
    expect(saidBy(ended)).toMatch(/damaged.*backup/);
    writeFileSync(shop.database, backup);
    await expectWhole(shop);
  });

  test('of another program is left alone', async () => {
    const shop = await openSyncedShop();
    const other = temporaryFolder();
    const db = new Database(join(other, 'state.db'));
    db.exec('CREATE TABLE recipes (name TEXT)');
    db.pragma('user_version = 1');
    db.close();
    const ended = await shop.sync([], { RETAIL_SYNC_STATE_DIR: other });
    expect(ended.code).toBe(2);
    expect(saidBy(ended)).toMatch(/another program/);
    await expectWhole(shop);
  });

  test.each(['below a file', 'in /proc'])('in a folder that cannot be made, %s, is refused', async (where) => {
    const shop = await openShop({ items: 60 });
    const file = join(shop.folder, 'a-file');
    writeFileSync(file, '');
    const folder = where === 'below a file' ? join(file, 'state') : '/proc/retail-sync';
    const ended = await shop.sync([], { RETAIL_SYNC_STATE_DIR: folder });
    expect(ended.code).toBe(2);
    expect(saidBy(ended)).toMatch(/state folder .* cannot be written .*RETAIL_SYNC_STATE_DIR/);
    await expectWhole(shop);
  });

  test('whose lock folder cannot be made is refused before a call', async () => {
    const shop = await openShop({ items: 60 });
    const file = join(shop.folder, 'a-file');
    writeFileSync(file, '');
    const { mark } = shop;
    const ended = await shop.sync([], { XDG_STATE_HOME: file, HOME: file });
    expect(ended.code).toBe(2);
    expect(saidBy(ended)).toMatch(/cannot be written/);
    expect(shop.requests(mark)).toEqual([]);
    await expectWhole(shop);
  });

  test('and its folder are for this user alone', async () => {
    const shop = await openShop({ items: 60 });
    expect((await shop.sync()).code).toBe(0);
    expect(statSync(join(shop.folder, 'state')).mode & 0o777).toBe(0o700);
    expect(statSync(shop.database).mode & 0o777).toBe(0o600);
    expect(existsSync(join(shop.folder, 'locks', 'retail-sync'))).toBe(process.platform === 'linux');
  });
});

describe.concurrent('a disk that is full', () => {
  test('stops the run with one sentence, and with space again nothing is missing or double', async () => {
    const shop = await openShop({ items: 1_000 });
    const disk = openSmallDisk(shop);
    try {
      const full = await disk.run(['sync', 'products']);
      expect(full.code).toBe(1);
      expect(saidBy(full)).toMatch(/full/);
      expect(shop.products().size).toBeLessThan((await shop.itemsSold()).length);
      disk.enlarge();
      expect(await disk.run(['sync', 'products'])).toMatchObject({ code: 0 });
    } finally {
      disk.close();
    }
    const sold = (await shop.itemsSold()).map(({ itemNo }) => itemNo);
    expect([...shop.products().keys()].sort()).toEqual(sold.sort());
    expect([...shop.commits('created').values()].every((times) => times === 1)).toBe(true);
  });
});

describe.concurrent('an ERP that answers', () => {
  test.each([
    ['with a login page and status 200', { kind: 'html' }, 6, /not JSON/],
    [
      'with a redirect',
      { kind: 'status', status: 302, headers: { location: 'https://elsewhere.example/' } },
      6,
      /redirects/,
    ],
    ['404 for the path of the profile', { kind: 'status', status: 404, json: {} }, 2, /404.*profile/],
    ['JSON of another shape', { kind: 'status', status: 200, json: { results: [] } }, 6, /products/],
  ] as const)('%s stops the run, and the next one continues', async (_, fault, code, said) => {
    const shop = await openSyncedShop();
    const { mark } = shop;
    shop.erp.setFaults([{ path: '/api/items', fault }]);
    const ended = await shop.sync();
    expect(ended.code).toBe(code);
    expect(saidBy(ended)).toMatch(said);
    expect(shop.writes(mark)).toEqual([]);
    shop.erp.setFaults([]);
    await expectWhole(shop);
  });
});

describe.concurrent('a HubSpot that answers', () => {
  test.each([
    ['with a web page and status 200', { kind: 'html' }, 7],
    ['with a redirect', { kind: 'status', status: 307, headers: { location: 'https://elsewhere.example/' } }, 7],
    [
      'with a page of some proxy',
      { kind: 'status', status: 502, text: '<h1>Bad gateway</h1>', contentType: 'text/html' },
      7,
    ],
  ] as const)('%s to everything stops the run before it begins', async (_, fault, code) => {
    const shop = await openSyncedShop();
    shop.hubspot.setFaults([{ fault }]);
    const ended = await shop.sync();
    expect(ended.code).toBe(code);
    expect(saidBy(ended)).toMatch(/HubSpot/);
    shop.hubspot.setFaults([]);
    await expectWhole(shop);
  });

  test('with web pages to its writes leaves nothing called written that is not there', async () => {
    const shop = await openSyncedShop();
    shop.hubspot.setFaults([{ path: '/batch/upsert', fault: { kind: 'html' } }]);
    const ended = await shop.sync(['--json']);
    expect([3, 7]).toContain(ended.code);
    expect(JSON.parse(ended.stdout)).toMatchObject({ counts: { written: 0 } });
    shop.hubspot.setFaults([]);
    const { mark } = shop;
    await expectWhole(shop);
    expect(shop.writes(mark).length).toBeGreaterThan(0);
  });
});
