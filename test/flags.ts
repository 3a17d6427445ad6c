/** The flags of the scripts beside the tool: one that is wrong is a sentence with what to give instead, and exit 2. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestOf } from '../src/nearest.ts';

export class FlagError extends Error {}

/** Reads flags before the script does anything; a wrong one ends it. */
export function orRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof FlagError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return process.exit(2);
  }
}

/** Slips of the finger up to which a name is taken for another. */
const SLIPS_MAX = 3;

/** What `parseArgs` reads of the command line; what it does not know is refused by name. */
export function flagsOf<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>>['values'] {
  try {
    return parseArgs(config).values;
  } catch (thrown) {
    const sentence = thrown instanceof Error && 'code' in thrown ? refusalOf(thrown, config) : null;
    throw sentence === null ? thrown : new FlagError(sentence);
  }
}

/** In our words; Node's own name no flag that there is. */
function refusalOf({ code, message }: Error & { code: unknown }, { options = {} }: ParseArgsConfig): string | null {
  const known = Object.keys(options);
  const there = known.length === 0 ? 'this script has none' : `there are --${known.join(', --')}`;
  const quoted = /'(?:-\w, )?([^']*)'/.exec(message)?.[1] ?? '';
  const name = quoted.split(' ')[0] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const { word, slips } = nearestOf(name.replace(/^-+/, ''), known);
    return `${name} is no flag here${slips <= SLIPS_MAX ? ` (did you mean --${word}?)` : ''}: ${there}`;
  }
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return `"${quoted}" belongs to no flag: ${there}`;
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return null;
  const isText = options[name.replace(/^-+/, '')]?.type === 'string';
  return isText ? `${name} has no value: give it as ${name}=…` : `${name} takes no value: give it alone`;
}

interface Bounds {
  readonly least?: number;
  readonly most: number;
}

const grouped = (value: number): string => value.toLocaleString('en-US');

/** A flag that is a whole number. */
export function wholeNumber(flag: string, text: string, { least = 1, most }: Bounds): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = `a whole number from ${grouped(least)} to ${grouped(most)}`;
  throw new FlagError(`--${flag} does not take "${text}": give ${range}, without commas`);
}

/** A flag that may be a fraction. */
export function fraction(flag: string, text: string, { least = 0, most }: Bounds): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new FlagError(`--${flag} does not take "${text}": give a number from ${least} to ${most}`);
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** A flag that is a list with commas; an empty one is none. */
export function wholeNumbers(flag: string, text: string, { least = 1, most }: Bounds): number[] {
  return listOf(text).map((part) => {
    const value = /^\d{1,15}$/.test(part) ? Number(part) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = `whole numbers from ${grouped(least)} to ${grouped(most)} with a comma between`;
    throw new FlagError(`--${flag} does not take "${part}": give ${range}, such as --${flag} 1000,12000`);
  });
}

const choice = (words: readonly string[]): string =>
  words.map((word) => (/[ ,]/.test(word) ? `"${word}"` : word)).join(', ');

/** A flag that is one of some words. */
export function oneOf<T extends string>(flag: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new FlagError(`--${flag} does not know "${text}": choose of ${choice(words)}`);
}

/** A flag that is a list of such words, one at least. */
export function someOf<T extends string>(flag: string, text: string, words: readonly T[]): T[] {
  const list = listOf(text).map((part) => oneOf(flag, part, words));
  if (list.length > 0) return list;
  throw new FlagError(`--${flag} is empty: choose of ${choice(words)}`);
}

/** A flag that is a folder; it is made where it is missing. */
export function folderOf(flag: string, path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
    return path;
  } catch {
    throw new FlagError(`--${flag} "${path}" is no folder that can be written: give another`);
  }
}
