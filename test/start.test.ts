/** What the short commands load: a module that sneaks in is paid for on every start. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { closeDatabase, openDatabase } from '../src/state/database.ts';

const ENTRY = fileURLToPath(new URL('../bin/retail-sync.js', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'retail-sync-start-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Notes every module that is loaded, and writes the list down when the process ends. */
const NOTE = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  import { writeFileSync } from 'node:fs';
  const urls = new Set();
  registerHooks({
    load(url, context, next) {
      urls.add(url);
      return next(url, context);
    },
  });
  process.on('exit', () => writeFileSync(process.env.NOTED, [...urls].join('\\n')));
`)}`;

/** The packages, their languages and the parts of Node that a command loads, and how many files of ours. */
function loadedBy(...args: readonly string[]): {
  packages: string[];
  builtins: string[];
  languages: string[];
  files: number;
} {
  const noted = join(scratch, 'noted');
  const env = { ...process.env, NOTED: noted, RETAIL_SYNC_STATE_DIR: scratch };
  const { status } = spawnSync(process.execPath, ['--import', NOTE, ENTRY, ...args], { cwd: scratch, env });
  expect(status).toBe(0);
  const urls = readFileSync(noted, 'utf8').split('\n');
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  return {
    packages: [...new Set(packages)].sort(),
    languages: urls.flatMap((url) => /\/locales\/([\w-]+)\.js$/.exec(url)?.[1] ?? []),
    builtins: urls.filter((url) => url.startsWith('node:')),
    files: urls.filter((url) => /\/(src|jobs|mappers)\//.test(url)).length,
  };
}

describe('a start', () => {
  test('of --help loads the parser of arguments and no other package', () => {
    const { packages, files } = loadedBy('--help');
    expect(packages).toEqual(['commander']);
    expect(files).toBeLessThanOrEqual(25);
  });

  test('of status loads no schemas, no YAML, no cryptography and no client of a vendor', () => {
    closeDatabase(openDatabase(scratch, { environment: 'sandbox', portalId: '1' }));
    const { packages, builtins, files } = loadedBy('status');
    expect(packages).toEqual(['better-sqlite3', 'commander']);
    expect(builtins).toContain('node:fs');
    expect(builtins).not.toContain('node:crypto');
    expect(files).toBeLessThanOrEqual(55);
  });

  test('of what needs schemas loads one of their languages', () => {
    const { packages, languages } = loadedBy('schema');
    expect(packages).toContain('zod');
    expect(languages.sort()).toEqual(['en', 'index']);
  });
});
