/**
 * Which quote revisions exist, when they were made and what became of them: 26,000 revisions at full scale, over
 * about 9,000 opportunities. Held as columns, since revisions of one opportunity lie far apart in the file.
 */
import { afterFirstCommitMs, businessInstant, DAY_MS, newestMs, nightJob, oldestMs } from './days.ts';
import { Dice, STREAM } from './dice.ts';

const STAGES = ['DRAFT', 'SENT', 'WON', 'LOST', 'EXPIRED', 'ORDERED'] as const;
export type Stage = (typeof STAGES)[number];

/** One revision of one quote. Instants in ms; positions ascend with `createdMs`. */
export interface Revision {
  /** Ordinal of the opportunity, or of the lone quote: what account, rep and job are drawn by. */
  readonly deal: number;
  /** Ordinal of the opportunity by its first revision; -1 for a quote without opportunity. */
  readonly opportunity: number;
  /** Ordinal of the quote by its first revision: all its revisions share it. */
  readonly quote: number;
  readonly rev: number;
  readonly stage: Stage;
  readonly createdMs: number;
  readonly changedMs: number;
  readonly decidedMs: number | null;
}

export const QUOTES_AT_FULL_SCALE = 26_000;
export const VALID_FOR_DAYS = 30;
/** Everything last touched in the first weeks came from an older system, in one load. */
const MIGRATED_DAYS = 28;

const QUOTES_PER_DEAL = [
  [1, 75],
  [2, 18],
  [3, 7],
] as const;
const REVISIONS_PER_QUOTE = [
  [1, 44],
  [2, 26],
  [3, 14],
  [4, 9],
  [5, 5],
  [6, 2],
] as const;
const LONE_QUOTE = 0.08;

interface Draft {
  readonly deal: number;
  readonly lone: boolean;
  readonly quoteInDeal: number;
  readonly rev: number;
  readonly createdMs: number;
  stage: Stage;
  changedMs: number;
  decidedMs: number | null;
}

/** @param commitRows rows that the load from the older system committed at once */
export function revisions(seed: number, count: number, asOfMs: number, commitRows: number): readonly Revision[] {
  const drafts: Draft[] = [];
  for (let deal = 0; drafts.length < count; deal++) drafts.push(...dealDrafts(seed, deal, asOfMs));
  drafts.length = count;
  const migratedMs = nightJob(oldestMs(asOfMs) + MIGRATED_DAYS * DAY_MS);
  drafts.sort((a, b) => a.createdMs - b.createdMs || a.deal - b.deal || a.quoteInDeal - b.quoteInDeal || a.rev - b.rev);
  let migrated = 0;
  for (const draft of drafts)
    if (draft.changedMs < migratedMs) draft.changedMs = migratedMs + afterFirstCommitMs(migrated++, commitRows);
  return numbered(drafts);
}

/** Numbers opportunities and quotes by first appearance, as a running counter does. */
function numbered(drafts: readonly Draft[]): readonly Revision[] {
  const opportunities = new Map<number, number>();
  const quotes = new Map<number, number>();
  const numberIn = (numbers: Map<number, number>, key: number): number => {
    const known = numbers.get(key) ?? numbers.size;
    numbers.set(key, known);
    return known;
  };
  return drafts.map(({ deal, lone, quoteInDeal, rev, stage, createdMs, changedMs, decidedMs }) => ({
    deal,
    opportunity: lone ? -1 : numberIn(opportunities, deal),
    quote: numberIn(quotes, deal * 4 + quoteInDeal),
    rev,
    stage,
    createdMs,
    changedMs,
    decidedMs,
  }));
}

function dealDrafts(seed: number, deal: number, asOfMs: number): readonly Draft[] {
  const dice = new Dice(seed, STREAM.opportunity, deal);
  const lone = dice.chance(LONE_QUOTE);
  const quotes = lone ? 1 : dice.weighted(QUOTES_PER_DEAL);
  const plan: { quoteInDeal: number; rev: number; offsetMs: number }[] = [];
  let offsetMs = 0;
  for (let quoteInDeal = 0; quoteInDeal < quotes; quoteInDeal++) {
    const revs = dice.weighted(REVISIONS_PER_QUOTE);
    for (let rev = 0; rev < revs; rev++) {
      plan.push({ quoteInDeal, rev, offsetMs });
      offsetMs += dice.int(1, 9) * DAY_MS + dice.int(-90, 90) * 60_000;
    }
    offsetMs += dice.int(3, 20) * DAY_MS;
  }
  const last = plan.at(-1)?.offsetMs ?? 0;
  const room = (newestMs(asOfMs) - oldestMs(asOfMs) - last) / (newestMs(asOfMs) - oldestMs(asOfMs));
  // An hour of margin at both ends of the day keeps each revision's date the same in UTC and in Chicago.
  const startMs = businessInstant(asOfMs, 1 - dice.next() * room, 0.35 + 0.3 * dice.next());
  const drafts = plan.map(({ quoteInDeal, rev, offsetMs: after }) =>
    openDraft({ deal, lone, quoteInDeal, rev, createdMs: startMs + after }),
  );
  conclude(drafts, dice, newestMs(asOfMs));
  return drafts;
}

const openDraft = (draft: Pick<Draft, 'deal' | 'lone' | 'quoteInDeal' | 'rev' | 'createdMs'>): Draft => ({
  ...draft,
  stage: 'SENT',
  changedMs: draft.createdMs,
  decidedMs: null,
});

/** Earlier revisions stay as sent, touched when the next one replaced them; the last one gets the deal's fate. */
function conclude(drafts: readonly Draft[], dice: Dice, newest: number): void {
  for (const [at, draft] of drafts.entries()) {
    const next = drafts[at + 1];
    if (next && next.quoteInDeal === draft.quoteInDeal) draft.changedMs = next.createdMs;
    else if (next) close(draft, dice.pick(['LOST', 'EXPIRED'] as const), dice, newest);
    else close(draft, dice.weighted(FATES), dice, newest);
  }
}

const FATES: readonly (readonly [Stage, number])[] = [
  ['WON', 28],
  ['ORDERED', 14],
  ['LOST', 23],
  ['EXPIRED', 24],
  ['SENT', 7],
  ['DRAFT', 4],
];

/** A fate that lies in the world's future has not come yet: the quote is still open. */
function close(draft: Draft, fate: Stage, dice: Dice, newest: number): void {
  if (fate === 'SENT' || fate === 'DRAFT') {
    draft.stage = fate;
    draft.changedMs = Math.min(newest, draft.createdMs + dice.int(1, 400) * 1_000);
    return;
  }
  const atMs =
    fate === 'EXPIRED'
      ? nightJob(draft.createdMs + (VALID_FOR_DAYS + 1) * DAY_MS)
      : draft.createdMs + dice.int(1, 28) * DAY_MS + dice.int(-60, 60) * 60_000;
  if (atMs > newest) return;
  draft.stage = fate;
  draft.changedMs = atMs;
  draft.decidedMs = fate === 'EXPIRED' ? null : atMs;
}
