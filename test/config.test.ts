import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { configShow } from '../src/commands/config.ts';
import { limitsOf } from '../src/config/limits.ts';
import { variableNames } from '../src/config/variables.ts';
import { type ConfigInput, describeConfig, loadConfig, type Need } from '../src/config.ts';
import { EXIT, FatalError } from '../src/errors.ts';
import { adapterOf } from '../src/sources/erp/adapter.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HUBSPOT = { HUBSPOT_TOKEN: 'pat-na1-secret-value', HUBSPOT_PORTAL_ID: '12345678' };
const SQUARE = { SQUARE_TOKEN: 'EAAAsecretvalue' };
const ERP = { ERP_PRODUCTION_URL: 'https://erp.example.com/api/', ERP_TOKEN: 'erp-secret-value' };
const ALL_NEEDS: readonly Need[] = ['hubspot', 'square', 'erp'];

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'retail-sync-config-'));
});

const load = (env: Record<string, string>, more: Partial<ConfigInput<never>> = {}) =>
  loadConfig({ env, cwd, now: NOW, needs: [], ...more });

/** The message of the FatalError that loading throws. */
function faultsOf(env: Record<string, string>, needs: readonly Need[] = []): string {
  try {
    loadConfig({ env, cwd, now: NOW, needs });
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    expect(error.exit).toBe(EXIT.usage);
    expect(error.hint).toContain('retail-sync demo');
    return error.message;
  }
  return 'no fault';
}

function dotenv(text: string, mode = 0o600): void {
  writeFileSync(join(cwd, '.env'), text);
  chmodSync(join(cwd, '.env'), mode);
}

describe('defaults', () => {
  test('are a sandbox with its state beside the working directory', () => {
    const config = load({});
    expect(config.environment).toBe('sandbox');
    expect(config.stateDir).toBe(join(cwd, 'var'));
    expect(config.logLevel).toBe('info');
    expect([config.hubspot, config.square, config.erp, config.alerts.mail]).toEqual([null, null, null, null]);
  });

  test('of each system are the vendors’ public addresses and 12 months of sales', () => {
    const config = loadConfig({ env: { ...HUBSPOT, ...SQUARE, ...ERP }, cwd, now: NOW, needs: ALL_NEEDS });
    expect(config.hubspot).toEqual({
      token: 'pat-na1-secret-value',
      portalId: '12345678',
      baseUrl: 'https://api.hubapi.com',
      apiVersion: '2026-03',
      quarantineMs: 300_000,
    });
    expect(config.square).toEqual({
      token: 'EAAAsecretvalue',
      locationIds: [],
      baseUrl: 'https://connect.squareup.com',
      backfillFrom: '2025-11-21',
    });
    expect(config.erp).toEqual({
      productionUrl: 'https://erp.example.com/api',
      stagingUrl: null,
      profile: 'sandbox',
      login: { kind: 'token', token: 'erp-secret-value' },
      database: null,
    });
  });

  test('of the backfill survive a leap day', () => {
    const config = loadConfig({ env: SQUARE, cwd, now: new Date('2028-02-29T12:00:00Z'), needs: ['square'] });
    expect(config.square.backfillFrom).toBe('2027-02-28');
  });
});

describe('order', () => {
  test('is flag over environment over .env', () => {
    dotenv('LOG_LEVEL=warn\nRETAIL_SYNC_ENV=staging\nHUBSPOT_PORTAL_ID=1\n');
    const config = load(
      { LOG_LEVEL: 'error', RETAIL_SYNC_ENV: 'sandbox' },
      { flags: { RETAIL_SYNC_ENV: 'production' } },
    );
    const origins = Object.fromEntries(
      describeConfig(config).map(({ name, value, origin }) => [name, [value, origin]]),
    );
    expect(origins).toMatchObject({
      RETAIL_SYNC_ENV: ['production', 'flag'],
      LOG_LEVEL: ['error', 'environment'],
      HUBSPOT_PORTAL_ID: ['1', '.env'],
      HUBSPOT_API_VERSION: ['2026-03', 'default'],
    });
  });

  test('lets an empty variable of the environment restore the default', () => {
    dotenv('SQUARE_TOKEN=EAAAsecretvalue\nSQUARE_LOCATION_IDS=L1, L2\n');
    expect(load({}).square?.locationIds).toEqual(['L1', 'L2']);
    expect(load({ SQUARE_LOCATION_IDS: '' }).square?.locationIds).toEqual([]);
  });
});

