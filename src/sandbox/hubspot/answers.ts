/**
 * Envelopes and status codes of batch answers, which differ by path version.
 * Source: github.com/HubSpot/HubSpot-public-api-spec-collection (v3, 2026-03 and 2026-09 files).
 */
import type { VendorReply } from '../http.ts';
import { instantText } from './json.ts';
import type { Version } from './route.ts';
import type { RowError, World } from './world.ts';

export type BatchAction = 'create' | 'update' | 'upsert' | 'read';

/** v3 and 2026-03 tell a mixed batch by 207 and a creation by 201; the 2026-09 files list 200 for all. */
export function batchStatus(world: World, version: Version, action: BatchAction, failed: boolean): number {
  if (version === '2026-09' && world.switches.statuses202609 === 'spec') return 200;
  if (failed) return 207;
  return action === 'create' ? 201 : 200;
}

/** `numErrors` and `errors` appear only when there are some. */
export function batchReply(
  world: World,
  status: number,
  startedAtMs: number,
  results: readonly unknown[],
  errors: readonly RowError[],
): VendorReply {
  const json = {
    status: 'COMPLETE',
    results,
    requestedAt: instantText(startedAtMs),
    startedAt: instantText(startedAtMs),
    completedAt: instantText(world.now()),
    ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
  };
  return { status, json };
}

export const noContent: VendorReply = { status: 204, text: '' };

/** A page of a list that is cut by an opaque id cursor; `paging` is absent on the last one. */
export function pageOf<T>(
  items: readonly T[],
  limit: number,
  cursor: (item: T) => string,
): { readonly page: readonly T[]; readonly paging: Readonly<Record<string, unknown>> } {
  const page = items.slice(0, limit);
  const last = page.at(-1);
  if (items.length <= limit || last === undefined) return { page, paging: {} };
  const after = cursor(last);
  return { page, paging: { paging: { next: { after, link: `?after=${after}` } } } };
}
