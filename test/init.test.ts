/** `init`: the questions on a terminal, each answer tried on the vendors, and the file that comes of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { init } from '../src/commands/init.ts';
import { readDotenv } from '../src/config/dotenv.ts';
import { withValues, writeEnv, written } from '../src/init/env-file.ts';
import { pause, run, temporaryFolder, until } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN, openShop, SANDBOX_TOKEN, type Shop } from './cli-shop.ts';

const ENTER = '\r';
const DOWN = '\u001b[B';
const CTRL_C = '\u0003';

/** Answers by the question they are for, each used once and in turn. */
type Script = readonly (readonly [question: string, keys: string])[];

/** Runs `init` as on a terminal; returns what was on the screen. Variables of the shop's vendors are set already. */
async function sit(cwd: string, env: Readonly<Record<string, string>>, script: Script) {
  const input = new PassThrough();
  const output = new PassThrough();
  let screen = '';
  output.on('data', (chunk) => {
    screen += stripVTControlCharacters(String(chunk));
  });
  const silent = { write: () => undefined };
  const stop = new AbortController().signal;
  const invocation = { env, cwd, stdout: silent, stderr: silent, stop, trigger: 'test' };
  const ended = init(invocation, { input, output, isTerminal: true });
  let from = 0;
  for (const [question, keys] of script) {
    await until(`the question "${question}" after:\n${screen.slice(from)}`, () => screen.indexOf(question, from) >= 0);
    from = screen.indexOf(question, from) + question.length;
    for (const key of keys.split(/(?<=[^\p{Cc}])(?=\p{Cc})|(?<=\p{Cc}\[B)/u)) {
      input.write(key);
      await pause(20); // as a person: the prompt draws itself anew in between
    }
  }
  return { code: await ended, screen };
}

const addresses = ({ env }: Shop): Record<string, string> => ({
  HUBSPOT_BASE_URL: env.HUBSPOT_BASE_URL ?? '',
  ERP_STAGING_URL: env.ERP_STAGING_URL ?? '',
  ERP_PROFILE: 'sandbox',
});

describe.concurrent('init', () => {
  test('tries each answer, and writes what works for its owner alone', async () => {
    const shop = await openShop();
    const { code, screen } = await sit(shop.folder, addresses(shop), [
      ['Which HubSpot account', ENTER],
      ['HubSpot token', `pat-wrong${ENTER}`],
      ['It does not work yet', ENTER],
      ['HubSpot token', `${SANDBOX_TOKEN}${ENTER}`],
      ['It opens portal 1234567', ENTER],
      ['Connect the ERP', ENTER],
      ['Which ERP', ENTER],
      ['staging instance', ENTER],
      ['production instance', ENTER],
      ['let us in', ENTER],
      ['ERP token', `${ERP_SANDBOX_TOKEN}${ENTER}`],
      ['Connect Square', `n`],
      ['Write ', ENTER],
    ]);
    expect(code).toBe(0);
    expect(screen).toContain('does not accept the token (401)');
    expect(screen).toMatch(/✓ products: staging answers: of \d+ records/);
    for (const secret of [SANDBOX_TOKEN, ERP_SANDBOX_TOKEN, 'pat-wrong']) expect(screen).not.toContain(secret);
    const path = join(shop.folder, '.env');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readDotenv(shop.folder).values).toMatchObject({
      ...addresses(shop),
      ...{ RETAIL_SYNC_ENV: 'sandbox', HUBSPOT_TOKEN: SANDBOX_TOKEN, HUBSPOT_PORTAL_ID: '1234567' },
      ...{ ERP_PROFILE: 'sandbox', ERP_TOKEN: ERP_SANDBOX_TOKEN },
    });
    // The file alone is enough to work with.
    expect((await run(['sync', 'products', '--dry-run', '--limit', '20'], {}, shop.folder)).code).toBe(0);
  });

  test('keeps a .env that is there, its comments and foreign lines, and a copy of it', async () => {
    const shop = await openShop();
    const path = join(shop.folder, '.env');
    const before = `# ours\nMINE=1\nHUBSPOT_TOKEN=${SANDBOX_TOKEN}\nHUBSPOT_BASE_URL=${shop.env.HUBSPOT_BASE_URL}\n`;
    writeFileSync(path, before, { mode: 0o600 });
    const { code } = await sit(shop.folder, {}, [
      ['Which HubSpot account', `${DOWN}${ENTER}`],
      ['Enter keeps it', ENTER],
      ['It opens portal', ENTER],
      ['Connect the ERP', 'n'],
      ['Connect Square', 'n'],
      ['Write ', ENTER],
    ]);
    expect(code).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(`${before}RETAIL_SYNC_ENV=staging\nHUBSPOT_PORTAL_ID=1234567\n`);
    expect(readFileSync(`${path}.before-init`, 'utf8')).toBe(before);
    expect(statSync(`${path}.before-init`).mode & 0o777).toBe(0o600);
  });

  test('changes nothing when a person stops before the last answer', async () => {
    const shop = await openShop();
    const { code, screen } = await sit(shop.folder, addresses(shop), [
      ['Which HubSpot account', ENTER],
      ['HubSpot token', CTRL_C],
    ]);
    expect(code).toBe(2);
    expect(screen).toContain('nothing was changed');
    expect(existsSync(join(shop.folder, '.env'))).toBe(false);
  });

  test('asks for the look at the marketing setting only where contacts are billed', async () => {
    const shop = await openShop({ hubspot: { portal: { accountType: 'STANDARD' } } });
    const { screen } = await sit(shop.folder, addresses(shop), [
      ['Which HubSpot account', `${DOWN}${DOWN}${ENTER}`],
      ['HubSpot token', `${SANDBOX_TOKEN}${ENTER}`],
      ['It opens portal 1234567, a live account', ENTER],
      ['Have you seen today that it is off', 'y'],
      ['Connect the ERP', 'n'],
      ['Connect Square', 'n'],
      ['Write ', ENTER],
    ]);
    expect(screen).toContain('Marketing contacts');
    const today = new Date().toISOString().slice(0, 10);
    expect(readDotenv(shop.folder).values).toMatchObject({ MARKETING_TOGGLE_CONFIRMED_ON: today });
  });

  test('says what to do where nobody can be asked', async () => {
    const { code, stderr } = await run(['init']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/needs a terminal[\s\S]*\.env\.example/);
  });
});

