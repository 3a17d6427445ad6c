/** What a portal holds before anything is connected to it: counted by search, on a portal in which people have worked. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ALL_SCOPES } from '../src/sandbox/hubspot/kinds.ts';
import type { SeededRecords } from '../src/sandbox/hubspot/seeding.ts';
import { SANDBOX_TOKEN, startHubSpot } from '../src/sandbox/hubspot/server.ts';
import { closeLater, run, temporaryFolder, type Variables } from './cli-harness.ts';

const CANARY = 'zanzibar.canary@example.com';
const PEOPLE: SeededRecords = {
  contacts: [
    { email: CANARY, firstname: 'Zenobia', lastname: 'Quagmire', lifecyclestage: 'lead' },
    { email: CANARY.replace('@', '+shop@'), firstname: 'Z', lastname: 'Q', lifecyclestage: 'lead' },
    { email: 'other@example.com', firstname: 'Ann', lastname: 'Other', lifecyclestage: 'customer' },
  ],
  companies: [
    { name: 'Quagmire Supply, Inc.', domain: 'quagmire.example' },
    { name: 'Quagmire Supply LLC', domain: 'www.quagmire.example' },
    { name: 'Alone', domain: 'alone.example' },
  ],
  deals: [{ dealname: 'One', pipeline: 'default', dealstage: 'closedwon' }],
};

async function openPortal(tokens = { [SANDBOX_TOKEN]: ALL_SCOPES }) {
  const portal = await startHubSpot({ seed: 1, existing: PEOPLE, tokens, switches: { searchLagMs: 0 } });
  closeLater(() => portal.close());
  const env: Variables = {
    ...{ HUBSPOT_BASE_URL: portal.url, HUBSPOT_TOKEN: SANDBOX_TOKEN, HUBSPOT_PORTAL_ID: '1234567' },
  };
  return { portal, env };
}

describe.concurrent('audit', () => {
  test('counts records, stages and pipelines, finds twins by id, and writes nothing', async () => {
    const { portal, env } = await openPortal();
    const { code, stdout } = await run(['audit', '--json'], env);
    expect(code).toBe(0);
    const { audit, counts } = JSON.parse(stdout);
    expect(counts).toEqual({ companies: 3, contacts: 3, deals: 1, products: 0 });
    const stages = audit.breakdowns.find(
      ({ object, property }: { object: string; property: string }) =>
        object === 'contacts' && property === 'lifecyclestage',
    );
    const inUse = stages.shares.filter(({ count }: { count: number }) => count > 0);
    expect(inUse.map(({ value, count }: { value: string; count: number }) => [value, count])).toEqual([
      ['lead', 2],
      ['customer', 1],
    ]);
    const twins = (object: string, by: string) =>
      audit.duplicates.find((one: { object: string; by: string }) => one.object === object && one.by === by);
    expect(twins('contacts', 'e-mail')).toMatchObject({ groups: 1, records: 2, sampled: 3 });
    expect(twins('companies', 'domain')).toMatchObject({ groups: 1, records: 2 });
    expect(twins('companies', 'name')).toMatchObject({ groups: 1, records: 2 });
    const won = audit.pipelines
      .flatMap(({ stages: all }: { stages: { value: string; count: number }[] }) => all)
      .find(({ value }: { value: string }) => value === 'closedwon');
    expect(won.count).toBe(1);
    expect(portal.store.journal.entries.filter(({ request }) => request > 0)).toEqual([]);
  });

  test('shows it on 80 columns and on a page for its owner alone, and nobody is named', async () => {
    const { env } = await openPortal();
    const folder = temporaryFolder();
    const { code, stdout } = await run(['audit', '--html', 'audit.html'], env, folder);
    expect(code).toBe(0);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/contacts by e-mail, of 3 looked at: 2 records in 1 group, such as/);
    const path = join(folder, 'audit.html');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const html = readFileSync(path, 'utf8');
    expect(html).not.toMatch(/<script|<link|<img|https?:\/\//);
    for (const text of [stdout, html]) {
      for (const secret of [CANARY, 'Zenobia', 'Quagmire', 'quagmire', SANDBOX_TOKEN])
        expect(text).not.toContain(secret);
    }
  });

  test('says what it could not read and why, counts nothing of it as none, and shows the rest', async () => {
    const scopes = ALL_SCOPES.filter((scope) => !/contacts|owners/.test(scope));
    const { env } = await openPortal({ [SANDBOX_TOKEN]: scopes });
    const { code, stdout } = await run(['audit'], env);
    expect(code).toBe(5);
    expect(stdout).toMatch(/companies +3/);
    expect(stdout).toMatch(/not read: number of contacts: .*\n?.*contacts/);
    expect(stdout).not.toMatch(/marketing contacts: (0|this portal)/);
    expect(stdout).not.toMatch(/^ {2}contacts +0/m);
    expect(stdout).not.toContain(CANARY);
  });

  test('refuses another portal, and a page that cannot be written, before anything is counted', async () => {
    const { portal, env } = await openPortal();
    const other = await run(['audit'], { ...env, HUBSPOT_PORTAL_ID: '42' });
    expect(other).toMatchObject({ code: 5, stderr: expect.stringMatching(/opens portal 1234567.*42/) });
    const mark = portal.log.length;
    const nowhere = await run(['audit', '--html', 'no/such/folder/audit.html'], env);
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be written') });
    expect(portal.log.length).toBe(mark);
  });
});
