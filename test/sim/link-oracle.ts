/** What must hold of the links between objects, said without the engine's code. */
import type { Link, Mapped } from '../../src/pipe.ts';
import type { Db } from '../../src/state/database.ts';
import { pairsOf } from './association-answers.ts';
import { PARENT, PRIMARY, pair } from './associations.ts';
import type { Asked } from './lines.ts';
import { Broken, type Entity, type Oracle, openLetters } from './oracle.ts';
import { targetOf } from './orders.ts';
import type { Portal, Stored } from './portal.ts';
import type { Wire } from './wire.ts';

/** Which entities a check is about, and when. */
export interface Scene {
  readonly rule: string;
  readonly db: Db;
  readonly entities: readonly Entity[];
  readonly isConcerned: (entity: Entity) => boolean;
}

interface Wanted {
  readonly links: readonly Link[];
  readonly object: Stored;
}

export class LinkOracle {
  readonly #wire: Wire;
  readonly #portal: Portal;
  readonly #oracle: Oracle;
  /** An older state was put back: what was linked since, and is not wanted any more, is known to nobody. */
  isForgetful = false;
  /** Names of the two objects, of every link that a version shown to the program wants. */
  readonly #shown = new Set<string>();

  constructor(wire: Wire, portal: Portal, oracle: Oracle) {
    this.#wire = wire;
    this.#portal = portal;
    this.#oracle = oracle;
    oracle.onMapped = (entity, mapped) => this.#noteShown(entity, mapped);
  }

  #noteShown(entity: string, mapped: Mapped): void {
    for (const { links } of upsertsOf(mapped))
      for (const link of links ?? []) this.#shown.add(`${this.#oracle.nameOf(entity)} ${link.to} ${targetOf(link)}`);
  }

  /** S9: only links that the source has asked for are made and removed: what people link is theirs. */
  checkRequest({ object, to, action, text }: Asked): void {
    if (action === 'read') return;
    for (const ends of pairsOf(text)) {
      const [from, target] = [this.#portal.names.get(ends.from), this.#portal.names.get(ends.to)];
      if (!from?.startsWith(`${object} `) || !target?.startsWith(`${to} `))
        throw new Broken('S9', `${pair(ends)} are no ${object} and ${to}`);
      if (!this.#shown.has(`${from} ${target}`))
        throw new Broken('S9', `${action} of ${from} and ${target}, a link that the source never asked for`);
      if (!action.endsWith('archive')) this.#portal.links.asked.add(pair(ends));
    }
  }

  /**
   * Every link wanted by a settled record to another settled one is there, or a dead letter; none is there that such a
   * record does not want any more. Objects that people merged are nobody's promise, nor are those whose links an older
   * request changed after a newer one.
   */
  checkLinks(scene: Scene): void {
    const settled = this.#settled(scene);
    const letters = linkLetters(scene.db);
    for (const [key, { links, object }] of settled) {
      for (const link of links) {
        const target = settled.get(targetOf(link));
        if (target === undefined || letters.has(subjectOf(this.#oracle.nameOf(key), link))) continue;
        this.#wire.count('wanted link checked');
        const types = this.#portal.links.of(object.id).get(target.object.id);
        if (types && [...typesOf(link, object)].every((type) => types.has(type))) continue;
        const has = types ? `only ${[...types]}` : 'nothing';
        throw new Broken(scene.rule, `${this.#oracle.nameOf(key)} has ${has} of its link to ${targetOf(link)}`);
      }
      if (!this.isForgetful) this.#checkWithdrawn(scene.rule, object, links);
    }
    this.#checkLetters(scene.rule, settled, letters);
  }

  #settled(scene: Scene): Map<string, Wanted> {
    const { db, entities, isConcerned } = scene;
    const letters = openLetters(db);
    const settled = new Map<string, Wanted>();
    for (const entity of entities) {
      const name = this.#oracle.nameOf(entity.id);
      const object = this.#portal.objects.get(name);
      if (object === undefined || letters.has(entity.id) || !isConcerned(entity)) continue;
      if (this.#isPeoples(name, object, scene.db)) continue;
      const mapped = this.#oracle.map(entity.versions, entity.id);
      if (mapped.kind !== 'upserts' || this.#portal.links.overtaken.has(object.id)) continue;
      settled.set(entity.id, { object, links: mapped.upserts.flatMap(({ links }) => links ?? []) });
    }
    return settled;
  }

  /** What people merged; what they archived is the program's again once it has heard of the object made anew. */
  #isPeoples(name: string, object: Stored, db: Db): boolean {
    if (this.#portal.survivors.has(name) || this.#portal.merged.has(name)) return true;
    if (!this.#portal.archived.has(name)) return false;
    const known = db
      .prepare<[string, string], { id: string }>(
        'SELECT hubspot_id AS id FROM hubspot_ids WHERE object = ? AND key = ?',
      )
      .get(object.object, object.key);
    if (known?.id === object.id) this.#wire.count('links of an object made anew');
    return known?.id !== object.id;
  }

  #checkWithdrawn(rule: string, object: Stored, links: readonly Link[]): void {
    const wanted = new Set(links.map((link) => `${link.to} ${targetOf(link)}`));
    for (const [to, types] of this.#portal.links.of(object.id)) {
      const name = this.#portal.names.get(to) ?? '';
      const isLoose = this.#portal.archived.has(name) || this.#portal.survivors.has(name);
      if (isLoose || wanted.has(name) || this.#portal.links.byPeople.has(pair({ from: object.id, to }))) continue;
      // Two companies may be related in other ways than as parent and child.
      if (object.object === 'companies' && !types.has(PARENT)) continue;
      throw new Broken(rule, `${object.object} ${object.key} is linked to ${name}, which it does not want any more`);
    }
  }

  /** A letter of a link that nobody wants any more waits for something that will never come. */
  #checkLetters(rule: string, settled: ReadonlyMap<string, Wanted>, letters: ReadonlySet<string>): void {
    for (const [key, { links }] of settled) {
      const name = this.#oracle.nameOf(key);
      const wanted = new Set(links.map((link) => subjectOf(name, link)));
      const stray = [...letters].find((letter) => letter.startsWith(`link ${name} `) && !wanted.has(letter));
      if (stray !== undefined) throw new Broken(rule, `a dead letter is open for what nobody wants: ${stray}`);
    }
  }
}

const upsertsOf = (mapped: Mapped) => (mapped.kind === 'upserts' ? mapped.upserts : []);

function typesOf(link: Link, { object }: Stored): Set<number> {
  if (object === 'companies') return new Set([PARENT]);
  return new Set(link.label === 'primary' ? [PRIMARY] : []);
}

const subjectOf = (name: string, { to, by, value, label }: Link): string =>
  `link ${name} to ${to} by ${by} ${value} (${label})`;

/** Subjects of the open ones. */
function linkLetters(db: Db): Set<string> {
  const rows = db
    .prepare<[], { subject: string }>("SELECT subject FROM dead_letters WHERE state = 'open' AND stage = 'link'")
    .all();
  return new Set(rows.map(({ subject }) => subject));
}
