/** Every commit, so that a test can say "no id was created twice" and "the second run wrote nothing". */
import type { ObjectName } from './kinds.ts';

export type CommitAction = 'created' | 'updated' | 'archived' | 'merged';

export interface JournalEntry {
  /** Number of the request that caused it; 0 for a person's edit. */
  readonly request: number;
  readonly atMs: number;
  readonly object: ObjectName;
  readonly id: string;
  readonly action: CommitAction;
  /** False for a write that set what was there already. */
  readonly changed: boolean;
  /** Values of the unique properties after the commit. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Totals of what came through the API; a person's edits are counted apart. */
export interface JournalTotals {
  created: number;
  updated: number;
  /** Updates that set what was there already; part of `updated`. */
  idle: number;
  archived: number;
  merged: number;
  associated: number;
  unassociated: number;
  byPeople: number;
}

/** A ring: a long-lived sandbox must not grow for ever. The totals never forget. */
const ENTRIES_MAX = 200_000;

export class Journal {
  readonly entries: JournalEntry[] = [];
  readonly totals: JournalTotals = {
    created: 0,
    updated: 0,
    idle: 0,
    archived: 0,
    merged: 0,
    associated: 0,
    unassociated: 0,
    byPeople: 0,
  };

  add(entry: JournalEntry): void {
    this.entries.push(entry);
    if (this.entries.length > ENTRIES_MAX) this.entries.splice(0, ENTRIES_MAX / 10);
    if (entry.request === 0) {
      this.totals.byPeople++;
      return;
    }
    this.totals[entry.action]++;
    if (entry.action === 'updated' && !entry.changed) this.totals.idle++;
  }
}
