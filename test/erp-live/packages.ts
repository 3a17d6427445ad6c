/** Tryton from Debian's packages: installed when missing, and said clearly where that is not possible. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Modules that the database is made with; each is a Debian package `tryton-modules-…`. */
export const MODULES = [
  'party',
  'party_relationship',
  'product',
  'sale',
  'sale_opportunity',
  'sale_history',
  'commission',
] as const;

const PACKAGES = ['tryton-server', ...MODULES.map((name) => `tryton-modules-${name.replaceAll('_', '-')}`)];
const MODULE_FOLDER = '/usr/lib/python3/dist-packages/trytond/modules';
const POLICY = '/usr/sbin/policy-rc.d';
const APT_MS_MAX = 240_000;

const missing = (): string[] =>
  ['/usr/bin/trytond', ...MODULES.map((name) => join(MODULE_FOLDER, name))].filter((path) => !existsSync(path));

/** Throws an Error that says what to install. */
export function ensureTryton(say: (line: string) => void): void {
  if (missing().length === 0) return;
  say(`installing ${PACKAGES.length} packages of Tryton with apt-get; this takes a minute`);
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) throw cannot('there is no apt-get, or no root');
  apt(['update', '-q']);
  const ours = !existsSync(POLICY);
  // Debian starts a server that it installs, on port 8000; this test brings its own.
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const error = apt(['install', '-q', '-y', '--no-install-recommends', ...PACKAGES]);
    if (missing().length > 0) throw cannot(error);
  } finally {
    if (ours) rmSync(POLICY);
  }
}

function apt(args: readonly string[]): string {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const ended = spawnSync('/usr/bin/apt-get', [...args], { env, encoding: 'utf8', timeout: APT_MS_MAX });
  return ended.status === 0 ? '' : (ended.stderr ?? '').trim().split('\n').at(-1) || `status ${ended.status}`;
}

const cannot = (why: string): Error =>
  new Error(
    `Tryton 6.0 is not installed and cannot be (${why}). On Debian 12, as root:\n  apt-get update && apt-get install --no-install-recommends ${PACKAGES.join(' ')}`,
  );
