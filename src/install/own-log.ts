/** launchd and cron append what a service prints to a file, and nobody shortens it. */
import { fstatSync, ftruncateSync, writeSync } from 'node:fs';

/** Weeks of lines; the tool's own log, which is rotated, has them too. */
const BYTES_MAX = 10_000_000;
const APPENDED_BY: readonly string[] = ['launchd', 'cron'];

/** Begins the file of a stream anew when it has grown too large. A terminal, a pipe or another's file is left alone. */
export function shortenOwnLog(trigger: string, descriptors: readonly number[] = [1, 2], bytesMax = BYTES_MAX): void {
  if (!APPENDED_BY.includes(trigger)) return;
  for (const descriptor of descriptors) {
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile() || stat.size <= bytesMax) continue;
      ftruncateSync(descriptor);
      writeSync(descriptor, `this file had grown to ${stat.size} bytes and begins anew\n`);
    } catch {
      // a closed stream, or a file that may not be written: what is printed there is lost anyway
    }
  }
}
