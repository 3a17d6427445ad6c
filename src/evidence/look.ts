/** What was found at one resource, before it becomes files. */
import type { Answer, AskSpan, Finding } from '../probe/finding.ts';
import type { SampleSummary } from '../probe/model.ts';

export interface Look {
  readonly resource: string;
  readonly about: string;
  readonly isAboutPeople: boolean;
  readonly startedAtMs: number;
  readonly seconds: number;
  readonly sampled: number;
  readonly seen: number;
  readonly answers: readonly Answer[];
  readonly findings: readonly Finding[];
  readonly basis: ReadonlyMap<Finding, AskSpan>;
  /** Paths of the vendor's rows that hold ids, of the row itself or of others. */
  readonly ids: readonly string[];
  /** What we call a field, and what the vendor calls it. */
  readonly names: ReadonlyMap<string, string>;
  /** Null when no record came. */
  readonly summary: SampleSummary | null;
  /** Why it ended early; null when it did not. */
  readonly stopped: string | null;
}

/** The same before anything came of it. */
export const nothingSeen = (of: Pick<Look, 'resource' | 'about' | 'isAboutPeople'>, startedAtMs: number): Look => ({
  ...{ resource: of.resource, about: of.about, isAboutPeople: of.isAboutPeople, startedAtMs },
  ...{ seconds: 0, sampled: 0, seen: 0, answers: [], findings: [], basis: new Map(), ids: [], names: new Map() },
  ...{ summary: null, stopped: null },
});
