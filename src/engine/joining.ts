/** Rows of other pipes that a mapping declares: looked up once per batch. */
import type { Joined, JoinedRow, Mapping } from '../pipe.ts';

/** Mirrored rows of another pipe by record id; ids it does not hold are left out. */
export type JoinLookup = (pipe: string, ids: readonly string[]) => ReadonlyMap<string, JoinedRow>;

/** Asks the source of another pipe for rows that the mirror lacks, so that a scope can be judged by them. */
export type PrepareJoins = (pipe: string, ids: readonly string[], signal: AbortSignal) => Promise<void>;

export interface Joins {
  /** The joined rows of one canonical record, by the names of its joins. */
  readonly rows: (value: unknown) => Joined[number];
  /** Which rows it names, whether they are there or not. */
  readonly named: (value: unknown) => { readonly pipe: string; readonly id: string }[];
}

/** The ids that these records name, by the pipe that mirrors them. */
export function idsByPipe(declared: Mapping<unknown>['joins'], values: readonly unknown[]): Map<string, string[]> {
  const ids = new Map<string, Set<string>>();
  for (const { pipe, by } of Object.values(declared ?? {})) {
    const named = values.map((value) => fieldOf(value, by)).filter((id) => id !== undefined);
    ids.set(pipe, new Set([...(ids.get(pipe) ?? []), ...named]));
  }
  return new Map([...ids].map(([pipe, set]) => [pipe, [...set]]));
}

/** One look-up per joined pipe for all records of a batch. */
export function joiner(declared: Mapping<unknown>['joins'], lookUp: JoinLookup, values: readonly unknown[]): Joins {
  const joins = Object.entries(declared ?? {}).map(([name, { pipe, by }]) => {
    const ids = new Set(values.map((value) => fieldOf(value, by)).filter((id) => id !== undefined));
    return { name, pipe, by, found: lookUp(pipe, [...ids]) };
  });
  return {
    rows: (value) =>
      Object.fromEntries(joins.map(({ name, by, found }) => [name, found.get(fieldOf(value, by) ?? '')])),
    named: (value) =>
      joins.flatMap(({ pipe, by }) => {
        const id = fieldOf(value, by);
        return id === undefined ? [] : [{ pipe, id }];
      }),
  };
}

function fieldOf(value: unknown, field: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, field);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
