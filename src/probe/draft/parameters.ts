/**
 * Which of many names a vendor's parameter has. All are sent at once and halved while the effect stays, so that twenty
 * names cost six calls; a vendor that refuses what it does not know is asked name by name.
 */
import type { Query } from './model.ts';

/** What a question with some of the names showed. */
export type Effect = 'works' | 'ignored' | 'other';

/** Name by name, for a vendor that refuses unknown parameters. */
const SINGLE_MAX = 6;

/**
 * The one name that has the effect alone; null when there is none. `learned` holds names that the vendor was found to
 * know before: its other lists mostly take the same.
 */
export async function findParameter(
  names: readonly string[],
  value: string,
  learned: Set<string>,
  effectOf: (query: Query) => Promise<Effect>,
): Promise<string | null> {
  for (const name of names.filter((one) => learned.has(one)))
    if ((await effectOf({ [name]: value })) === 'works') return name;
  const found = await amongAll(names, value, effectOf);
  if (found !== null) learned.add(found);
  return found;
}

async function amongAll(
  names: readonly string[],
  value: string,
  effectOf: (query: Query) => Promise<Effect>,
): Promise<string | null> {
  const ask = (some: readonly string[]): Promise<Effect> =>
    effectOf(Object.fromEntries(some.map((name) => [name, value])));
  const unique = [...new Set(names)];
  const effect = unique.length === 0 ? 'ignored' : await ask(unique);
  if (effect === 'works') return halved(unique, ask);
  if (effect === 'ignored' || unique.length === 1) return null; // each would be ignored too
  for (const name of unique.slice(0, SINGLE_MAX)) if ((await ask([name])) === 'works') return name;
  return null;
}

async function halved(
  names: readonly string[],
  ask: (some: readonly string[]) => Promise<Effect>,
): Promise<string | null> {
  let left = names;
  while (left.length > 1) {
    const half = left.slice(0, Math.ceil(left.length / 2));
    const works = (await ask(half)) === 'works';
    left = works ? half : left.slice(half.length);
    if (!works && left.length === 1) return (await ask(left)) === 'works' ? (left[0] ?? null) : null;
  }
  return left[0] ?? null;
}
