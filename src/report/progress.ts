/** How far a run is: one live line per pipe on a terminal, a quiet log line now and then elsewhere. */
import type { Log, LogStream } from '../log.ts';
import { clip, columnsOf, duration, grouped, isLive, painter, safe, visibleWidth } from './style.ts';

export interface ProgressUpdate {
  readonly pipe: string;
  /** One word, such as `read`, `write`, `quarantine`. */
  readonly phase: string;
  readonly read: number;
  /** Absent when the source does not say. */
  readonly total?: number | undefined;
  readonly written: number;
  readonly unchanged: number;
  readonly excluded: number;
  readonly held: number;
  readonly deadLettered: number;
  /** HubSpot calls of this pipe so far. */
  readonly calls: number;
  /** Null until a HubSpot answer has told. */
  readonly limitPer10s: number | null;
  readonly usedInWindow: number;
}

export interface Progress {
  update(progress: ProgressUpdate): void;
  /** Leaves the screen as if nothing had been shown. */
  end(): void;
  /** The same stream for everybody else who writes while live lines stand on it, such as the log. */
  readonly stream: LogStream;
}

export interface ProgressOptions {
  readonly stream: LogStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: () => number;
}

/** Ten pictures a second are smooth; more only cost. */
const REDRAW_MS = 100;
const QUIET_MS = 10_000;

/** Live lines where a person watches; else lines of the log, which `quiet` is asked for because it needs the stream. */
export function openProgress(options: ProgressOptions, quiet: () => Log | null): Progress {
  return isLive(options.stream, options.env) ? liveProgress(options) : quietProgress(options, quiet);
}

function quietProgress({ stream, nowMs }: ProgressOptions, quiet: () => Log | null): Progress {
  const told = new Map<string, { phase: string; atMs: number }>();
  return {
    stream,
    end: () => {},
    update: ({ limitPer10s, ...fields }) => {
      const last = told.get(fields.pipe);
      const milestone = last?.phase !== fields.phase;
      if (!milestone && nowMs() - last.atMs < QUIET_MS) return;
      told.set(fields.pipe, { phase: fields.phase, atMs: nowMs() });
      quiet()?.info('progress', { ...fields, limitPer10s: limitPer10s ?? undefined });
    },
  };
}

function liveProgress({ stream, env, nowMs }: ProgressOptions): Progress {
  const paint = painter(stream, env);
  const rows = new Map<string, { since: ProgressUpdate; sinceMs: number; latest: ProgressUpdate }>();
  let lines = 0;
  let drawnAtMs = Number.NEGATIVE_INFINITY;

  function erase(): void {
    if (lines > 0) stream.write(`\r${'\x1b[1A\x1b[2K'.repeat(lines)}`);
    lines = 0;
  }

  function draw(): void {
    const columns = columnsOf(stream) - 1; // a full last column makes some terminals wrap
    const texts = [...rows.values()].map(({ since, sinceMs, latest }) => {
      const rate = rateOf(since, latest, nowMs() - sinceMs);
      const { pipe, rest } = lineOf(latest, rate, columns);
      return `${paint('bold', pipe)}${rest}\n`;
    });
    erase();
    stream.write(texts.join(''));
    lines = texts.length;
    drawnAtMs = nowMs();
  }

  return {
    update(latest) {
      const row = rows.get(latest.pipe);
      const fresh = row === undefined || row.latest.phase !== latest.phase;
      rows.set(latest.pipe, fresh ? { since: latest, sinceMs: nowMs(), latest } : { ...row, latest });
      if (nowMs() - drawnAtMs >= REDRAW_MS) draw();
    },
    end() {
      erase();
      rows.clear();
    },
    stream: {
      ...(stream.isTTY === undefined ? {} : { isTTY: stream.isTTY }),
      get columns() {
        return stream.columns;
      },
      write(text) {
        erase();
        stream.write(text);
        if (rows.size > 0) draw();
      },
    },
  };
}

/** Records per second since the phase began; null before a whole second has told something. */
function rateOf(since: ProgressUpdate, latest: ProgressUpdate, elapsedMs: number): number | null {
  return elapsedMs < 1000 ? null : ((latest.read - since.read) * 1000) / elapsedMs;
}

/** As much as fits: words if they do, else short forms, else the last parts are left away. Never wider than `columns`. */
function lineOf(latest: ProgressUpdate, rate: number | null, columns: number): { pipe: string; rest: string } {
  const pipe = clip(safe(latest.pipe), columns);
  const words = partsOf(latest, rate, true);
  const room = columns - visibleWidth(pipe);
  const long = words.map((part) => `  ${part}`).join('');
  if (visibleWidth(long) <= room) return { pipe, rest: long };
  let rest = '';
  for (const part of partsOf(latest, rate, false)) {
    if (visibleWidth(`${rest} ${part}`) > room) break;
    rest += ` ${part}`;
  }
  return { pipe, rest };
}

/** Most important first: at 40 columns only the first few are seen. */
function partsOf(latest: ProgressUpdate, rate: number | null, words: boolean): string[] {
  const { read, total, calls, limitPer10s, usedInWindow } = latest;
  const of = total === undefined ? '' : `/${grouped(total)}`;
  const left = total === undefined || rate === null || rate <= 0 ? null : Math.max(0, total - read) / rate;
  const trouble = latest.held + latest.deadLettered;
  const budget = limitPer10s === null ? '' : ` ${usedInWindow}/${limitPer10s}`;
  const parts = [
    words ? `${safe(latest.phase)} ${grouped(read)}${of}` : `${grouped(read)}${of}`,
    rate === null ? null : `${grouped(Math.round(rate))}/s`,
    left === null ? null : `${duration(Math.ceil(left))} left`,
    trouble === 0 ? null : words ? `${grouped(trouble)} held or dead` : `!${grouped(trouble)}`,
    words ? `${grouped(latest.written)} written` : `+${grouped(latest.written)}`,
    words ? `${grouped(latest.unchanged)} unchanged` : `=${grouped(latest.unchanged)}`,
    words
      ? `${grouped(calls)} HubSpot calls${budget === '' ? '' : `,${budget} per 10 s`}`
      : `${grouped(calls)} calls${budget}`,
  ];
  return parts.filter((part) => part !== null);
}
