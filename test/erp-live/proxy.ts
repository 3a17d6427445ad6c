/** Stands between the tool and Tryton, so that an answer can be held back, and lost, at a known moment. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of an answer that Tryton has given. */
type Fate = 'pass' | 'lose';

export class HoldingProxy {
  /** Asked when Tryton has answered a method and the tool has not seen it yet. */
  onAnswer: (method: string) => Promise<Fate> | Fate = () => 'pass';
  readonly #target: string;
  #server: Server | null = null;
  url = '';

  constructor(target: string) {
    this.#target = target;
  }

  async start(): Promise<void> {
    const server = createServer((incoming, outgoing) => {
      void this.#serve(incoming, outgoing).catch(() => incoming.socket.destroy()); // as if the server were not there
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const { authorization } = incoming.headers;
    const answer = await fetch(`${this.#target}${incoming.url}`, {
      method: incoming.method ?? 'POST',
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      body,
    });
    const text = Buffer.from(await answer.arrayBuffer());
    const method = /"method":"([^"]+)"/.exec(body.toString())?.[1] ?? '';
    if ((await this.onAnswer(method)) === 'lose') return void incoming.socket.destroy();
    const [type, date] = ['content-type', 'date'].map((name) => answer.headers.get(name) ?? '');
    outgoing.writeHead(answer.status, { 'content-type': type, date, connection: 'close' }).end(text);
  }
}
