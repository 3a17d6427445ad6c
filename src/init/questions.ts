/** What a person can be asked. On a terminal it is drawn by a library that loads only for it. */
import type { Readable, Writable } from 'node:stream';
import { paragraph } from '../report/table.ts';

interface Option<T> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

/** Each rejects with `Cancelled` when the person has had enough (Ctrl+C, Esc). */
export interface Questions {
  readonly say: (text: string) => void;
  /** Enter alone takes what is known already. `fault`: what is wrong with an answer, null when nothing is. */
  readonly text: (question: string, known: string, fault: (answer: string) => string | null) => Promise<string>;
  /** Shown as dots; Enter alone keeps a known one, which is never shown. */
  readonly secret: (question: string, isKnown: boolean) => Promise<string>;
  readonly choice: <T extends string>(question: string, options: readonly Option<T>[], known: T) => Promise<T>;
  readonly yes: (question: string, usual: boolean) => Promise<boolean>;
  /** Says that something takes a moment, until the work is done. */
  readonly during: <T>(what: string, work: () => Promise<T>) => Promise<T>;
}

export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

export interface Ends {
  readonly input: Readable;
  readonly output: Writable;
}

const cancelled = (): never => {
  throw new Cancelled('nothing was changed');
};

/** Questions on a terminal. */
export async function askOn({ input, output }: Ends): Promise<Questions> {
  const { confirm, log, password, select, text } = await import('@clack/prompts');
  const ends = { input, output };
  const given = async (question: Promise<string | symbol>): Promise<string> => {
    const answer = await question;
    return typeof answer === 'symbol' ? cancelled() : answer;
  };
  return {
    say: (message) => log.message(message.split('\n').flatMap(fitted), { output }),
    text: async (message, known, fault) =>
      given(
        text({
          message,
          initialValue: known,
          ...ends,
          validate: (answer) => fault((answer ?? '').trim()) ?? undefined,
        }),
      ).then((answer) => answer.trim()),
    secret: async (message, isKnown) => {
      const validate = (answer: string | undefined): string | undefined =>
        (answer ?? '').trim() === '' && !isKnown ? 'cannot be empty' : undefined;
      const note = isKnown ? `${message}; Enter keeps it` : message;
      return (await given(password({ message: note, validate, ...ends }))).trim();
    },
    choice: async (message, options, known) => {
      const list = options.map(({ value, label, hint }) => ({
        value: String(value),
        label,
        ...(hint ? { hint } : {}),
      }));
      const chosen = await given(select<string>({ message, options: list, initialValue: known, ...ends }));
      return options.find(({ value }) => value === chosen)?.value ?? known;
    },
    yes: async (message, usual) => {
      const answer = await confirm({ message, initialValue: usual, ...ends });
      return typeof answer === 'symbol' ? cancelled() : answer;
    },
    during: async (what, work) => {
      log.step(what, { output });
      return work();
    },
  };
}

/** The library draws three columns before each line and breaks none at words. */
const MARGIN = '   ';
const fitted = (line: string): string[] => {
  const mark = /^(?:[✓!✗] |\s*)/u.exec(line)?.[0] ?? '';
  const lines = paragraph(line.slice(mark.length), MARGIN + ' '.repeat(mark.length));
  return lines.map((part, place) => (place === 0 ? mark : ' '.repeat(mark.length)) + part.trimStart());
};
