/** One process of the program: it may die at every edge to the outside, and then nothing of it goes on. */
import Database from 'better-sqlite3';
import type { Db } from '../../src/state/database.ts';
import type { Life } from './time.ts';
import { failed, responseOf, type Told, type Wire } from './wire.ts';

/** `kill -9`: thrown where the code cannot wait for ever instead. */
class Crash extends Error {
  override readonly name = 'Crash';
}

/** Kills at edge number `atEdge` of the history, or by chance. */
export interface Killer {
  atEdge: number | null;
  edges: number;
}

/** Naps of one process: a machine whose lid is opened and closed all day ends some day. */
const NAPS_MAX = 3;

export class Process implements Life {
  dead = false;
  asleepUntilMs = 0;
  /** From now on no commit finds room. */
  diskIsFull = false;
  #naps = 0;
  #inFlight = 0;
  /** Answers to writes that came and are not in the state yet. */
  #unsettledAnswers = 0;
  #unsettledLinks = 0;
  readonly died: Promise<'died'>;
  readonly #wire: Wire;
  readonly #killer: Killer;
  /** Called after each outermost commit. */
  onCommit: () => void = () => undefined;
  #bury: () => void = () => undefined;

  constructor(wire: Wire, killer: Killer) {
    this.#wire = wire;
    this.#killer = killer;
    this.died = new Promise((resolve) => {
      this.#bury = () => resolve('died');
    });
  }

  /** A moment at which the process may be killed. Tells whether it was, or had been before. */
  isKilledAt(where: string): boolean {
    if (this.dead) return true;
    this.#killer.edges++;
    const { chance, rates } = this.#wire;
    if (this.#killer.edges !== this.#killer.atEdge && !chance.hits(rates.crash)) {
      this.#mayFallAsleep(where);
      return false;
    }
    this.#wire.trace(`edge ${this.#killer.edges}: KILLED ${where}`);
    this.#wire.count(`killed ${where}`);
    if (where === 'before a commit' && this.#unsettledAnswers > 0) this.#wire.count('killed between answer and commit');
    if (where === 'before a commit' && this.#unsettledLinks > 0)
      this.#wire.count('killed between a link and its commit');
    this.dead = true;
    this.#bury();
    return true;
  }

  /** The lid is closed, or SIGSTOP: whatever is due meanwhile is late, also the end of a deadline. */
  #mayFallAsleep(where: string): void {
    const { chance, rates, time, count, trace } = this.#wire;
    if (this.#naps >= NAPS_MAX || this.asleepUntilMs > time.nowMs || !chance.hits(rates.suspended)) return;
    this.#naps++;
    this.asleepUntilMs = time.nowMs + chance.between(3_600_000, 3 * 3_600_000);
    trace(`asleep ${where} until ${new Date(this.asleepUntilMs).toISOString()}`);
    count('asleep');
    if (this.#inFlight > 0) count('asleep over a deadline');
  }

  edge(where: string): void {
    if (this.isKilledAt(where)) throw new Crash(where);
  }

  /** The state as this process reaches it: gone with it, and every transaction an edge. */
  guard(db: Db): Db {
    const alive = (): void => {
      if (this.dead) throw new Crash('dead');
    };
    const transaction = (work: (...args: unknown[]) => unknown) => {
      const inner = db.transaction((...args: unknown[]) => {
        const result = work(...args);
        alive();
        this.#makeRoom();
        return result;
      });
      const immediate = (...args: unknown[]): unknown => {
        const isOutermost = !db.inTransaction;
        if (isOutermost) this.edge('before a commit');
        const result = inner.immediate(...args);
        if (isOutermost) this.#committed();
        return result;
      };
      return Object.assign(immediate, { immediate, deferred: immediate, exclusive: immediate, default: immediate });
    };
    const prepare = (text: string): unknown => {
      alive();
      const statement = db.prepare<unknown[]>(text);
      return new Proxy(statement, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]) => this.#execute(db, name === 'run', () => Reflect.apply(member, target, args));
        },
      });
    };
    return new Proxy(db, {
      get: (target, name) => {
        if (name === 'transaction') return transaction;
        if (name === 'prepare') return prepare;
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          alive();
          return Reflect.apply(member, target, args);
        };
      },
    });
  }

  /** A statement outside of a transaction commits by itself. */
  #execute(db: Db, writes: boolean, work: () => unknown): unknown {
    if (this.dead) throw new Crash('dead');
    const commits = writes && !db.inTransaction;
    if (commits) this.edge('before a commit');
    if (commits) this.#makeRoom();
    const result = work();
    if (commits) this.#committed();
    return result;
  }

  #makeRoom(): void {
    if (!this.diskIsFull && !this.#wire.chance.hits(this.#wire.rates.diskFull)) return;
    if (!this.diskIsFull) this.#wire.count('disk full');
    this.diskIsFull = true;
    throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
  }

  #committed(): void {
    this.#unsettledAnswers = 0;
    this.#unsettledLinks = 0;
    this.onCommit();
    this.edge('after a commit');
  }

  /**
   * A request of this process. `serve` sees it when it arrives and may answer or not; what it does goes on whether or
   * not the process still lives.
   */
  request(
    what: string,
    signal: AbortSignal | null | undefined,
    serve: (answer: (told: Told | 'reset') => void) => void,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.isKilledAt(`before ${what}`)) return; // a dead process waits for ever
      const { time, chance } = this.#wire;
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener('abort', () => !this.dead && reject(signal.reason), { once: true });
      this.#inFlight++;
      const arrive = (told: Told | 'reset'): void => {
        if (this.isKilledAt(`before the answer to ${what}`)) return;
        if (what === 'upsert') this.#unsettledAnswers++;
        if (what === 'link' || what === 'unlink') this.#unsettledLinks++;
        if (told === 'reset') reject(failed('ECONNRESET'));
        else resolve(responseOf(told));
      };
      const answer = (told: Told | 'reset'): void => {
        this.#inFlight--;
        time.atFor(this, time.nowMs, () => arrive(told));
      };
      const leave = (): void => {
        // It leaves when its machine wakes up, unless somebody gave it up before.
        const isLate = this.asleepUntilMs > time.nowMs;
        if (isLate) time.at(this.asleepUntilMs, leave);
        else if (this.dead || signal?.aborted) this.#wire.trace(`${what} is withdrawn`);
        else serve(answer);
      };
      const hurry = chance.between(5, 200);
      if (this.asleepUntilMs > time.nowMs) time.at(this.asleepUntilMs + hurry, leave);
      else time.at(time.nowMs + hurry, () => serve(answer));
    });
  }
}
