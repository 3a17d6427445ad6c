/** `proof`: that a run saw everything the source has, slice by slice, or what is missing from that proof. */
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { renderProof } from '../report/proof.ts';
import { painter } from '../report/style.ts';
import { proofOf, type RunProof } from '../state/proofs.ts';
import type { Invocation } from './invocation.ts';
import { checkPipe, withStoredState } from './stored.ts';

export interface ProofFlags {
  /** A run's id, or `last`. */
  readonly run?: string;
  readonly json?: boolean;
}

/** Exit 0 when every slice is proven complete, 3 when one is not. Throws FatalError (exit 2) when there is no such run. */
export async function proof(pipe: string, flags: ProofFlags, invocation: Invocation): Promise<ExitCode> {
  checkPipe(pipe);
  const run = flags.run ?? 'last';
  const found = withStoredState(invocation, (db) => proofOf(db, pipe, run), null);
  if (found === null) throw noProof(pipe, run);
  const { stdout, env } = invocation;
  if (flags.json) stdout.write(`${JSON.stringify(proofDocument(pipe, found), null, 2)}\n`);
  else stdout.write(renderProof(pipe, found, painter(stdout, env)));
  return isProven(found) ? EXIT.ok : EXIT.deadLetters;
}

const noProof = (pipe: string, run: string): FatalError =>
  run === 'last'
    ? new FatalError(EXIT.usage, `no run of ${pipe} has read its source yet`, `retail-sync sync ${pipe}`)
    : new FatalError(
        EXIT.usage,
        `there is no run ${run} of ${pipe} on record`,
        `take the last one: retail-sync proof ${pipe}`,
      );

/** A run that read no slice has proven nothing. */
const isProven = ({ slices, union }: RunProof): boolean =>
  slices.length > 0 &&
  (union?.verdict ?? 'complete') === 'complete' &&
  slices.every(({ verdict }) => verdict === 'complete');

function proofDocument(pipe: string, found: RunProof) {
  const { runId, slices, union, mode } = found;
  const count = (verdict: string): number => slices.filter((slice) => slice.verdict === verdict).length;
  const sum = (values: readonly (number | null)[]): number =>
    values.reduce<number>((all, value) => all + (value ?? 0), 0);
  return {
    ...{ schemaVersion: 1, runId, status: isProven(found) ? 'ok' : 'partial', pipe },
    startedAt: new Date(found.startedAtMs).toISOString(),
    runStatus: found.status,
    mode,
    counts: {
      partitions: slices.length,
      complete: count('complete'),
      unproven: count('unproven'),
      failed: count('failed'),
      limited: count('limited'),
      expected: sum(slices.map(({ expected }) => expected)),
      fetched: sum(slices.map(({ fetched }) => fetched)),
    },
    union,
    partitions: slices,
  };
}
