/** How a run ends before its time: nothing further begins, and what is in flight gets a grace to be answered. */

/** Requests in flight get this long to be answered after a stop was asked for. */
const STOP_GRACE_MS = 10_000;

export class Stopping {
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  #unlisten: () => void = () => undefined;
  #killTimer: NodeJS.Timeout | undefined;

  /** Starts nothing further. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Cuts the requests in flight: the grace is over. */
  get kill(): AbortSignal {
    return this.#kill.signal;
  }

  /** Stops when a person does. */
  heed(stop: AbortSignal): void {
    const listener = (): void => this.because(stop.reason);
    if (stop.aborted) listener();
    else stop.addEventListener('abort', listener, { once: true });
    this.#unlisten = () => stop.removeEventListener('abort', listener);
  }

  /** The first reason counts. */
  because(reason: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(reason);
    this.#killTimer = setTimeout(() => this.#kill.abort(reason), STOP_GRACE_MS);
    this.#killTimer.unref();
  }

  /** Nothing is in flight any more. */
  end(): void {
    this.#unlisten();
    clearTimeout(this.#killTimer);
  }
}
