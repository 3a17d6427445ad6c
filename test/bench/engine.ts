/**
 * The engine alone: products as the sandbox's ERP answers them, read from memory, mapped by the shop's own mapper,
 * decided, remembered on a real disk, and taken by a sink that acknowledges at once. Everything between the answer of
 * the ERP and the body of a HubSpot request counts, no network does. Prints one JSON object per phase.
 *
 *     node test/bench/engine.ts --records 100000
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import products from '../../jobs/products.ts';
import { systemClock } from '../../src/clock.ts';
import type { Outcome, Page, Partition, Sink, Source, Write } from '../../src/pipe.ts';
import { runPipe } from '../../src/run.ts';
import type { ItemRow } from '../../src/sandbox/data/items.ts';
import { generateErp } from '../../src/sandbox/world.ts';
import { loadProfile } from '../../src/sources/erp/profile.ts';
import { restSource } from '../../src/sources/erp/rest.ts';
import { closeDatabase, type Db, databasePath, openDatabase } from '../../src/state/database.ts';
import { endRun, newRunId, openStream, startRun } from '../../src/state/runs.ts';
import { flagsOf, folderOf, orRefuse, wholeNumber } from '../flags.ts';

const { records: RECORDS, folder: FOLDER } = orRefuse(() => {
  const { records, folder } = flagsOf({
    options: { records: { type: 'string', default: '100000' }, folder: { type: 'string', default: tmpdir() } },
  });
  return { records: wholeNumber('records', records, { most: 10_000_000 }), folder: folderOf('folder', folder) };
});
const PAGE = 500;
const AS_OF_MS = Date.UTC(2026, 10, 20);

const { items } = generateErp({ seed: 1, asOfMs: AS_OF_MS, items: RECORDS, accounts: 10, quotes: 10, flaws: false });
const real = restSource({
  profile: loadProfile('sandbox'),
  resource: 'products',
  baseUrl: 'http://127.0.0.1:9',
  credentials: { token: 'none' },
  clock: systemClock,
  random: Math.random,
});

/** All in scope, so that every one of them is mapped and sent; the price tells the phases apart. */
function pageText(page: number, change: (index: number) => number): string {
  const rows: ItemRow[] = [];
  for (let index = page * PAGE; index < Math.min((page + 1) * PAGE, RECORDS); index++) {
    const row = items.row(index);
    const cents = change(index);
    const lastChanged = new Date(AS_OF_MS - 86_400_000 + cents).toISOString();
    rows.push({ ...row, statusCode: 'A', ...(cents === 0 ? {} : { unitPrice: row.unitPrice + cents, lastChanged }) });
  }
  return JSON.stringify(rows);
}

/** Time spent in making answers is the ERP's, not ours. */
let servingMs = 0;
let servingCpuMs = 0;

