/** What becomes of an entity when a row of another pipe that it was mapped with changes. */
import { describe, expect, test } from 'vitest';
import { closeDatabase, type Db, openDatabase } from '../src/state/database.ts';
import { endRun, newRunId, openStream, startRun } from '../src/state/runs.ts';
import { StreamState } from '../src/state/stream.ts';
import { temporaryFolder } from './cli-harness.ts';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const HOUR_MS = 3_600_000;

/** One run of a pipe on its stream; `remember` stores payloads, `exclude` keeps ids only. */
class Shop {
  readonly db: Db = openDatabase(temporaryFolder(), { environment: 'sandbox', portalId: '1' });
  readonly customers = openStream(this.db, 'customers', 'erp', 'sandbox', NOW_MS);
  readonly quotes = openStream(this.db, 'quotes', 'erp', 'sandbox', NOW_MS);

  run(stream: number, atMs: number, work: (state: StreamState) => void): void {
    const id = newRunId(this.db, atMs);
    startRun(this.db, { id, pipe: 'any', stream, trigger: 'test', mode: '{}', atMs });
    const state = new StreamState(this.db, stream, id, 'v1', () => atMs);
    state.transaction(() => work(state));
    endRun(this.db, { id, status: 'ok', exit: 0, report: '{}', atMs, proofs: new Map() });
  }

  customer(atMs: number, content: string): void {
    this.run(this.customers, atMs, ({ mirror }) => mirror.remember(record('C1', content), null));
  }

  /** A quote that was mapped with the customer, and sent. */
  quote(atMs: number): void {
    this.run(this.quotes, atMs, (state) => {
      state.mirror.remember(record('Q1', 'quote'), null);
      state.joins.note('Q1', [{ pipe: 'customers', id: 'C1' }]);
      state.entities.set('Q1', 'clean', null);
    });
  }

  /** A quote that was left out because of its customer. */
  excludedQuote(atMs: number): void {
    this.run(this.quotes, atMs, (state) => {
      state.mirror.rememberExcluded({ id: 'Q1', modifiedAt: '2026-11-27', content: 'x', rule: 'retail' }, false);
      state.joins.note('Q1', [{ pipe: 'customers', id: 'C1' }]);
    });
  }

  /** The start of a quotes run: who is decided again, and what is asked for again. `answer` is what the source does. */
  follow(atMs: number, answer: (state: StreamState, ids: readonly string[]) => void = () => undefined) {
    const found = { touched: 0, asked: [] as string[] };
    this.run(this.quotes, atMs, (state) => {
      found.touched = state.joins.touchDependents('customers', this.customers);
      found.asked = state.joins.toReadAgain('customers', this.customers, '', 10);
      answer(state, found.asked);
      state.joins.noteFollowed('customers', this.customers);
      for (const id of state.entities.pending(10, '')) state.entities.set(id, 'clean', null);
    });
    return found;
  }
}

const record = (id: string, content: string) => ({
  ...{ id, modifiedAt: '2026-11-27T00:00:00.000Z', content, raw: JSON.stringify({ content }), entities: [id] },
});

describe('An entity that was mapped with a row of another pipe', () => {
  test('is decided again when that row changed, once', () => {
    const shop = new Shop();
    shop.customer(NOW_MS, 'first');
    shop.quote(NOW_MS + HOUR_MS);
    expect(shop.follow(NOW_MS + 2 * HOUR_MS).touched).toBe(0);
    shop.customer(NOW_MS + 3 * HOUR_MS, 'second');
    expect(shop.follow(NOW_MS + 4 * HOUR_MS).touched).toBe(1);
    expect(shop.follow(NOW_MS + 5 * HOUR_MS).touched).toBe(0);
    closeDatabase(shop.db);
  });

  test('is decided again when the row changed after the clock was set back', () => {
    const shop = new Shop();
    shop.customer(NOW_MS, 'first');
    shop.quote(NOW_MS + 48 * HOUR_MS);
    shop.follow(NOW_MS + 49 * HOUR_MS);
    shop.customer(NOW_MS + HOUR_MS, 'second');
    expect(shop.follow(NOW_MS + 2 * HOUR_MS).touched).toBe(1);
    closeDatabase(shop.db);
  });

  test('is decided again when it was mapped before the rows of an earlier version were followed', () => {
    const shop = new Shop();
    shop.quote(NOW_MS);
    shop.customer(NOW_MS + HOUR_MS, 'first');
    shop.db.exec('DELETE FROM joins_followed');
    expect(shop.follow(NOW_MS + 2 * HOUR_MS).touched).toBe(1);
    closeDatabase(shop.db);
  });
});

describe('A record that was left out because of a row of another pipe', () => {
  test('is asked for again when that row changed, by each run until it is answered', () => {
    const shop = new Shop();
    shop.customer(NOW_MS, 'retail');
    shop.excludedQuote(NOW_MS + HOUR_MS);
    expect(shop.follow(NOW_MS + 2 * HOUR_MS).asked).toEqual([]);
    shop.customer(NOW_MS + 3 * HOUR_MS, 'business');
    expect(shop.follow(NOW_MS + 4 * HOUR_MS).asked).toEqual(['Q1']);
    const answered = shop.follow(NOW_MS + 5 * HOUR_MS, ({ mirror }, ids) => {
      for (const id of ids) mirror.remember(record(id, 'quote'), null);
    });
    expect(answered.asked).toEqual(['Q1']);
    expect(shop.follow(NOW_MS + 6 * HOUR_MS).asked).toEqual([]);
    closeDatabase(shop.db);
  });
});

test('records that the source does not answer keep nobody behind them from being asked for', () => {
  const shop = new Shop();
  const ids = Array.from({ length: 1_203 }, (_, index) => `Q${String(index).padStart(5, '0')}`);
  shop.customer(NOW_MS, 'retail');
  shop.run(shop.quotes, NOW_MS + HOUR_MS, ({ mirror, joins }) => {
    for (const id of ids) {
      mirror.rememberExcluded({ id, modifiedAt: '2026-11-27', content: 'x', rule: 'retail' }, false);
      joins.note(id, [{ pipe: 'customers', id: 'C1' }]);
    }
  });
  shop.customer(NOW_MS + 2 * HOUR_MS, 'business');
  shop.run(shop.quotes, NOW_MS + 3 * HOUR_MS, ({ joins }) => {
    const asked: string[] = [];
    for (let some = joins.toReadAgain('customers', shop.customers, '', 500); some.length > 0; ) {
      asked.push(...some);
      some = joins.toReadAgain('customers', shop.customers, some.at(-1) ?? '', 500);
    }
    expect(asked).toEqual(ids);
  });
  closeDatabase(shop.db);
});

test('the id of a run sorts behind all before it, though the clock was set back', () => {
  const shop = new Shop();
  const ids: string[] = [];
  for (const atMs of [NOW_MS, NOW_MS - 24 * HOUR_MS, NOW_MS - HOUR_MS, NOW_MS + HOUR_MS]) {
    shop.run(shop.customers, atMs, () => undefined);
    ids.push(shop.db.prepare<[], { id: string }>('SELECT id FROM runs ORDER BY rowid DESC LIMIT 1').get()?.id ?? '');
  }
  expect([...ids].sort()).toEqual(ids);
  expect(ids[3]).toMatch(/^20261127T130000000-/);
  closeDatabase(shop.db);
});
