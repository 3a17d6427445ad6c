import { EXIT, FatalError } from '../errors.ts';

/** One thing wrong with the configuration. Never carries a value: any of them may hold a pasted secret. */
export interface Fault {
  readonly name: string;
  /** Continues the sentence that the name starts. */
  readonly wrong: string;
  readonly fix: string;
}

/** All faults in one error, so that one look mends all of them. */
export function configurationError(faults: readonly Fault[]): FatalError {
  const lines = faults.map(({ name, wrong, fix }) => `  ${name} ${wrong}: ${fix}`);
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return new FatalError(
    EXIT.usage,
    [`The configuration has ${count}:`, ...lines].join('\n'),
    'Correct .env (cp .env.example .env && chmod 600 .env), or see everything work without it: retail-sync demo',
  );
}
