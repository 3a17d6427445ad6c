/** What the customers of orders are known by elsewhere: a reference id and the hash of an e-mail, nothing more. */
import { type Fields, fieldsIn, isFields, textOrNull } from './exact-json.ts';
import { CUSTOMER_FIELD, customerIdOf, emailSha256 } from './model.ts';
import { ForbiddenError } from './verdict.ts';
import type { Wire } from './wire.ts';

/** Of bulk creates Square says 100 at most; taken to hold for bulk reads too. */
const CUSTOMERS_A_CALL = 100;
/** Profiles remembered within one read, so that a regular is asked for once. */
const REMEMBERED_MAX = 10_000;

export class CustomerLookup {
  readonly #wire: Wire;
  readonly #onForbidden: () => void;
  readonly #known = new Map<string, Fields | null>();

  constructor(wire: Wire, onForbidden: () => void) {
    this.#wire = wire;
    this.#onForbidden = onForbidden;
  }

  /** The orders, each with what its customer is known by under `square_customer`, if it has a customer. */
  async addTo(orders: readonly Fields[], signal: AbortSignal): Promise<Fields[]> {
    const asked = new Set(orders.map(customerIdOf).filter((id) => id !== null));
    const unknown = [...asked].filter((id) => !this.#known.has(id));
    if (this.#known.size + unknown.length > REMEMBERED_MAX) this.#known.clear();
    const missing = [...asked].filter((id) => !this.#known.has(id));
    for (let index = 0; index < missing.length; index += CUSTOMERS_A_CALL) {
      await this.#fetch(missing.slice(index, index + CUSTOMERS_A_CALL), signal);
    }
    return orders.map((order) => {
      const id = customerIdOf(order);
      const customer = id === null ? null : this.#known.get(id);
      return customer ? { ...order, [CUSTOMER_FIELD]: customer } : order;
    });
  }

  /** Kept by the asked id: a merged profile answers with another one. */
  async #fetch(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const responses = fieldsOf((await this.#ask(ids, signal)).responses);
    for (const id of ids) {
      const customer = fieldsOf(responses[id]).customer;
      this.#known.set(id, isFields(customer) ? leastOf(id, customer) : null);
    }
  }

  /** Without the scope orders still come, only without what their links need. */
  async #ask(ids: readonly string[], signal: AbortSignal): Promise<Fields> {
    try {
      return await this.#wire.call(
        'customers.bulkRetrieve',
        (client, options) => client.customers.bulkRetrieveCustomers({ customerIds: [...ids] }, options),
        signal,
        (body) => (everyoneAnswered(body) ? null : 'Square could not read some of the customers'),
      );
    } catch (error) {
      if (!(error instanceof ForbiddenError)) throw error;
      this.#onForbidden();
      return {};
    }
  }
}

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

/** A bulk read hides failures of single customers in its 200; only "not found" is an answer. */
function everyoneAnswered(body: Fields): boolean {
  return Object.values(fieldsOf(body.responses)).every((response) =>
    fieldsIn(fieldsOf(response).errors).every((error) => error.code === 'NOT_FOUND'),
  );
}

function leastOf(askedId: string, customer: Fields): Fields {
  const email = textOrNull(customer.email_address);
  return {
    asked_id: askedId,
    id: textOrNull(customer.id),
    reference_id: textOrNull(customer.reference_id),
    email_sha256: email === null ? null : emailSha256(email),
  };
}
