/** An entity on its way to HubSpot with its upserts, and what the worst of their outcomes makes of it. */
import type { Planned } from '../decide.ts';
import type { KnownObject } from '../state/objects.ts';
import type { RecordOutcome } from './ledger.ts';

/** Settled when the last of its upserts is, with the worst of their outcomes. */
export interface Task {
  readonly entity: string;
  readonly records: readonly string[];
  /** The rule of an entity that is sent once more because it left the scope. */
  readonly farewellRule: string | null;
  waiting: number;
  worst: 'written' | 'held' | 'dead-lettered';
  /** Read again before all of it had left, and changed: the newer decision settles entity and records. */
  isOvertaken: boolean;
}

/** One upsert of a task. */
export interface Item extends Planned {
  readonly task: Task;
  readonly known: KnownObject;
}

const RANK = { written: 0, held: 1, 'dead-lettered': 2 } as const;

export const worse = (a: Task['worst'], b: Task['worst']): Task['worst'] => (RANK[a] >= RANK[b] ? a : b);

/** What the entity of an ended task is now. */
export function entityState(task: Task): 'clean' | 'held' | 'dead' | 'excluded' {
  if (task.worst === 'held') return 'held';
  if (task.worst === 'dead-lettered') return 'dead';
  return task.farewellRule === null ? 'clean' : 'excluded';
}

/** How the records of an ended task are counted. */
export const recordOutcome = (task: Task): RecordOutcome =>
  task.farewellRule !== null && task.worst === 'written'
    ? { kind: 'excluded', rule: task.farewellRule }
    : { kind: task.worst };
