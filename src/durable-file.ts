/** Files that must not be half there after a power cut. */
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';

/**
 * A new file for this user alone, on the disk when this returns. Throws for one that is there, and where it cannot be
 * written to its end: then nothing is left of it.
 */
export function writeDurably(path: string, content: string | Uint8Array): void {
  const handle = openSync(path, 'wx', 0o600);
  let isWhole = false;
  try {
    writeFileSync(handle, content);
    fsyncSync(handle);
    isWhole = true;
  } finally {
    closeSync(handle);
    if (!isWhole) rmSync(path, { force: true });
  }
}
