/** What is installed, against what this version was tested with. */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { EXIT } from '../errors.ts';
import { type Finding, fault, fine, warning } from './finding.ts';

const manifest = z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });

const read = (path: string) =>
  manifest.parse(JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')));

export function versionFindings(): Finding[] {
  const own = read('package.json');
  const installed = Object.entries(own.dependencies).map(([name, pinned]) => ({ name, pinned, is: versionOf(name) }));
  const missing = installed.filter(({ is }) => is === null).map(({ name }) => name);
  const other = installed.filter(({ is, pinned }) => is !== null && is !== pinned);
  const fix = 'npm ci';
  const tool = fine('runtime', 'retail-sync', `${own.version}, SQLite ${sqliteVersion()}`);
  if (missing.length > 0)
    return [tool, fault('runtime', 'packages', `not installed: ${missing.join(', ')}`, fix, EXIT.usage)];
  if (other.length > 0) {
    const told = other.map(({ name, pinned, is }) => `${name} is ${is} instead of ${pinned}`);
    return [tool, warning('runtime', 'packages', told.join(', '), fix, 'nobody has tried this combination')];
  }
  return [tool, fine('runtime', 'packages', `all ${installed.length} are the versions of package-lock.json`)];
}

function versionOf(name: string): string | null {
  try {
    return read(`node_modules/${name}/package.json`).version;
  } catch {
    return null;
  }
}

function sqliteVersion(): string {
  const db = new Database(':memory:');
  try {
    return db.prepare<[], { version: string }>('SELECT sqlite_version() AS version').get()?.version ?? 'unknown';
  } finally {
    db.close();
  }
}
