/** Where an answer holds its records, or one clear message why it holds none. */
import { EXIT, FatalError } from '../../errors.ts';
import type { Answer } from './ask.ts';
import { describe, listsIn } from './body.ts';
import type { ResourceName, Row } from './model.ts';

export interface Records {
  readonly path: string | null;
  readonly rows: readonly Row[];
  /** Paths of other lists of objects in the answer. */
  readonly others: readonly string[];
}

export function recordsOf({ json }: Answer, url: URL, resource: ResourceName): Records {
  const { records, empty, scalars } = listsIn(json);
  const [best, ...others] = records;
  if (best !== undefined) return { path: best.path, rows: best.rows, others: others.map(({ path }) => path ?? '') };
  const where = `${url.origin}${url.pathname}`;
  if (empty.length > 0)
    throw bad(
      `${where} lists no ${resource}: the list at ${empty[0]} is empty`,
      'a draft needs records to look at: ask where there are some',
    );
  if (scalars.length > 0)
    throw bad(
      `${where} lists single values at ${scalars[0]}, not records`,
      'give --url the address that lists whole records',
    );
  throw bad(
    `${where} holds no list of records: it is ${describe(json)}`,
    'give --url the address that lists them, not one record',
  );
}

const bad = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
