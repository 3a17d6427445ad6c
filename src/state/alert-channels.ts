/** Whether alerts get through, by channel. */
import type { Database } from 'better-sqlite3';

/** Every channel that was ever used, and since when it fails. */
export const channelsOf = (
  db: Database,
): { channel: string; failedMs: number | null; reason: string | null; okMs: number | null }[] =>
  db
    .prepare<[], { channel: string; failedMs: number | null; reason: string | null; okMs: number | null }>(
      'SELECT channel, failed_at AS failedMs, reason, ok_at AS okMs FROM alert_channels ORDER BY channel',
    )
    .all();
