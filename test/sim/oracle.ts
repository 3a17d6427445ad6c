/** What must hold, said without any of the engine's code: the source's truth, mapped, against HubSpot and the state. */
import type { Mapped } from '../../src/pipe.ts';
import type { Db } from '../../src/state/database.ts';
import type { Shape } from './goods.ts';
import { ERP_TOKEN, HUBSPOT_TOKEN } from './lines.ts';
import { CANARY_NAME } from './people.ts';
import type { Portal } from './portal.ts';
import { REPLICA_LAG_MS, rowOf, type Vendor, type Version } from './vendor.ts';

/** A promise that was broken; `rule` is its name in docs/simulation.md. */
export class Broken extends Error {
  override readonly name = 'Broken';

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
  }
}

const FACTS = { environment: 'sandbox', zone: 'UTC', currencies: ['USD'], names: {} } as const;

export interface Entity {
  readonly id: string;
  readonly versions: readonly Version[];
}

export class Oracle {
  readonly #shape: Shape;
  readonly #vendor: Vendor;
  readonly #portal: Portal;
  readonly #mapped = new Map<Version, Mapped>();
  /** Contents, by key, of versions that were shown to the program. */
  readonly #shown = new Map<string, Set<string>>();
  /** Called with what the mapping makes of each row that was shown to the program. */
  onMapped: (entity: string, mapped: Mapped) => void = () => undefined;

  readonly #positionOf = new WeakMap<Db, ReturnType<typeof positionIn>>();
  readonly #positions = new WeakMap<Db, string>();

  constructor(shape: Shape, vendor: Vendor, portal: Portal) {
    this.#shape = shape;
    this.#vendor = vendor;
    this.#portal = portal;
    vendor.onShown = (row) => this.#noteShown(row.id, { ...row, visibleAtMs: 0, deleted: false });
  }

