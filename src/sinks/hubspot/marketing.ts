/** Nothing this tool does may make a contact billable: what is never written, and what is looked at afterwards. */
import type { ObjectType } from '../../pipe.ts';
import { batchRead } from './batch-read.ts';
import type { Transport } from './transport.ts';

/** Read-only by documentation (knowledge.hubspot.com/contacts/marketing-contacts); several scripts send it all the same. */
const NEVER_WRITTEN = /^hs_marketable/i;
export const MARKETABLE = 'hs_marketable_status';

/** Throws an Error, not a refusal: a mapping that names such a property is a fault of the program. */
export function refuseMarketing(
  object: ObjectType,
  items: readonly { readonly properties: Readonly<Record<string, string>> }[],
): void {
  const name = items.flatMap((item) => Object.keys(item.properties)).find((property) => NEVER_WRITTEN.test(property));
  if (name !== undefined)
    throw new Error(`${name} on ${object} must never be written: it decides what a contact costs`);
}

/** Those of the ids that are marketing contacts now. One read per 100. Throws TransientError when a read failed. */
export async function checkContacts(
  transport: Transport,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await batchRead(transport, 'contacts', null, ids, [MARKETABLE], signal);
  return [...found].filter(([, { properties }]) => properties[MARKETABLE] === 'true').map(([id]) => id);
}
