/** Who may import whom. What is not named here may import anything but the command line and the sandbox. */
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Row {
  readonly files: RegExp;
  /** Files, folders (ending in /), packages, `node:`; `type x` allows only `import type`; $1 is the group of `files`. */
  readonly may: readonly string[];
}

/** The first row that fits decides. */
const TABLE: readonly Row[] = [
  { files: /^src\/pipe\.ts$/, may: ['type zod', 'type src/sink.ts'] },
  { files: /^src\/sink\.ts$/, may: ['type src/pipe.ts'] },
  { files: /^src\/(errors|clock|bytes|durable-file)\.ts$/, may: ['node:'] },
  { files: /^src\/fingerprint\.ts$/, may: ['node:'] },
  { files: /^src\/canonical(\.ts|\/)/, may: ['src/canonical/'] },
  { files: /^src\/(draft|property)\.ts$/, may: ['type src/pipe.ts', 'src/canonical.ts', 'src/canonical/'] },
  {
    files: /^mappers\//,
    may: [
      'zod',
      'type src/pipe.ts',
      'src/canonical.ts',
      'src/fingerprint.ts',
      'src/draft.ts',
      'src/property.ts',
      'src/sources/erp/model.ts',
      'src/sources/square/model.ts',
    ],
  },
  {
    files: /^jobs\/([\w-]+)\.ts$/,
    may: [
      'mappers/$1.ts',
      'type src/pipe.ts',
      'type src/systems.ts',
      'type src/sources/erp/model.ts',
      'type src/sources/square/model.ts',
    ],
  },
  {
    files: /^src\/sources\/([\w-]+)/,
    may: [
      'src/sources/$1/',
      'src/sources/$1.ts',
      'src/clock.ts',
      'src/pipe.ts',
      'type src/inquiry.ts',
      'src/errors.ts',
      'src/canonical.ts',
      'src/canonical/',
      'src/fingerprint.ts',
      'src/yaml.ts',
      'node:',
      'zod',
      'type yaml',
      'square',
      'p-limit',
      'p-retry',
    ],
  },
  {
    files: /^src\/sinks\/([\w-]+)/,
    may: [
      'src/sinks/$1/',
      'src/sinks/$1.ts',
      'src/clock.ts',
      'src/pipe.ts',
      'type src/inquiry.ts',
      'src/errors.ts',
      'src/canonical.ts',
      'src/canonical/',
      'src/fingerprint.ts',
      'node:',
      'zod',
      '@hubspot/api-client',
      'p-limit',
      'p-retry',
    ],
  },
  {
    files: /^src\/state\//,
    may: [
      'src/state/',
      'better-sqlite3',
      'zod',
      'node:',
      'type src/pipe.ts',
      'src/bytes.ts',
      'src/durable-file.ts',
      'src/errors.ts',
      'src/fingerprint.ts',
      'src/canonical.ts',
    ],
  },
  { files: /^src\/inquiry\.ts$/, may: ['type src/pipe.ts'] },
  {
    files: /^src\/probe\/draft\//,
    may: ['src/probe/', 'src/sources/erp/', 'src/errors.ts', 'yaml'],
  },
  {
    files: /^src\/probe\//,
    may: [
      'src/probe/',
      'src/inquiry.ts',
      'type src/pipe.ts',
      'src/durable-file.ts',
      'src/errors.ts',
      'src/fingerprint.ts',
      'src/canonical.ts',
      'node:',
      'zod',
    ],
  },
  {
    files: /^src\/evidence\//,
    may: [
      'src/evidence/',
      'src/probe/',
      'src/errors.ts',
      'src/log/scrub.ts',
      'src/sources/erp/charset.ts',
      'src/sources/erp/exact-json.ts',
      'fflate',
    ],
  },
  { files: /^src\/decide\.ts$/, may: ['type src/pipe.ts', 'src/fingerprint.ts'] },
  {
    files: /^src\/(run[\w-]*\.ts|engine\/)/,
    may: [
      'src/run',
      'src/engine/',
      'src/clock.ts',
      'type src/pipe.ts',
      'src/decide.ts',
      'src/errors.ts',
      'src/state/',
      'src/fingerprint.ts',
      'src/canonical.ts',
      'node:',
      'p-limit',
      'type better-sqlite3',
    ],
  },
  {
    files: /^src\/schedule\//,
    may: [
      'src/schedule/',
      'src/state/',
      'src/clock.ts',
      'src/errors.ts',
      'src/fingerprint.ts',
      'src/nearest.ts',
      'src/sources/erp/dates.ts',
      'src/yaml.ts',
      'node:',
      'zod',
      'node-cron',
      'type better-sqlite3',
    ],
  },
  {
    files: /^src\/install\//,
    may: [
      'src/install/',
      'src/schedule/',
      'src/config.ts',
      'src/config/',
      'src/durable-file.ts',
      'src/errors.ts',
      'src/pipe-names.ts',
      'src/state/folder.ts',
      'node:',
      'zod',
      'plist',
      'fast-plist',
    ],
  },
  { files: /^src\/sandbox\//, may: ['src/sandbox/', 'node:', 'zod'] },
];

const FORBIDDEN_ELSEWHERE = /^src\/(cli\.ts|sandbox\/)/;
const MAY_USE_SANDBOX = /^(src\/commands\/(demo|sandbox)(\.ts|\/)|test\/)/;

interface Import {
  readonly type: boolean;
  readonly target: string;
}

const IMPORT =
  /\b(?:import|export)\s+(type\s)?(?:[\w*$\s{},]+?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

/** Imports as paths from the root, packages by name; comments and strings cannot look like one by accident here. */
function importsOf(file: string, source: string): Import[] {
  return [...source.matchAll(IMPORT)].map(([, type, named, dynamic]) => {
    const specifier = named ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier;
    return { type: type !== undefined, target };
  });
}

function allows(entry: string, { type, target }: Import): boolean {
  const [, path = ''] = /^(?:type )?(.*)$/.exec(entry) ?? [];
  if (entry.startsWith('type ') && !type) return false;
  if (path === 'src/run') return /^src\/run[\w-]*\.ts$/.test(target);
  if (path.endsWith('/') || path.endsWith(':')) return target.startsWith(path);
  return target === path || (!path.endsWith('.ts') && target.startsWith(`${path}/`)); // a file inside a package
}

/** The imports of a file that the table does not allow, as sentences. */
function violations(file: string, source: string): string[] {
  const row = TABLE.find(({ files }) => files.test(file));
  const group = row?.files.exec(file)?.[1] ?? '';
  const may = row?.may.map((entry) => entry.replace('$1', group));
  return importsOf(file, source)
    .filter((found) => {
      if (may !== undefined) return !may.some((entry) => allows(entry, found));
      if (found.target.startsWith('src/sandbox/') && MAY_USE_SANDBOX.test(file)) return false;
      return FORBIDDEN_ELSEWHERE.test(found.target);
    })
    .map(({ type, target }) => `${file} may not import ${type ? 'the type of ' : ''}${target}`);
}

/** All but this one, whose examples are imports that must not be. */
const files = globSync('{src,jobs,mappers,probes,test}/**/*.ts')
  .filter((file) => file !== 'test/imports.test.ts')
  .sort();

describe('imports', () => {
  test('follow the table in every file', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap((file) => violations(file, readFileSync(file, 'utf8')))).toEqual([]);
  });

  test('are ruled by rows of which none has outlived its files', () => {
    const idle = TABLE.filter(({ files: pattern }) => !files.some((file) => pattern.test(file)));
    expect(idle.map((row) => String(row.files))).toEqual([]);
  });

  test.each([
    ['src/pipe.ts', "import { z } from 'zod';"],
    ['src/pipe.ts', "import type { Log } from './log.ts';"],
    ['src/errors.ts', "import { fingerprintOf } from './fingerprint.ts';"],
    ['src/canonical.ts', "import type { Page } from './pipe.ts';"],
    ['mappers/quotes.ts', "import { readFileSync } from 'node:fs';"],
    ['jobs/quotes.ts', "import { customers } from '../mappers/customers.ts';"],
    ['jobs/quotes.ts', "import { connect } from '../src/systems.ts';"],
    ['src/sources/erp/rest.ts', "import { x } from '../square/model.ts';"],
    ['src/sources/erp/rest.ts', "const x = await import('../../state/database.ts');"],
    ['src/sinks/hubspot/upsert.ts', "import { x } from '../../sources/erp/model.ts';"],
    ['src/state/runs.ts', "export { x } from '../sinks/hubspot/upsert.ts';"],
    ['src/engine/writer.ts', "import {\n  a,\n  b,\n} from '../sinks/hubspot/upsert.ts';"],
    ['src/sandbox/hubspot/store.ts', "import { mapping } from '../../../mappers/quotes.ts';"],
    ['src/report/summary.ts', "import { startVendor } from '../sandbox/http.ts';"],
    ['test/bin.test.ts', "import '../src/cli.ts';"],
  ])('of %s: the table refuses %s', (file, source) => {
    expect(violations(file, source)).toHaveLength(1);
  });

  test('of the sandbox are for the demo, the sandbox command and tests', () => {
    const source = "import { startVendor } from 'PATH/sandbox/http.ts';";
    expect(violations('src/commands/demo.ts', source.replace('PATH', '..'))).toEqual([]);
    expect(violations('test/http.test.ts', source.replace('PATH', '../src'))).toEqual([]);
    expect(violations('src/commands/sync.ts', source.replace('PATH', '..'))).toHaveLength(1);
  });
});
