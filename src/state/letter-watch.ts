/**
 * What a dry run makes of dead letters. Its transaction is rolled back, and everything it settled with it; temporary
 * triggers, which call back into this process, tell it before. Nothing of them is stored in the database.
 * https://www.sqlite.org/lang_createtrigger.html#temp_triggers_on_non_temp_tables
 */
import type { Database } from 'better-sqlite3';

export interface LetterWatch {
  /** Why a letter, or another one about its entity, was opened again; undefined when none was. */
  refusal(letter: {
    readonly stream: number;
    readonly subject: string;
    readonly entity: string | null;
  }): string | undefined;
  /** The state in which an entity was left, by stream; undefined when nothing touched it. */
  entity(stream: number, id: string): { readonly state: string; readonly rule: string | null } | undefined;
  stop(): void;
}

const nameOf = (stream: unknown, id: unknown): string => `${stream} ${id}`;

/** Watches until `stop`; to be called outside a transaction. */
export function watchLetters(db: Database): LetterWatch {
  const refusals = new Map<string, string>();
  const entities = new Map<string, { state: string; rule: string | null }>();
  db.function('saw_letter', (stream, subject, entity, reason) => {
    refusals.set(nameOf(stream, `subject ${subject}`), String(reason));
    if (entity !== null) refusals.set(nameOf(stream, `entity ${entity}`), String(reason));
    return null;
  });
  db.function('saw_entity', (stream, id, state, rule) => {
    entities.set(nameOf(stream, id), { state: String(state), rule: rule === null ? null : String(rule) });
    return null;
  });
  const failed = 'SELECT saw_letter(NEW.stream, NEW.subject, NEW.entity, NEW.reason);';
  db.exec(`
    CREATE TEMP TRIGGER letter_opened AFTER INSERT ON dead_letters WHEN NEW.state = 'open' BEGIN ${failed} END;
    CREATE TEMP TRIGGER letter_renewed AFTER UPDATE ON dead_letters WHEN NEW.state = 'open' BEGIN ${failed} END;
    CREATE TEMP TRIGGER entity_settled AFTER UPDATE OF state ON entities BEGIN
      SELECT saw_entity(NEW.stream, NEW.id, NEW.state, NEW.rule);
    END;
  `);
  return {
    refusal: ({ stream, subject, entity }) =>
      refusals.get(nameOf(stream, `subject ${subject}`)) ?? refusals.get(nameOf(stream, `entity ${entity}`)),
    entity: (stream, id) => entities.get(nameOf(stream, id)),
    stop: () =>
      db.exec('DROP TRIGGER temp.letter_opened; DROP TRIGGER temp.letter_renewed; DROP TRIGGER temp.entity_settled'),
  };
}

/** Letters that are opened until `stop`, in a transaction that is rolled back afterwards. Outside a transaction. */
export function collectLetters(db: Database): {
  readonly seen: readonly { readonly subject: string; readonly reason: string }[];
  stop(): void;
} {
  const seen: { subject: string; reason: string }[] = [];
  db.function('collect_letter', (subject, reason) => {
    if (seen.length < LETTERS_MAX) seen.push({ subject: String(subject), reason: String(reason) });
    return null;
  });
  const collected = 'SELECT collect_letter(NEW.subject, NEW.reason);';
  db.exec(`
    CREATE TEMP TRIGGER letter_made AFTER INSERT ON dead_letters WHEN NEW.state = 'open' BEGIN ${collected} END;
    CREATE TEMP TRIGGER letter_again AFTER UPDATE ON dead_letters WHEN NEW.state = 'open' BEGIN ${collected} END;
  `);
  return { seen, stop: () => db.exec('DROP TRIGGER temp.letter_made; DROP TRIGGER temp.letter_again') };
}

/** A run with more of them stops long before. */
const LETTERS_MAX = 10_000;
