/** The port of telemetry; what implements it is loaded only where an endpoint is configured. */
import type { RunEvent } from './engine/events.ts';
import type { RunBegin, RunEnd } from './observe.ts';
import type { CallEvent } from './sinks/hubspot/tally.ts';

export interface Telemetry {
  begin(run: RunBegin): void;
  event(event: RunEvent): void;
  call(event: CallEvent): void;
  end(run: RunEnd): void;
  /** Sends what is left, within a bounded time. Never throws. */
  flush(): Promise<void>;
}