  get #isOneRecord(): boolean {
    return this.#shape.assembles === 'one-record';
  }

  entityOf(version: Version): string {
    return this.#isOneRecord ? version.id : version.group;
  }

  #canonical(version: Version): Readonly<Record<string, unknown>> {
    const { id, name, kind, origin, group, rev } = rowOf(version);
    return this.#isOneRecord
      ? { id, name, category: kind, brand: origin, subcategory: group, leadTimeDays: rev }
      : { id, jobName: name, revision: rev };
  }

  map(versions: readonly Version[], entity: string): Mapped {
    const [only] = versions;
    const known = versions.length === 1 && only ? this.#mapped.get(only) : undefined;
    if (known) return known;
    const rows = versions.map((version) => this.#shape.mapping.schema.parse(this.#canonical(version)));
    const mapped = this.#shape.mapping.map(rows, [], FACTS, entity);
    if (versions.length === 1 && only) this.#mapped.set(only, mapped);
    return mapped;
  }

  #noteShown(id: string, version: Version): void {
    if (!this.#isOneRecord) return;
    const known = this.#shown.get(id);
    const contents = known ?? new Set<string>();
    if (!known) this.#shown.set(id, contents);
    const mapped = this.map([version], id);
    this.onMapped(id, mapped);
    for (const properties of contentsOf(mapped, this.#shape)) contents.add(JSON.stringify(properties));
  }

  /** S4 and S5: what is sent is whole, unique, ours, and was shown by the source. */
  checkRequest(object: string, action: string, text: string): void {
    if (!['upsert', 'update', 'read', 'list'].includes(action))
      throw new Broken('S2', `${action}: only a write by key cannot make a second object`);
    if (action !== 'upsert') return;
    const { inputs }: { inputs: { id: string; properties: Record<string, string> }[] } = JSON.parse(text);
    const keys = new Set(inputs.map(({ id }) => id));
    if (keys.size < inputs.length || keys.size > 100)
      throw new Broken('S4', `${inputs.length} inputs, ${keys.size} keys`);
    const own = new Set(this.#shape.mapping.properties.map(({ name }) => name));
    for (const { id, properties } of inputs) {
      const foreign = Object.keys(properties).find((name) => !own.has(name));
      if (foreign || object !== this.#shape.objectOf(id)) throw new Broken('S4', `${foreign} is not ours to write`);
      const { [this.#shape.key]: key, ...content } = properties;
      if (key !== id) throw new Broken('S4', `${id} is sent as ${key}`);
      if (!this.#isOneRecord) continue;
      if (!this.#shown.get(id)?.has(JSON.stringify(sorted(content)))) {
        throw new Broken('S5', `${id} was sent a content that the source never showed: ${JSON.stringify(content)}`);
      }
    }
  }

  /** A process begins: where the cursor stands now is no move of it. */
  noteCursor(db: Db): void {
    const { position, owed } = this.#position(db).get() ?? {};
    if (position) this.#positions.set(db, `${position} ${owed}`);
  }

  #position(db: Db): ReturnType<typeof positionIn> {
    const known = this.#positionOf.get(db) ?? positionIn(db);
    this.#positionOf.set(db, known);
    return known;
  }

  /** S7: secrets, and the data of a person who was never in scope. */
  checkSecrets(where: string, text: string): void {
    const isScoped = this.#isOneRecord;
    const found = [ERP_TOKEN, HUBSPOT_TOKEN, ...(isScoped ? [CANARY_NAME] : [])].find((one) => text.includes(one));
    if (found !== undefined) throw new Broken('S7', `${found} is in ${where}`);
  }

  /** S1: what lies behind a cursor, less the look-back, is in the state, or in a reading that is owed. */
  checkCursor(db: Db, lookBackMs: number, nowMs: number): void {
    const row = this.#position(db).get();
    const place = row?.position ? `${row.position} ${row.owed}` : null;
    const before = this.#positions.get(db);
    if (!row?.position || place === null || place === before) return;
    this.#positions.set(db, place);
    const hasMoved = before?.split(' ')[0] !== row.position;
    const waiting = hasMoved && db.prepare<[string], { id: string }>(WAITING_BEHIND).get(row.position);
    if (waiting)
      throw new Broken('S1', `the cursor moved to ${row.position}, past ${waiting.id}, which is not settled`);
    const known = new Map(
      db
        .prepare<[], { id: string; at: string }>('SELECT id, modified_at AS at FROM records')
        .all()
        .map(({ id, at }) => [id, at]),
    );
    const read = new Date(Date.parse(row.position) - lookBackMs).toISOString();
    const behind = row.owed !== null && row.owed < read ? row.owed : read;
    for (const version of this.#vendor.view(nowMs)) {
      if (version.at >= behind) continue;
      const at = known.get(version.id);
      if (at === undefined || at < version.at) {
        throw new Broken(
          'S1',
          `the cursor ${row.position} passed ${version.id} of ${version.at}; the state knows ${at ?? 'nothing'}`,
        );
      }
    }
  }

  /** Entities that the source has now. Those with a deleted record are nobody's promise: absence is never deletion. */
  entities(atMs: number): Entity[] {
    const groups = Map.groupBy(this.#vendor.view(atMs), (version) => this.entityOf(version));
    return [...groups].map(([id, versions]) => ({ id, versions }));
  }

  #isLoose({ id }: Entity): boolean {
    if (this.#portal.archived.has(this.nameOf(id))) return true;
    if (this.#isOneRecord) return false;
    return this.#vendor.ids.some((record) => {
      const versions = this.#vendor.versionsOf(record);
      return versions.some((version) => version.deleted) && versions.some((version) => this.entityOf(version) === id);
    });
  }

  nameOf = (key: string): string => `${this.#shape.objectOf(key)} ${key}`;

  /** L1 for every entity; `isSettledBefore` leaves out what changed since. */
  checkPortal(
    rule: string,
    atMs: number,
    openLetters: ReadonlySet<string>,
    isConcerned: (entity: Entity) => boolean,
  ): void {
    for (const entity of this.entities(atMs)) {
      if (this.#isLoose(entity) || !isConcerned(entity) || openLetters.has(entity.id)) continue;
      const mapped = this.map(entity.versions, entity.id);
      const held = this.#portal.objects.get(this.nameOf(entity.id));
      // What people wrote stays until the source changes; `reconcile` tells of it.
      if (held && held.edited.size > 0) continue;
      if (mapped.kind === 'invalid') throw new Broken(rule, `${entity.id} cannot be mapped and is no dead letter`);
      // A farewell is sent once: what leaves has left, whatever becomes of it in the source.
      if (mapped.kind === 'excluded' && (held === undefined || held.properties.status === 'left')) continue;
      const [wanted] = contentsOf(mapped, this.#shape);
      const has = held && JSON.stringify(sorted(pick(held.properties, Object.keys(wanted ?? {}))));
      if (has === JSON.stringify(wanted)) continue;
      throw new Broken(
        rule,
        `${entity.id} is ${has ?? 'missing'} in HubSpot; the source says ${JSON.stringify(wanted)}`,
      );
    }
  }

  /** "ok" is a promise: what was visible when the run began, and has not changed since, is in HubSpot or a dead letter. */
  checkRun(db: Db, startedMs: number, nowMs: number): void {
    this.checkPortal('P1', nowMs, openLetters(db), this.settledSince(startedMs));
  }

  /** What every listing showed when a run began, and has not changed since. */
  settledSince(startedMs: number): (entity: Entity) => boolean {
    const before = startedMs - REPLICA_LAG_MS;
    return ({ versions }) =>
      versions.every(
        ({ id, visibleAtMs }) => visibleAtMs <= before && this.#vendor.newest(id)?.visibleAtMs === visibleAtMs,
      );
  }

  /** L2: the open dead letters are the refused records, neither more nor less. */
  checkLetters(db: Db, atMs: number): void {
    const letters = openLetters(db);
    // A conflict that lasted for two attempts is a dead letter of a healthy record: a person sends it again.
    const conflicts = openLetters(db, 'CONFLICT');
    const refused = new Set<string>();
    for (const entity of this.entities(atMs)) {
      const loose = this.#isLoose(entity);
      const mapped = this.map(entity.versions, entity.id);
      const [content] = contentsOf(mapped, this.#shape);
      const isRefused = mapped.kind === 'invalid' || content?.name?.startsWith('refused') === true;
      if (isRefused || loose) refused.add(entity.id);
      const mustBe = isRefused && !loose && mapped.kind !== 'excluded';
      if (mustBe && !letters.has(entity.id)) throw new Broken('L2', `${entity.id} is refused and no dead letter`);
    }
    for (const entity of letters) {
      const isGone = !this.entities(atMs).some(({ id }) => id === entity);
      if (!refused.has(entity) && !isGone && !conflicts.has(entity))
        throw new Broken('L2', `${entity} has an open dead letter and is healthy`);
    }
  }

  /** What was set at creation is there, once people have not changed it. */
  checkCreation(atMs: number, openLetters: ReadonlySet<string>): void {
    if (!this.#isOneRecord) return;
    for (const { id, versions } of this.entities(atMs)) {
      const held = this.#portal.objects.get(this.nameOf(id));
      // What left the scope is forgotten with all that was still owed to it: it is nobody's business any more.
      const left = versions.some(({ kind }) => kind === 'retail');
      if (
        left ||
        held === undefined ||
        held.properties.origin ||
        openLetters.has(id) ||
        this.#isLoose({ id, versions }) ||
        this.#portal.survivors.has(this.nameOf(id))
      )
        continue;
      throw new Broken('L7', `${id} was created without its create-only property`);
    }
  }
}

const positionIn = (db: Db) =>
  db.prepare<[], { position: string | null; owed: string | null }>(
    `SELECT min(position) AS position, (SELECT min(coalesce(since, '')) FROM owed_readings) AS owed FROM cursors`,
  );

/** All records of an unsettled entity are older than the place the cursor has just moved to. */
const WAITING_BEHIND = `SELECT e.id FROM entities e
    JOIN membership m ON m.stream = e.stream AND m.entity = e.id
    JOIN records r ON r.stream = m.stream AND r.id = m.record
   WHERE e.state IN ('pending', 'sending', 'held')
   GROUP BY e.id HAVING max(r.modified_at) < ? LIMIT 1`;

/** Entities with an open dead letter, of one category or of any. */
export function openLetters(db: Db, category: string | null = null): Set<string> {
  const rows = db
    .prepare<[string | null, string | null], { entity: string | null }>(
      "SELECT entity FROM dead_letters WHERE state = 'open' AND (? IS NULL OR category = ?)",
    )
    .all(category, category);
  return new Set(rows.flatMap(({ entity }) => (entity === null ? [] : [entity])));
}

/** What the mapping sends of each of its upserts: owned by the source. */
function contentsOf(mapped: Mapped, { mapping }: Shape): Record<string, string>[] {
  const upserts =
    mapped.kind === 'upserts' ? mapped.upserts : mapped.kind === 'excluded' ? (mapped.farewell ?? []) : [];
  const own = mapping.properties.filter(({ owner, unique }) => owner === 'source' && !unique).map(({ name }) => name);
  return upserts.map(({ properties }) => sorted(pick(properties, own)));
}

const pick = (from: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

const sorted = (content: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1)));
