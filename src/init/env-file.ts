/** `.env` with some values changed: comments, order and foreign lines stay; nobody else can read it. */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { writeDurably } from '../durable-file.ts';

/** Text of a value in `.env`; null for one that the format cannot hold. nodejs.org/api/util.html#utilparseenvcontent */
export function written(value: string): string | null {
  if (/[\n\r\0]/.test(value)) return null;
  if (/^[\w@%+=:,./~-]*$/.test(value)) return value;
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark));
  return quote === undefined || (quote === '"' && value.includes('\\')) ? null : `${quote}${value}${quote}`;
}

/** `template` with each name set: in its line where it has one, else at the end. An empty value keeps its line. */
export function withValues(template: string, values: ReadonlyMap<string, string>): string {
  const left = new Map(values);
  const lines = template.split('\n').flatMap((line) => {
    const name = /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1];
    if (name === undefined || !values.has(name)) return [line];
    if (!left.has(name)) return []; // a second line would win over the first
    const value = left.get(name) ?? '';
    left.delete(name);
    return [`${name}=${written(value) ?? ''}`];
  });
  while (lines.at(-1) === '') lines.pop();
  const added = [...left].filter(([, value]) => value !== '').map(([name, value]) => `${name}=${written(value) ?? ''}`);
  return `${[...lines, ...added].join('\n')}\n`;
}

/**
 * Writes the file whole or not at all. One that was there is kept as `.env.before-init`. Throws when what was written
 * does not read back as meant.
 */
export function writeEnv(path: string, text: string, values: ReadonlyMap<string, string>): void {
  const back = parseEnv(text);
  for (const [name, value] of values)
    if ((back[name] ?? '') !== value) throw new Error(`${name} cannot be written to .env as it is`);
  if (existsSync(path)) writePrivate(`${path}.before-init`, readFileSync(path, 'utf8'));
  writePrivate(path, text);
}

function writePrivate(path: string, text: string): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true }); // of a process that died
  writeDurably(draft, text);
  try {
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true }); // it holds the tokens, under a name that nobody would look for
    throw thrown;
  }
}
