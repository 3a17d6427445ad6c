/** The whole tool against a real Tryton and the sandbox's HubSpot: `npm run test:erp`. Its last line counts the checks. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { startSandbox } from '../../src/sandbox/start.ts';
import { ensureTryton } from './packages.ts';
import { seed } from './seed.ts';
import { freePort, TrytonServer } from './server.ts';
import { counts, deals, products, runTool, startTool } from './tool.ts';
import { Caller, money } from './wire.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
let passed = 0;
let failed = 0;

function check(name: string, holds: boolean, seen: unknown = ''): void {
  if (holds) passed++;
  else failed++;
  say(`${holds ? '✓' : '✗'} ${name}${holds ? '' : `: ${JSON.stringify(seen)}`}`);
}

/** A line's amount in cents, in whole numbers: prices have four decimals, and Tryton rounds half to even. */
const UNITS = '(CAST(ROUND(l.quantity) AS INTEGER) * CAST(ROUND(CAST(l.unit_price AS TEXT) * 10000) AS INTEGER))';
const CENTS = `(${UNITS} / 100 + (${UNITS} % 100 > 50 OR (${UNITS} % 100 = 50 AND (${UNITS} / 100) % 2 = 1)))`;

const folder = mkdtempSync(join(tmpdir(), 'retail-sync-tryton-'));
const server = new TrytonServer(folder, await freePort(), randomBytes(12).toString('base64url'));
const close: (() => Promise<void>)[] = [() => server.stop()];
try {
  await story();
} catch (error) {
  check('the test ran to its end', false, error instanceof Error ? error.message : String(error));
} finally {
  for (const end of close.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
}
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** What the ERP holds, read from its database file: neither its API nor our adapter is asked. */
function sql(query: string): Record<string, unknown>[] {
  const db = new Database(server.file, { readonly: true });
  try {
    return db.prepare<[], Record<string, unknown>>(query).all();
  } finally {
    db.close();
  }
}

async function story(): Promise<void> {
  ensureTryton(say);
  server.create();
  await server.start();
  const erp = new Caller(`${server.url}/${server.database}/`, 'admin', server.adminPassword);
  const made = await seed(erp, { products: 400, customers: 90, opportunities: 60 });
  const sandbox = await startSandbox({
    ...{ seed: 1, scale: 0.02, asOfMs: Date.now(), ports: { erp: 0, hubspot: 0, square: 0 }, burstPer10s: null },
    ...{ latency: false, erpTimeScale: 0, faults: {}, erpProduction: 'dark' as const },
  });
  close.push(() => sandbox.close());
  const { ERP_TOKEN: _token, ERP_PRODUCTION_URL: _production, ...vendors } = sandbox.env;
  const env = {
    ...{ ...vendors, ERP_PROFILE: 'tryton', ERP_STAGING_URL: server.url, ERP_DATABASE: server.database },
    ...{ ERP_USER: 'admin', ERP_PASSWORD: server.adminPassword, HOME: folder, PATH: process.env.PATH ?? '' },
  };
  const tool = (...args: string[]) => runTool(args, env, folder);
  check('setup makes the properties', (await tool('setup', '--apply')).code === 0);
  const first = await tool('sync', 'all', '--json');
  check('the first load is proven complete', first.code === 0, first.stderr.slice(-500));
  await compare('the first load', sandbox.env);

  const before = await counts(sandbox.env);
  const second = await tool('sync', 'all', '--json');
  check('a second run is ok', second.code === 0, second.stderr.slice(-500));
  check('a second run writes nothing', before === (await counts(sandbox.env)));

  const [product = 0] = made.goods;
  const [template] = sql(`SELECT template AS id FROM product_product WHERE id = ${product}`);
  await erp.write('product.template', [Number(template?.id)], {
    list_price: money('4321.0900'),
    name: 'Renamed board',
  });
  await erp.write('product.product', [made.goods[1] ?? 0], { active: false });
  const [revised = 0] = sql("SELECT id FROM sale_sale WHERE state = 'quotation' ORDER BY id LIMIT 1").map(({ id }) =>
    Number(id),
  );
  const [line = 0] = sql(`SELECT id FROM sale_line WHERE sale = ${revised} LIMIT 1`).map(({ id }) => Number(id));
  await erp.call('model.sale.sale.draft', [revised]);
  await erp.write('sale.line', [line], { quantity: 77 });
  await erp.call('model.sale.sale.quote', [revised]);
  new Database(server.file).exec('DELETE FROM ir_session').close();
  erp.forgetSession();
  const third = await tool('sync', 'all', '--json');
  check('a run after changes, a revision, a deactivation is ok', third.code === 0, third.stderr.slice(-500));
  await compare('changes', sandbox.env);

  await erp.call(
    'model.product.template.write',
    sql('SELECT id FROM product_template ORDER BY id LIMIT 20').map(({ id }) => Number(id)),
    { list_price: money('10.0100') },
  );
  const running = startTool(['sync', 'all', '--full'], env, folder, 300);
  await running.readingStarted;
  new Database(server.file).exec('DELETE FROM ir_session').close(); // each user's session is gone in mid-run
  await server.stop('SIGKILL');
  await server.start();
  const cut = await running.ended;
  say(`  the run beside the killed server ended with ${cut.code}`);
  erp.forgetSession();
  const next = await tool('sync', 'all', '--json');
  check('the run after it is ok', next.code === 0, next.stderr.slice(-500));
  await compare('a killed server', sandbox.env);
}

async function compare(after: string, env: Readonly<Record<string, string>>): Promise<void> {
  const sold =
    sql(`SELECT p.id, t.name, CAST(l.list_price AS TEXT) AS price FROM product_product p JOIN product_template t ON t.id = p.template
    JOIN product_list_price l ON l.template = t.id WHERE p.active AND t.active AND t.salable`);
  const inHubspot = await products(env);
  const wrong = sold.filter(({ id, name, price }) => {
    const there = inHubspot.get(String(id));
    return (
      there?.name !== name ||
      Number(there?.price) !== Number(price) ||
      !/^(active|special-order)$/.test(there?.erp_status ?? '')
    );
  });
  check(
    `after ${after}: ${sold.length} products are as in Tryton`,
    sold.length > 0 && wrong.length === 0,
    wrong.slice(0, 3),
  );
  const gone = sql('SELECT p.id FROM product_product p WHERE NOT p.active').filter(
    ({ id }) => (inHubspot.get(String(id))?.erp_status ?? 'inactive') !== 'inactive',
  );
  check(`after ${after}: no inactive product counts as sold`, gone.length === 0, gone);
  const amounts = sql(`SELECT s.id, s.origin, s.revision, SUM(${CENTS}) / 100.0 AS total FROM sale_sale s
    JOIN sale_line l ON l.sale = s.id JOIN party_party p ON p.id = s.party
    JOIN "party_category_rel" c ON c.party = p.id JOIN party_category k ON k.id = c.category AND k.name IN ('Contractor', 'Architect', 'Builder', 'Dealer')
    GROUP BY s.id`);
  const dealsThere = await deals(env);
  const alone = new Map<string, Record<string, unknown>>();
  for (const row of amounts) {
    const key = row.origin ? (String(row.origin).split(',')[1] ?? '') : `quote:${row.id}`;
    if (Number(alone.get(key)?.id ?? 0) < Number(row.id)) alone.set(key, row); // all of one day: the greater id wins
  }
  const off = [...alone].filter(([key, { total, revision }]) => {
    const deal = dealsThere.get(key);
    return (
      Math.abs(Number(deal?.amount) - Number(total)) > 0.005 ||
      Number(deal?.erp_quote_revision) !== Number(revision ?? 0)
    );
  });
  check(
    `after ${after}: ${alone.size} deals carry amount and revision of their quote`,
    alone.size > 0 && off.length === 0,
    off.slice(0, 3).map(([key, row]) => ({ ...row, deal: dealsThere.get(key) ?? null })),
  );
  const ours = [...dealsThere.keys()].filter((key) => key !== '').length;
  check(`after ${after}: no deal of a walk-in`, ours === alone.size, { ours, wanted: alone.size });
}
