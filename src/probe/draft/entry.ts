/** A line of the drafted profile with what is known of it; the file and the report are both made of these. */
import type { Said } from './model.ts';

export interface Entry {
  readonly key: string;
  /** What stands behind the key, unless `inner` does. */
  readonly value?: unknown;
  /** Absent: the line only carries what stands in it. Its value is the entry's. */
  readonly said?: Said<unknown>;
  readonly inner?: readonly Entry[];
  /** A profile is not whole without it: open, it is a fault of `profile check` at its own line. */
  readonly isNeeded?: boolean;
}

export const fixed = (key: string, value: unknown): Entry => ({ key, value });
export const block = (key: string, inner: readonly Entry[], said?: Said<unknown>): Entry =>
  said === undefined ? { key, inner } : { key, inner, said };
/** Left out of the file but for a comment, when open. */
export const optional = (key: string, said: Said<unknown>): Entry => ({ key, said, value: said.value });
export const needed = (key: string, said: Said<unknown>): Entry => ({ key, said, value: said.value, isNeeded: true });

type Standing = 'proven' | 'guessed' | 'todo' | 'open';

/** What the report tells of an entry: `fields.status.convert.enum.A`. */
export interface Told {
  readonly setting: string;
  readonly standing: Standing;
  readonly value: unknown;
  readonly confidence: number | null;
  readonly evidence: string;
  readonly candidates: readonly string[];
}

export function toldOf(entries: readonly Entry[], above = ''): Told[] {
  return entries.flatMap(({ key, said, inner, isNeeded }) => {
    const setting = above === '' ? key : `${above}.${key}`;
    const rest = inner === undefined ? [] : toldOf(inner, setting);
    return said === undefined ? rest : [told(setting, said, isNeeded ?? false), ...rest];
  });
}

function told(setting: string, said: Said<unknown>, isNeeded: boolean): Told {
  const { value, evidence } = said;
  if (!('confidence' in said)) {
    const standing = isNeeded ? 'todo' : 'open';
    return { setting, standing, value: null, confidence: null, evidence, candidates: said.candidates };
  }
  const { confidence, isProven } = said;
  return { setting, standing: isProven ? 'proven' : 'guessed', value, confidence, evidence, candidates: [] };
}
