/** Reads `.env` as ssh reads its keys: not at all when other people could. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { nearestOf } from '../nearest.ts';
import type { Fault } from './faults.ts';
import { isSecret, isVariable, variableNames } from './variables.ts';

/** `.env` has 40 variables; a megabyte of it is another file. */
const BYTES_MAX = 1_000_000;
const PREFIXES = /^(HUBSPOT|SQUARE|ERP|RETAIL_SYNC|ALERT|PROBE|BREAKER)_/;
/** Edits between a misspelt name and ours that still look like a slip of the finger. */
const SLIPS_MAX = 2;

export interface Dotenv {
  readonly values: Readonly<Record<string, string>>;
  readonly faults: readonly Fault[];
}

const NOTHING: Readonly<Record<string, string>> = {};

/** The variables of `<cwd>/.env`; none when there is no such file. */
export function readDotenv(cwd: string): Dotenv {
  const path = join(cwd, '.env');
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { values: NOTHING, faults: [] };
  const refused = (wrong: string, fix: string): Dotenv => ({ values: NOTHING, faults: [{ name: '.env', wrong, fix }] });
  if (!stat.isFile() || stat.size > BYTES_MAX)
    return refused('is not a regular file of settings', 'cp .env.example .env');
  if ((stat.mode & 0o077) !== 0) return refused('can be read or written by other users', 'chmod 600 .env');
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(readFileSync(path, 'utf8')))) {
    if (value !== undefined) values[name] = value;
  }
  return { values, faults: unknownNames(Object.keys(values)) };
}

/** A misspelt name would silently mean the default. Names that look nothing like ours belong to somebody else. */
function unknownNames(names: readonly string[]): Fault[] {
  return names.flatMap((name) => {
    if (isVariable(name) || (name.endsWith('_FILE') && isSecret(name.slice(0, -'_FILE'.length)))) return [];
    const { word: nearest, slips } = nearestOf(name, variableNames);
    if (!PREFIXES.test(name) && slips > SLIPS_MAX) return [];
    return [
      { name, wrong: 'is not a variable of retail-sync', fix: `did you mean ${nearest}? Else remove it from .env` },
    ];
  });
}
