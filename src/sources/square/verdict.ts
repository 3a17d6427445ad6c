/**
 * What an answer of Square means: its body, or which failure it is
 * (developer.squareup.com/docs/build-basics/general-considerations/handling-errors).
 */
import { EXIT, FatalError } from '../../errors.ts';
import { type Fields, fieldsIn, isFields, parseExactJson, textOrNull } from './exact-json.ts';

/** An answer as it came over the wire, its body read to the end. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** May work at the next try. */
export class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
  /** What the server asked for; null when it did not. */
  readonly retryAfterMs: number | null;

  constructor(message: string, options: { retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** 403: a scope is missing, or one location of the request is not readable; Square does not say which. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';
}

/** The cursor went stale; the window has to be read again from its start. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

/** Says what is wrong with a body, or null. What is misshapen is asked again, then given up visibly. */
export type BodyCheck = (body: Fields) => string | null;

const AUTH_CODES = new Set(['UNAUTHORIZED', 'ACCESS_TOKEN_EXPIRED', 'ACCESS_TOKEN_REVOKED']);

/** The body of a good answer; throws the failure of any other. `what` is the call's name. */
export function judge(reply: Reply, what: string, check: BodyCheck): Fields {
  if (reply.status >= 200 && reply.status < 300) return judgeBody(reply, what, check);
  const codes = codesIn(parsedOrNull(reply.text));
  const said = `${what}: Square answered ${reply.status}${codes.length > 0 ? ` ${codes.join(', ')}` : ''}`;
  if (reply.status === 401 || codes.some((code) => AUTH_CODES.has(code))) throw refusedToken(said);
  if (reply.status === 403) throw new ForbiddenError(said);
  if (reply.status === 408 || reply.status === 429 || reply.status >= 500) {
    throw new PassingFailure(said, { retryAfterMs: retryAfterOf(reply.headers) });
  }
  if (codes.includes('INVALID_CURSOR')) throw new InvalidCursorError(said);
  if (reply.status === 404 || reply.status < 400) {
    throw new FatalError(EXIT.usage, said, 'check SQUARE_BASE_URL, then run `retail-sync doctor`');
  }
  throw new FatalError(EXIT.source, said, 'run `retail-sync doctor`, and see whether Square has changed its API');
}

/** A 200 proves nothing: gateways answer HTML, cut bodies short, or Square lists errors beside no data. */
function judgeBody(reply: Reply, what: string, check: BodyCheck): Fields {
  const body = parsedOrNull(reply.text);
  if (!isFields(body))
    throw new PassingFailure(`${what}: Square answered ${reply.status} with a body that is no JSON object`);
  const codes = codesIn(body);
  if (codes.some((code) => AUTH_CODES.has(code))) throw refusedToken(`${what}: Square answered ${codes.join(', ')}`);
  if (fieldsIn(body.errors).length > 0) {
    throw new PassingFailure(`${what}: Square answered ${reply.status} with errors ${codes.join(', ')}`);
  }
  const problem = check(body);
  if (problem !== null) throw new PassingFailure(`${what}: ${problem}`);
  return body;
}

const refusedToken = (said: string): FatalError =>
  new FatalError(
    EXIT.access,
    `${said}: the token is wrong, expired or of the other environment`,
    'set SQUARE_TOKEN (and SQUARE_BASE_URL for the sandbox), then run `retail-sync doctor`',
  );

function parsedOrNull(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return null;
  }
}

/** Only codes are repeated: a `detail` may quote what was sent. */
const codesIn = (body: unknown): string[] =>
  isFields(body)
    ? fieldsIn(body.errors)
        .map((error) => textOrNull(error.code))
        .filter((code) => code !== null && /^[A-Z0-9_]{1,64}$/.test(code))
        .filter((code) => code !== null)
    : [];

/** Seconds or an HTTP date; a date counts from the server's own clock. */
function retryAfterOf(headers: Headers): number | null {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const waitMs = Date.parse(text) - Date.parse(headers.get('date') ?? '');
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : null;
}
