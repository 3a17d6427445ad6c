/** The people a record can belong to, by e-mail (developers.hubspot.com/docs/api-reference/crm-owners-v3/guide). */
import { z } from 'zod';
import { EXIT, FatalError } from '../../errors.ts';
import { ask } from './ask.ts';
import type { Transport } from './transport.ts';

const ownersReply = z.object({
  results: z.array(
    z.object({
      id: z.coerce.string().min(1),
      email: z.string().nullish().catch(null),
      archived: z.boolean().nullish().catch(null),
    }),
  ),
  paging: z
    .object({ next: z.object({ after: z.coerce.string() }).nullish() })
    .nullish()
    .catch(null),
});

const PAGE_SIZE = 100;
const PAGES_MAX = 100;

/**
 * Owner ids by e-mail in lower case, archived ones left out; of two with one e-mail the first. Throws TransientError
 * when an answer did not come, FatalError when the list does not end after 10,000.
 */
export async function readOwners(transport: Transport, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(after === undefined ? {} : { after }) });
    const path = `${transport.paths.owners}?${query}`;
    const call = { method: 'GET', path, budget: 'burst', operation: 'owners read', kind: 'read' } as const;
    const reply = await ask(transport, call, ownersReply, signal);
    for (const { id, email, archived } of reply.results) {
      const address = email?.trim().toLowerCase() ?? '';
      if (address !== '' && !archived && !owners.has(address)) owners.set(address, id);
    }
    const next = reply.paging?.next?.after;
    if (next === undefined || next === after) return owners;
    after = next;
  }
  throw new FatalError(
    EXIT.hubspot,
    `HubSpot lists more than ${PAGES_MAX * PAGE_SIZE} owners`,
    'Check HUBSPOT_BASE_URL, then run: retail-sync doctor',
  );
}
