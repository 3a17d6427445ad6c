import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readAll, SECRETS, variableNames, variables } from '../src/config/variables.ts';

const text = readFileSync('.env.example', 'utf8');
const lines = text.split('\n');

describe('.env.example', () => {
  test('lists every variable once, in order, and no other', () => {
    expect(lines.flatMap((line) => /^#?\s*([A-Z0-9_]+)=/.exec(line)?.[1] ?? [])).toEqual(variableNames);
  });

  test('says of each what the schema says, and which are secret', () => {
    for (const name of variableNames) {
      const comment = lines[lines.findIndex((line) => line.startsWith(`${name}=`)) - 1];
      const secret = SECRETS.some((known) => known === name) ? ' (secret)' : '';
      expect(comment).toBe(`# ${variables[name].about}${secret}.`);
    }
  });

  test('is a valid .env that changes no default', () => {
    const given = Object.entries(parseEnv(text)).filter(([, value]) => value !== '');
    expect(given.length).toBeGreaterThan(5);
    const texts = new Map(given.map(([name, value]) => [name, value ?? '']));
    expect(readAll(texts)).toEqual({ ...readAll(new Map()), misread: [] });
  });
});
