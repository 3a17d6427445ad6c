/** An e-mail that another contact has: HubSpot allows it once, so ours is written without it. */
import type { Outcome } from '../../pipe.ts';
import { type Item, type Target, writeAll } from './batch-write.ts';

type Refused = Extract<Outcome, { kind: 'refused' }>;

/**
 * Writes contacts; those that are refused for an e-mail of another contact once more without it. `onConflict` is called
 * with the key of each that was written so. Without the e-mail, HubSpot's value stays as it is.
 */
export async function writeContacts(
  target: Target,
  items: readonly Item[],
  onConflict: (key: string) => void,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map(await writeAll(target, items, signal));
  const again = items.filter((item) => isTaken(item, outcomes.get(item.key)));
  const shorn = again.map(({ key, properties: { email: _taken, ...properties } }) => ({ key, properties }));
  for (const [key, outcome] of await writeAll(target, shorn, signal)) {
    outcomes.set(key, outcome.kind === 'written' ? { ...outcome, withheld: ['email'] } : outcome);
    if (outcome.kind === 'written') onConflict(key);
  }
  return outcomes;
}

/** Of a contact's properties only the key and the e-mail are unique, and the key is what it is matched by. */
const isTaken = (item: Item, outcome: Outcome | undefined): boolean =>
  (item.properties.email ?? '') !== '' && outcome?.kind === 'refused' && isConflict(outcome) && mayMeanEmail(outcome);

const CATEGORIES = /^(HTTP_409|CONFLICT\w*|\w*_(CONFLICT|EXISTS|TAKEN)|CONTACT_EXISTS|OBJECT_ALREADY_EXISTS)$/;
const WORDS = /CONFLICTING_UNIQUE_VALUE|already exist|already (has|have|in use|used|taken)|must be unique/i;

/** A unique value that another object has (developers.hubspot.com/docs/api-reference/error-handling: 409). */
export const isConflict = ({ category, reason }: Refused): boolean => CATEGORIES.test(category) || WORDS.test(reason);

/** Reasons name properties as "CODE on name: words": then the e-mail must be one of them. */
function mayMeanEmail({ reason }: Refused): boolean {
  const named = [...reason.matchAll(/\b[A-Z_]+ on (\w+)/g)].map((match) => match[1]);
  return named.length === 0 || named.includes('email');
}
