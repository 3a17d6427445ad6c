/** YAML's parser, loaded when a file has to be parsed: it is seventy files, and most runs find theirs parsed already. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const yaml = (): typeof import('yaml') => require('yaml');
