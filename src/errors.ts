/** Errors are named by what happens next: it may work later, or nothing later can work and a person must act. */

/** Exit codes of the command line; see the README's table. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  deadLetters: 3,
  gate: 4,
  access: 5,
  source: 6,
  hubspot: 7,
  locked: 75,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The call may work later: its retries are spent, but nothing is known to be wrong. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  readonly system: 'source' | 'hubspot';
  /** The attempt may have been applied by the other side. */
  readonly ambiguous: boolean;

  constructor(system: 'source' | 'hubspot', message: string, options: { cause?: unknown; ambiguous?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.system = system;
    this.ambiguous = options.ambiguous ?? false;
  }
}

/** The source could not serve this slice within its limits: a smaller one may work. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** What exactly stopped a run, where the exit code says less: alerts are keyed by it, programs read it. */
export type StopCode =
  | 'creates'
  | 'changes'
  | 'blanked'
  | 'gone'
  | 'too-many-letters'
  | `drift.${string}`
  | 'billable-contact'
  | 'plan-moved'
  | 'quota-spent';

/** Nothing later can work until a person acts; `hint` is the next command to type or the thing to change. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
  readonly exit: ExitCode;
  readonly hint: string;
  readonly code: StopCode | null;

  constructor(exit: ExitCode, message: string, hint: string, options: { cause?: unknown; code?: StopCode } = {}) {
    super(message, { cause: options.cause });
    this.exit = exit;
    this.hint = hint;
    this.code = options.code ?? null;
  }
}

/** A thrown value as an Error, so that no catch loses the cause. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** A code has no data in it: a message may. */
const CODE = /^\w{1,40}$/;
/** Deeper than anything that Node's fetch wraps. */
const CAUSES_MAX = 5;

/**
 * The code of what went wrong, such as ECONNREFUSED; null without one. `fetch` hides it in causes, and where several
 * addresses of a host were tried, that of the first counts.
 */
export function codeOf(thrown: unknown): string | null {
  let at = thrown;
  for (let depth = 0; at instanceof Error && depth < CAUSES_MAX; depth++) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && CODE.test(code)) return code;
    const [first]: unknown[] = at instanceof AggregateError ? at.errors : [];
    at = first ?? at.cause;
  }
  return null;
}
