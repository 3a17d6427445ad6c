/** How the sandbox holds rows: not at all. A row is computed when it is asked for, so a million of them cost nothing. */

/** A row as the vendor serves it. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows by position. Position order is id order. Positions from `count` to `count + spare - 1` can be drawn too. */
export interface RowSource<R extends Row = Row> {
  /** The field that holds the id. */
  readonly idField: string;
  readonly count: number;
  /** Rows beyond `count` that another environment may have: customers that were never on staging. */
  readonly spare: number;
  idOf(index: number): string;
  /** The position of an id; -1 when the source could not have made it. May be beyond `count`. */
  indexOf(id: string): number;
  changedAtMs(index: number): number;
  row(index: number): R;
  /** What a listing can be filtered by besides its date, without computing the row. */
  peek?(index: number, fact: 'repId' | 'name'): string;
}

/** Ids of the form prefix + number, ascending with the position; the number keeps its width in a world of usual size. */
export function numberedIds(prefix: string, first: number): Pick<RowSource, 'idOf' | 'indexOf'> {
  return {
    idOf: (index) => `${prefix}${first + index}`,
    indexOf: (id) => {
      const digits = id.startsWith(prefix) ? id.slice(prefix.length) : '';
      return /^\d{1,12}$/.test(digits) && Number(digits) >= first ? Number(digits) - first : -1;
    },
  };
}
