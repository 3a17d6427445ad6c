/** Limits that hold for all pipes and may differ for one: `50/5%,quotes=200/10%`. */
import { pipeNames } from '../pipe-names.ts';
import { type Description, Shape, Wrong } from './shape.ts';

/** The larger of a number and a share (0 to 1). */
export interface Limit {
  readonly atLeast: number;
  readonly share: number;
}

/** What holds for every pipe, and for some another. */
export interface PerPipe<T> {
  readonly all: T;
  readonly byPipe: Readonly<Record<string, T>>;
}

export interface LimitSettings {
  readonly creates: PerPipe<Limit>;
  readonly changes: PerPipe<Limit>;
  readonly blanked: PerPipe<Limit>;
  readonly gone: PerPipe<Limit>;
  readonly deadLetters: PerPipe<number>;
}

interface Kind<T> {
  /** Ends a sentence that starts with the variable's name. */
  readonly wrong: string;
  readonly parse: (text: string) => T | undefined;
}

const limit: Kind<Limit> = {
  wrong: 'is not a limit such as 50/5%: a number up to 1000000, a slash, a share up to 100%',
  parse: (text) => {
    const [, number = '', percent = ''] = /^(\d{1,7})\s*\/\s*(\d{1,3}(?:\.\d{1,2})?)\s*%$/.exec(text) ?? [];
    const atLeast = Number(number);
    const share = Number(percent) / 100;
    return number === '' || atLeast > 1_000_000 || share > 1 ? undefined : { atLeast, share };
  },
};

const count: Kind<number> = {
  wrong: 'is not a whole number from 0 to 1000000',
  parse: (text) => (/^\d{1,7}$/.test(text) && Number(text) <= 1_000_000 ? Number(text) : undefined),
};

/** One part between commas: its pipe, or null where it holds for all, and what it says; a sentence when it says nothing. */
function readPart<T>(part: string, { parse, wrong }: Kind<T>): { pipe: string | null; value: T } | string {
  const [, name, given = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(part) ?? [];
  const pipe = name?.trim() ?? null;
  const value = parse(given.trim());
  if (value === undefined) return pipe === null ? wrong : `says for a pipe what ${wrong}`;
  const pipes = pipeNames();
  if (pipe !== null && !pipes.includes(pipe)) return `names no pipe before =; there are ${pipes.join(', ')}`;
  return { pipe, value };
}

const perPipe = <T>(kind: Kind<T>, fallback: T): Shape<PerPipe<T>> =>
  new Shape((text) => {
    const byPipe: Record<string, T> = {};
    const forAll: T[] = [];
    const wrong: string[] = [];
    for (const part of text.split(',').map((one) => one.trim())) {
      const read = readPart(part, kind);
      if (typeof read === 'string') wrong.push(read);
      else if (read.pipe === null) forAll.push(read.value);
      else if (Object.hasOwn(byPipe, read.pipe)) wrong.push(`says twice what holds for ${read.pipe}`);
      else byPipe[read.pipe] = read.value;
    }
    if (forAll.length > 1) wrong.push('says twice what holds for all pipes');
    return wrong.length > 0 ? new Wrong(...wrong) : { all: forAll[0] ?? fallback, byPipe };
  });

/** The default is what its text says, so that both are shown alike. */
export const limitOf = (atLeast: number, percent: number, description: Description) => {
  const fallback = { atLeast, share: percent / 100 };
  return perPipe(limit, fallback).default({ all: fallback, byPipe: {} }, description);
};

export const countOf = (fallback: number, description: Description) =>
  perPipe(count, fallback).default({ all: fallback, byPipe: {} }, description);

const write = (value: Limit | number): string =>
  typeof value === 'number' ? String(value) : `${value.atLeast}/${Number((value.share * 100).toFixed(2))}%`;

/** As it is written in a setting. */
export const textOf = ({ all, byPipe }: PerPipe<Limit | number>): string =>
  [write(all), ...Object.entries(byPipe).map(([pipe, value]) => `${pipe}=${write(value)}`)].join(',');

/** The limits of one pipe. */
export function limitsOf(settings: LimitSettings, pipe: string) {
  const { creates, changes, blanked, gone, deadLetters } = settings;
  const of = <T>({ all, byPipe }: PerPipe<T>): T => byPipe[pipe] ?? all;
  return {
    breakers: { creates: of(creates), changes: of(changes), blanked: of(blanked), gone: of(gone) },
    deadLettersMax: of(deadLetters),
  };
}
