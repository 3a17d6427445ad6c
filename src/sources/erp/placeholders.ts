/** `${ERP_USER}` and its like in a profile: filled when a request is made, and never shown. */
import { EXIT, FatalError } from '../../errors.ts';

/** What the environment says about us. */
export interface Credentials {
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The database or tenant, where an ERP has several. */
  readonly database?: string | undefined;
}

/** As a profile writes it. */
export const placeholder = (name: 'TOKEN' | 'USER' | 'PASSWORD' | 'DATABASE'): string => `\${ERP_${name}}`;

export const PLACEHOLDER = /\$\{ERP_(?:TOKEN|USER|PASSWORD|DATABASE)\}/g;

/** The text with its placeholders filled. Throws FatalError naming what is not set. */
export function filled(text: string, { token, user, password, database }: Credentials): string {
  const values: Readonly<Record<string, string | undefined>> = {
    [placeholder('TOKEN')]: token,
    [placeholder('USER')]: user,
    [placeholder('PASSWORD')]: password,
    [placeholder('DATABASE')]: database,
  };
  return text.replaceAll(PLACEHOLDER, (found) => values[found] ?? notSet(found.slice(2, -1)));
}

function notSet(variable: string): never {
  throw missing(variable);
}

export const missing = (names: string): FatalError =>
  new FatalError(
    EXIT.usage,
    `the ERP profile needs ${names}, which is not set or holds blanks or line breaks`,
    `set ${names}, or name a file in ERP_TOKEN_FILE`,
  );
