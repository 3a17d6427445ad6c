/** What a person who mistyped a word probably meant. */

export interface Nearest {
  /** Of the known words; empty when there are none. */
  readonly word: string;
  /** Letters inserted, left out or replaced. */
  readonly slips: number;
}

export function nearestOf(typed: string, known: readonly string[]): Nearest {
  const ranked = known.map((word) => ({ word, slips: edits(typed, word) }));
  return ranked.sort((a, b) => a.slips - b.slips)[0] ?? { word: '', slips: Number.POSITIVE_INFINITY };
}

/** Levenshtein's distance: insertions, deletions and replacements between two names. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