describe('a value in .env', () => {
  test('reads back as it was given, whatever it holds, or is refused', () => {
    const folder = temporaryFolder();
    const path = join(folder, '.env');
    const value = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(' ', '#', '"', "'", '`', '\\', '$', '=', 'a', 'ä'), maxLength: 12 }),
    );
    fc.assert(
      fc.property(value, (raw) => {
        const text = raw.trim();
        if (written(text) === null) return;
        const values = new Map([['ERP_PASSWORD', text]]);
        writeEnv(path, withValues('# first\nERP_PASSWORD=old\nMINE=1\n', values), values);
        const { values: read } = readDotenv(folder);
        expect(read).toEqual({ ERP_PASSWORD: text, MINE: '1' });
      }),
      { numRuns: 300 },
    );
  });

  test('is left in no other file where the one that is meant cannot be replaced', () => {
    const folder = temporaryFolder();
    const path = join(folder, '.env');
    writeFileSync(path, 'ERP_TOKEN=canary\n');
    mkdirSync(`${path}.before-init`);
    expect(() => writeEnv(path, 'A=1\n', new Map([['A', '1']]))).toThrow(/EISDIR|EEXIST|ENOTEMPTY/);
    expect(readdirSync(folder).sort()).toEqual(['.env', '.env.before-init']);
    expect(readFileSync(path, 'utf8')).toBe('ERP_TOKEN=canary\n');
  });

  test('takes the place of every line that had one', () => {
    const text = withValues(
      'A=1\n\nB=2\nA=3\n',
      new Map([
        ['A', 'x y'],
        ['C', '4'],
        ['D', ''],
      ]),
    );
    expect(text).toBe("A='x y'\n\nB=2\nC=4\n");
  });
});
