/** Tryton's JSON-RPC on loopback: sessions, envelopes and errors as 6.0 gives them; what breaks a rule is refused. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { modelOf, PythonError, Store, type Tables } from './erp-tryton-store.ts';

type Params = readonly unknown[];
const DATABASE = 'retail';
const USER = 'sync';
const PASSWORD = 'secret-2';
/** Failures after which a login is refused, for the right password too. */
const FAILURES_MAX = 6;
const COUNTED = ['search', 'search_count', 'search_read'];

/** An answer that is no envelope. */
class StatusError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}
/** `["UserError", [message, description, domain]]` */
class UserError extends Error {}

export class TrytonServer {
  readonly store = new Store();
  readonly access = { baseUrl: '', database: DATABASE, user: USER, password: PASSWORD };
  /** Fields of modules that are not installed: `party.party agents`. */
  readonly absent = new Set<string>();
  readonly sessions = new Set<string>();
  company: number | null = 1;
  logins = 0;
  /** Errors inside Tryton, which a well-made question never causes. */
  failures: string[] = [];
  /** Models that the user may not read. */
  readonly forbidden = new Set<string>();
  /** True when it has answered a search itself. */
  before: (response: ServerResponse, answer: () => string, params: Params) => boolean = () => false;
  #failedLogins = 0;
  #server: Server | null = null;

  async start(): Promise<void> {
    const server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => this.#serve(incoming, response, Buffer.concat(chunks).toString()));
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.access.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  put(tables: Tables): void {
    this.store.put(tables);
  }

  /** Each reply ends its connection, as the packaged server does. */
  #serve(incoming: IncomingMessage, response: ServerResponse, body: string): void {
    response.setHeader('connection', 'close');
    const json = (text: string): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    try {
      const { id, method, params, isEnvelope } = requestOf(incoming, body);
      const answer = (): string => this.#envelope(id, isEnvelope, () => this.#call(incoming, method, params));
      const isCounted = COUNTED.some((name) => method.endsWith(`.${name}`)) && this.#isLoggedIn(incoming);
      if (!isCounted || !this.before(response, answer, params)) json(answer());
    } catch (thrown) {
      const status = thrown instanceof StatusError ? thrown.status : 500;
      if (status === 401) response.setHeader('www-authenticate', 'Basic realm="Tryton"');
      response.writeHead(status, { 'content-type': 'text/html' });
      response.end(status === 401 && !body.includes('db.login') ? '' : `<!doctype html><title>${status}</title>`);
    }
  }

  #envelope(id: unknown, isEnvelope: boolean, call: () => unknown): string {
    try {
      const result = call();
      return JSON.stringify(isEnvelope ? { id, result } : result);
    } catch (thrown) {
      if (thrown instanceof StatusError || !(thrown instanceof Error)) throw thrown;
      this.failures.push(thrown.message);
      if (!isEnvelope) throw new StatusError(thrown instanceof UserError ? 400 : 500);
      const detail = thrown instanceof UserError ? ['UserError', [thrown.message, '', null]] : [thrown.message, ''];
      return JSON.stringify({ id, error: detail });
    }
  }

  #isLoggedIn(incoming: IncomingMessage): boolean {
    const [scheme, token = ''] = (incoming.headers.authorization ?? '').split(' ');
    return scheme === 'Session' && this.sessions.has(Buffer.from(token, 'base64').toString());
  }

  #call(incoming: IncomingMessage, method: string, params: Params): unknown {
    if (incoming.url !== `/${DATABASE}/`) throw new PythonError(`Database '/srv/tryton/nodb.sqlite' doesn't exist!`);
    if (method === 'common.db.login') return this.#login(params);
    if (!this.#isLoggedIn(incoming)) throw new StatusError(401);
    const context = params.at(-1);
    if (!isObject(context)) throw new PythonError(`'${typeof context}' object is not a context`);
    if (method === 'model.res.user.get_preferences') return { company: this.company, language: 'en' };
    const [, model = '', name = ''] = /^model\.(.+)\.(\w+)$/.exec(method) ?? [];
    modelOf(model);
    if (this.forbidden.has(model)) throw new UserError(`You are not allowed to access "${model}".`);
    if (name === 'fields_get') return this.#fields(model, params);
    if (!COUNTED.includes(name)) throw new StatusError(403);
    return this.#search(model, name, params.slice(0, -1), context);
  }

  #login([user, given]: Params): unknown {
    const password = isObject(given) ? given.password : undefined;
    this.logins++;
    if (this.#failedLogins >= FAILURES_MAX) throw new StatusError(429);
    if (user !== USER || password !== PASSWORD) {
      this.#failedLogins++;
      throw new StatusError(401);
    }
    const key = `key-${this.logins}`;
    this.sessions.add(`${USER}:7:${key}`);
    return [7, key];
  }

  #fields(model: string, [names]: Params): unknown {
    const wanted = Array.isArray(names) && names.length > 0 ? names : null;
    const known = Object.entries(modelOf(model)).filter(([name]) => !this.absent.has(`${model} ${name}`));
    return Object.fromEntries(known.filter(([name]) => wanted?.includes(name) ?? true));
  }

  #search(model: string, method: string, params: Params, context: Readonly<Record<string, unknown>>): unknown {
    const [domain, offset = 0, limit = null, order = null, fields = []] = params;
    if (method === 'search_count') return this.store.search(model, domain, [], context).length;
    const start = Number(offset);
    const found = this.store.search(model, domain, order, context);
    const ids = found.slice(start, limit === null || limit === -1 ? undefined : start + Number(limit));
    return method === 'search' ? ids : this.store.read(model, ids, fields, context);
  }
}

function requestOf(incoming: IncomingMessage, body: string) {
  if (incoming.method !== 'POST') throw new StatusError(405);
  if (!/^application\/json/.test(incoming.headers['content-type'] ?? '')) throw new StatusError(500);
  const request: unknown = JSON.parse(body, (_key, value) => {
    if (isObject(value) && value.__class__ === 'datetime' && Object.keys(value).length !== 8)
      throw new StatusError(500);
    return value;
  });
  if (!isObject(request)) throw new StatusError(500);
  const { id, method, params } = request;
  if (typeof method !== 'string' || !Array.isArray(params)) throw new StatusError(500);
  return { id, method, params, isEnvelope: Object.keys(request).sort().join() === 'id,method,params' };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
