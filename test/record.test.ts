/** Fixtures from life: recorded from a sandbox over real HTTP, mapped as the mappers' own, with nobody's data in them. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { type ProbeFlags, probe } from '../src/commands/probe.ts';
import { FatalError } from '../src/errors.ts';
import type { Source } from '../src/pipe.ts';
import { documentOf } from '../src/report/documents.ts';
import { startErp } from '../src/sandbox/erp/server.ts';
import { type SquareSandbox, startSquare } from '../src/sandbox/square/server.ts';
import { type ErpWorld, generateErp, WALK_IN_MARKS } from '../src/sandbox/world.ts';
import { adapterOf } from '../src/sources/erp/adapter.ts';
import { squareSource } from '../src/sources/square.ts';
import { closeLater, temporaryFolder } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN } from './cli-shop.ts';
import { answerOf, expectedTextOf, recordedIn, upsertsOf } from './fixtures.ts';

/** Each is somewhere in the data of every business account, or of every quote. */
const CANARIES = [
  ...['Zanzibrax', 'Quillonius', 'Bro\u0308msebroo', 'Wunderlich Lane', 'Xanadupolis', '60699-1234', '2125559876'],
  ...['zanzibrax-works', 'Grzegorz', 'jacuzzi', 'burnerphone'],
];

/** Fields whose texts are somebody's, by their own names. */
const SOMEBODYS =
  /^(name|description|phone|mobile|website|street|city|zip|firstName|lastName|email|role|customerName|jobName|ticketName|sourceName|customerEmailSha256)$/;

function somebodysIn(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return SOMEBODYS.test(name) && value.trim().length >= 4 ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => somebodysIn(item, name));
  return Object.entries(Object(value)).flatMap(([field, inner]) => somebodysIn(inner, field));
}

/** A world with people in it whose names nobody else has, and an account number made of one. */
function plantedWorld(): ErpWorld {
  const world = generateErp({ seed: 3, asOfMs: Date.now(), items: 250, accounts: 300, quotes: 250 });
  const { accounts, quotes } = world;
  const person = { first: 'Quillonius', last: 'Bro\u0308msebroo', mail: 'Quillonius.B@Zanzibrax-Works.com' };
  return {
    ...world,
    accounts: {
      ...accounts,
      row: (index) => {
        const row = accounts.row(index);
        if (!accounts.isBusiness(index)) return row;
        return {
          ...row,
          accountNo: `QUILLONIUS${index}`,
          companyName: 'Zanzibrax & Sons',
          web: 'https://www.zanzibrax-works.com/about',
          phone: '(212) 555-9876',
          addr: { ...row.addr, line1: '7733 Wunderlich Lane', city: 'Xanadupolis', zip: '60699-1234' },
          people: row.people.map((one) => ({ ...one, ...person, tel: '+1 212 555 9876', ext: '7733' })),
          remarks: 'Call the burnerphone of Quillonius',
        };
      },
    },
    quotes: {
      ...quotes,
      row: (index) => ({
        ...quotes.row(index),
        accountName: 'Zanzibrax & Sons',
        job: 'Grzegorz: jacuzzi, ring +1 (212) 555-9876',
      }),
    },
  };
}

const environment = { env: {} as Record<string, string>, folder: '' };
let sources: Readonly<Record<string, Source>> = {};
let square: SquareSandbox;

beforeAll(async () => {
  const erp = await startErp({ world: plantedWorld(), seed: 3, timeScale: 0 });
  square = await startSquare({ seed: 7, orders: 300, people: [] });
  closeLater(() => erp.close());
  closeLater(() => square.close());
  const folder = temporaryFolder();
  environment.folder = folder;
  environment.env = {
    RETAIL_SYNC_STATE_DIR: `${folder}/state`,
    XDG_STATE_HOME: `${folder}/locks`,
    ERP_PROFILE: 'sandbox',
    ERP_STAGING_URL: erp.stagingUrl,
    ERP_TOKEN: ERP_SANDBOX_TOKEN,
    SQUARE_BASE_URL: square.url,
    SQUARE_TOKEN: square.token,
    // Fewer windows to read: a year has thirteen.
    SQUARE_BACKFILL_FROM: new Date(Date.now() - 60 * 86_400_000).toISOString().slice(0, 10),
  };
  const adapter = adapterOf('sandbox');
  const login = { kind: 'token' as const, token: ERP_SANDBOX_TOKEN };
  const access = { profile: 'sandbox', baseUrl: erp.stagingUrl, login, database: null };
  const erpOf = (name: 'products' | 'customers' | 'quotes') =>
    adapter.source(name, access, { clock: systemClock, random: Math.random });
  sources = {
    ...{ products: erpOf('products'), customers: erpOf('customers'), quotes: erpOf('quotes') },
    'pos-orders': squareSource({ token: square.token, baseUrl: square.url }),
  };
});

