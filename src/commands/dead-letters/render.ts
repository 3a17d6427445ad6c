/** What a retry says, letter by letter. */
import type { ExitCode } from '../../errors.ts';
import { clip, type Paint, safe } from '../../report/style.ts';
import { paragraph } from '../../report/table.ts';
import type { Retried } from './verdicts.ts';

/** The run that tried the letters of one pipe; `reason` and `hint` only when it failed as a whole. */
export interface RetriedRun {
  readonly pipe: string;
  readonly runId: string;
  readonly status: string;
  readonly exit: ExitCode;
  readonly reason: string | null;
  readonly hint: string | null;
}

const COLUMNS = 80;

const WORDS = {
  resolved: ['green', 'resolved'],
  open: ['yellow', 'still open'],
  'would-pass': ['green', 'would pass'],
  'would-fail': ['yellow', 'would fail'],
  'not-tried': ['gray', 'not tried'],
} as const;

const count = (letters: readonly Retried[], outcome: Retried['outcome']): number =>
  letters.filter((letter) => letter.outcome === outcome).length;

export function renderRetry(
  letters: readonly Retried[],
  runs: readonly RetriedRun[],
  isPreview: boolean,
  paint: Paint,
): string {
  if (letters.length === 0) return 'no open dead letters\n';
  const lines = letters.flatMap(({ id, pipe, subject, outcome, reason }) => {
    const [ink, word] = WORDS[outcome];
    const [label, rest] = [`${String(id).padStart(5)}  `, `  ${pipe}, ${safe(subject)}`];
    const line = label + paint(ink, word) + clip(rest, COLUMNS - label.length - word.length);
    return [line, ...(reason === null ? [] : paragraph(reason, '         '))];
  });
  const failures = runs.flatMap(({ pipe, reason, hint }) =>
    reason === null ? [] : [...paragraph(`${pipe}: ${reason}`, ''), ...(hint === null ? [] : [`next: ${hint}`])],
  );
  return `${[...lines, '', ...failures, closing(letters, isPreview)].join('\n')}\n`;
}

function closing(letters: readonly Retried[], isPreview: boolean): string {
  const passing = count(letters, isPreview ? 'would-pass' : 'resolved');
  const said = `${passing} of ${letters.length} ${isPreview ? 'would pass; nothing was changed' : 'resolved'}`;
  if (isPreview && passing > 0) return `${said}; try them without --preview`;
  const [left] = letters.filter(({ outcome }) => outcome === 'open' || outcome === 'would-fail');
  return left === undefined ? said : `${said}; see retail-sync dead-letters show ${left.id}`;
}

export const retryDocument = (
  letters: readonly Retried[],
  runs: readonly RetriedRun[],
  isPreview: boolean,
  exit: ExitCode,
) => ({
  schemaVersion: 1,
  runId: runs.length === 1 ? (runs[0]?.runId ?? null) : null,
  status: exit === 0 ? 'ok' : exit === 3 ? 'partial' : 'failed',
  exit,
  preview: isPreview,
  counts: {
    letters: letters.length,
    resolved: count(letters, 'resolved'),
    open: count(letters, 'open'),
    wouldPass: count(letters, 'would-pass'),
    wouldFail: count(letters, 'would-fail'),
    notTried: count(letters, 'not-tried'),
  },
  runs,
  letters,
});