describe('the addresses of the ERP', () => {
  const LOGIN = { ERP_PROFILE: 'mine.yaml', ERP_TOKEN: 'erp-secret-value' };
  const profile = (text: string): void => {
    const shipped = readFileSync(join(import.meta.dirname, '../src/sources/erp/profiles/sandbox.yaml'), 'utf8');
    writeFileSync(join(cwd, 'mine.yaml'), `${shipped}\n${text}\n`);
  };
  const BOTH = 'baseUrls: { production: "https://erp.example.com/api/", staging: "https://test.example.com" }';
  const urlsOf = (env: Record<string, string>): (string | null | undefined)[] => {
    const { erp } = load({ ...LOGIN, ...env });
    return [erp?.productionUrl, erp?.stagingUrl];
  };

  test('are those of the profile where neither variable is set, and config show says so', () => {
    profile(BOTH);
    expect(urlsOf({ ERP_PRODUCTION_URL: '' })).toEqual(['https://erp.example.com/api', 'https://test.example.com']);
    const shown = configShow({ env: LOGIN, cwd, json: false });
    expect(shown).toMatch(/^ERP_PRODUCTION_URL +profile +https:\/\/erp\.example\.com\/api$/m);
    expect(shown).toMatch(/^ERP_STAGING_URL +profile +https:\/\/test\.example\.com$/m);
  });

  test('are those of the variables as soon as one is set: the profile adds no instance to it', () => {
    profile(BOTH);
    expect(urlsOf({ ERP_PRODUCTION_URL: 'https://own.example.com' })).toEqual(['https://own.example.com', null]);
    dotenv('ERP_STAGING_URL=https://own.example.com\n');
    expect(urlsOf({})).toEqual([null, 'https://own.example.com']);
  });

  test('may be one in the profile; without any, the fault names all three places', () => {
    profile('baseUrls: { staging: "https://test.example.com" }');
    expect(urlsOf({})).toEqual([null, 'https://test.example.com']);
    profile('');
    expect(faultsOf(LOGIN, ['erp'])).toContain(
      "ERP_PRODUCTION_URL is missing: give the ERP's address here, in ERP_STAGING_URL, or as baseUrls in the profile",
    );
  });

  test('of a faulty profile stop only what reads the ERP, and the fault names the line', () => {
    profile('baseUrls: { production: "https://me:secret@erp.example.com" }');
    expect(load(LOGIN).erp).toBeNull();
    expect(() => loadConfig({ env: LOGIN, cwd, needs: ['erp'] })).toThrow(/mine\.yaml:\d+:\d+ baseUrls\.production/);
    expect(() => loadConfig({ env: LOGIN, cwd, needs: ['erp'] })).not.toThrow(/secret/);
  });

  test('of an adapter in code are named in its settings, and do not change what a record becomes', () => {
    const settings = (text: string): string => {
      const shipped = readFileSync(join(import.meta.dirname, '../src/sources/erp/profiles/tryton.yaml'), 'utf8');
      writeFileSync(join(cwd, 'mine.yaml'), `${shipped}\n${text}\n`);
      const env = { ERP_PROFILE: 'mine.yaml', ERP_USER: 'reader', ERP_PASSWORD: 'p', ERP_DATABASE: 'retail' };
      const { erp } = loadConfig({ env, cwd, needs: ['erp'] });
      const access = { ...erp, baseUrl: erp.productionUrl ?? '' };
      const options = { clock: { now: () => 0, sleep: () => Promise.resolve() }, random: () => 0 };
      return `${access.baseUrl} ${adapterOf(erp.profile).source('products', access, options).version}`;
    };
    const first = settings('baseUrls: { production: "https://erp.example.com" }');
    const moved = settings('baseUrls: { production: "https://new.example.com" }\nlimits: { pageSize: 50 }');
    expect(first).toMatch(/^https:\/\/erp\.example\.com /);
    expect(moved).toBe(first.replace('erp.example', 'new.example'));
  });
});

