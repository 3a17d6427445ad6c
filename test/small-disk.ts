/** A disk that is soon full. */
import { spawnSync } from 'node:child_process';
import { type Ended, temporaryFolder } from './cli-harness.ts';
import type { Shop } from './cli-shop.ts';

export interface SmallDisk {
  /** Runs a command whose state lies on this disk. */
  run(args: readonly string[]): Promise<Ended>;
  enlarge(): void;
  close(): void;
}

/** A disk of 500 KB for the state: a file system in memory where this user may mount one, else a limit on file sizes. */
export function openSmallDisk(shop: Shop): SmallDisk {
  const folder = temporaryFolder();
  const did = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
  const mount = (options: string): boolean => did('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder);
  const state = { RETAIL_SYNC_STATE_DIR: folder };
  if (mount('size=500k')) {
    return {
      run: (args) => shop.start(args, state).ended,
      enlarge: () => void mount('remount,size=64m'),
      close: () => void did('umount', '-l', folder),
    };
  }
  let limit: readonly string[] = ['sh', '-c', 'ulimit -f 1000; exec "$0" "$@"']; // in units of 512 bytes
  return {
    run: (args) => shop.start(args, state, limit).ended,
    enlarge: () => {
      limit = [];
    },
    close: () => undefined,
  };
}
