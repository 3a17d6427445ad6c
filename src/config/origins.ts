/** Where each setting comes from: flag, environment, `.env`, and for secrets a file that one of these names. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fault } from './faults.ts';
import { isSecret, type VariableName, variableNames } from './variables.ts';

/** `profile`: an address that the ERP's profile names. */
export type Origin = 'flag' | 'environment' | '.env' | 'file' | 'profile' | 'default';

/** A variable's text before it is validated. */
interface Given {
  readonly text: string;
  readonly origin: Origin;
}

/** Settings of one origin, by variable. */
export interface Layer {
  readonly origin: 'flag' | 'environment' | '.env';
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** A token or password is one line; a larger file is not one. */
const SECRET_BYTES_MAX = 65_536;

export interface Gathered {
  readonly given: ReadonlyMap<VariableName, Given>;
  readonly faults: readonly Fault[];
}

/**
 * The first layer that names a variable decides, also when it names it empty: `SQUARE_LOCATION_IDS= retail-sync …`
 * overrides `.env` with the default.
 */
export function gather(layers: readonly Layer[], cwd: string): Gathered {
  const given = new Map<VariableName, Given>();
  const faults: Fault[] = [];
  for (const name of variableNames) {
    for (const layer of layers) {
      const found = isSecret(name) ? fromSecret(name, layer, cwd) : fromLayer(name, layer);
      if (found === null) continue;
      if ('wrong' in found) faults.push(found);
      else if (found.text !== '') given.set(name, found);
      break;
    }
  }
  return { given, faults };
}

function fromLayer(name: string, layer: Layer): Given | null {
  const text = layer.values[name];
  return text === undefined ? null : { text: text.trim(), origin: layer.origin };
}

function fromSecret(name: string, layer: Layer, cwd: string): Given | Fault | null {
  const direct = fromLayer(name, layer);
  const path = fromLayer(`${name}_FILE`, layer);
  if (path === null || path.text === '') return direct ?? path;
  if (direct !== null && direct.text !== '') {
    return { name, wrong: `is given twice, also as ${name}_FILE`, fix: 'keep one of the two' };
  }
  return fromFile(name, resolve(cwd, path.text));
}

function fromFile(name: string, path: string): Given | Fault {
  const refused = (wrong: string): Fault => ({
    name: `${name}_FILE`,
    wrong,
    fix: 'name a readable text file that holds the secret and nothing else',
  });
  try {
    const stat = statSync(path);
    if (stat.isDirectory() || stat.size > SECRET_BYTES_MAX) return refused('does not name a small text file');
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? refused('names an empty file') : { text, origin: 'file' };
  } catch {
    return refused('names a file that cannot be read'); // its path may be a secret pasted into the wrong variable
  }
}
