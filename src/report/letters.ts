/** Dead letters for a person: at most 80 columns; values of a payload only when they were asked for. */
import type { LetterRow, LetterState } from '../state/letter-box.ts';
import { clip, grouped, type Paint, safe } from './style.ts';
import { minuteOf, paragraph, tableLines } from './table.ts';

const COLUMNS = 80;
const INDENT = '        ';
const LABEL_COLUMNS = 12;
/** Fields of a payload that are named; a payload with more is cut, and says so. */
const FIELDS_MAX = 200;

const HEADS = [
  { head: 'id', align: 'right' },
  { head: 'pipe', max: 10 },
  { head: 'stage' },
  { head: 'category', max: 15 },
  { head: 'first seen' },
  { head: 'last seen' },
  { head: 'tries', align: 'right' },
] as const;

export function renderLetterList(
  letters: readonly LetterRow[],
  total: number,
  state: LetterState,
  nowMs: number,
  paint: Paint,
): string {
  if (total === 0) return `no ${state} dead letters\n`;
  const rows = letters.map(({ id, pipe, stage, category, firstSeenMs, lastSeenMs, attempts }) => [
    ...[String(id), pipe, stage, category, minuteOf(firstSeenMs).slice(0, 10), minuteOf(lastSeenMs).slice(0, 10)],
    String(attempts),
  ]);
  const [head = '', ...lines] = tableLines(HEADS, rows);
  const body = letters.flatMap(({ subject, reason, nextAttemptMs }, index) => [
    lines[index] ?? '',
    clip(`${INDENT}${safe(subject)}`, COLUMNS),
    clip(`${INDENT}${safe(reason)}`, COLUMNS),
    ...(nextAttemptMs === null ? [] : [`${INDENT}${nextTry(nextAttemptMs, nowMs)}`]),
  ]);
  const more = total - letters.length;
  return `${[
    paint('bold', head),
    ...body,
    '',
    `${grouped(total)} ${state}${more > 0 ? `; ${grouped(more)} more with --limit ${total}` : ''}`,
    'next: retail-sync dead-letters show <id>, or retry <id> --preview',
  ].join('\n')}\n`;
}

export interface ShownLetter {
  readonly letter: LetterRow;
  /** Ids of the source's records behind it. */
  readonly records: readonly string[];
  readonly history: readonly {
    readonly atMs: number;
    readonly by: string;
    readonly what: string;
    readonly reason: string;
  }[];
  /** What the source sent; null where it may not be kept. */
  readonly payload: unknown;
  readonly isRaw: boolean;
}

export function renderLetter(shown: ShownLetter, nowMs: number, paint: Paint): string {
  const { letter, records, history, payload, isRaw } = shown;
  const { id, pipe, subject, stage, category, reason, attempts, mapper, run, state } = letter;
  const ink = { open: 'yellow', resolved: 'green', discarded: 'gray' } as const;
  const lines = [
    paint(ink[state], `dead letter ${id}, ${state}`),
    ...field('pipe', pipe),
    ...field('subject', subject),
    ...field('records', records.length === 0 ? 'none that can be read by id' : records.join(' ')),
    ...field('stage', `${stage} (${category})`),
    ...field('reason', reason),
    ...field('first seen', `${minuteOf(letter.firstSeenMs)} UTC`),
    ...field('last seen', `${minuteOf(letter.lastSeenMs)} UTC, in run ${run}`),
    ...field('attempts', `${attempts}${state === 'open' ? `; ${nextTry(letter.nextAttemptMs, nowMs)}` : ''}`),
    ...field('mapper', mapper),
    ...history.flatMap(({ atMs, by, what, reason: why }) =>
      field('history', `${minuteOf(atMs)} ${what} (${by}): ${why}`),
    ),
    ...payloadLines(payload, isRaw, id),
    ...nextLines(letter, records.length > 0),
  ];
  return `${lines.join('\n')}\n`;
}

/** Who tries it again, and when. */
function nextTry(nextAttemptMs: number | null, nowMs: number): string {
  if (nextAttemptMs === null) return 'tried again when its record changes, or by a retry';
  if (nextAttemptMs <= nowMs) return 'tried again by the next run';
  return `tried again by the first run after ${minuteOf(nextAttemptMs)} UTC`;
}

function field(label: string, text: string): string[] {
  const indent = ' '.repeat(LABEL_COLUMNS + 2);
  const [first = '', ...rest] = paragraph(text, indent);
  return [`  ${label.padEnd(LABEL_COLUMNS)}${first.trimStart()}`, ...rest];
}

function payloadLines(payload: unknown, isRaw: boolean, id: number): string[] {
  if (payload === null) return field('payload', 'not kept: nobody could tell whether it may be, or it was cleared');
  if (isRaw) return ['  payload', ...JSON.stringify(payload, null, 2).split('\n').map(safeLine)];
  const fields = Object.entries(shapeOf(payload));
  const shown = fields.map(([path, kind]) => clip(`    ${safe(path)}: ${kind}`, COLUMNS));
  return [...field('payload', `${fields.length} fields; values: retail-sync dead-letters show ${id} --raw`), ...shown];
}

/** Keeps the indentation of JSON, which `safe` leaves alone because spaces are no controls. */
const safeLine = (line: string): string => `  ${safe(line)}`;

function nextLines({ id, pipe, state }: LetterRow, isReadable: boolean): string[] {
  if (state === 'resolved') return [];
  const retry = [`retail-sync dead-letters retry ${id} --preview`, `retail-sync dead-letters retry ${id}`];
  const again = isReadable ? retry : [`retail-sync sync ${pipe} --full`];
  const discard = state === 'open' ? [`retail-sync dead-letters discard ${id} --reason "…"`] : [];
  return [...again, ...discard].map((command, nth) => `  ${(nth === 0 ? 'next' : '').padEnd(LABEL_COLUMNS)}${command}`);
}

/** Names and types of a payload's fields, without a value: `contacts[].email: string`. */
export function shapeOf(payload: unknown): Readonly<Record<string, string>> {
  const kinds = new Map<string, Set<string>>();
  collect(payload, '', kinds);
  return Object.fromEntries([...kinds].map(([path, found]) => [path, [...found].join(' or ')]));
}

function collect(value: unknown, path: string, kinds: Map<string, Set<string>>): void {
  if (kinds.size >= FIELDS_MAX) return;
  if (Array.isArray(value) && value.length > 0) {
    for (const item of value) collect(item, `${path}[]`, kinds);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) collect(inner, path === '' ? name : `${path}.${name}`, kinds);
  } else {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'empty list' : typeof value;
    const found = kinds.get(path) ?? new Set();
    kinds.set(path, found.add(kind));
  }
}
