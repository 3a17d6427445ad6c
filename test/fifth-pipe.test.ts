/** A further pipe over a known source and object is three files: shown in a copy of the repository. */
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Ended, temporaryFolder } from './cli-harness.ts';
import { openShop, type Shop } from './cli-shop.ts';

const ROOT = join(import.meta.dirname, '..');
/** What the tool and the fixture test need; packages are linked. */
const COPIED = [
  'bin',
  'src',
  'jobs',
  'mappers',
  'fixtures',
  'package.json',
  'vitest.config.ts',
  'test/setup.ts',
  'test/compiled.ts',
  'test/closing-line.ts',
  'test/fixtures.ts',
  'test/mappers.test.ts',
  'test/imports.test.ts',
];

const JOB = `import specialOrders from '../mappers/special-orders.ts';
import type { Job } from '../src/pipe.ts';
import type { ErpProduct } from '../src/sources/erp/model.ts';
import type { Systems } from '../src/systems.ts';

export default {
  pipe: 'special-orders',
  system: 'erp',
  from: ({ erp }) => erp('products'),
  mapping: specialOrders,
  after: [],
  daily: '06:15',
  assembles: 'one-record',
} satisfies Job<Systems, ErpProduct>;
`;

const MAPPER = `import { Draft, invalid, mapped } from '../src/draft.ts';
import type { Mapping } from '../src/pipe.ts';
import { custom, standard } from '../src/property.ts';
import { ErpProduct } from '../src/sources/erp/model.ts';

const own = custom('products', 'erp_sync');

const specialOrders: Mapping<ErpProduct> = {
  schema: ErpProduct,
  scope: ({ status }) => (status === 'special-order' ? { in: true } : { in: false, rule: 'stocked' }),
  properties: [
    standard('products')('name', 'Name', 'string', 'What is ordered on demand.'),
    own('erp_special_order_id', 'ERP special order ID', 'string', 'Id of the item in the ERP.', { unique: true }),
    own('erp_special_order_days', 'ERP special order (days)', 'number', 'Days from order to receipt.'),
  ],
  map: ([item]) => {
    if (item === undefined) return invalid('', 'an item is made of one record');
    const draft = new Draft();
    draft.put('erp_special_order_id', item.id);
    draft.text('name', item.name);
    draft.decimal('erp_special_order_days', item.leadTimeDays);
    return mapped([draft], [{ object: 'products', key: item.id, properties: draft.properties }]);
  },
};

export default specialOrders;
`;

const FIXTURE = {
  facts: { environment: 'production', zone: 'America/Chicago', currencies: ['USD'], names: {} },
  cases: [
    {
      case: 'an item that is ordered on demand',
      records: [
        {
          id: '77',
          name: 'Copper tile',
          leadTimeDays: 45,
          status: 'special-order',
          modifiedAt: '2026-10-30T23:59:59.999Z',
        },
      ],
    },
    {
      case: 'an item in stock',
      records: [{ id: '78', name: 'Oak plank', status: 'active', modifiedAt: '2026-10-30T23:59:59.999Z' }],
    },
  ],
};

const EXPECTED = [
  {
    case: 'an item that is ordered on demand',
    kind: 'upserts',
    upserts: [
      {
        object: 'products',
        key: '77',
        properties: { erp_special_order_id: '77', name: 'Copper tile', erp_special_order_days: '45' },
      },
    ],
  },
  { case: 'an item in stock', kind: 'out of scope', rule: 'stocked' },
];

