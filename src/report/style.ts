/** Colours where they are wanted, and data that cannot act on the terminal. */
import { stripVTControlCharacters, styleText } from 'node:util';

type Ink = Parameters<typeof styleText>[0];

/** The part of a terminal stream that decides about colours, lines and width. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Narrower than this, nothing of ours can be laid out; also what a terminal that says 0 gets. */
const COLUMNS_MIN = 20;
const COLUMNS_DEFAULT = 80;

/**
 * FORCE_COLOR decides first, then NO_COLOR (no-color.org: any text but the empty one), then whether a capable terminal
 * is there.
 */
export function wantsColour(screen: Screen, env: Env): boolean {
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return screen.isTTY === true && env.TERM !== 'dumb';
}

/** A line may be rewritten in place: a terminal that can, watched by a person. */
export const isLive = (screen: Screen, env: Env): boolean =>
  screen.isTTY === true && env.TERM !== 'dumb' && (env.CI === undefined || env.CI === '' || env.CI === 'false');

export const columnsOf = (screen: Screen): number =>
  screen.columns !== undefined && screen.columns >= COLUMNS_MIN ? screen.columns : COLUMNS_DEFAULT;

export type Paint = (ink: Ink, text: string) => string;

/** Text in a colour, or as it is. */
export function painter(screen: Screen, env: Env): Paint {
  return wantsColour(screen, env) ? (ink, text) => styleText(ink, text, { validateStream: false }) : (_, text) => text;
}

/** C0 and C1 controls, and the marks that reorder text (bidi) or hide in it (zero width, byte order). */
const UNSAFE = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Data made harmless for a terminal: escape sequences gone, line breaks as spaces, no control or reordering marks. */
export const safe = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/[\t\r\n]+/g, ' ')
    .replace(UNSAFE, '');

/** Columns a text takes, colours not counted. */
export const visibleWidth = (text: string): number => [...stripVTControlCharacters(text)].length;

/** A text cut to so many columns; the cut is marked. */
export function clip(text: string, columns: number): string {
  const letters = [...text];
  return letters.length <= columns ? text : `${letters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

/** 12345 as `12,345`. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

/** 75 as `1 min 15 s`; 8.4 as `8.4 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}
