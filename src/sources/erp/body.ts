/** Reads a reply's body within its limits. What cannot be read is no answer, whatever its status says. */
import { EXIT, FatalError } from '../../errors.ts';
import { charsetOf, decoded } from './charset.ts';
import { parseExactly } from './exact-json.ts';
import { AttemptError } from './failure.ts';

/**
 * The JSON of a reply. Throws AttemptError for another content type, an empty or cut-off body and broken text;
 * FatalError for more than `bytesMax`.
 */
export async function readJson(response: Response, bytesMax: number): Promise<unknown> {
  const type = response.headers.get('content-type');
  if (type !== null && !/^[^;]*\bjson\b/i.test(type)) {
    await discard(response);
    throw new AttemptError('the answer is not JSON but another content type');
  }
  const text = textOf(await readBytes(response, bytesMax), charsetOf(type));
  if (text.trim() === '') throw new AttemptError('the answer is empty');
  try {
    return parseExactly(text);
  } catch {
    throw new AttemptError('the answer is cut off or is not JSON'); // no cause: its message quotes the body
  }
}

/** Lets go of a body that nobody reads, so that its connection is free again. */
export async function discard(response: Response): Promise<void> {
  try {
    await response.body?.cancel();
  } catch {
    // The line is broken already: what its status said still counts.
  }
}

async function readBytes(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooManyBytes(bytesMax); // leaving the loop cancels the rest
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function textOf(bytes: Uint8Array, charset: string): string {
  try {
    return decoded(bytes, charset);
  } catch {
    throw new AttemptError('the answer holds bytes that are no text in its character set');
  }
}

const tooManyBytes = (bytesMax: number): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP sent a page of more than ${bytesMax} bytes`,
    'lower paging.size in the profile, or raise limits.maxPageBytes',
  );
