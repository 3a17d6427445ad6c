import { describe, expect, it } from 'vitest';
import { FreshPage } from '../src/engine/fresh.ts';

describe('the page that was read last', () => {
  it('is converted once, from the text that the mirror keeps', () => {
    const asked: unknown[] = [];
    const page = new FreshPage({
      canonical: (raw) => {
        asked.push(raw);
        return { of: raw };
      },
    });
    const text = JSON.stringify({ id: 'a', gone: undefined });
    expect(page.keep([text])).toEqual([{ of: { id: 'a' } }]);
    expect([page.keep([text]), page.of(text)]).toEqual([[{ of: { id: 'a' } }], { of: { id: 'a' } }]);
    expect(asked).toStrictEqual([{ id: 'a' }]); // not { id: 'a', gone: undefined }, which no later run would see
  });

  it('is forgotten with the next one, and never taken for another payload of the same record', () => {
    let conversions = 0;
    const page = new FreshPage({ canonical: (raw) => ({ raw, conversion: ++conversions }) });
    page.keep(['{"id":"a","price":1}']);
    expect(page.of('{"id":"a","price":2}')).toEqual({ raw: { id: 'a', price: 2 }, conversion: 2 });
    page.keep(['{"id":"b"}']);
    expect(page.of('{"id":"a","price":1}')).toMatchObject({ conversion: 4 });
  });
});
