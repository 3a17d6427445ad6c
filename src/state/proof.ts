/** What the journal keeps of a request and its answer, so that it can be found again in HubSpot's logs. */
import type { Evidence } from '../pipe.ts';

export interface Proof {
  /** Which request of the run it was, counted from 1. */
  readonly batch: number;
  readonly evidence: Evidence | undefined;
}

/** Characters kept of an id that HubSpot gave: a uuid has 36. */
const ID_MAX = 64;

/** Values of the journal's columns batch, trace and answer. */
export function proofColumns(proof: Proof | undefined): readonly [number | null, string | null, string | null] {
  if (proof === undefined) return [null, null, null];
  const { batch, evidence } = proof;
  if (evidence === undefined) return [batch, null, null];
  const { trace, status, correlation } = evidence;
  const id = correlation === null ? '' : ` ${correlation.slice(0, ID_MAX)}`;
  return [batch, trace.slice(0, ID_MAX), `${status ?? 'none'}${id}`];
}
