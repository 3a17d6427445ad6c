/** What somebody sees who mistypes a flag of the scripts beside the tool: a sentence with the way out, and exit 2. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FlagError, flagsOf, folderOf, fraction, oneOf, someOf, wholeNumber, wholeNumbers } from './flags.ts';

const sentenceOf = (read: () => unknown): string => {
  try {
    return `nothing: ${JSON.stringify(read())}`;
  } catch (thrown) {
    return thrown instanceof FlagError ? thrown.message : `a stack: ${String(thrown)}`;
  }
};
const parsed = (...args: readonly string[]) =>
  flagsOf({
    args,
    options: { sizes: { type: 'string', default: '1' }, record: { type: 'boolean' } },
    allowNegative: true,
  });

describe('a flag of a script', () => {
  test.each([
    [() => parsed('--sizzes', '1'), '--sizzes is no flag here (did you mean --sizes?): there are --sizes, --record'],
    [() => parsed('-x'), '-x is no flag here: there are --sizes, --record'],
    [() => flagsOf({ args: ['--record'], options: {} }), '--record is no flag here: this script has none'],
    [() => parsed('12000'), '"12000" belongs to no flag: there are --sizes, --record'],
    [() => parsed('--sizes'), '--sizes has no value: give it as --sizes=…'],
    [() => parsed('--sizes', '--record'), '--sizes has no value: give it as --sizes=…'],
    [() => parsed('--record=3'), '--record takes no value: give it alone'],
    [
      () => wholeNumbers('sizes', '1000,abc', { most: 10_000_000 }),
      '--sizes does not take "abc": give whole numbers from 1 to 10,000,000 with a comma between, such as --sizes 1000,12000',
    ],
    [
      () => wholeNumber('runs', '1e3', { most: 100 }),
      '--runs does not take "1e3": give a whole number from 1 to 100, without commas',
    ],
    [
      () => wholeNumber('runs', '0', { most: 100 }),
      '--runs does not take "0": give a whole number from 1 to 100, without commas',
    ],
    [() => fraction('scale', '-1', { most: 1 }), '--scale does not take "-1": give a number from 0 to 1'],
    [() => oneOf('world', 'nope', ['bare', 'tied']), '--world does not know "nope": choose of bare, tied'],
    [() => someOf('regimes', 'raw,rael', ['raw', 'real']), '--regimes does not know "rael": choose of raw, real'],
    [() => someOf('regimes', '', ['raw', 'real']), '--regimes is empty: choose of raw, real'],
    [
      () => folderOf('out', join(import.meta.filename, 'x')),
      `--out "${join(import.meta.filename, 'x')}" is no folder that can be written: give another`,
    ],
  ])('that is wrong is one sentence with the way out: %#', (read, sentence) => {
    expect(sentenceOf(read)).toBe(sentence);
  });

  test('that is right is taken', () => {
    expect(parsed('--sizes', '12', '--no-record')).toEqual({ sizes: '12', record: false });
    expect(wholeNumbers('sizes', '1000, 12000,', { most: 12_000 })).toEqual([1_000, 12_000]);
    expect(wholeNumbers('sizes', '', { most: 12_000 })).toEqual([]);
    expect(fraction('scale', '.05', { most: 1 })).toBe(0.05);
    expect(someOf('regimes', 'real', ['raw', 'real'])).toEqual(['real']);
  });

  test('is read so by every script, before it does anything', () => {
    const folder = import.meta.dirname;
    const parsing = globSync('**/*.ts', { cwd: folder }).filter((file) =>
      /\bparseArgs\(/.test(readFileSync(join(folder, file), 'utf8')),
    );
    expect(parsing.map((file) => basename(file))).toEqual(['flags.ts']);
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bench/main.ts'), '--sizes', 'abc'], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^--sizes does not take "abc": .*\n$/);
  });
});
