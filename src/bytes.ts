/** Numbers of bytes as people read them. */

/** In steps of a thousand, rounded down, so that no room is promised that is not there. */
export const sizeOf = (bytes: number): string => inUnits(bytes, Math.floor);

/** The same of what is needed: rounded up, so that whoever frees as much has freed enough. */
export const roomFor = (bytes: number): string => inUnits(bytes, Math.ceil);

function inUnits(bytes: number, round: (value: number) => number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const kilobytes = round(bytes / 1_000);
  if (kilobytes < 1_000) return `${kilobytes} kB`;
  const megabytes = shortened(bytes, 1_000_000, round);
  if (megabytes < 1_000) return `${megabytes} MB`;
  return `${shortened(bytes, 1_000_000_000, round).toLocaleString('en-US')} GB`;
}

/** With one decimal below ten. Whole bytes by a whole number: a tenth that is exact stays so. */
function shortened(bytes: number, unit: number, round: (value: number) => number): number {
  const tenths = round(bytes / (unit / 10));
  return tenths < 100 ? tenths / 10 : round(bytes / unit);
}
