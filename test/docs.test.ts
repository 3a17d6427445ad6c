/** The documents against the program: commands, variables, links and the tests they name. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../src/errors.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const README = read('README.md');
const DOCUMENTS = ['README.md', ...globSync('docs/*.md', { cwd: ROOT })];

/** `retail-sync sync products --full` as the words before its first flag or placeholder; only where it is code. */
function commandsOf(text: string): readonly (readonly string[])[] {
  const code = [...text.matchAll(/^ *```[\s\S]*?^ *```$|`[^`\n]+`/gm)].map(([part]) => part).join('\n');
  return [...code.matchAll(/(?<![\w/.-])retail-sync((?: [a-z][a-z-]*)+)/g)].map(([, words = '']) =>
    words.trim().split(' '),
  );
}

/** The names in a help text's list of commands. */
async function commandsAt(path: readonly string[]): Promise<ReadonlySet<string>> {
  const args = [join(ROOT, 'bin/retail-sync.js'), ...path, '--help'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const list = /^Commands:\n((?: .*\n?)*)/m.exec(stdout)?.[1] ?? '';
  return new Set([...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name));
}

describe('the documents', () => {
  test('name only commands that there are', async () => {
    const top = await commandsAt([]);
    const groups = new Map<string, ReadonlySet<string>>();
    for (const name of top) groups.set(name, await commandsAt([name]));
    const strange = DOCUMENTS.flatMap((path) =>
      commandsOf(read(path)).flatMap(([name = '', second]) => {
        const group = groups.get(name);
        // `backup` is a command and a group: a word behind it may be missing.
        const isKnown = group !== undefined && (second === undefined || group.size === 0 || group.has(second));
        return isKnown ? [] : [`${path}: ${name} ${second ?? ''}`];
      }),
    );
    expect([...top].length).toBeGreaterThan(5);
    expect(strange).toEqual([]);
  }, 90_000);

  test('show every command in the README', async () => {
    const named = new Set(commandsOf(README).map(([name]) => name));
    expect([...(await commandsAt([]))].filter((name) => name !== 'help' && !named.has(name))).toEqual([]);
  });

  test('list every variable in the README, with its default, and no other', () => {
    const example = [...read('.env.example').matchAll(/^([A-Z0-9_]+)=(.*)$/gm)];
    const table = [...README.matchAll(/^\| `([A-Z0-9_]+)` \|\s*(?:`([^`]*)`|[^|]*?)\s*\|/gm)];
    expect(table.map(([, name]) => name)).toEqual(example.map(([, name]) => name));
    const defaults = example.flatMap(([, name, value]) => (value === '' ? [] : [[name, value]]));
    expect(table.flatMap(([, name, value]) => (value === undefined ? [] : [[name, value]]))).toEqual(defaults);
  });

  test('have a section for every exit code, in the runbook and in the README', () => {
    const runbook = [...read('docs/operations.md').matchAll(/^### Exit ([\d and]+)$/gm)].flatMap(([, codes = '']) =>
      codes.split(' and ').map(Number),
    );
    const table = [...README.matchAll(/^\| (\d+(?:, \d+)*) \|/gm)].flatMap(([, codes = '']) =>
      codes.split(', ').map(Number),
    );
    const codes = Object.values<number>(EXIT).sort((a, b) => a - b);
    expect([runbook, table]).toEqual([codes, codes]);
  });

  test('link only to files and headings that are there', () => {
    const broken = DOCUMENTS.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([, file = '', heading]) => {
        const target = file === '' ? path : join(dirname(path), file);
        if (!existsSync(join(ROOT, target))) return [`${path}: ${file}`];
        const isThere = heading === undefined || headingsOf(read(target)).has(heading);
        return isThere ? [] : [`${path}: ${file}#${heading}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  test('name only tests that there are, for each way to fail', () => {
    const failures = read('docs/failures.md');
    const named = [...failures.matchAll(/`([\w-]+\.test\.ts)` "([^"]+)"/g)];
    const lost = named.flatMap(([, file = '', title = '']) => {
      const path = join('test', file);
      const isThere = existsSync(join(ROOT, path)) && read(path).replaceAll("\\'", "'").includes(title);
      return isThere ? [] : [`${file}: ${title}`];
    });
    expect(named.length).toBeGreaterThan(100);
    expect(lost).toEqual([]);
    const bare = failures
      .split('\n')
      .filter((line) => /^\| [A-J]\d/.test(line) && !/\.test\.ts`|not covered: /.test(line));
    expect(bare).toEqual([]);
  });
});

/** As GitHub makes anchors of headings. */
function headingsOf(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
