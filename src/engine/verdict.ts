/** From what happened to what is said: "ok" only when it is proven. */
import { asError, EXIT, type ExitCode, FatalError, type StopCode, TransientError } from '../errors.ts';
import type { Counts } from './ledger.ts';
import type { PartitionProof } from './read.ts';

export interface Conclusion {
  readonly status: 'ok' | 'partial' | 'failed' | 'stopped';
  readonly exit: ExitCode;
  /** Why it is not ok, and the next command to type. */
  readonly reason: string | null;
  readonly hint: string | null;
  /** What exactly stopped it, where the exit code says less. */
  readonly code?: StopCode;
}

/** A signal asked the run to end; `exit` is the shell's code for it. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  readonly exit: ExitCode;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`stopped by ${signal}`);
    this.exit = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
  }
}

export interface Evidence {
  readonly pipe: string;
  readonly failure: unknown;
  readonly proofs: readonly PartitionProof[];
  readonly counts: Counts;
  readonly deadLettersAdded: number;
  /** Links HubSpot did not answer for. */
  readonly linksUnknown: number;
  /** Objects whose create-only properties HubSpot did not acknowledge. */
  readonly stillOwed: number;
  /** Entities that were open when the run ended, whether it had read them or not. */
  readonly open: { readonly waiting: number; readonly held: number };
  /** The run read its source slice by slice: then no slice at all proves nothing. */
  readonly readSlices: boolean;
}

/** Names the proof of all slices together. */
export const UNION = '*';

export function conclude(evidence: Evidence): Conclusion {
  const { pipe, failure, proofs, counts, deadLettersAdded, linksUnknown, stillOwed, open, readSlices } = evidence;
  const held = Math.max(counts.held, open.held);
  if (failure !== null) return concludeFailure(pipe, failure);
  const failed = proofs.filter((proof) => proof.verdict === 'failed');
  const slices = proofs.filter((proof) => proof.partition !== UNION);
  if (failed.length > 0 && failed.length === slices.length) {
    const reason = `the source could not be read: ${failed[0]?.reason}`;
    return { status: 'failed', exit: EXIT.source, reason, hint: 'retail-sync doctor' };
  }
  const unproven = proofs.filter((proof) => proof.verdict === 'unproven');
  const reasons = [
    ...(readSlices && proofs.length === 0 ? ['the source named no slice to read: nothing is proven'] : []),
    ...failed.map((proof) => `${proof.label} could not be read: ${proof.reason}`),
    ...unproven.map((proof) => `${proof.label} is not proven complete: ${proof.reason}`),
    ...(held > 0
      ? [
          `${many(held, 'record is', 'records are')} held: HubSpot did not say whether ${held === 1 ? 'it was' : 'they were'} written`,
        ]
      : []),
    ...(open.waiting > 0 ? [`${many(open.waiting, 'record waits', 'records wait')} to be decided once more`] : []),
    ...(linksUnknown > 0
      ? [`HubSpot did not say whether ${many(linksUnknown, 'link was', 'links were')} made or removed`]
      : []),
    ...(stillOwed > 0
      ? [`${many(stillOwed, 'new object lacks', 'new objects lack')} properties that are set once, at creation`]
      : []),
    ...(deadLettersAdded > 0 ? [`${many(deadLettersAdded, 'dead letter was', 'dead letters were')} added`] : []),
  ];
  if (reasons.length === 0) return { status: 'ok', exit: EXIT.ok, reason: null, hint: null };
  const hint =
    deadLettersAdded > 0
      ? `retail-sync dead-letters list --pipe ${pipe}`
      : `run it again: retail-sync sync ${pipe}${unproven.length > 0 ? ' --full' : ''}`;
  return { status: 'partial', exit: EXIT.deadLetters, reason: reasons.join('; '), hint };
}

const many = (count: number, one: string, several: string): string => `${count} ${count === 1 ? one : several}`;

function concludeFailure(pipe: string, failure: unknown): Conclusion {
  if (failure instanceof Stopped) {
    const hint = `what was acknowledged is saved; go on with: retail-sync sync ${pipe}`;
    return { status: 'stopped', exit: failure.exit, reason: failure.message, hint };
  }
  if (failure instanceof FatalError) {
    const { exit, message: reason, hint, code } = failure;
    return { status: 'failed', exit, reason, hint, ...(code === null ? {} : { code }) };
  }
  if (failure instanceof TransientError) {
    const exit = failure.system === 'hubspot' ? EXIT.hubspot : EXIT.source;
    return { status: 'failed', exit, reason: failure.message, hint: 'retail-sync doctor' };
  }
  const { message } = asError(failure);
  const hint = 'retail-sync doctor; if it finds nothing, report the message';
  return { status: 'failed', exit: EXIT.internal, reason: `a fault in retail-sync itself: ${message}`, hint };
}
