/**
 * What a profile's text says, kept beside the compiled sources: parsing YAML takes a tenth of a run that has nothing to
 * do. Only the plain values are kept, and they are validated each time like those that were just parsed. What cannot be
 * read, written or understood here is parsed again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { digest } from '../../fingerprint.ts';

/** The values of exactly this text; undefined when they are not kept. */
export function parsedBefore(path: string, text: string, folder = getCompileCacheDir()): unknown {
  if (folder === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(readFileSync(fileOf(folder, path), 'utf8'));
    const isOurs = typeof kept === 'object' && kept !== null && 'of' in kept && 'value' in kept;
    return isOurs && kept.of === digest(text) ? kept.value : undefined;
  } catch {
    return undefined;
  }
}

/** One file per profile, replaced when its text changes. */
export function keepParsed(path: string, text: string, value: unknown, folder = getCompileCacheDir()): void {
  if (folder === undefined) return;
  try {
    writeFileSync(fileOf(folder, path), JSON.stringify({ of: digest(text), value }), { mode: 0o600 });
  } catch {
    // a home that cannot be written: the next run parses again
  }
}

const fileOf = (folder: string, path: string): string => join(folder, `profile-${digest(path)}.json`);
