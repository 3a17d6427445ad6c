/** A call whose answer has one shape and needs no judging. */
import type { z } from 'zod';
import { EXIT, FatalError, TransientError } from '../../errors.ts';
import { readError } from './replies.ts';
import type { Answer, Call, Transport } from './transport.ts';

/**
 * The parsed body of a 2xx. Throws TransientError when no readable answer came, FatalError for a refusal or for a body
 * of another shape; neither carries the body.
 */
export async function ask<T>(transport: Transport, call: Call, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const answer = await answered(transport, call, signal);
  if (!isSuccess(answer.status)) throw refused(call, answer.status, answer.body);
  const parsed = schema.safeParse(answer.body);
  if (parsed.success) return parsed.data;
  const paths = parsed.error.issues.slice(0, 3).map((issue) => issue.path.join('.') || 'the body');
  throw new FatalError(
    EXIT.hubspot,
    `HubSpot's answer to "${call.operation}" has another shape than documented (${paths.join(', ')})`,
    'Check HUBSPOT_BASE_URL and HUBSPOT_API_VERSION, then run: retail-sync doctor',
  );
}

/** The same for what the portal need not have: null when it does not have it, or does not let this token see it. */
export async function askIfThere<T>(
  transport: Transport,
  call: Call,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | null> {
  const answer = await answered(transport, { ...call, tolerant: true }, signal);
  if (!isSuccess(answer.status)) return null;
  return schema.safeParse(answer.body).data ?? null;
}

export async function answered(
  transport: Transport,
  call: Call,
  signal: AbortSignal,
): Promise<Extract<Answer, { kind: 'answered' }>> {
  const answer = await transport.call(call, signal);
  if (answer.kind === 'answered') return answer;
  throw new TransientError('hubspot', `${call.operation}: ${answer.reason}`, { ambiguous: call.kind === 'write' });
}

export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

export function refused(call: Call, status: number, body: unknown): FatalError {
  const { category } = readError(body);
  return new FatalError(
    EXIT.hubspot,
    `HubSpot refused "${call.operation}" (${status}${category ? `, ${category}` : ''})`,
    'Check HUBSPOT_BASE_URL and HUBSPOT_API_VERSION, then run: retail-sync doctor',
  );
}
