/** Whatever cuts a process off, the state is one that was committed, and whoever goes back in time is found out. */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { isSettled } from '../src/decide.ts';
import { seeded } from '../src/sandbox/random.ts';
import { closeDatabase, type Db, databasePath, explain, openDatabase } from '../src/state/database.ts';
import {
  checkGeneration,
  endGeneration,
  generationOf,
  generationPath,
  startGeneration,
} from '../src/state/generation.ts';
import { StreamState } from '../src/state/stream.ts';

const root = mkdtempSync(join(tmpdir(), 'retail-sync-safety-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NOW_MS = Date.parse('2026-11-20T12:00:00.000Z');
const DATABASE = fileURLToPath(new URL('../src/state/database.ts', import.meta.url));
let folders = 0;
const newFolder = (): string => join(root, `state-${++folders}`);

/** One commit: a row in two tables, and a counter. All three or none. */
function commit(db: Db, nth: number): void {
  db.transaction(() => {
    db.prepare("INSERT INTO hubspot_ids VALUES ('deals', 'k', ?, ?)").run(String(nth), 'x'.repeat(1_500));
    db.prepare("INSERT INTO journal (at, run, kind, subject) VALUES (?, 'r', 'k', 's')").run(nth);
    db.prepare("INSERT OR REPLACE INTO meta VALUES ('count', ?)").run(String(nth));
  }).immediate();
}

/** How many commits a database holds; throws for one that is damaged or holds half of one. */
function commitsIn(path: string): number {
  const db = new Database(path);
  try {
    db.pragma('synchronous = OFF'); // only this look at it: hundreds of them need no disk
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    const count = Number(
      db.prepare<[], { value: string }>("SELECT value FROM meta WHERE key = 'count'").get()?.value ?? 0,
    );
    const ids = db.prepare('SELECT count(*) AS n, max(CAST(key AS INTEGER)) AS last FROM hubspot_ids').get();
    const rows = db.prepare('SELECT count(*) AS n, max(at) AS last FROM journal').get();
    expect(ids).toEqual({ n: count, last: count === 0 ? null : count });
    expect(rows).toEqual(ids);
    return count;
  } finally {
    db.close();
  }
}

/**
 * The model of a power loss. With synchronous=FULL in WAL mode a commit returns after an fsync of the log up to and
 * with its last frame (sqlite.org/pragma.html#pragma_synchronous, sqlite.org/wal.html). What was synced is on the disk;
 * of what was written after the last sync, any part may be: none, a piece of any length, or garbage in its place. The
 * database file itself changes only in a checkpoint, which begins after a sync of the log and leaves the log in place
 * until the file is synced too. So: the log cut anywhere at or behind the last acknowledged commit must show it, and
 * cut anywhere at all must show a prefix of the commits.
 */
describe('power that fails', () => {
  const FRAME_BYTES = 4_096 + 24;
  const HEADER_BYTES = 32;
  const COMMITS = 12;

  function history() {
    const folder = newFolder();
    const db = openDatabase(folder, null);
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.pragma('wal_autocheckpoint = 0');
    const path = databasePath(folder);
    const base = readFileSync(path);
    const acknowledged = Array.from({ length: COMMITS }, (_, index) => {
      commit(db, index + 1);
      return statSync(`${path}-wal`).size;
    });
    const log = readFileSync(`${path}-wal`);
    db.pragma('wal_checkpoint(FULL)');
    const folded = readFileSync(path);
    db.close();
    return { base, log, folded, acknowledged };
  }

  /** What the next process finds. */
  function recover(base: Buffer, log: Buffer): number {
    const folder = newFolder();
    mkdirSync(folder);
    const path = databasePath(folder);
    writeFileSync(path, base);
    writeFileSync(`${path}-wal`, log);
    const count = commitsIn(path);
    rmSync(folder, { recursive: true });
    return count;
  }

  const world = history();

  test('at each frame and in the middle of each leaves every acknowledged commit, and none torn', () => {
    const { base, log, acknowledged } = world;
    for (let start = HEADER_BYTES; start <= log.length; start += FRAME_BYTES) {
      for (const cut of [start, start + 24, start + 2_000].filter((at) => at <= log.length)) {
        const promised = acknowledged.filter((size) => size <= cut).length;
        expect(recover(base, log.subarray(0, cut)), `cut at ${cut}`).toBe(promised);
      }
    }
    expect(recover(base, log)).toBe(COMMITS);
  });

  test('with garbage, zeros or holes behind the last sync leaves what was synced', () => {
    const { base, log, acknowledged } = world;
    const random = seeded(7);
    const spoil = {
      garbage: (tail: Buffer) => tail.forEach((_, at) => void tail.writeUInt8(Math.floor(random() * 256), at)),
      zeros: (tail: Buffer) => void tail.fill(0),
      hole: (tail: Buffer) => void tail.fill(0, 0, Math.min(512, tail.length)),
    };
    for (const [index, synced] of acknowledged.entries()) {
      for (const [kind, how] of Object.entries(spoil)) {
        const found = Buffer.from(log);
        how(found.subarray(synced));
        expect(recover(base, found), `${kind} behind ${synced}`).toBe(index + 1);
      }
    }
  });

  test('in a checkpoint, with any of its pages written, leaves everything', () => {
    const { base, log, folded } = world;
    const random = seeded(11);
    for (let attempt = 0; attempt < 20; attempt++) {
      const mixed = Buffer.alloc(folded.length);
      for (let page = 0; page < folded.length; page += 4_096) {
        (random() < 0.5 && page < base.length ? base : folded).copy(mixed, page, page, page + 4_096);
      }
      expect(recover(mixed, log)).toBe(COMMITS);
    }
  });
});

describe('a process that is killed', () => {
  test('in the middle of its commits leaves every acknowledged one', async () => {
    const folder = newFolder();
    openDatabase(folder, null).close();
    const source = `
      const { openDatabase } = await import(${JSON.stringify(DATABASE)});
      const db = openDatabase(${JSON.stringify(folder)}, null);
      const commit = ${commit.toString()};
      for (let nth = 1 + Number(process.argv[1]); nth < 100_000; nth++) { commit(db, nth); process.stdout.write(nth + '\\n'); }`;
    let before = 0;
    for (let kill = 0; kill < 3; kill++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', source, String(before)], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += String(chunk);
        if (said.split('\n').length > 20 + kill * 7) child.kill('SIGKILL');
      });
      await new Promise((resolve) => child.once('close', resolve));
      const acknowledged = Number(said.trim().split('\n').at(-1));
      const held = commitsIn(databasePath(folder));
      expect(acknowledged).toBeGreaterThan(before);
      expect(held).toBeGreaterThanOrEqual(acknowledged);
      before = held;
    }
  });
});

