/** Samples by search: 5 a second and 200 a page (developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm). */
import { z } from 'zod';
import type { ObjectType } from '../pipe.ts';
import { ask } from '../sinks/hubspot/ask.ts';
import type { Call, Transport } from '../sinks/hubspot/transport.ts';

export interface Sampled {
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

const reply = z.object({
  total: z.number(),
  results: z.array(
    z.object({
      id: z.coerce.string(),
      properties: z
        .record(z.string(), z.unknown())
        .nullish()
        .transform((given) => given ?? {}),
    }),
  ),
  paging: z.object({ next: z.object({ after: z.coerce.string() }).nullish() }).nullish(),
});

const PAGE_SIZE = 200;

/** Up to `pages` pages of 200 from the oldest on, and as many from the newest back: no record twice. */
export async function sampleOf(
  transport: Transport,
  object: ObjectType,
  wanted: { readonly properties: readonly string[]; readonly pages: number },
  signal: AbortSignal,
): Promise<readonly Sampled[]> {
  const found = new Map<string, Sampled>();
  for (const direction of ['ASCENDING', 'DESCENDING'] as const) {
    let after: string | undefined;
    for (let page = 0; page < wanted.pages; page++) {
      const body = {
        filterGroups: [],
        properties: wanted.properties,
        sorts: [{ propertyName: 'hs_object_id', direction }],
        limit: PAGE_SIZE,
        ...(after === undefined ? {} : { after }),
      };
      const { results, paging, total } = await ask(transport, searchCall(transport, object, body), reply, signal);
      for (const one of results) found.set(one.id, one);
      after = paging?.next?.after;
      if (after === undefined || found.size >= total) break;
    }
  }
  return [...found.values()];
}

const searchCall = (transport: Transport, object: ObjectType, body: unknown): Call => ({
  method: 'POST',
  path: transport.paths.search(object),
  body,
  budget: 'search',
  operation: `${object} search`,
  kind: 'read',
});
