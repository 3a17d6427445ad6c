/** Where the state may live: a folder of its own on a local disk with room, that nothing else copies about. */
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, type StatsFs, statfsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { sizeOf } from '../bytes.ts';
import { EXIT, FatalError } from '../errors.ts';

/** What is known of the disk under a folder; tests bring their own. */
export type ReadDisk = (folder: string) => Pick<StatsFs, 'type' | 'bsize' | 'bavail' | 'blocks'>;

/** Below this no run starts: the next commit might not fit, and there would be no room to say so. */
export const FREE_BYTES_MIN = 20_000_000;
/** Below this a person should look: a first run of everything takes about this much. */
export const FREE_BYTES_LOW = 200_000_000;

/**
 * Linux file systems over a network, by the magic numbers of statfs(2) (man7.org/linux/man-pages/man2/statfs.2.html).
 * SQLite's write-ahead log needs memory shared by all its users: sqlite.org/wal.html, "does not work over a network".
 */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
]);

/** May be a folder of the host, shared into a virtual machine, or a far one: locks are not certain to hold. */
const DOUBTFUL: ReadonlyMap<number, string> = new Map([
  [0x65735546, 'FUSE'],
  [0x01021997, '9P'],
]);

/** Folders whose files a program copies while they change: the copy is torn, and a conflict copy may come back. */
const SYNCED: readonly (readonly [RegExp, string])[] = [
  [/\/Library\/Mobile Documents(\/|$)/i, 'iCloud Drive'],
  [/\/Library\/CloudStorage\//i, 'a cloud drive'],
  [/\/iCloud ?Drive(\/|$)/i, 'iCloud Drive'],
  [/\/Dropbox( \([^/]*\))?(\/|$)/i, 'Dropbox'],
  [/\/OneDrive( - [^/]*)?(\/|$)/i, 'OneDrive'],
  [/\/Google ?Drive(\/|$)/i, 'Google Drive'],
  [/\/(Nextcloud|ownCloud|pCloudDrive|Box Sync)(\/|$)/i, 'a synchronised folder'],
];

/** Makes the folder for this user alone. One step at a time: Node's own recursion never ends below /proc. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST') return;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || parent === folder || parentExists(parent)) throw error;
    makeFolder(parent); // ends at the first folder there is
    mkdirSync(folder, { mode: 0o700 });
  }
}

function parentExists(folder: string): boolean {
  try {
    realpathSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with a folder that exists: `refusal` must stop whoever wants to write, warnings need not. */
export interface FolderVerdict {
  readonly refusal: FatalError | null;
  readonly warnings: readonly string[];
  /** Bytes this user may still write; null when the file system does not say. */
  readonly freeBytes: number | null;
}

export function judgeFolder(folder: string, readDisk: ReadDisk = statfsSync): FolderVerdict {
  const real = realpathSync(folder);
  const disk = readDisk(real);
  const freeBytes = disk.blocks === 0 ? null : disk.bavail * disk.bsize;
  const refusal = syncedFolder(real) ?? networkDisk(real, disk.type) ?? fullDisk(real, freeBytes);
  const warnings = [lowDisk(real, freeBytes), doubtfulDisk(real, disk.type), macFolder(real)];
  return { refusal, warnings: warnings.filter((sentence) => sentence !== null), freeBytes };
}

const ELSEWHERE = 'set RETAIL_SYNC_STATE_DIR to a folder on a local disk, and move the files of this one there';

function syncedFolder(real: string): FatalError | null {
  const path = real.split(sep).join('/');
  const found = SYNCED.find(([pattern]) => pattern.test(path))?.[1];
  if (found === undefined) return null;
  const message = `the state folder ${real} lies in ${found}, which copies files while they change: the database would be torn`;
  return new FatalError(EXIT.usage, message, ELSEWHERE);
}

function networkDisk(real: string, type: number): FatalError | null {
  const name = process.platform === 'linux' ? NETWORK.get(type) : undefined;
  if (name === undefined) return null;
  const message = `the state folder ${real} lies on a network file system (${name}), where SQLite's locks do not hold`;
  return new FatalError(EXIT.usage, message, ELSEWHERE);
}

function fullDisk(real: string, freeBytes: number | null): FatalError | null {
  if (freeBytes === null || freeBytes >= FREE_BYTES_MIN) return null;
  return new FatalError(
    EXIT.internal,
    `the disk that holds ${real} is full: ${sizeOf(freeBytes)} are free, a run needs ${sizeOf(FREE_BYTES_MIN)} to begin`,
    'free some space and run the same command again: it continues where it stopped',
  );
}

function lowDisk(real: string, freeBytes: number | null): string | null {
  if (freeBytes === null || freeBytes >= FREE_BYTES_LOW || freeBytes < FREE_BYTES_MIN) return null;
  return `only ${sizeOf(freeBytes)} are free on the disk that holds ${real}; below ${sizeOf(FREE_BYTES_MIN)} no run starts`;
}

function doubtfulDisk(real: string, type: number): string | null {
  const name = process.platform === 'linux' ? DOUBTFUL.get(type) : undefined;
  return name === undefined ? null : `the state folder ${real} lies on ${name}: use a local disk if it is a far one`;
}

/** With "Desktop & Documents" in iCloud these two are copied too (support.apple.com/109344). */
function macFolder(real: string): string | null {
  if (process.platform !== 'darwin') return null;
  const found = ['Desktop', 'Documents'].find((name) => resolve(real).startsWith(join(homedir(), name) + sep));
  return found === undefined
    ? null
    : `the state folder lies below ~/${found}, which iCloud may copy; ~/Library/Application Support/retail-sync is safe`;
}

/** Makes a rename durable: without it the name may be gone after a power cut. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