describe('secrets', () => {
  test('may lie in a file, whose line break does not count', () => {
    writeFileSync(join(cwd, 'token'), 'erp-from-file\n');
    const config = loadConfig({
      env: { ERP_STAGING_URL: 'https://erp.example.com', ERP_TOKEN_FILE: 'token' },
      cwd,
      needs: ['erp'],
    });
    expect(config.erp.login).toEqual({ kind: 'token', token: 'erp-from-file' });
    expect(config.secrets).toEqual(['erp-from-file']);
    expect(describeConfig(config).find(({ name }) => name === 'ERP_TOKEN')?.origin).toBe('file');
  });

  test('given directly and as a file are refused', () => {
    writeFileSync(join(cwd, 'token'), 'a');
    const message = faultsOf({ HUBSPOT_TOKEN: 'pat-1', HUBSPOT_TOKEN_FILE: join(cwd, 'token') });
    expect(message).toContain('HUBSPOT_TOKEN is given twice, also as HUBSPOT_TOKEN_FILE');
  });

  test.each([
    ['that does not exist', () => {}, 'cannot be read'],
    ['that is empty', (path: string) => writeFileSync(path, ' \n'), 'names an empty file'],
    ['that is a folder', (path: string) => mkdirSync(path), 'does not name a small text file'],
  ])('from a file %s are refused, and not called missing as well', (_, make, wrong) => {
    make(join(cwd, 'secret-path'));
    const message = faultsOf({ SQUARE_TOKEN_FILE: join(cwd, 'secret-path') }, ['square']);
    expect(message).toContain(`SQUARE_TOKEN_FILE`);
    expect(message).toContain(wrong);
    expect(message).not.toContain('SQUARE_TOKEN is missing');
    expect(message).not.toContain('secret-path');
  });

  test('are shown as four digits of their hash', () => {
    const shown = configShow({ env: { ...HUBSPOT, ...SQUARE, ...ERP }, cwd, json: false });
    expect(shown).toMatch(/HUBSPOT_TOKEN +environment +set \(sha256:[0-9a-f]{4}\)\n/);
    expect(shown).not.toContain('secret');
  });

  test('never stand in a fault, even a malformed one or one pasted into the wrong variable', () => {
    const canary = 'canary-4711';
    const env = Object.fromEntries(variableNames.map((name) => [name, `\u0001 ${canary} ://${canary}@`]));
    const message = faultsOf(env, ALL_NEEDS);
    expect(message.split('\n').length).toBeGreaterThan(20);
    expect(message).not.toContain(canary);
  });

  test('of the log’s scrubber are all of them', () => {
    const mail = { ALERT_SMTP_URL: 'smtps://u:p@mail.example.com:465', ALERT_EMAIL_TO: 'ops@example.com' };
    const config = load({ ...HUBSPOT, ...mail, HEALTHCHECK_URL: 'https://hc.example.com/abc' });
    expect([...config.secrets].sort()).toEqual([
      'https://hc.example.com/abc',
      'pat-na1-secret-value',
      'smtps://u:p@mail.example.com:465',
    ]);
    expect(config.alerts.mail).toEqual({ smtpUrl: 'smtps://u:p@mail.example.com:465', to: ['ops@example.com'] });
  });
});

describe('.env', () => {
  test.each([0o640, 0o604, 0o620, 0o644])('with mode %o is refused with the cure', (mode) => {
    dotenv('LOG_LEVEL=warn', mode);
    expect(faultsOf({})).toContain('.env can be read or written by other users: chmod 600 .env');
  });

  test('that is a folder is refused', () => {
    mkdirSync(join(cwd, '.env'), { mode: 0o700 });
    expect(faultsOf({})).toContain('.env is not a regular file');
  });

  test('with an unknown name of ours is refused with the nearest known one', () => {
    dotenv('HUBSPOT_TOKN=pat-1\nSQUARE_LOCATIONS=L1\nHUBSOT_TOKEN=pat-2\n');
    const message = faultsOf({});
    expect(message).toContain('HUBSPOT_TOKN is not a variable of retail-sync: did you mean HUBSPOT_TOKEN?');
    expect(message).toContain('SQUARE_LOCATIONS is not a variable of retail-sync: did you mean SQUARE_LOCATION_IDS?');
    expect(message).toContain('HUBSOT_TOKEN is not a variable of retail-sync: did you mean HUBSPOT_TOKEN?');
    expect(message).not.toContain('pat-');
  });

  test('may hold other programs’ variables and the _FILE form of secrets', () => {
    writeFileSync(join(cwd, 'token'), 'pat-1');
    dotenv(`PATH_TO_SOMETHING=1\nTZ=UTC\nHUBSPOT_TOKEN_FILE=token\nHUBSPOT_PORTAL_ID=1\n`);
    expect(load({}).hubspot?.token).toBe('pat-1');
  });
});

