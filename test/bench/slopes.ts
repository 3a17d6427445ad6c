/** What each further hundred thousand records cost in memory: from each measured size to the next one. */

export interface Memory {
  /** Who, in which conditions: only rows of the same `what` and `phase` are compared. */
  readonly what: string;
  readonly phase: string;
  readonly records: number;
  readonly rssMb: number;
  /** Null for rows that were measured before the live heap was. */
  readonly heapMb: number | null;
}

export interface Slope extends Pick<Memory, 'what' | 'phase'> {
  readonly from: Memory;
  readonly to: Memory;
  readonly rssPer100k: number;
  readonly heapPer100k: number | null;
}

/** Below, the growth of a process that has just started outweighs that of its records. */
const RECORDS_MIN = 30_000;

/** By `what`, `phase` and size. */
export function slopes(rows: readonly Memory[]): readonly Slope[] {
  const large = rows.filter(({ records }) => records >= RECORDS_MIN);
  const series = Map.groupBy(large, ({ what, phase }) => `${what} ${phase}`);
  return [...series.values()].flatMap((list) => {
    const ordered = list.toSorted((a, b) => a.records - b.records);
    return ordered.slice(1).flatMap((to, at) => {
      const from = ordered[at];
      if (from === undefined || from.records === to.records) return [];
      const steps = (to.records - from.records) / 100_000;
      return {
        ...{ what: to.what, phase: to.phase, from, to },
        rssPer100k: (to.rssMb - from.rssMb) / steps,
        heapPer100k: from.heapMb === null || to.heapMb === null ? null : (to.heapMb - from.heapMb) / steps,
      };
    });
  });
}
