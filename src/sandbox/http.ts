/**
 * What the three emulated vendors share: a loopback HTTP server with latency, a fault plan and a request log.
 * Nothing here knows a vendor. Every vendor also answers `/_sandbox/…`, which only demo, tests and people use.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Fault, FaultPlan, type FaultRule } from './faults.ts';

/** A request as a vendor's handler sees it. `body` is undefined when there is none or it is not JSON. */
export interface VendorRequest {
  readonly number: number;
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: unknown;
  readonly atMs: number;
}

/** `json` is sent as JSON; `text` as it stands with `contentType`. */
export interface VendorReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly contentType?: string;
  /** Time this answer takes on top of the latency, such as a slow query. */
  readonly extraMs?: number;
}

interface LogLine {
  readonly number: number;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  readonly ms: number;
  readonly requestBytes: number;
  readonly fault?: string;
}

export interface VendorOptions {
  readonly name: string;
  readonly port?: number;
  readonly handle: (request: VendorRequest) => VendorReply | Promise<VendorReply>;
  /** Time a request takes, before `extraMs`. */
  readonly latencyMs?: (request: VendorRequest) => number;
  readonly faults?: readonly FaultRule[];
  /** 0 to 1, seeded by the caller. */
  readonly random: () => number;
  readonly now?: () => number;
}

export interface Vendor {
  readonly url: string;
  readonly port: number;
  readonly log: readonly LogLine[];
  setFaults(rules: readonly FaultRule[]): void;
  close(): Promise<void>;
}

/** Bodies larger than this are refused with 413, as gateways do. */
const BODY_BYTES_MAX = 20 * 1024 * 1024;
/** The request log is a ring: a long-lived sandbox must not grow for ever. */
const LOG_LINES_MAX = 50_000;

export async function startVendor(options: VendorOptions): Promise<Vendor> {
  const log: LogLine[] = [];
  const sockets = new Set<Socket>();
  const plan = new FaultPlan(options.faults ?? [], options.random);
  let number = 0;
  const now = options.now ?? Date.now;

  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const text = await readBody(incoming);
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? '127.0.0.1'}`);
    const admin = url.pathname.startsWith('/_sandbox/');
    const request: VendorRequest = {
      number: admin ? 0 : ++number,
      method: incoming.method ?? 'GET',
      url,
      headers: flatHeaders(incoming),
      text,
      body: parseJson(text),
      atMs: now(),
    };
    if (admin) return send(outgoing, await adminReply(request));
    const fault = plan.draw(request);
    const status = await answer(request, fault, outgoing);
    log.push({
      number: request.number,
      atMs: request.atMs,
      method: request.method,
      path: url.pathname,
      query: url.search,
      status,
      ms: now() - request.atMs,
      requestBytes: text.length,
      ...(fault ? { fault: fault.kind } : {}),
    });
    if (log.length > LOG_LINES_MAX) log.splice(0, log.length - LOG_LINES_MAX);
  }

  async function adminReply(request: VendorRequest): Promise<VendorReply> {
    const path = request.url.pathname;
    if (path === '/_sandbox/log') {
      if (request.method === 'DELETE') log.length = 0;
      return { status: 200, json: { lines: log } };
    }
    if (path === '/_sandbox/faults' && request.method === 'PUT') {
      plan.set(Array.isArray(request.body) ? request.body : []);
      return { status: 200, json: { ok: true } };
    }
    return options.handle(request);
  }

  /** Returns the status that was (or would have been) sent; 0 for a connection that was cut. */
  async function answer(request: VendorRequest, fault: Fault | null, outgoing: ServerResponse): Promise<number> {
    const socket = outgoing.socket;
    await pause(options.latencyMs?.(request) ?? 0);
    switch (fault?.kind) {
      case 'reset-before':
        socket?.destroy();
        return 0;
      case 'late':
        socket?.destroy();
        setTimeout(() => void options.handle(request), fault.ms).unref();
        return 0;
      case 'status':
        send(outgoing, fault);
        return fault.status;
      case 'empty':
        await options.handle(request);
        send(outgoing, { status: 200, text: '', contentType: 'application/json;charset=utf-8' });
        return 200;
      case 'html':
        send(outgoing, {
          status: 200,
          text: '<!doctype html><title>Sign in</title><h1>Sign in</h1>',
          contentType: 'text/html',
        });
        return 200;
    }
    const reply = await options.handle(request);
    await pause(reply.extraMs ?? 0);
    switch (fault?.kind) {
      case 'reset-after':
        socket?.destroy();
        return 0;
      case 'slow':
        await pause(fault.ms);
        break;
      case 'stall':
      case 'truncated':
        await sendHalf(outgoing, reply, fault.kind === 'stall' ? fault.ms : 0);
        return reply.status;
      case 'no-content-type':
        outgoing.writeHead(reply.status);
        outgoing.end(bodyOf(reply));
        return reply.status;
    }
    send(outgoing, reply);
    return reply.status;
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    log,
    setFaults: (rules) => plan.set(rules),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the handler answers 400 in its vendor's own words
  }
}

function flatHeaders(incoming: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

const bodyOf = (reply: VendorReply): string =>
  reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));

function send(outgoing: ServerResponse, reply: VendorReply): void {
  const body = bodyOf(reply);
  outgoing.writeHead(reply.status, {
    'content-type': reply.contentType ?? 'application/json;charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...reply.headers,
  });
  outgoing.end(body);
}

/** Announces the whole body, sends half of it and cuts the line, at once or after a silence. */
async function sendHalf(outgoing: ServerResponse, reply: VendorReply, silenceMs: number): Promise<void> {
  const body = Buffer.from(bodyOf(reply));
  outgoing.writeHead(reply.status, {
    'content-type': reply.contentType ?? 'application/json;charset=utf-8',
    'content-length': body.length,
    ...reply.headers,
  });
  outgoing.write(body.subarray(0, Math.floor(body.length / 2)));
  await pause(silenceMs || 5);
  outgoing.socket?.destroy();
}

const pause = (ms: number): Promise<void> =>
  ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
