/** What the events of runs become: log lines with run, pipe, partition, batch and record, and telemetry where it is on. */
import type { OnEvent, RunEvent } from './engine/events.ts';
import type { Log } from './log.ts';
import type { CallEvent } from './sinks/hubspot/tally.ts';

interface RunBegin {
  readonly runId: string;
  readonly pipe: string;
  readonly trigger: string;
}

export interface RunEnd {
  readonly status: string;
  readonly exit: number;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly code: string | null;
}

/** Where traces and metrics go. */
export interface Telemetry {
  begin(run: RunBegin): void;
  event(event: RunEvent): void;
  call(event: CallEvent): void;
  end(run: RunEnd): void;
  /** Sends what is left, within a bounded time. Never throws. */
  flush(): Promise<void>;
}

/** Told of everything that happens; runs of one process follow each other. */
export interface Observer {
  begin(run: RunBegin): OnEvent;
  end(run: RunEnd): void;
  call(event: CallEvent): void;
  /** The log of the run under way. */
  readonly log: () => Log;
}

export function observer(base: Log, telemetry: Telemetry | null): Observer {
  let log = base;
  return {
    log: () => log,
    begin(run) {
      log = base.with({ runId: run.runId, pipe: run.pipe });
      log.quiet().debug('run begins', { trigger: run.trigger });
      telemetry?.begin(run);
      return (event) => {
        logEvent(log.quiet(), event);
        telemetry?.event(event);
      };
    },
    end({ status, exit, seconds, counts, code }) {
      const fields = { verdict: status, exit, ms: Math.round(seconds * 1000), counts };
      log.quiet()[exit === 0 ? 'debug' : 'warn']('run ended', code === null ? fields : { ...fields, code });
      telemetry?.end({ status, exit, seconds, counts, code });
      log = base;
    },
    call(event) {
      logCall(log.quiet(), event);
      telemetry?.call(event);
    },
  };
}

function logEvent(log: Log, { kind, ...fields }: RunEvent): void {
  const isOdd = 'verdict' in fields && fields.verdict !== 'complete' && fields.verdict !== 'limited';
  log[isOdd ? 'warn' : 'debug'](SAID[kind], fields);
}

const SAID: Readonly<Record<RunEvent['kind'], string>> = {
  page: 'page read',
  slice: 'slice read',
  batch: 'batch sent',
  item: 'record not acknowledged',
  letter: 'dead letter',
};

/** Calls that went well are many: only at `trace`. */
function logCall(log: Log, { method, operation, status, ms, attempt }: CallEvent): void {
  const level = status === 0 || status >= 500 ? 'warn' : status >= 400 ? 'debug' : 'trace';
  log[level]('HubSpot call', {
    method,
    operation: operation.replaceAll(' ', '.'),
    status,
    ms: Math.round(ms),
    attempt,
  });
}
