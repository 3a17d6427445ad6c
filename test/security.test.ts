/** The security checklist: what SECURITY.md says is held is shown by a test that there is, and the source keeps to it. */
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { SECRETS } from '../src/config/variables.ts';
import { loadConfig } from '../src/config.ts';
import { programFindings } from '../src/doctor/program.ts';
import { run } from './cli-harness.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const sources = globSync('{src,bin,jobs,mappers,probes}/**/*.{ts,js}', { cwd: ROOT }).map((path) => ({
  ...{ path, text: read(path).replaceAll(/^\s*(\/\/|\*|\/\*\*).*$/gm, '') },
}));
const naming = (pattern: RegExp): string[] => sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('SECURITY.md', () => {
  const rows = read('SECURITY.md')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line));

  test('has a row for each point of the list, held by a test, a check of doctor, or a reason why not', () => {
    expect(rows.map((row) => Number(/^\| (\d+)/.exec(row)?.[1]))).toEqual(
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
    const bare = rows.filter((row) => !/\.test\.ts` "|`doctor` "|no such part: |not held: /.test(row));
    expect(bare).toEqual([]);
  });

  test('names only tests and checks that there are', () => {
    const named = rows.flatMap((row) => [...row.matchAll(/`([\w-]+\.test\.ts)` "([^"]+)"/g)]);
    const lost = named.flatMap(([, file = '', title = '']) => {
      const isThere =
        existsSync(join(ROOT, 'test', file)) && read(`test/${file}`).replaceAll("\\'", "'").includes(title);
      return isThere ? [] : [`${file}: ${title}`];
    });
    expect(named.length).toBeGreaterThan(30);
    expect(lost).toEqual([]);
    const doctor = sources
      .filter(({ path }) => path.startsWith('src/doctor/'))
      .map(({ text }) => text)
      .join();
    const checks = rows.flatMap((row) => [...row.matchAll(/`doctor` "([^"]+)"/g)]).map(([, name = '']) => name);
    expect(checks.length).toBeGreaterThan(5);
    expect(checks.filter((name) => !doctor.includes(`'${name}'`))).toEqual([]);
  });
});

/** Parts of statements that are not constants by their name, and are all the same: looked at one by one. */
const CONSTANT = [
  "src/state/history.ts: number('rateLimited')",
  'src/state/letter-watch.ts: failed',
  'src/state/letter-watch.ts: collected',
  'src/state/repair.ts: table',
  'src/state/retention.ts: DOOMED[kind]',
  'src/state/retention.ts: doomed',
  'src/state/retention.ts: text',
  'src/state/staging.ts: from',
];

describe('the source', () => {
  test('starts no shell with a text, and evaluates none', () => {
    expect(naming(/(?<!\.)\b(exec|execSync)\(['"`]|shell: true|\beval\(|new Function\(/)).toEqual([]);
    expect(naming(/from 'node:child_process'/).length).toBeGreaterThan(0);
  });

  test('puts no value into SQL: texts of statements are put together of constants only', () => {
    const dynamic = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\.(?:prepare|exec)(?:<[^(]*>)?\(\s*`[^`]*\$\{([^}]+)\}/g)].map(
        ([, inner = '']) => `${path}: ${inner}`,
      ),
    );
    const strange = dynamic.filter((one) => !/: [A-Z_]+$|: version \+ 1$/.test(one) && !CONSTANT.includes(one));
    expect(strange).toEqual([]);
  });

  test('loads no extension into the database, and writes no heap or report', () => {
    expect(naming(/loadExtension|writeHeapSnapshot|process\.report|inspector/)).toEqual([]);
  });

  test('has no way to delete an object of HubSpot: an archive is what a person can undo', () => {
    const sink = sources.filter(({ path }) => path.startsWith('src/sinks/hubspot/'));
    expect(sink.filter(({ text }) => /gdpr-delete|permanently/i.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test('makes files for this user alone before anything else', () => {
    expect(read('src/cli.ts').indexOf('process.umask(0o077)')).toBeGreaterThan(0);
  });
});

describe('secrets', () => {
  test('are no flag of any command, where a list of processes would show them', async () => {
    const options = sources.flatMap(({ path, text }) =>
      path.startsWith('src/commands/') || path === 'src/cli.ts'
        ? [...text.matchAll(/(?:option|Option)\(\s*'(--?[^']+)'/g)].map(([, flag = '']) => flag)
        : [],
    );
    expect(options.length).toBeGreaterThan(40);
    expect(options.filter((flag) => /token|secret|password|credential|api-?key/i.test(flag))).toEqual([]);
  });

  test('come from no file that git would keep', () => {
    const ignored = read('.gitignore').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.env']));
    for (const name of SECRETS) expect(read('.env.example')).toMatch(new RegExp(`^${name}=$`, 'm'));
  });

  test('reach no address that only hands out credentials, by number or name', () => {
    const wrong = ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', 'metadata.google.internal', '2852039166'];
    for (const host of wrong) {
      const env = { ERP_PRODUCTION_URL: `https://${host}`, ERP_TOKEN: 't', ALERT_WEBHOOK_URL: `https://${host}/x` };
      expect(() => loadConfig({ env, cwd: tmpdir(), needs: [] })).toThrow(/hands out credentials/);
    }
  });
});

describe('doctor', () => {
  test('tells that others may change the program, and that Node is told to write memory down', () => {
    const root = mkdtempSync(join(tmpdir(), 'retail-sync-program-'));
    folders.push(root);
    mkdirSync(join(root, 'src'));
    chmodSync(join(root, 'src'), 0o700);
    expect(programFindings({}, [], root).map(({ level }) => level)).toEqual(['ok', 'ok']);
    chmodSync(join(root, 'src'), 0o777);
    const [files, options] = programFindings({ NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2' }, [], root);
    expect([files?.result, options?.result]).toEqual(['others may change src', '--heapsnapshot-signal is set']);
  });
});

describe('packages', () => {
  const manifest = JSON.parse(read('package.json'));
  const lock = JSON.parse(read('package-lock.json'));

  test('are named by their exact version, and the lock has a digest of each', () => {
    const named = Object.values<string>({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(named.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    const locked = Object.entries<Record<string, unknown>>(lock.packages).filter(([path]) => path !== '');
    expect(
      locked.filter(([, { integrity }]) => !String(integrity).startsWith('sha512-')).map(([path]) => path),
    ).toEqual([]);
  });

  test('run no script of ours when they are installed', () => {
    expect(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))).toEqual([]);
  });

  test('and nothing of the program is a part that answers requests from outside', async () => {
    expect(naming(/createServer\(/).filter((path) => !path.startsWith('src/sandbox/'))).toEqual([]);
    expect((await run(['--version'])).code).toBe(0);
  });
});
