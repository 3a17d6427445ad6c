import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideFlip, isReadDue, type ShadowRead, type Situation } from '../src/cutover/decision.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-20T12:00:00.000Z');
const RULE = { reads: 3, hoursApart: 12 };

const read = (hoursAgo: number, agrees = true): ShadowRead => ({
  atMs: NOW_MS - hoursAgo * HOUR_MS,
  agrees,
  records: 10,
  reason: '',
});

const situation = (reads: readonly ShadowRead[], more: Partial<Situation> = {}): Situation => ({
  fedFrom: 'staging',
  unreachable: null,
  heldBy: null,
  linked: [],
  unsettledUntilMs: null,
  reads,
  ...more,
});

const flips = (reads: readonly ShadowRead[], more: Partial<Situation> = {}): boolean =>
  decideFlip(situation(reads, more), RULE, NOW_MS).flips;

const rules = fc.record({ reads: fc.integer({ min: 1, max: 5 }), hoursApart: fc.integer({ min: 0, max: 48 }) });
const histories = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 200 }), fc.boolean()).map(([hoursAgo, agrees]) => read(hoursAgo, agrees)),
  { selector: ({ atMs }) => atMs, maxLength: 30 },
);

/** The most reads of those after the last disagreement that lie far enough from each other, by trying every choice. */
function longestChain(reads: readonly ShadowRead[], gapMs: number): number {
  const lastNo = Math.max(...reads.filter(({ agrees }) => !agrees).map(({ atMs }) => atMs));
  const times = reads.map(({ atMs }) => atMs).filter((atMs) => atMs > lastNo);
  times.sort((a, b) => a - b);
  const best: number[] = [];
  times.forEach((atMs, at) => {
    best[at] = 1 + Math.max(0, ...times.slice(0, at).map((t, i) => (atMs - t >= gapMs ? (best[i] ?? 0) : 0)));
  });
  return Math.max(0, ...best);
}

describe('a pipe', () => {
  test('changes over after three agreeing reads 12 h apart', () => {
    expect(flips([read(0), read(12), read(24)])).toBe(true);
    expect(flips([read(0), read(12)])).toBe(false);
  });

  test('counts reads that are closer together once', () => {
    expect(flips([read(0), read(11), read(12), read(22)])).toBe(false);
    expect(flips([read(0), read(6), read(12), read(18), read(24)])).toBe(true);
  });

  test('begins again after a disagreement', () => {
    expect(flips([read(0), read(12), read(13, false), read(24), read(36)])).toBe(false);
    expect(flips([read(0, false), read(12), read(24), read(36)])).toBe(false);
  });

  test('waits for a person, for linked pipes, for an address and for writes under way, and says so', () => {
    const reads = [read(0), read(12), read(24)];
    for (const more of [
      { heldBy: 'a person' },
      { linked: ['customers'] },
      { unreachable: 'an address' },
      { unsettledUntilMs: NOW_MS + 1 },
    ]) {
      expect(flips(reads, more)).toBe(false);
      expect(decideFlip(situation(reads, more), RULE, NOW_MS).waitsFor).toHaveLength(1);
    }
    expect(flips(reads, { unsettledUntilMs: NOW_MS })).toBe(true);
  });

  test('ignores reads that a wrong clock has put into the future', () => {
    expect(flips([read(-1), read(12), read(24)])).toBe(false);
    expect(isReadDue([read(-1), read(7)], RULE, NOW_MS)).toBe(true);
  });

  test('never changes back or again, whatever was read', () => {
    fc.assert(
      fc.property(histories, rules, (reads, rule) => {
        const { flips, waitsFor } = decideFlip(situation(reads, { fedFrom: 'production' }), rule, NOW_MS);
        return !flips && waitsFor.length === 0;
      }),
    );
  });

  test('changes over exactly when enough agreeing reads since the last disagreement lie far enough apart', () => {
    fc.assert(
      fc.property(histories, rules, (reads, rule) => {
        const enough = longestChain(reads, rule.hoursApart * HOUR_MS) >= rule.reads;
        expect(decideFlip(situation(reads), rule, NOW_MS).flips).toBe(enough);
      }),
      { numRuns: 500 },
    );
  });

  test('does not care in which order reads are given', () => {
    fc.assert(
      fc.property(histories, rules, (reads, rule) => {
        expect(decideFlip(situation(reads.toReversed()), rule, NOW_MS)).toEqual(
          decideFlip(situation(reads), rule, NOW_MS),
        );
      }),
    );
  });

  test('changes over at the earliest time it names when all reads from now on agree, and not before', () => {
    fc.assert(
      fc.property(
        histories,
        fc.record({ reads: fc.integer({ min: 1, max: 4 }), hoursApart: fc.constantFrom(2, 12, 24) }),
        (past, rule) => {
          const reads = [...past];
          const { earliestMs } = decideFlip(situation(reads), rule, NOW_MS);
          let flipped: number | null = null;
          for (let atMs = NOW_MS; flipped === null && atMs <= NOW_MS + 200 * HOUR_MS; atMs += HOUR_MS) {
            if (isReadDue(reads, rule, atMs)) reads.push({ ...read(0), atMs });
            if (decideFlip(situation(reads), rule, atMs).flips) flipped = atMs;
          }
          expect(flipped).toBe(earliestMs);
        },
      ),
    );
  });
});

describe('a look at production', () => {
  test('is due at once, then after half of the time between two reads that count, and when it would count', () => {
    expect(isReadDue([], RULE, NOW_MS)).toBe(true);
    expect(isReadDue([read(5.9)], RULE, NOW_MS)).toBe(false);
    expect(isReadDue([read(6)], RULE, NOW_MS)).toBe(true);
    expect(isReadDue([read(1), read(12)], RULE, NOW_MS)).toBe(true);
    expect(isReadDue([read(1, false), read(12)], RULE, NOW_MS)).toBe(false);
  });
});
