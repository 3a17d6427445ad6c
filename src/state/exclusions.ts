/** Who leaves the scope leaves the state: only ids and the rule stay. */
import type { Claims } from './claims.ts';
import type { Entities } from './entities.ts';
import type { ObjectStore } from './objects.ts';
import type { Statements } from './statements.ts';

export class Exclusions {
  readonly #sql: Statements;
  readonly #entities: Entities;
  readonly #objects: ObjectStore;
  readonly #claims: Claims;

  constructor(sql: Statements, entities: Entities, objects: ObjectStore, claims: Claims) {
    this.#sql = sql;
    this.#entities = entities;
    this.#objects = objects;
    this.#claims = claims;
  }

  /** A record that left the scope is part of nothing; an entity without another record leaves with it. */
  excludeRecord(record: string, rule: string): void {
    for (const { entity } of this.#sql.all<{ entity: string }>(
      'SELECT entity FROM membership WHERE stream = ? AND record = ?',
      record,
    )) {
      this.#sql.change('DELETE FROM membership WHERE stream = ? AND entity = ? AND record = ?', entity, record);
      const left = this.#sql.all('SELECT 1 FROM membership WHERE stream = ? AND entity = ? LIMIT 1', entity);
      if (left.length > 0) this.#entities.touch(entity, new Date(0).toISOString());
      else {
        this.#entities.set(entity, 'excluded', rule);
        this.#objects.forgetContent(entity);
        const nothing = { entity, modifiedAt: '', claims: [], values: [] };
        for (const other of this.#claims.replace([nothing])) this.#entities.reopenDecided(other);
      }
    }
  }

  /**
   * The payloads of an entity excluded by its mapping go too, unless another entity needs them: only ids and the rule
   * stay.
   */
  excludeEntity(entity: string, rule: string): void {
    this.#entities.set(entity, 'excluded', rule);
    this.#objects.forgetProperties(entity);
    this.#sql.change(
      `UPDATE records SET raw = NULL, rule = ?2 WHERE stream = ?1
         AND id IN (SELECT record FROM membership WHERE stream = ?1 AND entity = ?3)
         AND NOT EXISTS (SELECT 1 FROM membership m JOIN entities e ON e.stream = m.stream AND e.id = m.entity
                          WHERE m.stream = ?1 AND m.record = records.id AND e.state <> 'excluded')`,
      rule,
      entity,
    );
  }
}
