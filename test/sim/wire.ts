/** What both simulated ends share: time, chance, rates of faults, a trace, and the way of a request there and back. */
import type { Family } from './faults.ts';
import type { Chance } from './random.ts';
import type { VirtualTime } from './time.ts';

export interface Wire {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** All zero once the faults have ceased. */
  readonly rates: Record<Family, number>;
  trace(line: string): void;
  /** Counts what happened, so that a green run cannot mean that nothing did. */
  count(what: string): void;
}

export interface Told {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, string>;
  /** The body breaks off after this share of it. */
  readonly cutAt?: number;
}

export const failed = (code: string): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });

/** A Response, its body whole or cut off in the middle by a line that breaks. */
export function responseOf({ status, text, headers, cutAt }: Told): Response {
  if (cutAt === undefined) return new Response(status === 204 ? null : text, { status, headers });
  const bytes = new TextEncoder().encode(text.slice(0, Math.floor(text.length * cutAt)));
  let sent = false;
  const body = new ReadableStream({
    pull(controller) {
      if (sent) return controller.error(failed('ECONNRESET'));
      sent = true;
      controller.enqueue(bytes);
    },
  });
  return new Response(body, { status, headers });
}
