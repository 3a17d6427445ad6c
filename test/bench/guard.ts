/**
 * Fails when the engine has become clearly slower: `npm run bench:guard`. Seconds differ from machine to machine and
 * from hour to hour, so what is compared is a ratio: the CPU time of the engine per record over that of a yardstick, plain
 * parsing, hashing and storing of the same records, measured right before and after. `--record` keeps today's ratios.
 */
import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { generateErp } from '../../src/sandbox/world.ts';
import { flagsOf, orRefuse } from '../flags.ts';
import { measured } from './measure.ts';

const flags = orRefuse(() => flagsOf({ options: { record: { type: 'boolean', default: false } } }));
const RECORDED = fileURLToPath(new URL('../../docs/performance/guard.json', import.meta.url));
const ENGINE = fileURLToPath(new URL('engine.ts', import.meta.url));
const RECORDS = 5_000;
/** The best of so many: whatever else the machine does makes a run slower, never faster. */
const TRIES = 2;
/** Between quiet and busy minutes of one machine a ratio moved by half: only what doubles is a regression for certain. */
const TOLERANCE = 2;

const Line = z.object({ phase: z.string(), cpuMs: z.number() });
const Ratios = z.record(z.string(), z.number());

/** CPU milliseconds for parsing, writing out, hashing and storing the records once. */
function yardstickMs(): number {
  const { items } = generateErp({ seed: 1, asOfMs: Date.UTC(2026, 10, 20), items: RECORDS, accounts: 10, quotes: 10 });
  const texts = Array.from({ length: RECORDS }, (_, index) => JSON.stringify(items.row(index)));
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-yardstick-'));
  const db = new Database(join(folder, 'yardstick.db'));
  try {
    db.pragma('journal_mode = WAL');
    db.exec('CREATE TABLE kept (id TEXT PRIMARY KEY, print TEXT, raw TEXT) STRICT');
    const put = db.prepare('INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET print = excluded.print');
    const before = process.cpuUsage();
    for (let round = 0; round < 5; round++)
      db.transaction(() => {
        for (const [index, text] of texts.entries()) {
          const again = JSON.stringify(JSON.parse(text));
          put.run(String(index), hash('sha256', again, 'hex'), again);
        }
      })();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / 5;
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const best = new Map<string, number>();
for (let turn = 0; turn < TRIES; turn++) {
  const before = yardstickMs();
  const { stdout } = await measured([ENGINE, '--records', String(RECORDS)], {});
  const yardstick = Math.max(before, yardstickMs());
  for (const line of stdout.trim().split('\n')) {
    const { phase, cpuMs } = Line.parse(JSON.parse(line));
    best.set(phase, Math.min(best.get(phase) ?? Number.POSITIVE_INFINITY, cpuMs / yardstick));
  }
}
const ratios = Object.fromEntries([...best].map(([phase, ratio]) => [phase, Math.round(ratio * 100) / 100]));
if (flags.record) writeFileSync(RECORDED, `${JSON.stringify(ratios, null, 2)}\n`);
const recorded = Ratios.parse(JSON.parse(readFileSync(RECORDED, 'utf8')));
for (const [phase, ratio] of Object.entries(ratios)) {
  const before = recorded[phase] ?? Number.POSITIVE_INFINITY;
  const isSlower = ratio > before * TOLERANCE;
  process.stdout.write(
    `${phase.padEnd(12)} ${ratio.toFixed(2)} x the yardstick, recorded ${before.toFixed(2)}${isSlower ? '   SLOWER' : ''}\n`,
  );
  if (isSlower) process.exitCode = 1;
}