async function look(system: string, resource: string | null, flags: Partial<ProbeFlags>) {
  const parts: string[] = [];
  const { env, folder: cwd } = environment;
  const exit = await probe(
    system,
    resource,
    { sample: 100, json: true, ...flags },
    {
      ...{ env, cwd, stderr: { write: () => undefined }, trigger: 'test' },
      stdout: { write: (part: string) => parts.push(part) },
      stop: new AbortController().signal,
    },
  );
  return { exit, text: parts.join('') };
}

const contentsOf = (folder: string): { name: string; text: string }[] =>
  readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

const refusalOf = (work: Promise<unknown>): Promise<FatalError | null> =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof FatalError ? error : Promise.reject(error)),
  );

describe.each([
  ['erp', 'products', 'products'],
  ['erp', 'customers', 'customers'],
  ['erp', 'quotes', 'quotes'],
  ['square', 'orders', 'pos-orders'],
])('what is recorded of %s %s', (system, resource, pipe) => {
  const recorded = { folder: '', document: {} as unknown };
  beforeAll(async () => {
    recorded.folder = join(environment.folder, 'recorded', pipe);
    const { exit, text } = await look(system, resource, { record: recorded.folder, limit: 12 });
    recorded.document = JSON.parse(text);
    expect(exit).toBe(0);
  });

  test('is read by the tests of the mappers, with the expected file beside it, one case each', () => {
    const fixtures = recordedIn(recorded.folder);
    expect(fixtures.length).toBeGreaterThan(3);
    for (const { name, mapping, fixture } of fixtures) {
      expect(readFileSync(join(recorded.folder, `${name}.expected.json`), 'utf8')).toBe(
        expectedTextOf(mapping, fixture),
      );
      expect(fixture.cases).toHaveLength(1);
    }
    expect(readdirSync(recorded.folder)).toHaveLength(fixtures.length * 2 + 2);
  });

  test('means to the mapper what the record means that the source has under this id', async () => {
    const source = sources[pipe];
    for (const { name, mapping, fixture } of recordedIn(recorded.folder)) {
      const [one] = fixture.cases;
      if (one === undefined || source === undefined) throw new Error(name);
      const ids = one.records.map(({ id }) => String(id));
      const raw = await source.get(ids, new AbortController().signal);
      const records = ids.map((id) => ({ ...Object(source.canonical(raw.find((found) => found.id === id)?.raw)) }));
      const as = (answer: ReturnType<typeof answerOf>): unknown => ({
        kind: answer.kind,
        rule: 'rule' in answer ? answer.rule : null,
        issues: 'issues' in answer ? answer.issues.map(({ path }) => path) : null,
        upserts: upsertsOf(answer).map(({ object, properties, links }) => [
          ...[object, links?.length],
          ...Object.entries(properties).map(([property, value]) => {
            const spec = mapping.properties.find((found) => found.object === object && found.name === property);
            const isTold = spec?.type !== 'string' && spec?.refersTo !== 'owner';
            return [property, isTold ? value : value === ''];
          }),
        ]),
      });
      const text = JSON.stringify([fixture, answerOf(mapping, one, fixture)]);
      expect(somebodysIn(records).filter((value) => text.includes(JSON.stringify(value)))).toEqual([]);
      // What joins is the same row in both: it is the mapper's other input.
      expect(as(answerOf(mapping, one, fixture)), name).toEqual(as(answerOf(mapping, { ...one, records }, fixture)));
    }
  });

  test('holds nothing of anybody, in no file', () => {
    for (const { name, text } of contentsOf(recorded.folder)) {
      const plain = text.normalize('NFC').toLowerCase();
      const marks = [...CANARIES, ...WALK_IN_MARKS].map((mark) => mark.normalize('NFC').toLowerCase());
      expect([name, ...marks.filter((mark) => plain.includes(mark))]).toEqual([name]);
      expect(text.replace(/[ ().-]/g, '')).not.toContain('2125559876');
    }
  });

  test('is for its owner alone, and says of each fixture why it is there', () => {
    expect(statSync(recorded.folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(recorded.folder))
      expect(statSync(join(recorded.folder, name)).mode & 0o777).toBe(0o600);
    const index = JSON.parse(readFileSync(join(recorded.folder, 'index.json'), 'utf8'));
    const names = recordedIn(recorded.folder).map(({ name }) => `${name}.json`);
    expect(index.fixtures.map(({ file }: { file: string }) => file).sort()).toEqual(names.sort());
    for (const { chosenFor } of index.fixtures) expect(chosenFor.length).toBeGreaterThan(0);
    expect(documentOf(['probe']).parse(recorded.document)).toMatchObject({
      status: 'ok',
      probes: [{ recording: { pipe, fixtures: index.fixtures, leftOut: [] } }],
    });
    const readme = readFileSync(join(recorded.folder, 'README.md'), 'utf8');
    for (const name of names) expect(readme).toContain(`\`${name}\``);
  });
});

describe('a recording', () => {
  const of = (pipe: string) => recordedIn(join(environment.folder, 'recorded', pipe));
  const answers = (pipe: string) =>
    of(pipe).flatMap(({ mapping, fixture }) => fixture.cases.map((one) => answerOf(mapping, one, fixture)));

  test('shows each outcome that the sample has', () => {
    const kinds = (pipe: string): string[] =>
      answers(pipe).map((answer) => ('rule' in answer ? `${answer.kind} ${answer.rule}` : answer.kind));
    expect(kinds('products')).toEqual(expect.arrayContaining(['upserts', 'excluded inactive-product', 'invalid']));
    expect(kinds('customers')).toEqual(expect.arrayContaining(['upserts', 'out of scope retail']));
    expect(kinds('quotes')).toEqual(expect.arrayContaining(['upserts', 'out of scope retail']));
    expect(kinds('pos-orders')).toEqual(expect.arrayContaining(['upserts', 'excluded open-order']));
  });

  test('keeps what joins: people in the domain of their company, one telephone for both, quotes with their customer', () => {
    const companies = answers('customers').flatMap((answer) => {
      const [company, ...people] = upsertsOf(answer);
      return company === undefined ? [] : people.map((one) => ({ company: company.properties, one: one.properties }));
    });
    expect(companies.length).toBeGreaterThan(0);
    for (const { company, one } of companies) {
      if (one.email) expect(one.email.split('@')[1]).toBe(company.domain);
      expect(one.phone?.replace(/\D/g, '').slice(-10)).toBe(company.phone?.replace(/\D/g, ''));
      expect(one.erp_account_number).toBe(company.erp_account_number);
    }
    const quotes = of('quotes').flatMap(({ fixture }) => fixture.cases);
    const joined = quotes.flatMap(({ records, joined: rows = [] }) =>
      rows.map(({ customer }, at) => ({ id: records[at]?.customerId, customer })),
    );
    const found = joined.filter(({ customer }) => customer?.kind === 'record');
    expect(found.length).toBeGreaterThan(0);
    for (const { id, customer } of found) expect(customer).toMatchObject({ record: { id } });
  });

  test('writes of somebody who stays in the ERP no more than a rule reads', () => {
    const outside = of('customers').flatMap(({ mapping, fixture }) =>
      fixture.cases.filter((one) => answerOf(mapping, one, fixture).kind === 'out of scope'),
    );
    expect(outside.length).toBeGreaterThan(0);
    const names = new Set(
      outside.flatMap(({ records }) =>
        records
          .flatMap((record) => Object.entries(record))
          .filter(([, value]) => value !== null)
          .map(([name]) => name),
      ),
    );
    expect([...names].sort()).toEqual(['id', 'modifiedAt', 'status', 'type']);
  });

  test('goes into a new folder only; --force replaces an earlier recording, and nothing else', async () => {
    const folder = join(environment.folder, 'recorded', 'products');
    const first = readdirSync(folder);
    const again = { record: folder, limit: 2 };
    const calls = square.requests?.length;
    expect(await refusalOf(look('erp', 'products', again))).toMatchObject({
      exit: 2,
      hint: expect.stringContaining('--force'),
    });
    expect(readdirSync(folder)).toEqual(first);
    await look('erp', 'products', { ...again, force: true });
    expect(readdirSync(folder)).toHaveLength(2 * 2 + 2);
    expect(readdirSync(join(folder, '..')).filter((name) => name.startsWith('.'))).toEqual([]);
    writeFileSync(join(folder, 'thesis.txt'), 'mine');
    expect(await refusalOf(look('erp', 'products', { ...again, force: true }))).toMatchObject({
      exit: 2,
      message: expect.stringContaining('thesis.txt'),
    });
    expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('mine');
    expect(square.requests?.length).toBe(calls);
  });

  test.each<[string, string, string | null, Partial<ProbeFlags>, RegExp]>([
    ['the folder it is run from', 'erp', 'products', { record: '.' }, /the folder you are in/],
    ['a folder above', 'erp', 'products', { record: '..', force: true }, /the folder you are in, or one above/],
    ['a system as a whole', 'erp', null, { record: 'new' }, /of one resource/],
    ['--limit alone', 'erp', 'products', { limit: 3 }, /--limit goes with --record/],
    ['--force alone', 'erp', 'products', { force: true }, /--force goes with --record/],
    ['what no mapper reads', 'square', 'locations', { record: 'new' }, /no mapper reads square locations/],
  ])('is refused for %s', async (_, system, resource, flags, message) => {
    expect(await refusalOf(look(system, resource, flags))).toMatchObject({
      exit: 2,
      message: expect.stringMatching(message),
    });
    expect(existsSync(join(environment.folder, 'new'))).toBe(false);
  });
});
