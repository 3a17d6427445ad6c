/** API calls and billable contacts: used, left, and ahead. */
import { describe, expect, test } from 'vitest';
import { type Budget, daysToLimit, forecastOf, renderBudget } from '../src/report/budget.ts';
import { openShop, SANDBOX_TOKEN } from './cli-shop.ts';

const plain = (_: unknown, text: string): string => text;
const marketing = { billable: 1_800, billableNew: 60, billableOurs: 0, contacts: 5_000, included: 2_000 };
const products = {
  ...{ pipe: 'products', runsToday: 2, callsToday: 130, medianCalls: 4, objects: 12_000, callsPerObject: 0.0101 },
};
const budget: Budget = {
  ...{ portalId: '1', timeZone: 'America/Chicago', dayLeftMs: 9 * 3_600_000, marketing },
  quotas: { day: { allowed: 250_000, left: 200_000 }, per10s: 190 },
  pipes: [products],
  keptOut: { retail: 25_000 },
};

describe('the forecast of a full load', () => {
  test('is what the largest run has cost, and the time that the limit of 10 s asks for', () => {
    expect(forecastOf(budget)).toEqual({ calls: 122, seconds: 0, fits: true });
    const larger = { ...budget, pipes: [{ ...products, objects: 1_000_000 }] };
    expect(forecastOf(larger)).toMatchObject({ calls: 10_100, seconds: 530 });
  });

  test('counts a hundred to a call where nothing was measured', () => {
    expect(forecastOf({ ...budget, pipes: [{ ...products, callsPerObject: null }] }).calls).toBe(120);
  });

  test('leaves a fifth of the day to other apps', () => {
    const day = { allowed: 250_000, left: 50_100 };
    expect(forecastOf({ ...budget, quotas: { day, per10s: null } }).fits).toBe(false);
    expect(forecastOf({ ...budget, quotas: { day: null, per10s: null } }).fits).toBeNull();
  });
});

describe('the days until the included contacts are used up', () => {
  test.each([
    ['at the growth of the last 30 days', {}, 100],
    ['none, when it is over already', { billable: 2_100 }, 0],
    ['never, without growth', { billableNew: 0 }, null],
    ['not known, when nobody said what is included', { included: null }, null],
  ])('%s', (_, more, days) => {
    expect(daysToLimit({ ...marketing, ...more })).toBe(days);
  });
});

describe('the screen', () => {
  test('keeps to 80 columns and says the figures', () => {
    const text = renderBudget(budget, plain);
    expect(text).toMatch(/used, all apps +50,000 {2}20\.0 %/);
    expect(text).toMatch(/free for this tool +150,000/);
    expect(text).toMatch(/kept out of HubSpot +25,000 {2}customers, rule retail/);
    expect(text).toMatch(/reached at this growth +in 100 days/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe.concurrent('budget', () => {
  test('reads quota, use and billable contacts of a portal, and writes nothing', async () => {
    const shop = await openShop();
    await shop.sync();
    const mark = shop.mark;
    const { code, stdout, stderr } = await shop.run(['budget', '--json'], { MARKETING_CONTACTS_INCLUDED: '2000' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const told = JSON.parse(stdout);
    const { store } = shop.hubspot;
    const billable = store.all('contacts').filter(({ properties }) => properties.hs_marketable_status === 'true');
    expect(told.marketing).toMatchObject({ billable: billable.length, billableOurs: 0, included: 2_000 });
    expect(told.quotas.day.left).toBeLessThan(told.quotas.day.allowed);
    const [of] = told.pipes.filter(({ pipe }: { pipe: string }) => pipe === 'products');
    expect(of).toMatchObject({ runsToday: 1, objects: (await shop.itemsSold()).length });
    expect(of.callsToday).toBeGreaterThan(0);
    expect(shop.writes(mark)).toEqual([]);
    expect(shop.requests(mark).length).toBeLessThanOrEqual(5);
  });

  test('still tells of calls when the token may not see contacts', async () => {
    const shop = await openShop({
      hubspot: { tokens: { [SANDBOX_TOKEN]: ['oauth', 'crm.objects.products.read'] } },
      isSetUp: false,
    });
    const { code, stdout } = await shop.run(['budget']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/allowed, all apps/);
    expect(stdout).toMatch(/cannot be read: .*crm\.objects\.contacts\.read/);
  });
});
