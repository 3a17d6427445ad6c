/** Keeps a Mac from idling into sleep while a scheduled run goes on. A closed lid is not its business. */
import { spawn } from 'node:child_process';

export interface Awake {
  end(): void;
}

/** `caffeinate -i -w` ends by itself with this process. Elsewhere than on a Mac, nothing. */
export function keepAwake(platform = process.platform, program = '/usr/bin/caffeinate'): Awake {
  if (platform !== 'darwin') return { end: () => undefined };
  const child = spawn(program, ['-i', '-w', String(process.pid)], { stdio: 'ignore' });
  child.on('error', () => undefined); // the run goes on without
  child.unref();
  return { end: () => void child.kill() };
}
