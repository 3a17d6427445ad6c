/** When a pipe changes over to production: pure, on what shadow reads have seen. There is no way back in here. */

/** What one look at production saw. */
export interface ShadowRead {
  readonly atMs: number;
  readonly agrees: boolean;
  /** Records that production holds; null when it could not be told. */
  readonly records: number | null;
  readonly reason: string;
}

export interface Rule {
  /** Agreeing reads in a row that are needed. */
  readonly reads: number;
  /** Reads closer together than this count once. */
  readonly hoursApart: number;
}

export interface Situation {
  readonly fedFrom: 'staging' | 'production';
  /** Why there is no production to change over to, as a sentence; null when there is one. */
  readonly unreachable: string | null;
  /** Who holds it, as a sentence; null when nobody does. */
  readonly heldBy: string | null;
  /** Pipes this one links to that are not fed from production yet. */
  readonly linked: readonly string[];
  /** Until then a staging write whose answer was lost may still land over newer data. */
  readonly unsettledUntilMs: number | null;
  /** In any order. */
  readonly reads: readonly ShadowRead[];
}

export interface Decision {
  readonly flips: boolean;
  /** The agreeing reads that count, oldest first. */
  readonly counted: readonly ShadowRead[];
  /** What has to happen first, as sentences; empty when it flips, or has flipped. */
  readonly waitsFor: readonly string[];
  /** No flip before this, whatever happens; null when that depends on a person or on another pipe. */
  readonly earliestMs: number | null;
}

const HOUR_MS = 3_600_000;

/**
 * Whether another look at production is due: when one would count, and otherwise when half of the time between two that
 * count has passed since the latest.
 */
export function isReadDue(reads: readonly ShadowRead[], rule: Rule, nowMs: number): boolean {
  const gapMs = rule.hoursApart * HOUR_MS;
  const latestMs = Math.max(...past(reads, nowMs).map((read) => read.atMs)); // -Infinity without a read
  const lastCounted = countedReads(reads, rule, nowMs).at(-1);
  return nowMs - latestMs >= gapMs / 2 || (lastCounted !== undefined && nowMs - lastCounted.atMs >= gapMs);
}

/** Flips only from staging, and only when nothing is left to wait for. */
export function decideFlip(situation: Situation, rule: Rule, nowMs: number): Decision {
  const counted = countedReads(situation.reads, rule, nowMs);
  if (situation.fedFrom === 'production') return { flips: false, counted, waitsFor: [], earliestMs: null };
  const { unreachable, heldBy, linked, unsettledUntilMs } = situation;
  const settlesMs = Math.max(unsettledUntilMs ?? 0, nowMs);
  const missing = Math.max(0, rule.reads - counted.length);
  const waitsFor = [
    unreachable,
    heldBy,
    linked.length > 0 ? `${linked.join(' and ')} to be fed from production first` : null,
    missing > 0
      ? `${rule.reads} agreeing shadow reads in a row, ${rule.hoursApart} h apart (${counted.length} so far)`
      : null,
    settlesMs > nowMs ? 'a write from staging that may still be under way' : null,
  ].filter((sentence) => sentence !== null);
  const dependsOnOthers = unreachable !== null || heldBy !== null || linked.length > 0;
  const earliestMs = Math.max(settlesMs, missing === 0 ? nowMs : lastReadMs(situation.reads, counted, rule, nowMs));
  return { flips: waitsFor.length === 0, counted, waitsFor, earliestMs: dependsOnOthers ? null : earliestMs };
}

/** The newest reads that all agree, less those too soon after the one before that counts. One disagreement ends them. */
function countedReads(reads: readonly ShadowRead[], rule: Rule, nowMs: number): ShadowRead[] {
  const newestFirst = past(reads, nowMs).toSorted((a, b) => b.atMs - a.atMs);
  const broken = newestFirst.findIndex((read) => !read.agrees);
  const inARow = newestFirst.slice(0, broken < 0 ? newestFirst.length : broken).toReversed();
  const counted: ShadowRead[] = [];
  for (const read of inARow) {
    const before = counted.at(-1);
    if (!before || read.atMs - before.atMs >= rule.hoursApart * HOUR_MS) counted.push(read);
  }
  return counted;
}

/** When the last missing read can be made at the earliest. */
function lastReadMs(reads: readonly ShadowRead[], counted: readonly ShadowRead[], rule: Rule, nowMs: number): number {
  const gapMs = rule.hoursApart * HOUR_MS;
  const last = counted.at(-1);
  const latestMs = Math.max(...past(reads, nowMs).map((read) => read.atMs));
  const nextMs = Math.max(nowMs, last ? last.atMs + gapMs : latestMs + gapMs / 2);
  return nextMs + (rule.reads - counted.length - 1) * gapMs;
}

/** A read of the future was made under a wrong clock: it says nothing about when. */
const past = (reads: readonly ShadowRead[], nowMs: number): readonly ShadowRead[] =>
  reads.filter((read) => read.atMs <= nowMs);
