/** What became of each letter that was tried again. */
import type { LetterRow } from '../../state/letter-box.ts';
import type { LetterWatch } from '../../state/letter-watch.ts';

export interface Retried {
  readonly id: number;
  readonly pipe: string;
  readonly subject: string;
  readonly outcome: 'resolved' | 'open' | 'would-pass' | 'would-fail' | 'not-tried';
  /** Why it stays as it is; of what passes, what is left to say. */
  readonly reason: string | null;
}

const about = ({ id, pipe, subject }: LetterRow): Pick<Retried, 'id' | 'pipe' | 'subject'> => ({ id, pipe, subject });

/** A letter that cannot be tried again, and why. */
export const untouched = (letter: LetterRow, reason: string): Retried => ({
  ...about(letter),
  outcome: 'not-tried',
  reason,
});

/**
 * After a real run: what the state says. `refusal`: the newest words about it in this run; `failure`: why the run as a
 * whole did not get to its end.
 */
export function judgeRun(after: LetterRow, refusal: string | null, failure: string | null): Retried {
  if (after.state === 'resolved') return { ...about(after), outcome: 'resolved', reason: null };
  const silence = after.stage === 'link' ? after.reason : 'not settled yet; the next run goes on with it';
  return { ...about(after), outcome: 'open', reason: refusal ?? failure ?? silence };
}

/** After a dry run: what was seen of it before it was rolled back. */
export function judgePreview(letter: LetterRow, watch: LetterWatch, failure: string | null): Retried {
  const { stream, entity, stage } = letter;
  const refusal = watch.refusal(letter);
  if (refusal !== undefined) return { ...about(letter), outcome: 'would-fail', reason: refusal };
  if (stage === 'link') return { ...about(letter), outcome: 'not-tried', reason: 'only HubSpot can tell: retry it' };
  const left = entity === null ? undefined : watch.entity(stream, entity);
  if (left?.state === 'excluded') return { ...about(letter), outcome: 'would-pass', reason: `excluded: ${left.rule}` };
  if (left?.state === 'clean') {
    const reason = stage === 'write' ? 'mapped; HubSpot has the last word' : null;
    return { ...about(letter), outcome: 'would-pass', reason };
  }
  const reason = failure ?? 'neither the source nor the state has a payload of it any more';
  return { ...about(letter), outcome: 'would-fail', reason };
}
