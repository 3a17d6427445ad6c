/**
 * Unique values: who holds which. E-mails are stored in lower case and trimmed, and a contact's additional e-mails are
 * as unique as its first (developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide). How custom keys are matched
 * is not documented: exactly, unless switched.
 */
import type { ObjectName } from './kinds.ts';
import type { Schema } from './schema.ts';
import type { ObjectRecord, Snapshot } from './store.ts';
import type { HubSpotSwitches } from './switches.ts';

export class UniqueKeys {
  readonly #schema: Schema;
  readonly #switches: () => HubSpotSwitches;
  /** By `object.property`: canonical value to record id. */
  readonly #live = new Map<string, Map<string, string>>();
  readonly #archived = new Map<string, Map<string, string>>();

  constructor(schema: Schema, switches: () => HubSpotSwitches) {
    this.#schema = schema;
    this.#switches = switches;
  }

  /** The form in which two spellings of a key are one. */
  canonical(object: ObjectName, property: string, value: string): string {
    if (object === 'contacts' && property === 'email') return value.trim().toLowerCase();
    const { keysFoldCase, keysTrim } = this.#switches();
    const trimmed = keysTrim ? value.trim() : value;
    return keysFoldCase ? trimmed.toLowerCase() : trimmed;
  }

  holder(object: ObjectName, property: string, value: string): string | undefined {
    return this.#live.get(`${object}.${property}`)?.get(this.canonical(object, property, value));
  }

  archivedHolder(object: ObjectName, property: string, value: string): string | undefined {
    return this.#archived.get(`${object}.${property}`)?.get(this.canonical(object, property, value));
  }

  add(record: ObjectRecord): void {
    this.#each(record.object, record, (index, value) => index.set(value, record.id), this.#live);
  }

  /** Moves only what changed: an update of a hundred thousand records must stay cheap. */
  move(record: ObjectRecord, before: Snapshot): void {
    const names = this.#schema.uniqueNames(record.object);
    const same = names.every((name) => record.properties[name] === before.properties[name]);
    if (same && record.properties.hs_additional_emails === before.properties.hs_additional_emails) return;
    this.remove(record.object, record.id, before);
    this.add(record);
  }

  remove(object: ObjectName, id: string, values: Snapshot): void {
    this.#each(object, values, (index, value) => index.get(value) === id && index.delete(value), this.#live);
  }

  archive(record: ObjectRecord): void {
    this.remove(record.object, record.id, record);
    this.#each(record.object, record, (index, value) => index.set(value, record.id), this.#archived);
  }

  revive(record: ObjectRecord): void {
    const forget = (index: Map<string, string>, value: string) => index.get(value) === record.id && index.delete(value);
    this.#each(record.object, record, forget, this.#archived);
    this.add(record);
  }

  /** Points the losing record's values at the survivor of a merge. */
  alias(object: ObjectName, values: Snapshot, id: string): void {
    const claim = (index: Map<string, string>, value: string) => !index.has(value) && index.set(value, id);
    this.#each(object, values, claim, this.#live);
  }

  /** After a change of the rules or of the properties. */
  rebuild(records: Iterable<ObjectRecord>): void {
    this.#live.clear();
    this.#archived.clear();
    for (const record of records) {
      if (record.archivedAtMs === null) this.add(record);
      else this.archive(record);
    }
  }

  /** The record's unique values by property, for the journal. */
  valuesOf(object: ObjectName, values: Snapshot): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of this.#schema.uniqueNames(object)) {
      const value = values.properties[name];
      if (value) found[name] = value;
    }
    return found;
  }

  #each(
    object: ObjectName,
    values: Snapshot,
    visit: (index: Map<string, string>, value: string) => unknown,
    indexes: Map<string, Map<string, string>>,
  ): void {
    for (const name of this.#schema.uniqueNames(object)) {
      for (const value of heldValues(object, name, values)) {
        visit(indexOf(indexes, `${object}.${name}`), this.canonical(object, name, value));
      }
    }
  }

  /** The canonical values a batch row would claim for a property. */
  claims(object: ObjectName, property: string, changes: Readonly<Record<string, string>>): readonly string[] {
    return heldValues(object, property, { properties: changes, updatedAtMs: 0, archivedAtMs: null }).map((value) =>
      this.canonical(object, property, value),
    );
  }
}

function heldValues(object: ObjectName, property: string, values: Snapshot): readonly string[] {
  const value = values.properties[property];
  if (object !== 'contacts' || property !== 'email') return value ? [value] : [];
  const additional = (values.properties.hs_additional_emails ?? '').split(';');
  return [value ?? '', ...additional].filter((email) => email !== '');
}

function indexOf(indexes: Map<string, Map<string, string>>, name: string): Map<string, string> {
  const found = indexes.get(name);
  if (found) return found;
  const fresh = new Map<string, string>();
  indexes.set(name, fresh);
  return fresh;
}
