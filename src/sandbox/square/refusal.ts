/** Square's refusals: `{"errors":[{category, code, detail, field}]}` (developer.squareup.com/docs/build-basics/handling-errors). */
import type { VendorReply } from '../http.ts';

type Category = 'API_ERROR' | 'AUTHENTICATION_ERROR' | 'INVALID_REQUEST_ERROR' | 'RATE_LIMIT_ERROR';

export class Refusal extends Error {
  readonly reply: VendorReply;

  constructor(status: number, category: Category, code: string, detail: string, field?: string) {
    super(detail);
    this.reply = { status, json: { errors: [{ category, code, detail, ...(field ? { field } : {}) }] } };
  }
}

export const badRequest = (code: string, detail: string, field?: string): Refusal =>
  new Refusal(400, 'INVALID_REQUEST_ERROR', code, detail, field);

export const forbidden = (): Refusal =>
  new Refusal(403, 'AUTHENTICATION_ERROR', 'FORBIDDEN', 'You have insufficient permissions to perform that action.');

export const notFound = (what: string): Refusal =>
  new Refusal(404, 'INVALID_REQUEST_ERROR', 'NOT_FOUND', `${what} not found.`);
