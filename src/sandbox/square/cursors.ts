/** Cursors are opaque, bound to token and to the whole body they were issued for, and live a few minutes. */
import { isDeepStrictEqual } from 'node:util';
import { badRequest } from './refusal.ts';

/** Where the next page begins: after how many rows, and after which row. */
export interface Position {
  readonly offset: number;
  readonly stampMs: number;
  readonly id: string;
}

export interface Issued {
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string;
  /** The end of a window without an end: frozen at the first request of the chain. */
  readonly endMs: number;
  readonly position: Position;
  readonly issuedMs: number;
}

/** More are forgotten, oldest first. */
const CURSORS_MAX = 5_000;

export class Cursors {
  readonly #issued = new Map<string, Issued>();
  readonly #newId: () => string;
  readonly #ttlMs: () => number;

  constructor(newId: () => string, ttlMs: () => number) {
    this.#newId = newId;
    this.#ttlMs = ttlMs;
  }

  issue(issued: Issued): string {
    const cursor = this.#newId();
    this.#issued.set(cursor, { ...issued, body: withoutCursor(issued.body) });
    const [oldest] = this.#issued.keys();
    if (this.#issued.size > CURSORS_MAX && oldest !== undefined) this.#issued.delete(oldest);
    return cursor;
  }

  /** Refuses INVALID_CURSOR for an unknown, changed or stale request. */
  resume(cursor: string, body: Readonly<Record<string, unknown>>, token: string, nowMs: number): Issued {
    const issued = this.#issued.get(cursor);
    const same = issued && issued.token === token && isDeepStrictEqual(issued.body, withoutCursor(body));
    if (!same || nowMs - issued.issuedMs > this.#ttlMs()) {
      throw badRequest('INVALID_CURSOR', 'The pagination cursor is invalid.', 'cursor');
    }
    return issued;
  }
}

function withoutCursor(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { cursor: _cursor, ...rest } = body;
  return rest;
}