class Items implements Source {
  readonly #change: (index: number) => number;
  constructor(change: (index: number) => number) {
    this.#change = change;
  }
  async *partitions(): AsyncIterable<Partition> {
    yield { key: 'all', label: 'all items', filter: {} };
  }
  split = (): readonly Partition[] => [];
  canonical = (raw: unknown): unknown => real.canonical(raw);
  get = async () => [];
  async *pages(): AsyncIterable<Page> {
    for (let page = 0; page * PAGE < RECORDS; page++) {
      const started = performance.now();
      const before = process.cpuUsage();
      const text = pageText(page, this.#change);
      const used = process.cpuUsage(before);
      servingCpuMs += (used.user + used.system) / 1000;
      servingMs += performance.now() - started;
      const rows: readonly ItemRow[] = JSON.parse(text);
      yield {
        records: rows.map((raw) => ({
          id: raw.itemNo,
          entities: [raw.itemNo],
          modifiedAt: new Date(raw.lastChanged).toISOString(),
          raw,
        })),
        rejected: [],
        asOf: new Date(AS_OF_MS).toISOString(),
        sorted: false,
        total: RECORDS,
        next: (page + 1) * PAGE < RECORDS ? String(page + 1) : null,
      };
    }
  }
}

const known = new Set<string>();
let writes = 0;
const written = ({ key }: Write): Outcome => {
  const created = !known.has(key);
  known.add(key);
  return { kind: 'written', hubspotId: `1${key.replace(/\D/g, '')}`, created, ambiguous: false };
};
const sink: Sink = {
  batchSize: 100,
  concurrency: 10,
  write: async (batch) => {
    writes += batch.length;
    const body = JSON.stringify(batch.map(({ key, properties }) => ({ id: key, properties })));
    if (body.length === 0) throw new Error('a request has a body');
    return new Map(batch.map((write) => [write.key, written(write)]));
  },
  read: async () => new Map(),
  update: async () => new Map(),
  link: async () => [],
  unlink: async () => [],
  keyed: async function* () {},
};

/** After a collection, between the phases: none of them is measured by it. */
function liveHeapMb(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function phase(db: Db, name: string, change: (index: number) => number): Promise<void> {
  const stream = openStream(db, 'products', 'erp:bench', 'sandbox', Date.now());
  const id = newRunId(db, Date.now());
  startRun(db, { id, pipe: 'products', stream, trigger: 'bench', mode: '{"full":true}', atMs: Date.now() });
  const unlimited = { atLeast: Number.MAX_SAFE_INTEGER, share: 1 };
  [servingMs, servingCpuMs, writes] = [0, 0, 0];
  const before = process.cpuUsage();
  const started = performance.now();
  const report = await runPipe(
    {
      ...{ name: 'products', mapping: products.mapping, assembles: products.assembles, deadLettersMax: 100 },
      ...{ needsOwnRecord: false, version: 'bench' },
    },
    {
      ...{ source: new Items(change), sink, db, stream, clock: systemClock, join: () => new Map() },
      facts: { environment: 'sandbox', zone: 'America/Chicago', currencies: ['USD'], names: {} },
      ...{ prepareJoins: async () => {}, joinedStreams: new Map(), resolve: (_spec, value) => value },
      inspect: async () => {},
    },
    {
      ...{ id, since: null, full: true, dryRun: false, limit: null, partition: null, records: null, lookBackMs: 0 },
      ...{ approved: true, createsMax: null, quarantineMs: 300_000, onProgress: () => undefined },
      breakers: { creates: unlimited, changes: unlimited, blanked: unlimited, gone: unlimited },
    },
    new AbortController().signal,
  );
  const wallMs = performance.now() - started - servingMs;
  const used = process.cpuUsage(before);
  const cpuMs = (used.user + used.system) / 1000 - servingCpuMs;
  const { status, exit, counts } = report;
  endRun(db, { id, status, exit, report: JSON.stringify({ counts }), atMs: Date.now(), proofs: new Map() });
  if (status !== 'ok') throw new Error(`${name} ended ${status}: ${report.reason}`);
  db.pragma('wal_checkpoint(TRUNCATE)'); // what is still in the log is state too
  const bytes = statSync(databasePath(folder)).size;
  process.stdout.write(
    `${JSON.stringify({
      phase: name,
      records: counts.read,
      writes,
      wallMs: Math.round(wallMs),
      cpuMs: Math.round(cpuMs),
      recordsPerSecond: Math.round((counts.read / wallMs) * 1000),
      rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      heapMb: Math.round(liveHeapMb()),
      stateBytesPerRecord: Math.round(bytes / counts.read),
    })}\n`,
  );
}

const folder = mkdtempSync(join(FOLDER, 'retail-sync-bench-'));
try {
  const db = openDatabase(folder, null);
  await phase(db, 'first', () => 0);
  await phase(db, 'unchanged', () => 0);
  await phase(db, 'changed', () => 1);
  await phase(db, 'one-percent', (index) => (index % 100 === 0 ? 2 : 1));
  closeDatabase(db);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