/** The repository without its history, tests and documents. */
function copyRepository(): string {
  const folder = temporaryFolder();
  for (const part of COPIED) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

type Outcome = Pick<Ended, 'code' | 'stdout' | 'stderr'>;

/** Runs a script of the copy in its folder. */
function node(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { PATH: process.env.PATH ?? '', HOME: folder, ...env } };
    const child = execFile(process.execPath, [...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

describe('three files', () => {
  let copy: string;
  let shop: Shop;

  const tool = (...args: string[]): Promise<Outcome> =>
    node(copy, [join(copy, 'bin', 'retail-sync.js'), ...args], shop.env);

  beforeAll(async () => {
    copy = copyRepository();
    writeFileSync(join(copy, 'jobs', 'special-orders.ts'), JOB);
    writeFileSync(join(copy, 'mappers', 'special-orders.ts'), MAPPER);
    writeFileSync(join(copy, 'fixtures', 'special-orders.json'), JSON.stringify(FIXTURE));
    writeFileSync(join(copy, 'fixtures', 'special-orders.expected.json'), `${JSON.stringify(EXPECTED, null, 2)}\n`);
    shop = await openShop({ isSetUp: false });
  });

  it('make setup show the properties of the new pipe, and create them', async () => {
    const shown = await tool('setup', '--apply');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('create property erp_special_order_id on products (string, unique)');
    expect(shown.stdout).toContain('create property erp_special_order_days on products (number)');
  });

  it('make sync write its records, and none of them twice', async () => {
    const wanted = (await shop.items()).filter(({ statusCode }) => statusCode === 'S');
    expect(wanted.length).toBeGreaterThan(3);
    const first = await tool('sync', 'special-orders', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({
      status: 'ok',
      pipe: 'special-orders',
      counts: { read: 250, written: wanted.length, excluded: { stocked: 250 - wanted.length } },
    });
    const written = shop.hubspot.store.all('products').map(({ properties }) => properties);
    const row = ({ itemNo, title, leadDays }: (typeof wanted)[number]) => ({
      erp_special_order_id: itemNo,
      name: title,
      erp_special_order_days: String(leadDays),
    });
    expect(written).toHaveLength(wanted.length);
    expect(written).toEqual(expect.arrayContaining(wanted.map((one) => expect.objectContaining(row(one)))));
    const { mark } = shop;
    const second = await tool('sync', 'special-orders', '--full', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ status: 'ok', counts: { written: 0, unchanged: wanted.length } });
    expect(shop.writes(mark)).toEqual([]);
  });

  it('are named where a pipe is asked for that does not exist, in the order of their hour', async () => {
    const { code, stderr } = await tool('sync', 'nonsense');
    expect(code).toBe(2);
    expect(stderr).toMatch(/products, special-orders, customers, .*quotes, all/);
  });

  it('are walked by the tests of all mappers and of the imports', async () => {
    const files = ['test/mappers.test.ts', 'test/imports.test.ts'];
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const { code, stdout } = await node(copy, [vitest, 'run', '--reporter=verbose', ...files], {
      CI: '1',
      NO_COLOR: '1',
    });
    expect(stdout).toMatch(/✓.*special-orders > makes of its fixture what a person has read/);
    expect(code).toBe(0);
  });

  it('are all that was added', () => {
    const added = ['jobs', 'mappers', 'fixtures', 'src'].flatMap((folder) => {
      const there = new Set(readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }));
      const files = readdirSync(join(copy, folder), { recursive: true, encoding: 'utf8' });
      return files.filter((file) => !there.has(file)).map((file) => `${folder}/${file}`);
    });
    expect(added.sort()).toEqual([
      'fixtures/special-orders.expected.json',
      'fixtures/special-orders.json',
      'jobs/special-orders.ts',
      'mappers/special-orders.ts',
    ]);
  });
});

describe('a job file that breaks the rules is refused with its path', () => {
  let copy: string;

  beforeAll(() => {
    copy = copyRepository();
  });

  /** What `sync` says with one more job file in the folder. */
  async function refusalOf(name: string, text: string): Promise<Outcome> {
    const path = join(copy, 'jobs', name);
    writeFileSync(path, text);
    try {
      return await node(copy, [join(copy, 'bin', 'retail-sync.js'), 'sync', 'products']);
    } finally {
      rmSync(path);
    }
  }

  const products = readFileSync(join(ROOT, 'jobs', 'products.ts'), 'utf8');

  it.each([
    [
      'whose pipe has another name than the file',
      'misnamed.ts',
      products,
      'its pipe is called products, its file misnamed',
    ],
    [
      'without a mapper of its name',
      'orphan.ts',
      products.replace("pipe: 'products'", "pipe: 'orphan'"),
      'mappers/orphan.ts is missing',
    ],
    ['that exports no job', 'empty.ts', 'export const nothing = true;\n', 'it has no default export that is a job'],
  ])('%s', async (_what, name, text, reason) => {
    const { code, stdout, stderr } = await refusalOf(name, text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(normalize(stderr)).toContain(join(copy, 'jobs', name));
    expect(stderr).toContain(reason);
  });
});
