/**
 * Stands before the writes of contacts. Whether HubSpot bills contacts that an app creates is a setting that no API
 * shows (knowledge.hubspot.com/integrations/manage-marketing-contacts-settings-for-your-integrations): on a live portal
 * a person has to confirm it, and the first contact that is created goes alone and is looked at.
 */
import { EXIT, FatalError } from '../../errors.ts';
import type { Outcome, Sink, Write } from '../../pipe.ts';
import { batchRead } from './batch-read.ts';
import { MARKETABLE } from './marketing.ts';
import type { Transport } from './transport.ts';

export interface GuardOptions {
  readonly transport: Transport;
  /** `MARKETING_TOGGLE_CONFIRMED_ON`; null when nobody has confirmed it. */
  readonly confirmedOn: string | null;
  /** As the account details say; an account that does not say counts as a live one. */
  readonly accountType: string;
}

const TEST_ACCOUNTS: readonly string[] = ['DEVELOPER_TEST', 'SANDBOX', 'APP_DEVELOPER'];
/** A new contact can be read by its id at once; these are for a portal that takes its time. */
const READS_MAX = 10;
const READ_PAUSE_MS = 500;

/** Throws FatalError: exit 2 before anything of a contact is written, exit 4 when the first one became billable. */
export function guardContacts(sink: Sink, options: GuardOptions): Sink {
  const guard = new ContactGuard(sink, options);
  const { adopt } = sink;
  return {
    batchSize: sink.batchSize,
    concurrency: sink.concurrency,
    write: (writes, signal) => guard.write(writes, signal),
    read: (object, ids, properties, signal) => sink.read(object, ids, properties, signal),
    async update(object, updates, signal) {
      if (object === 'contacts') guard.needConfirmation();
      return await sink.update(object, updates, signal);
    },
    keyed: (object, keyProperty, signal) => sink.keyed(object, keyProperty, signal),
    link: (links, signal) => sink.link(links, signal),
    unlink: (links, signal) => sink.unlink(links, signal),
    ...(adopt && {
      async adopt(writes, signal, onFound) {
        if (writes.some(isContact)) guard.needConfirmation();
        return await adopt.call(sink, writes, signal, onFound);
      },
    }),
  };
}

const isContact = (write: Write): boolean => write.object === 'contacts';

type Outcomes = Map<string, Outcome>;

class ContactGuard {
  readonly #sink: Sink;
  readonly #options: GuardOptions;
  /** A contact was created and is not billable: from then on batches go through as they are. */
  #proven = false;
  /** Until then one batch at a time; what stopped one of them for good stops those behind it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(sink: Sink, options: GuardOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  needConfirmation(): void {
    const { accountType, confirmedOn } = this.#options;
    if (TEST_ACCOUNTS.includes(accountType) || (confirmedOn !== null && confirmedOn.trim() !== '')) return;
    throw new FatalError(
      EXIT.usage,
      'This portal is a live account, and nobody has confirmed that contacts made by this app are not billed',
      'In HubSpot see Settings > Integrations > Marketing contacts: it must be off for this app. Then set MARKETING_TOGGLE_CONFIRMED_ON to the date of that look',
    );
  }

  async write(writes: readonly Write[], signal: AbortSignal): Promise<ReadonlyMap<string, Outcome>> {
    const contacts = writes.filter(isContact);
    if (contacts.length > 0) this.needConfirmation();
    if (this.#proven || !contacts.some((write) => write.hubspotId === null))
      return await this.#sink.write(writes, signal);
    const mine = this.#turn.then(() => this.#writeWithCare(writes, signal));
    this.#turn = mine.catch((thrown: unknown) => {
      if (thrown instanceof FatalError) throw thrown;
    });
    this.#turn.catch(() => undefined); // its own caller sees it, and so does every batch behind
    return await mine;
  }

  /** Contacts that are not there yet go one by one until one was created and looked at; then all that is left. */
  async #writeWithCare(writes: readonly Write[], signal: AbortSignal): Promise<Outcomes> {
    const outcomes: Outcomes = new Map();
    const absent = this.#proven ? [] : await this.#absent(writes, signal);
    for (const write of absent) {
      const outcome = (await this.#sink.write([write], signal)).get(write.key);
      if (!outcome) break;
      outcomes.set(write.key, outcome);
      if (outcome.kind !== 'written' || !outcome.created) continue;
      await this.#look(outcome.hubspotId, signal);
      this.#proven = true;
      break;
    }
    const rest = writes.filter((write) => !(isContact(write) && outcomes.has(write.key)));
    if (rest.length === 0) return outcomes;
    for (const [key, outcome] of await this.#sink.write(rest, signal)) outcomes.set(key, outcome);
    return outcomes;
  }

  /** By key, because a database that was lost knows no ids of contacts that are there. */
  async #absent(writes: readonly Write[], signal: AbortSignal): Promise<readonly Write[]> {
    const unknown = writes.filter((write) => isContact(write) && write.hubspotId === null);
    const absent: Write[] = [];
    for (const [keyProperty, group] of Map.groupBy(unknown, (write) => write.keyProperty)) {
      const keys = group.map((write) => write.key);
      const found = await batchRead(this.#options.transport, 'contacts', keyProperty, keys, [], signal);
      absent.push(...group.filter((write) => !found.has(write.key)));
    }
    return absent;
  }

  async #look(id: string, signal: AbortSignal): Promise<void> {
    const { transport } = this.#options;
    for (let reads = 0; reads < READS_MAX; reads += 1) {
      const found = (await batchRead(transport, 'contacts', null, [id], [MARKETABLE], signal)).get(id);
      if (found?.properties[MARKETABLE] === 'true') throw billable(id);
      if (found) return;
      await transport.clock.sleep(READ_PAUSE_MS, signal);
    }
    throw new FatalError(
      EXIT.hubspot,
      `Contact ${id} was created but cannot be read back, so nobody knows whether it is billed; no other contact was created`,
      'Look at it in HubSpot, then run the same command again',
    );
  }
}

const billable = (id: string): FatalError =>
  new FatalError(
    EXIT.gate,
    `Contact ${id} became a marketing contact when it was created: this portal bills the contacts that this app makes. No other contact was created`,
    `In HubSpot switch it off for this app (Settings > Integrations > Marketing contacts; for a private app see its own settings) and set contact ${id} to non-marketing, then run the same command again`,
    { code: 'billable-contact' },
  );
