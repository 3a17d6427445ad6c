/** Numbers of bytes as people read them. */

/** In steps of a thousand, rounded down, so that no room is promised that is not there. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${Math.floor(bytes / 1_000)} kB`;
  const tenths = Math.floor(bytes / 100_000) / 10;
  return `${(tenths < 100 ? tenths : Math.floor(tenths)).toLocaleString('en-US')} MB`;
}
