/** Links wanted, made and no longer wanted. Only what is `made` here is ever removed. */
import type { Link, ObjectType } from '../pipe.ts';
import type { Statements } from './statements.ts';

/** A link with both ends known, or one to remove. */
export interface OpenLink {
  readonly stream: number;
  readonly fromObject: ObjectType;
  readonly fromKey: string;
  readonly toObject: ObjectType;
  readonly byProperty: string;
  readonly value: string;
  readonly label: 'primary' | 'default';
  readonly fromId: string;
  readonly toId: string;
  /** The objects that an earlier request linked, or may have linked. */
  readonly madeFrom: string | null;
  readonly madeTo: string | null;
}

interface LinkRow {
  to_object: ObjectType;
  by_property: string;
  value: string;
  label: 'primary' | 'default';
  state: 'pending' | 'made' | 'unwanted';
  made_from: string | null;
}

const COLUMNS = `l.stream, l.from_object AS fromObject, l.from_key AS fromKey, l.to_object AS toObject,
  l.by_property AS byProperty, l.value, l.label, l.made_from AS madeFrom, l.made_to AS madeTo`;

export class Links {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /**
   * The links an object should have; what it had, or may have, and should not have any more waits to be removed. Returns
   * the names of those that are wanted no more.
   */
  want(object: ObjectType, key: string, wanted: readonly Link[]): string[] {
    const withdrawn: string[] = [];
    const before = this.#sql.all<LinkRow>(
      'SELECT to_object, by_property, value, label, state, made_from FROM links WHERE stream = ? AND from_object = ? AND from_key = ?',
      object,
      key,
    );
    for (const old of before) {
      const still = wanted.some((link) => isSame(link, old));
      if (!still && old.state !== 'unwanted') withdrawn.push(nameOf(object, key, old));
      if (!still) this.#withdraw(object, key, old);
      // Its removal may have been asked for by a run that never heard the answer: it is made once more.
      else if (old.state === 'unwanted') this.#set(object, key, old, 'pending');
    }
    for (const link of wanted) {
      if (before.some((old) => isSame(link, old))) continue;
      this.#sql.change(
        `INSERT INTO links (stream, from_object, from_key, to_object, by_property, value, label, state, if_there, since)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`,
        object,
        key,
        link.to,
        link.by,
        link.value,
        link.label,
        link.ifThere ? 1 : 0,
        this.#sql.now(),
      );
    }
    return withdrawn;
  }

  /** A pending link that was asked for may be there: its answer was lost, or an older state was put back. */
  #withdraw(object: ObjectType, key: string, link: LinkRow): void {
    if (link.state === 'pending' && link.made_from === null) this.#drop(object, key, link);
    else if (link.state !== 'unwanted') this.#set(object, key, link, 'unwanted');
  }

  /** Links that were only wanted if their target was there, and it is not. What may be there is not forgotten. */
  dropIfThere(): void {
    this.#sql.change("DELETE FROM links WHERE stream = ? AND state = 'pending' AND if_there = 1 AND made_from IS NULL");
  }

  /** Pending links of all streams whose both ends are in HubSpot, found by the targets' key property. */
  ready(limit: number): OpenLink[] {
    return this.#sql.all<OpenLink>(
      `SELECT ${COLUMNS}, f.hubspot_id AS fromId, t.hubspot_id AS toId FROM links l
         JOIN hubspot_ids f ON f.object = l.from_object AND f.key = l.from_key
         JOIN hubspot_ids t ON t.object = l.to_object AND t.key_property = l.by_property AND t.key = l.value
        WHERE l.state = 'pending' AND ?1 IS NOT NULL ORDER BY l.from_object, l.to_object, l.label LIMIT ?2`,
      limit,
    );
  }

  /**
   * Pending links whose targets are named by another property than their key, such as an account number; `fromId` is
   * known, `toId` still empty.
   */
  byProperty(limit: number): OpenLink[] {
    return this.#sql.all<OpenLink>(
      `SELECT ${COLUMNS}, f.hubspot_id AS fromId, '' AS toId FROM links l
         JOIN hubspot_ids f ON f.object = l.from_object AND f.key = l.from_key
        WHERE l.state = 'pending' AND ?1 IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM hubspot_ids t WHERE t.object = l.to_object AND t.key_property = l.by_property)
        LIMIT ?2`,
      limit,
    );
  }

  /** What HubSpot holds of an object type: its id and the properties last written, whichever stream wrote them. */
  *targets(object: ObjectType): Generator<{ hubspotId: string; properties: Readonly<Record<string, string>> }> {
    const rows = this.#sql.all<{ hubspotId: string; properties: string }>(
      `SELECT h.hubspot_id AS hubspotId, o.properties FROM objects o
         JOIN hubspot_ids h ON h.object = o.object AND h.key = o.key
        WHERE ?1 IS NOT NULL AND o.object = ?2 AND o.properties IS NOT NULL`,
      object,
    );
    for (const { hubspotId, properties } of rows) yield { hubspotId, properties: JSON.parse(properties) };
  }

  unwanted(limit: number): OpenLink[] {
    return this.#sql.all<OpenLink>(
      `SELECT ${COLUMNS}, l.made_from AS fromId, l.made_to AS toId FROM links l
        WHERE l.state = 'unwanted' AND l.made_from IS NOT NULL AND ?1 IS NOT NULL
        ORDER BY l.from_object, l.to_object, l.label LIMIT ?2`,
      limit,
    );
  }

  /** Another link of the same two objects is wanted or made: then the association stays. */
  isShared(link: OpenLink): boolean {
    const other = this.#sql.first(
      "SELECT 1 FROM links WHERE ?1 IS NOT NULL AND state = 'made' AND made_from = ?2 AND made_to = ?3 AND from_object = ?4 AND to_object = ?5 LIMIT 1",
      link.fromId,
      link.toId,
      link.fromObject,
      link.toObject,
    );
    return other !== undefined;
  }

  /** About to be asked for, outcome not known: durable before the request leaves. */
  intend(link: OpenLink): void {
    this.#note(link, link.fromId, link.toId);
  }

  /** HubSpot refused it: what may be there is what may have been there before. */
  refused(link: OpenLink): void {
    this.#note(link, link.madeFrom, link.madeTo);
  }

  #note(link: OpenLink, from: string | null, to: string | null): void {
    this.#sql.change(
      `UPDATE links SET made_from = ?9, made_to = ?10 WHERE ?1 IS NOT NULL AND stream = ?2 AND from_object = ?3
         AND from_key = ?4 AND to_object = ?5 AND by_property = ?6 AND value = ?7 AND label = ?8
         AND (made_from IS NOT ?9 OR made_to IS NOT ?10)`,
      ...identity(link),
      from,
      to,
    );
  }

  made(link: OpenLink): void {
    this.#sql.change(
      `UPDATE links SET state = 'made', made_from = ?9, made_to = ?10 WHERE ?1 IS NOT NULL AND stream = ?2
         AND from_object = ?3 AND from_key = ?4 AND to_object = ?5 AND by_property = ?6 AND value = ?7 AND label = ?8`,
      ...identity(link),
      link.fromId,
      link.toId,
    );
  }

  removed(link: OpenLink): void {
    this.#sql.change(
      `DELETE FROM links WHERE ?1 IS NOT NULL AND stream = ?2 AND from_object = ?3 AND from_key = ?4 AND to_object = ?5
         AND by_property = ?6 AND value = ?7 AND label = ?8`,
      ...identity(link),
    );
  }

  pendingCount(): number {
    return (
      this.#sql.first<{ n: number }>("SELECT count(*) AS n FROM links WHERE stream = ? AND state = 'pending'")?.n ?? 0
    );
  }

  #set(object: ObjectType, key: string, link: LinkRow, state: LinkRow['state']): void {
    this.#sql.change(
      `UPDATE links SET state = ?8 WHERE stream = ?1 AND from_object = ?2 AND from_key = ?3 AND to_object = ?4
         AND by_property = ?5 AND value = ?6 AND label = ?7`,
      object,
      key,
      link.to_object,
      link.by_property,
      link.value,
      link.label,
      state,
    );
  }

  #drop(object: ObjectType, key: string, link: LinkRow): void {
    this.#sql.change(
      `DELETE FROM links WHERE stream = ? AND from_object = ? AND from_key = ? AND to_object = ? AND by_property = ?
         AND value = ? AND label = ?`,
      object,
      key,
      link.to_object,
      link.by_property,
      link.value,
      link.label,
    );
  }
}

/** As its dead letter calls it. */
const nameOf = (object: ObjectType, key: string, link: LinkRow): string =>
  nameOfLink({ ...link, fromObject: object, fromKey: key, toObject: link.to_object, byProperty: link.by_property });

export const nameOfLink = (
  link: Pick<OpenLink, 'fromObject' | 'fromKey' | 'toObject' | 'byProperty' | 'value' | 'label'>,
): string =>
  `link ${link.fromObject} ${link.fromKey} to ${link.toObject} by ${link.byProperty} ${link.value} (${link.label})`;

const identity = (link: OpenLink): unknown[] => [
  link.stream,
  link.fromObject,
  link.fromKey,
  link.toObject,
  link.byProperty,
  link.value,
  link.label,
];

const isSame = (link: Link, row: LinkRow): boolean =>
  link.to === row.to_object && link.by === row.by_property && link.value === row.value && link.label === row.label;