describe('a disk that fills up', () => {
  test('in a commit takes that one back, says so, and with room the next one goes on', () => {
    const folder = newFolder();
    const db = openDatabase(folder, null);
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 8}`);
    let done = 0;
    const fill = (): void => {
      for (let nth = 1; nth < 1_000; nth++) {
        commit(db, nth);
        done = nth;
      }
    };
    let thrown: unknown;
    try {
      fill();
    } catch (error) {
      thrown = explain(error, 'state.db');
    }
    expect(thrown).toMatchObject({ exit: 1, message: expect.stringMatching(/full; everything acknowledged/) });
    expect(done).toBeGreaterThan(0);
    db.pragma('max_page_count = 100000');
    expect(commitsIn(databasePath(folder))).toBe(done);
    commit(db, done + 1);
    db.close();
  });
});

describe('the generation', () => {
  /** A state that has sent one product, acknowledged, and linked it. */
  function sent(folder: string): { db: Db; state: StreamState } {
    const db = openDatabase(folder, null);
    startGeneration(db, folder, NOW_MS);
    db.exec(`INSERT INTO streams VALUES (1, 'products', 'erp', 'sandbox', NULL, 0);
      INSERT INTO entities VALUES (1, 'A', 'clean', NULL, '2026-01-01', 'r'), (1, 'X', 'excluded', 'retail', '', 'r');
      INSERT INTO records VALUES (1, 'X', '2026-01-01', 'digest', NULL, 'retail', 'r', 0, NULL, NULL, NULL);
      INSERT INTO objects (stream, object, key, entity, fingerprint, properties) VALUES (1, 'products', 'A', 'A', 'print', '{}');
      INSERT INTO links VALUES (1, 'products', 'A', 'companies', 'k', 'v', 'default', 'made', '1', '2', 0, 0);`);
    return { db, state: new StreamState(db, 1, 'r', 'm', () => NOW_MS) };
  }
  const known = (state: StreamState) => state.objects.recall('products', 'k', ['A']).get('A');
  const trusts = (state: StreamState): boolean => {
    const remembered = known(state);
    return remembered !== undefined && isSettled('print', remembered);
  };

  test('counts each start, in the database and beside it', () => {
    const folder = newFolder();
    const { db, state } = sent(folder);
    for (const expected of [2, 3]) {
      expect(startGeneration(db, folder, NOW_MS)).toMatchObject({ restored: false, generation: expected });
      expect(JSON.parse(readFileSync(generationPath(folder), 'utf8'))).toMatchObject({ generation: expected });
    }
    expect(statSync(generationPath(folder)).mode & 0o777).toBe(0o600);
    expect(trusts(state)).toBe(true);
    db.close();
  });

  test('of a file that was copied back is behind: everything is sent once more, then trusted again', () => {
    const folder = newFolder();
    const { db } = sent(folder);
    closeDatabase(db);
    copyFileSync(databasePath(folder), join(folder, 'old.db'));
    const later = openDatabase(folder, null);
    startGeneration(later, folder, NOW_MS);
    endGeneration(folder, NOW_MS + 1_000);
    closeDatabase(later);
    copyFileSync(join(folder, 'old.db'), databasePath(folder));
    const back = openDatabase(folder, null);
    const state = new StreamState(back, 1, 'r', 'm', () => NOW_MS);
    expect(trusts(state)).toBe(true);
    expect(checkGeneration(back, folder)).toMatchObject({
      restored: true,
      sentence: expect.stringMatching(/without duplicates/),
    });
    expect(startGeneration(back, folder, NOW_MS + 9_000)).toMatchObject({ restored: true, generation: 3 });
    expect(trusts(state)).toBe(false);
    expect(state.entities.pending(10, '')).toEqual(['A']);
    expect(state.mirror.known(['X']).get('X')?.content).toBe('');
    expect(state.links.pendingCount()).toBe(1);
    // What an orderly end had behind it cannot land after it.
    expect(known(state)).toMatchObject({ fingerprint: 'print', intentAtMs: NOW_MS + 1_000 });
    expect(back.prepare("SELECT kind FROM journal WHERE subject = 'state'").all()).toEqual([{ kind: 'distrusted' }]);
    state.objects.intend({ object: 'products', keyProperty: 'k', key: 'A' }, 'A', 'print', null, null);
    const content = {
      fingerprint: 'print',
      properties: '{}',
      owed: null,
      hubspotId: '1',
      isNewId: true,
      created: false,
      late: null,
    };
    state.objects.acknowledge({ object: 'products', keyProperty: 'k', key: 'A' }, content);
    expect(startGeneration(back, folder, NOW_MS)).toMatchObject({ restored: false });
    expect(trusts(state)).toBe(true);
    back.close();
  });

  test('after a process that was killed, a write may still be under way as late as now', () => {
    const folder = newFolder();
    const { db, state } = sent(folder);
    writeFileSync(generationPath(folder), '{"generation":9,"closedAtMs":null}');
    startGeneration(db, folder, NOW_MS + 5);
    expect(known(state)?.intentAtMs).toBe(NOW_MS + 5);
    db.close();
  });

  test.each(['lower', 'gone', 'garbage', 'empty'])('beside a file that is %s is believed', (what) => {
    const folder = newFolder();
    const { db, state } = sent(folder);
    const before = readFileSync(generationPath(folder));
    startGeneration(db, folder, NOW_MS); // the database is at 2; a crash now leaves the file at 1
    if (what === 'lower') writeFileSync(generationPath(folder), before);
    if (what === 'gone') rmSync(generationPath(folder));
    if (what === 'garbage') writeFileSync(generationPath(folder), '{"generation":"many"}');
    if (what === 'empty') writeFileSync(generationPath(folder), '');
    expect(checkGeneration(db, folder)).toEqual({ restored: false, sentence: null });
    expect(startGeneration(db, folder, NOW_MS)).toMatchObject({ restored: false, generation: 3 });
    expect(trusts(state)).toBe(true);
    db.close();
  });

  test('of a database that vanished is said, and the new one begins above it', () => {
    const folder = newFolder();
    const { db } = sent(folder);
    closeDatabase(db);
    rmSync(databasePath(folder));
    const fresh = openDatabase(folder, null);
    expect(startGeneration(fresh, folder, NOW_MS)).toMatchObject({
      restored: true,
      sentence: expect.stringMatching(/is gone/),
    });
    expect(generationOf(fresh)).toBe(2);
    expect(existsSync(`${generationPath(folder)}.new`)).toBe(false);
    fresh.close();
  });
});
