/**
 * Error answers in HubSpot's form: status, message, category, correlationId; all of them may be missing.
 * Source: developers.hubspot.com/docs/api-reference/error-handling
 */
import { randomUUID } from 'node:crypto';
import type { VendorReply } from '../http.ts';

/** One structured entry of `errors[]`. */
export interface ErrorDetail {
  readonly message: string;
  readonly code?: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

export interface ErrorBody {
  readonly message: string;
  readonly category?: string;
  readonly subCategory?: string;
  readonly errors?: readonly ErrorDetail[];
  readonly context?: Readonly<Record<string, readonly string[]>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly errorType?: string;
  readonly policyName?: string;
  readonly groupName?: string;
}

/** A rule said no: thrown by the rules, rendered by the server. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: ErrorBody, headers: Readonly<Record<string, string>> = {}) {
    super(body.message);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** @param omit fields to leave out, since every one of them is optional. */
export function refusalReply(refusal: Refusal, omit: readonly string[]): VendorReply {
  const body = { status: 'error', ...refusal.body, correlationId: randomUUID() };
  const json =
    omit.length === 0 ? body : Object.fromEntries(Object.entries(body).filter(([name]) => !omit.includes(name)));
  return { status: refusal.status, json, headers: refusal.headers };
}

export function invalidInput(message: string, extra: Omit<ErrorBody, 'message'> = {}): Refusal {
  return new Refusal(400, { message, category: 'VALIDATION_ERROR', ...extra });
}

export function notFound(message: string, extra: Omit<ErrorBody, 'message'> = {}): Refusal {
  return new Refusal(404, { message, category: 'OBJECT_NOT_FOUND', ...extra });
}

export function conflict(message: string, extra: Omit<ErrorBody, 'message'> = {}): Refusal {
  return new Refusal(409, { message, category: 'CONFLICT', ...extra });
}

export const methodNotAllowed = (): Refusal =>
  new Refusal(405, { message: 'Method not allowed', category: 'METHOD_NOT_ALLOWED' });

/** Source: developers.hubspot.com/docs/api-reference/error-handling (401). */
export const unauthenticated = (): Refusal =>
  new Refusal(401, {
    message: 'Authentication credentials not found. This API supports private app access tokens and service keys.',
    category: 'INVALID_AUTHENTICATION',
  });

/** Source: developers.hubspot.com/docs/api-reference/error-handling (403, MISSING_SCOPES). */
export function missingScopes(scopes: readonly string[]): Refusal {
  return new Refusal(403, {
    message: "This app hasn't been granted all required scopes to make this call.",
    category: 'MISSING_SCOPES',
    errors: [
      { message: 'One or more of the following scopes are required.', context: { requiredGranularScopes: scopes } },
    ],
    links: { scopes: 'https://developers.hubspot.com/scopes' },
  });
}

/**
 * What is wrong with one value of one row. Reported or documented codes: PROPERTY_DOESNT_EXIST, INVALID_DATE,
 * INVALID_OPTION, INVALID_BOOLEAN_OPTION, MISSING_REQUIRED_PROPERTY, MISSING_CONDITIONAL_REQUIRED_PROPERTY. Every other
 * code here is a stand-in of this sandbox where HubSpot's own is not known: a client must not branch on it.
 */
export interface Problem {
  readonly property: string;
  readonly code: string;
  readonly message: string;
}

/**
 * The message embeds its details as JSON text; `errors` carries them again, structured.
 * Source: developers.hubspot.com/docs/api-reference/error-handling
 */
export function valuesBody(problems: readonly Problem[], portalId: number): ErrorBody {
  const embedded = problems.map(({ property, code, message }) => ({
    isValid: false,
    message,
    error: code,
    name: property,
    localizedErrorMessage: message,
    portalId,
  }));
  return {
    message: `Property values were not valid: ${JSON.stringify(embedded)}`,
    category: 'VALIDATION_ERROR',
    errors: problems.map(({ property, code, message }) => ({ message, code, context: { propertyName: [property] } })),
  };
}
