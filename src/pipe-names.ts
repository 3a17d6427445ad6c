/** The names of all pipes, by their files in `jobs/`; nothing is loaded, so that even `--help` can afford it. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the program: without a slash at its end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

export const pipeNames = (root = ROOT): string[] =>
  readdirSync(`${root}/jobs`)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
