/** The message of several incidents: as lines for people, and as a document for programs. Pure. */
import type { Row } from './book.ts';
import { wordingOf } from './wording.ts';

export interface Message {
  readonly subject: string;
  readonly text: string;
  /** What the generic webhook gets. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Of more incidents than these only the number is told. */
const SHOWN_MAX = 20;

type State = 'resolved' | 'opened' | 'reminder';

const stateOf = ({ resolvedAtMs, notifiedAtMs }: Row): State =>
  resolvedAtMs !== null ? 'resolved' : notifiedAtMs === null ? 'opened' : 'reminder';

const iso = (ms: number): string => new Date(ms).toISOString();
/** To the minute, for people. */
const minute = (ms: number): string => `${iso(ms).slice(0, 16).replace('T', ' ')} UTC`;

export function messageOf(news: readonly Row[], environment: string, nowMs: number): Message {
  const shown = news.slice(0, SHOWN_MAX).map((row) => ({ row, state: stateOf(row), ...wordingOf(row) }));
  const more = news.length - shown.length;
  const lines = [
    ...shown.flatMap(({ row, state, ...wording }) => linesOf(row, state, wording)),
    ...(more > 0 ? [`and ${more} more: retail-sync alerts list`] : []),
  ];
  const document = {
    ...{ schemaVersion: 1, sentAt: iso(nowMs), environment },
    incidents: shown.map(({ row, state, what, effect, command }) => ({
      ...{ id: row.id, key: row.key, kind: row.kind, subject: row.subject, cause: row.cause, state },
      ...{ since: iso(row.sinceMs), resolvedAt: row.resolvedAtMs === null ? null : iso(row.resolvedAtMs) },
      ...{ what, effect, command, figures: row.figures, runId: row.run },
    })),
    more,
  };
  return { subject: `retail-sync (${environment}): ${headOf(news)}`, text: lines.join('\n'), document };
}

function headOf(news: readonly Row[]): string {
  const open = news.filter(({ resolvedAtMs }) => resolvedAtMs === null);
  const bad = open.filter(({ kind }) => kind !== 'cutover').length;
  if (bad > 0) return bad === 1 ? '1 thing needs a person' : `${bad} things need a person`;
  return open.length > 0 ? 'a pipe changed over to production' : `${news.length} ok again`;
}

function linesOf(row: Row, state: State, { what, effect, command }: ReturnType<typeof wordingOf>): string[] {
  if (state === 'resolved') return [`OK again: ${what} (since ${minute(row.sinceMs)})`];
  return [
    `${state === 'reminder' ? 'Still: ' : ''}${what}`,
    `  since   ${minute(row.sinceMs)}`,
    ...(row.run === null ? [] : [`  run     ${row.run}`]),
    `  effect  ${effect}`,
    `  type    ${command}`,
  ];
}
