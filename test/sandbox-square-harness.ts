/** What the tests of the emulated Square share: emulators that end with their test, and plain HTTP calls. */
import { afterEach } from 'vitest';
import { type SquareSandbox, type SquareSandboxOptions, startSquare } from '../src/sandbox/square/server.ts';

export const AS_OF_MS = Date.parse('2026-11-20T12:00:00.000Z');
export const DAY_MS = 86_400_000;
const running: SquareSandbox[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
});

export async function start(options: Partial<SquareSandboxOptions> = {}): Promise<SquareSandbox> {
  const sandbox = await startSquare({ seed: 7, orders: 120, now: () => AS_OF_MS, asOfMs: AS_OF_MS, ...options });
  running.push(sandbox);
  return sandbox;
}

interface Customer {
  readonly id: string;
  readonly reference_id?: string;
}
interface Failure {
  readonly code: string;
  readonly detail?: string;
  readonly field?: string;
}
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly json: {
    readonly orders?: Order[];
    readonly order?: Order;
    readonly cursor?: string;
    readonly errors?: Failure[];
    readonly payments?: { location_id: string }[];
    readonly payment?: { refunded_money?: { amount: number } };
    readonly responses?: Record<string, { customer?: Customer; errors?: Failure[] }>;
    readonly scopes?: string[];
  };
}
export type Order = ReturnType<SquareSandbox['orders']>[number];

export async function call(
  sandbox: SquareSandbox,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(sandbox.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${sandbox.token}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text), headers: response.headers };
}

export async function change(sandbox: SquareSandbox, changes: object): Promise<Record<string, string[]>> {
  const answer = await call(sandbox, '/_sandbox/change', changes);
  return JSON.parse(answer.text);
}

export const search = (sandbox: SquareSandbox, body: object): Promise<Answer> =>
  call(sandbox, '/v2/orders/search', { location_ids: [mainOf(sandbox)], ...body });

export const mainOf = (sandbox: SquareSandbox): string => String(sandbox.orders()[0]?.location_id);

export const windowOf = (field: string, start: string, end: string, sort = 'ASC'): object => ({
  query: {
    filter: { date_time_filter: { [field]: { start_at: start, end_at: end } } },
    sort: { sort_field: field.toUpperCase(), sort_order: sort },
  },
});
export const YEAR = windowOf('created_at', '2025-11-01T00:00:00Z', '2026-11-20T12:00:00Z');

export const codeOf = (answer: Answer): string | undefined => answer.json.errors?.[0]?.code;
