/** What Tryton's statuses and errors stand for: try again, or call a person. Tryton has no error codes, only texts. */
import { EXIT, FatalError } from '../../../errors.ts';
import { AttemptError } from '../failure.ts';

/** A longer text is not quoted whole: Tryton appends field definitions by the kilobyte. */
const QUOTE_CHARS_MAX = 160;

/** The error that a status stands for; null for one that may work later. */
export function refusalOf(status: number, what: string, isLogin: boolean): Error | null {
  if (isLogin && status === 401) return badLogin();
  if (isLogin && status === 429) return locked();
  if (status === 504 || status === 413) return new AttemptError(`status ${status}`, { isLarge: true });
  if (status >= 500 || [408, 409, 423, 425, 429].includes(status)) return null;
  if (status >= 300 && status < 400) {
    return fatal(
      EXIT.source,
      'the ERP redirects to another address, which is never followed: it would be given the credentials',
      'set ERP_PRODUCTION_URL or ERP_STAGING_URL to the address that answers itself',
    );
  }
  if (status === 403)
    return fatal(
      EXIT.access,
      `the ERP refused ${what}: status 403`,
      'check that the module is installed, and that ERP_USER may read it (docs/tryton.md)',
    );
  return fatal(
    EXIT.usage,
    `the ERP refused ${what}: status ${status}`,
    'check ERP_DATABASE, and ERP_PRODUCTION_URL or ERP_STAGING_URL',
  );
}

/** The error in a reply: `[name, [text, …]]` of Tryton's own, else `[text of any Python error, '']`. */
export function errorOf(error: unknown, what: string): Error {
  const [name, detail] = Array.isArray(error) ? error : [];
  const text = quote(Array.isArray(detail) ? detail[0] : name);
  if (name === 'LoginException') return badLogin();
  if (name === 'UserError') {
    const isAccess = /not allowed to/i.test(text);
    return fatal(
      isAccess ? EXIT.access : EXIT.source,
      `the ERP refused ${what}: ${text}`,
      'check what ERP_USER may read (docs/tryton.md)',
    );
  }
  if (/^Database .* doesn't exist/i.test(String(name))) {
    return fatal(EXIT.usage, 'the ERP has no such database', 'check ERP_DATABASE'); // its text shows a path of the server
  }
  if (/^'[\w.]+'$/.test(String(name))) {
    return fatal(
      EXIT.usage,
      `the ERP does not know ${text}, asked for by ${what}`,
      'a module is missing, or this is a version of Tryton that is not supported (docs/tryton.md)',
    );
  }
  return new AttemptError(
    typeof name === 'string' && name.startsWith('Concurrency') ? 'a concurrent change' : 'an error inside the ERP',
  );
}

const quote = (value: unknown): string =>
  String(value ?? '')
    .replace(/\s+/g, ' ')
    .slice(0, QUOTE_CHARS_MAX);

const fatal = (exit: 2 | 5 | 6, message: string, hint: string): FatalError => new FatalError(exit, message, hint);

const badLogin = (): FatalError =>
  fatal(
    EXIT.access,
    'the ERP does not accept ERP_USER with ERP_PASSWORD',
    'check both; after six failures Tryton locks the user out for five minutes',
  );

const locked = (): FatalError =>
  fatal(
    EXIT.access,
    'the ERP has locked the login after too many failures, for the right password too',
    'wait five minutes, then check ERP_USER and ERP_PASSWORD',
  );
