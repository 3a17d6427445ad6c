/** Why the first answer of an address is none: one clear message each, with the exit code that fits. */
import { EXIT, type ExitCode, FatalError } from '../../errors.ts';
import type { Answer } from './ask.ts';

/** `login`: how it was asked, for the message; never a value. */
export function refuseOpening(answer: Answer | null, url: URL, login: string): asserts answer is Answer {
  const where = `${url.origin}${url.pathname}`;
  const fail = (exit: ExitCode, message: string, hint: string): FatalError => new FatalError(exit, message, hint);
  if (answer === null)
    throw fail(EXIT.source, `${where} gave no answer`, 'look whether the address is right and the ERP is up');
  const { status, fault } = answer;
  if (status === 401 || status === 403)
    throw fail(
      EXIT.access,
      `${where} refused access: status ${status} (${login})`,
      'check ERP_TOKEN, or ERP_USER and ERP_PASSWORD; another way to sign in is named by a profile in ERP_PROFILE (docs/erp.md)',
    );
  if (status === 404) throw fail(EXIT.usage, `there is nothing at ${where}: status 404`, 'correct this --url');
  if (status >= 300 && status < 400)
    throw fail(
      EXIT.usage,
      `${where} redirects, which is never followed: it would be given the credentials`,
      'give --url the address that answers itself',
    );
  if (status >= 500 || status === 429) throw fail(EXIT.source, `${where} failed: status ${status}`, 'try again later');
  if (status >= 400)
    throw fail(
      EXIT.usage,
      `${where} refused the question: status ${status}`,
      'give --url the parameters that this address needs',
    );
  if (fault !== null)
    throw fail(
      EXIT.usage,
      `${where} answered, but not with JSON: ${fault}`,
      'correct this --url; a page to sign in on means that ERP_TOKEN or the address is wrong',
    );
}
