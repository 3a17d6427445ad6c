/** Faults cease and late writes land: what must be true then, of HubSpot, of the state, and of what `reconcile` says. */
import type { RunReport } from '../../src/run-report.ts';
import type { Db } from '../../src/state/database.ts';
import { type Compared, checkReconcile, nothingPlanted, type Planted, plantDisagreements } from './disagreements.ts';
import { LATEST_MS } from './lines.ts';
import { Broken, openLetters } from './oracle.ts';
import type { Portal } from './portal.ts';
import { type Orders, Session, type World } from './session.ts';
import { dump, firstDifference } from './state-files.ts';

export interface Ending {
  readonly world: World;
  readonly portal: Portal;
  /** Whether the state was ever replaced by an older one: that one forgot what was still owed to what it created. */
  readonly wasRestored: boolean;
  readonly run: (orders?: Omit<Orders, 'id'>) => Promise<RunReport | null>;
  readonly open: () => Db;
}

export async function checkEnding(ending: Ending): Promise<void> {
  const { world, portal, run } = ending;
  const { time } = world.wire;
  // Read as a whole, so that what is gone at the source can be told; the run after it reads what changed.
  const report = await run({ full: true });
  if (report === null) throw new Broken('L1', 'a calm run died');
  const isFine = report.status === 'ok' || (report.status === 'partial' && report.counts.held === 0);
  if (!isFine) throw new Broken('L1', `a calm run ended ${report.status}: ${report.reason}`);
  await time.pass(LATEST_MS + 1_000);
  checkState(ending);
  const before = dump(ending.open());
  const writes = portal.writes;
  await run();
  if (portal.writes > writes) throw new Broken('L3', `the repeat sent ${portal.writes - writes} writes`);
  const after = dump(ending.open());
  if (after !== before) throw new Broken('L3', `the repeat changed the state: ${firstDifference(before, after)}`);
  checkBytes(ending);
  await compareBothSides(ending, report.status === 'ok');
}

function checkState({ world, open, wasRestored }: Ending): void {
  const { oracle, linkOracle, wire } = world;
  const db = open();
  const letters = openLetters(db);
  oracle.checkPortal('L1', wire.time.nowMs, letters, () => true);
  oracle.checkLetters(db, wire.time.nowMs);
  const entities = oracle.entities(wire.time.nowMs);
  linkOracle.checkLinks({ rule: 'L5', db, entities, isConcerned: () => true });
  if (!wasRestored) oracle.checkCreation(wire.time.nowMs, letters);
  const integrity = db.pragma('quick_check', { simple: true });
  const orphans = db.pragma('foreign_key_check');
  if (integrity !== 'ok' || !Array.isArray(orphans) || orphans.length > 0)
    throw new Broken('S6', 'the state is damaged');
  const healed = db.prepare("SELECT 1 FROM dead_letters WHERE state = 'resolved'").all().length;
  for (let index = 0; index < healed; index++) wire.count('dead letter healed');
  const waiting = db.prepare("SELECT id, state FROM entities WHERE state IN ('pending', 'sending', 'held')").all();
  if (waiting.length > 0) throw new Broken('L1', `waiting after a calm run: ${JSON.stringify(waiting)}`);
}

/** S7: nothing of a secret, nor of a person who was never in scope, is anywhere in the state. */
function checkBytes({ world, open }: Ending): void {
  const db = open();
  world.oracle.checkSecrets('the state', db.serialize().toString('latin1'));
}

/** L6: the product's own comparison, after the history and after people have done some more. */
async function compareBothSides(ending: Ending, isProven: boolean): Promise<void> {
  const { world, portal } = ending;
  const { shape, vendor, wire } = world;
  // Only a pass without a dead letter is a proven one; the product then says nothing about deletions, and rightly.
  if (!isProven) return;
  const compared: Compared = { wire, portal, vendor, objects: shape.objects, assembles: shape.assembles };
  await compare(ending, compared, nothingPlanted());
  // In every second history: it takes as long as a run.
  if (world.seed % 2 === 0) await compare(ending, compared, plantDisagreements(compared));
}

async function compare(ending: Ending, compared: Compared, planted: Planted): Promise<void> {
  const { world } = ending;
  const { engine, shape, wire } = world;
  const db = ending.open();
  const { transport, source, clock } = new Session(world, { id: 'reconcile' }).ends();
  const stream = engine.openStream(db, shape.name, 'erp:simulated', 'sandbox', clock.now());
  const sides = {
    ...{ db, stream, pipe: shape.name, specs: shape.mapping.properties, transport, source, clock, pauseMs: 2_000 },
    signal: new AbortController().signal,
  };
  const result = await wire.time.until(engine.reconcile(sides));
  checkReconcile(compared, planted, db, result);
  wire.count('reconcile agreed');
}
