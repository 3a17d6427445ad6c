/** A dead-man's switch in the manner of healthchecks.io: whoever watches notices when no ping comes. */
import { EXIT, type ExitCode } from '../errors.ts';
import { request } from './request.ts';

/** The endings of healthchecks.io/docs/http_api: begun, went well, failed, and a note that changes nothing. */
type Ending = '/start' | '' | '/fail' | '/log';

/** `{job}` in the address becomes the job's name, so that each job can have a check of its own. */
export function pingAddress(base: string, job: string, rid: string, ending: Ending): string {
  const url = new URL(base.replaceAll('{job}', job.replaceAll(/[^\w-]+/g, '-')));
  url.pathname = `${url.pathname.replace(/\/$/, '')}${ending}`;
  url.searchParams.set('rid', rid);
  return url.href;
}

/**
 * Success only for what is ok. What a signal stopped, or another run kept waiting, says nothing: it is tried again,
 * and the watcher's grace time decides.
 */
export function endingOf(exit: ExitCode): Ending {
  if (exit === EXIT.ok) return '';
  return exit === EXIT.interrupted || exit === EXIT.terminated || exit === EXIT.locked ? '/log' : '/fail';
}

/** Never throws; null when it was taken. */
export const ping = (address: string, text: string): Promise<string | null> =>
  request(address, { method: 'POST', body: text });