describe('faults', () => {
  test('are told all at once', () => {
    const message = faultsOf({ RETAIL_SYNC_ENV: 'prod', LOG_LEVEL: 'loud', HUBSPOT_PORTAL_ID: 'x' }, ALL_NEEDS);
    expect(message).toMatch(/^The configuration has 7 faults:/);
    for (const name of ['RETAIL_SYNC_ENV', 'LOG_LEVEL', 'HUBSPOT_PORTAL_ID', 'HUBSPOT_TOKEN', 'SQUARE_TOKEN'])
      expect(message).toContain(`\n  ${name} `);
    expect(message).toContain('\n  ERP_PRODUCTION_URL is missing');
    expect(message).toContain('\n  ERP_TOKEN is missing');
  });

  test.each([
    ['http://api.example.com', 'is plain http to another machine'],
    ['http://127.0.0.1.example.com', 'is plain http to another machine'],
    ['http://10.0.0.8:8080', 'is plain http to another machine'],
    ['ftp://api.example.com', 'is not an http(s) URL'],
    ['file:///etc/passwd', 'is not an http(s) URL'],
    ['https://user:word@api.example.com', 'carries credentials'],
    ['https://api.example.com/?a=1', 'has a query'],
    ['api.example.com', 'is not a URL'],
  ])('refuse the base URL %s', (url, wrong) => {
    for (const name of ['HUBSPOT_BASE_URL', 'SQUARE_BASE_URL', 'ERP_PRODUCTION_URL', 'ERP_STAGING_URL'])
      expect(faultsOf({ [name]: url })).toContain(`${name} ${wrong}`);
  });

  test.each([
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['http://127.9.9.9:1/x//', 'http://127.9.9.9:1/x'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['http://localhost:8080/erp/', 'http://localhost:8080/erp'],
    ['https://API.example.com', 'https://api.example.com'],
  ])('let the base URL %s pass as %s', (url, normal) => {
    expect(load({ ...HUBSPOT, HUBSPOT_BASE_URL: url }).hubspot?.baseUrl).toBe(normal);
  });

  test.each([
    ['SQUARE_BACKFILL_FROM', '2026-02-30', 'is not a day'],
    ['SQUARE_BACKFILL_FROM', '01.02.2026', 'is not a day'],
    ['SQUARE_BACKFILL_FROM', '2027-01-01', 'lies in the future'],
    ['MARKETING_TOGGLE_CONFIRMED_ON', 'yes', 'is not a day'],
    ['HUBSPOT_QUARANTINE_MS', '5m', 'is not a whole number'],
    ['HUBSPOT_QUARANTINE_MS', '-1', 'is not a whole number'],
    ['HUBSPOT_QUARANTINE_MS', '3600001', 'is not a whole number'],
    ['HUBSPOT_API_VERSION', 'v4', 'is not one of v3, 2026-03, 2026-09'],
    ['HUBSPOT_TOKEN', 'pat-1\r\nx-evil: 1', 'contains spaces or characters that no header can carry'],
    ['RETAIL_SYNC_STATE_DIR', '~/state', 'is not a usable path: only a shell expands ~'],
    ['ALERT_SMTP_URL', 'https://mail.example.com', 'is not a URL as smtps://'],
    ['ALERT_EMAIL_TO', 'ops@example.com, boss', 'is not a list of e-mail addresses'],
    ['ALERT_SLACK_WEBHOOK_URL', 'http://hooks.example.com/x', 'is plain http to another machine'],
    ['ERP_PROFILE', '../secret', 'is neither a profile name'],
    ['BREAKER_CREATES', '50', 'is not a limit such as 50/5%'],
    ['BREAKER_CREATES', '50/101%', 'is not a limit such as 50/5%'],
    ['BREAKER_CHANGES', '50/30%,10/2%', 'says twice what holds for all pipes'],
    ['BREAKER_GONE', '10/2%,orders=5/1%', 'names no pipe before =; there are customers, pos-orders'],
    ['BREAKER_EMPTIED', 'quotes=many', 'says for a pipe what is not a limit'],
    ['BREAKER_CREATES', 'quotes=1/1%,quotes=2/2%', 'says twice what holds for quotes'],
    ['DEAD_LETTERS_MAX', '9,quotes=1,quotes=1', 'says twice what holds for quotes'],
    ['DEAD_LETTERS_MAX', '1e3', 'is not a whole number'],
    ['PROBE_POLICY', 'unknown-code=stop,unknown-code=warn', 'says twice what unknown-code does'],
    ['ERP_CUTOVER_MIN_SHARE', '0.12345', 'is not a number from 0 to 1 with up to four decimals, such as 0.9'],
    ['ERP_CUTOVER_MIN_SHARE', '1.1', 'is not a number from 0 to 1 with up to four decimals, such as 0.9'],
    ['ERP_CUTOVER_HOURS_APART', '721', 'is not a number from 0 to 720 with up to four decimals, such as 12'],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0', 'is 0'],
  ])('name %s when it is %j', (name, value, wrong) => {
    expect(faultsOf({ [name]: value })).toContain(`${name} ${wrong}`);
  });

  test('name the missing half of a login, and a login that is given twice', () => {
    expect(faultsOf({ ...ERP, ERP_TOKEN: '', ERP_USER: 'sync' }, ['erp'])).toContain('ERP_PASSWORD is missing beside');
    expect(faultsOf({ ...ERP, ERP_USER: 'sync', ERP_PASSWORD: 'x' })).toContain('ERP_TOKEN is given beside ERP_USER');
    expect(faultsOf({ ALERT_SMTP_URL: 'smtps://mail.example.com' })).toContain('ALERT_EMAIL_TO is missing beside');
  });
});

describe('limits', () => {
  test('hold for every pipe, and for one that is named another', () => {
    const { limits } = load({ BREAKER_CREATES: '60 / 2.5%, quotes=200/10%', DEAD_LETTERS_MAX: 'customers=300' });
    expect(limitsOf(limits, 'products')).toMatchObject({
      breakers: { creates: { atLeast: 60, share: 0.025 }, gone: { atLeast: 10, share: 0.02 } },
      deadLettersMax: 100,
    });
    expect(limitsOf(limits, 'quotes').breakers.creates).toEqual({ atLeast: 200, share: 0.1 });
    expect(limitsOf(limits, 'customers').deadLettersMax).toBe(300);
  });

  test('are shown as they are written', () => {
    const shown = describeConfig(load({ BREAKER_CREATES: 'quotes=200/10%' }));
    const values = Object.fromEntries(shown.map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({ BREAKER_CREATES: '50/5%,quotes=200/10%', BREAKER_CHANGES: '50/30%' });
    expect(values).toMatchObject({ DEAD_LETTERS_MAX: '100' });
  });
});

describe('the ERP', () => {
  test('may be a staging instance that logs in with a password and a profile from a file', () => {
    const env = {
      ERP_STAGING_URL: 'https://erp.example.com',
      ERP_USER: 'sync',
      ERP_PASSWORD: 'with spaces ü',
      ERP_DATABASE: 'shop',
      ERP_PROFILE: 'profiles/acme.yaml',
    };
    expect(loadConfig({ env, cwd, needs: ['erp'] }).erp).toEqual({
      productionUrl: null,
      stagingUrl: 'https://erp.example.com',
      profile: join(cwd, 'profiles/acme.yaml'),
      login: { kind: 'password', user: 'sync', password: 'with spaces ü' },
      database: 'shop',
    });
  });
});

describe('config show --json', () => {
  test('is one document with a version, and holds no secret', () => {
    const text = configShow({ env: { ...HUBSPOT, ...SQUARE }, cwd, json: true });
    const document = JSON.parse(text);
    expect(document).toMatchObject({
      schemaVersion: 1,
      status: 'ok',
      counts: { settings: variableNames.length, set: 3 },
    });
    expect(document.settings).toHaveLength(variableNames.length);
    expect(text).not.toContain('secret');
  });
});
