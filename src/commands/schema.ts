/** `schema`: JSON Schema of what `--json` prints, for whoever reads it with a program. */
import { z } from 'zod';
import { EXIT, type ExitCode } from '../errors.ts';
import { documentNames, documentOf } from '../report/documents.ts';
import type { Invocation } from './invocation.ts';

/** Without words: which documents have a schema of their own. */
export async function schema(words: readonly string[], { stdout }: Invocation): Promise<ExitCode> {
  if (words.length === 0) {
    const names = documentNames().map((name) => `  retail-sync schema ${name}`);
    stdout.write(`${['Documents of --json:', ...names, 'Every other command: retail-sync schema any', ''].join('\n')}`);
  } else stdout.write(`${JSON.stringify(z.toJSONSchema(documentOf(words), { io: 'output' }), null, 2)}\n`);
  return EXIT.ok;
}
