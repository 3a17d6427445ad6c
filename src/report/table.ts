/** Rows of text in columns, for 80 columns of terminal. */
import { clip, safe } from './style.ts';

const COLUMNS = 80;
const GAP = '  ';

export interface Column {
  readonly head: string;
  readonly align?: 'right';
  /** Columns it may take; a longer text is cut and the cut marked. */
  readonly max?: number;
}

/** Column heads and rows, aligned, no line longer than 80 columns. Texts are made harmless for a terminal. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => columns.map(({ max = COLUMNS }, place) => clip(safe(row[place] ?? ''), max)));
  const widths = columns.map(({ head }, place) =>
    Math.max(head.length, ...cells.map((row) => [...(row[place] ?? '')].length)),
  );
  const lines = [columns.map(({ head }) => head), ...cells].map((row) =>
    row
      .map((text, place) => {
        const padding = ' '.repeat(Math.max(0, (widths[place] ?? 0) - [...text].length));
        return columns[place]?.align === 'right' ? padding + text : text + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
  return lines.map((line) => clip(line, COLUMNS));
}

/** A text wrapped at words to 80 columns, each line indented; a word longer than a line stays whole. */
export function paragraph(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of safe(text).split(' ')) {
    const last = lines.at(-1);
    const fits = last !== undefined && indent.length + last.length + 1 + word.length <= COLUMNS;
    if (fits) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => indent + line);
}

/** `2026-11-20 06:00`, in UTC. */
export const minuteOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
