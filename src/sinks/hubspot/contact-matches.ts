/** Contacts that have the e-mail of a contact we would create. */
import { foldKey } from '../../fingerprint.ts';
import type { Write } from '../../pipe.ts';
import type { Match } from './adoption.ts';
import { batchRead } from './batch-read.ts';
import type { Transport } from './transport.ts';

const WORDS = {
  other: 'the HubSpot contact with this e-mail carries the id of another ERP contact',
  several: 'several HubSpot contacts have this e-mail',
};

/** By their first e-mail address, exact but for letter case. One read per 100. All writes have one key property. */
export async function findContacts(
  transport: Transport,
  writes: readonly Write[],
  signal: AbortSignal,
): Promise<readonly Match[]> {
  const wanted = writes.flatMap((write) => {
    const email = emailOf(write);
    return email === null ? [] : [{ write, email }];
  });
  const [first] = wanted;
  if (!first) return [];
  const { keyProperty } = first.write;
  const emails = wanted.map(({ email }) => email);
  const found = await batchRead(transport, 'contacts', 'email', emails, [keyProperty], signal);
  return wanted.flatMap(({ write, email }) => {
    const contact = found.get(email);
    if (!contact) return [];
    const key = ownKey(contact.properties[keyProperty], write);
    return [{ write, candidates: [{ hubspotId: contact.hubspotId, key }], words: WORDS }];
  });
}

/** HubSpot keeps e-mails in lower case. */
function emailOf(write: Write): string | null {
  const email = (write.properties.email ?? '').trim().toLowerCase();
  return /^[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]+$/.test(email) ? email : null;
}

/** HubSpot may spell our key in its own way; an empty one is none. */
export function ownKey(value: string | null | undefined, write: Write): string | null {
  if (value === null || value === undefined || value.trim() === '') return null;
  return foldKey(value) === foldKey(write.key) ? write.key : value;
}
