/** The files as a zip. */
import { strToU8, type Zippable, zipSync } from 'fflate';

export interface ArchiveFile {
  readonly path: string;
  readonly text: string;
  readonly isExecutable?: boolean;
}

const UNIX = 3;
/** Private where it is unpacked, too. */
const [FILE_MODE, SCRIPT_MODE] = [0o100600, 0o100700];

/** Everything below one folder, so that unpacking it makes no mess. */
export function zipped(files: readonly ArchiveFile[], folder: string, atMs: number): Uint8Array {
  const entries = files.map(({ path, text, isExecutable = false }): [string, Zippable[string]] => {
    const attrs = (isExecutable ? SCRIPT_MODE : FILE_MODE) * 2 ** 16;
    return [`${folder}/${path}`, [strToU8(text), { os: UNIX, attrs, mtime: atMs }]];
  });
  return zipSync(Object.fromEntries(entries), { level: 6 });
}
