/** One request on the wire: sent once, with a deadline that covers the body, read up to a limit. */
import { asError } from '../../errors.ts';
import type { HubSpotClient } from './client.ts';
import { windowHeaders } from './limits.ts';
import { type Again, again, type Body, judgeNetworkError, parseRetryAfter, type Reply } from './statuses.ts';
import type { Slot } from './window.ts';

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** JSON, serialized once per call: every attempt sends the same bytes. */
  readonly body: string | undefined;
}

export interface Deadlines {
  /** From sending to the headers. */
  readonly headersMs: number;
  /** From sending to the last byte of the body. */
  readonly totalMs: number;
}

export type Attempt = { readonly kind: 'reply'; readonly reply: Reply } | Again;

/** A larger answer is not read to its end: nothing that is asked for here is that large. */
const BODY_BYTES_MAX = 20 * 1024 * 1024;

/** A uuid has 36 characters. */
const CORRELATION_MAX = 64;

/** Never rejects, except with the reason of `signal`. Gives the slot back when the server has shown it counted us. */
export async function attempt(
  client: HubSpotClient,
  request: WireRequest,
  deadlines: Deadlines,
  slot: Slot,
  signal: AbortSignal,
): Promise<Attempt> {
  const ended = new AbortController();
  const onAbort = (): void => ended.abort(signal.reason);
  const headersTimer = setTimeout(() => ended.abort(), deadlines.headersMs);
  const totalTimer = setTimeout(() => ended.abort(), deadlines.totalMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const response = await client.apiRequest({ ...sendable(request), signal: ended.signal });
    clearTimeout(headersTimer);
    slot.answered(windowHeaders(response.headers));
    return { kind: 'reply', reply: await readReply(response) };
  } catch (thrown) {
    signal.throwIfAborted();
    if (ended.signal.aborted) return again('maybe', `HubSpot did not answer within ${deadlines.headersMs} ms`);
    return judgeNetworkError(asError(thrown));
  } finally {
    slot.answered(null);
    clearTimeout(headersTimer);
    clearTimeout(totalTimer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** `defaultJson: false` keeps the client from serializing the text once more. */
function sendable({ method, path, body }: WireRequest) {
  const json = { 'Content-Type': 'application/json' };
  return { method, path, defaultJson: false, ...(body === undefined ? {} : { body, headers: json }) };
}

async function readReply(response: Response): Promise<Reply> {
  const serverNow = Date.parse(response.headers.get('date') ?? '');
  return {
    status: response.status,
    retryAfterMs: parseRetryAfter(
      response.headers.get('retry-after'),
      Number.isNaN(serverNow) ? Date.now() : serverNow,
    ),
    correlation: response.headers.get('x-hubspot-correlation-id')?.slice(0, CORRELATION_MAX) ?? null,
    body: await readBody(response),
  };
}

/** A body that breaks off is a fact about the answer, not an exception: the status is already known. */
async function readBody(response: Response): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > BODY_BYTES_MAX) return { kind: 'unreadable', why: 'a body of more than 20 MB' };
      chunks.push(chunk);
    }
  } catch {
    return { kind: 'unreadable', why: 'a body that was cut off' };
  }
  return parseBody(Buffer.concat(chunks).toString('utf8'), response.headers.get('content-type') ?? '');
}

function parseBody(text: string, contentType: string): Body {
  if (text.trim() === '') return { kind: 'empty' };
  try {
    return { kind: 'json', value: JSON.parse(text) };
  } catch {
    return { kind: 'unreadable', why: contentType.includes('html') ? 'an HTML page' : 'a body that is not JSON' };
  }
}
