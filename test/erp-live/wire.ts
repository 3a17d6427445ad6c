/** A caller of Tryton's JSON-RPC for the test itself: it shares no code with the adapter that is tested. */

export type Values = Readonly<Record<string, unknown>>;

export class Caller {
  readonly #url: string;
  readonly #user: string;
  readonly #password: string;
  #session: string | null = null;
  /** Company and so on: the last parameter of each call. */
  context: Values = { language: 'en' };

  constructor(url: string, user: string, password: string) {
    this.#url = url;
    this.#user = user;
    this.#password = password;
  }

  /** `model.party.party.create` and its parameters; the context is added. */
  async call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    this.#session ??= await this.#login();
    return this.#post({ id: 1, method, params: [...params, this.context] }, this.#session);
  }

  /** The next call logs in again. */
  forgetSession(): void {
    this.#session = null;
  }

  async ids(method: string, ...params: readonly unknown[]): Promise<number[]> {
    const result = await this.call(method, ...params);
    return Array.isArray(result) ? result.filter((id) => typeof id === 'number') : [];
  }

  create(model: string, records: readonly Values[]): Promise<number[]> {
    return this.ids(`model.${model}.create`, records);
  }

  async one(model: string, values: Values): Promise<number> {
    const [id] = await this.create(model, [values]);
    if (id === undefined) throw new Error(`${model}: nothing was created`);
    return id;
  }

  async write(model: string, ids: readonly number[], values: Values): Promise<void> {
    await this.call(`model.${model}.write`, ids, values);
  }

  async #login(): Promise<string> {
    const result = await this.#post({
      id: 0,
      method: 'common.db.login',
      params: [this.#user, { password: this.#password }],
    });
    if (!Array.isArray(result)) throw new Error(`login as ${this.#user} refused`);
    return Buffer.from([this.#user, ...result].join(':')).toString('base64');
  }

  async #post(body: unknown, session?: string): Promise<unknown> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(session ? { authorization: `Session ${session}` } : {}) },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`status ${response.status}: ${text.slice(0, 300)}`);
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null) throw new Error('no envelope');
    if ('error' in answer)
      throw new Error(`${JSON.stringify(body).slice(0, 300)}: ${JSON.stringify(answer.error).slice(0, 500)}`);
    return 'result' in answer ? answer.result : undefined;
  }
}

/** A number as Tryton wants money. */
export const money = (decimal: string): Values => ({ __class__: 'Decimal', decimal });
export const date = (iso: string): Values => {
  const [year, month, day] = iso.split('-').map(Number);
  return { __class__: 'date', year, month, day };
};
