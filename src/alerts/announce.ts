/** Tells people what changed: one message a run, on change of state only, with reminders and one notice of recovery. */
import type { Database } from 'better-sqlite3';
import { messagesSince, noteChannel, type Row, told, update } from './book.ts';
import type { Channel } from './channels.ts';
import { factsOf, type Surroundings } from './facts.ts';
import { incidentsOf } from './incident.ts';
import { messageOf } from './message.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What changes more often than this is told in the next hour's message: a pipe that flaps wakes nobody ten times. */
const MESSAGES_AN_HOUR_MAX = 6;

export interface Announced {
  /** Changes of state. */
  readonly news: number;
  /** Too many messages this hour: told the next time. */
  readonly isHeldBack: boolean;
  /** Channels that did not take the message, with a code. */
  readonly failed: readonly { readonly channel: string; readonly reason: string }[];
}

export interface AnnounceEnds {
  readonly db: Database;
  readonly channels: readonly Channel[];
  readonly environment: string;
  readonly around: Omit<Surroundings, 'nowMs' | 'channels'>;
}

/**
 * To be called at the end of each run and trigger, outside any transaction. Channels that fail are noted and told
 * through the others at once; news that nobody took are told the next time. With two processes at once a message may
 * come twice, never not at all.
 */
export async function announce(ends: AnnounceEnds, nowMs: number): Promise<Announced> {
  const { db, channels } = ends;
  const news = newsNow(ends, nowMs);
  const isHeldBack = news.length > 0 && messagesSince(db, nowMs - HOUR_MS) >= MESSAGES_AN_HOUR_MAX;
  if (news.length === 0 || channels.length === 0 || isHeldBack) return { news: news.length, isHeldBack, failed: [] };
  const failed = await tell(ends, news, channels, nowMs);
  const working = channels.filter(({ name }) => !failed.some(({ channel }) => channel === name));
  const late = newsNow(ends, nowMs).filter(({ kind }) => kind === 'channel');
  if (failed.length > 0 && late.length > 0 && working.length > 0) await tell(ends, late, working, nowMs);
  return { news: news.length, isHeldBack, failed };
}

function newsNow({ db, around, channels }: AnnounceEnds, nowMs: number): Row[] {
  const names = [...channels.map(({ name }) => name), 'healthcheck'];
  const incidents = incidentsOf(factsOf(db, { ...around, nowMs, channels: names }));
  return update(db, incidents, nowMs).filter((row) => isNews(row, nowMs));
}

const isNews = (row: Row, nowMs: number): boolean =>
  row.resolvedAtMs !== null ||
  row.notifiedAtMs === null ||
  nowMs - (row.remindedAtMs ?? row.notifiedAtMs) >= remindAfterMs(row);

/** An open dead letter is no emergency: it is brought up once a week, a change-over once, everything else once a day. */
const remindAfterMs = ({ kind }: Row): number =>
  kind === 'cutover' ? Number.POSITIVE_INFINITY : kind === 'dead-letters' ? 7 * DAY_MS : DAY_MS;

async function tell(
  { db, environment }: AnnounceEnds,
  news: readonly Row[],
  channels: readonly Channel[],
  nowMs: number,
): Promise<{ channel: string; reason: string }[]> {
  const message = messageOf(news, environment, nowMs);
  const results = await Promise.all(channels.map(async ({ name, send }) => ({ name, reason: await send(message) })));
  for (const { name, reason } of results) noteChannel(db, name, reason, nowMs);
  if (results.some(({ reason }) => reason === null)) told(db, news, nowMs);
  return results.flatMap(({ name, reason }) => (reason === null ? [] : [{ channel: name, reason }]));
}
