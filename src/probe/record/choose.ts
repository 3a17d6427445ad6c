/** Few records that show much: each is chosen for what no other one chosen before shows. */
import type { Feature } from './features.ts';

export interface Candidate {
  readonly id: string;
  /** Of the fixture, in characters: of two that show the same the shorter is read sooner. */
  readonly chars: number;
  readonly features: readonly Feature[];
}

export interface Choice<C> {
  readonly candidate: C;
  /** What it was chosen for, the gravest first. */
  readonly why: readonly string[];
}

/**
 * The next in turn, or null when nothing is left that the earlier ones do not show. Greedy: each turn looks at every
 * candidate once.
 */
export function nextChoice<C extends Candidate>(
  candidates: readonly C[],
  shown: ReadonlySet<string>,
): Choice<C> | null {
  const newIn = ({ features }: C): readonly Feature[] => features.filter(({ name }) => !shown.has(name));
  const scored = candidates.map((candidate) => ({
    candidate,
    score: newIn(candidate).reduce((sum, { weight }) => sum + weight, 0),
  }));
  const [best] = scored.toSorted(
    (a, b) => b.score - a.score || a.candidate.chars - b.candidate.chars || (a.candidate.id < b.candidate.id ? -1 : 1),
  );
  if (best === undefined || best.score === 0) return null;
  const why = newIn(best.candidate).toSorted((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
  return { candidate: best.candidate, why: why.map(({ name }) => name) };
}

/** Up to `max` in the order of the choice. */
export function choose<C extends Candidate>(candidates: readonly C[], max: number): Choice<C>[] {
  const shown = new Set<string>();
  const chosen: Choice<C>[] = [];
  let left = candidates;
  while (chosen.length < max) {
    const next = nextChoice(left, shown);
    if (next === null) break;
    for (const { name } of next.candidate.features) shown.add(name);
    left = left.filter((one) => one !== next.candidate);
    chosen.push(next);
  }
  return chosen;
}
