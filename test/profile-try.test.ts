import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profileTry } from '../src/commands/profile-try.ts';
import { ErpNext } from './erp-erpnext.ts';

const vendor = new ErpNext();
const cwd = mkdtempSync(join(tmpdir(), 'profile-try-'));
const time = '2026-01-05 06:00:00.000000';
beforeAll(async () => {
  await vendor.start();
  vendor.tables.Customer = ['ACME-1', 'ACME-2', 'ACME-3'].map((name) => ({
    ...{
      name,
      customer_name: 'Jane Canary',
      customer_type: 'Company',
      customer_group: 'All',
      disabled: 0,
      is_frozen: 0,
    },
    ...{
      account_manager: 'jo@canary.example',
      payment_terms: null,
      default_price_list: 'Trade',
      website: '',
      tax_id: null,
    },
    ...{ modified: time, creation: time },
  }));
  vendor.tables.Contact = [
    {
      ...{
        name: 'Canary-1',
        first_name: 'Jane',
        last_name: 'Canary',
        email_id: 'jane@canary.example',
        phone: '555 0100',
      },
      ...{ mobile_no: '', designation: 'Buyer', is_primary_contact: 1, creation: time },
      links: [{ link_doctype: 'Customer', link_name: 'ACME-1' }],
    },
  ];
});
afterAll(() => vendor.stop());

interface Flags {
  readonly limit?: number;
  readonly json?: boolean;
  readonly values?: boolean;
}
async function tried(
  resource: string,
  flags: Flags = {},
  file = 'erpnext',
  env: Record<string, string> = { ERP_STAGING_URL: vendor.url },
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const login = { ERP_USER: 'key-1', ERP_PASSWORD: 'secret-2', RETAIL_SYNC_ENV: 'sandbox' };
  const stop = new AbortController().signal;
  const invocation = {
    env: { ...login, ...env },
    cwd,
    stdout,
    stderr,
    stop,
    stdin: new PassThrough(),
    trigger: 'manual' as const,
  };
  const exit = await profileTry(file, resource, { limit: 2, ...flags }, invocation);
  return { exit, text: String(stdout.read()) };
}

test('profile try shows what is sent, read and written beside each other, within 80 columns, of people only the shape', async () => {
  const { exit, text } = await tried('customers');
  expect(exit).toBe(0);
  expect(text).toMatch(/^record ACME-1\nas sent +as read +for HubSpot$/m);
  expect(text).toContain('customer_name Aaaa Aaaaaa');
  expect(text).toContain('2 customers read, 2 fit the mapping; nothing was written');
  expect(text).not.toMatch(/Canary|canary|0100|secret/);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('profile try shows values when it is told to, and writes nothing at all', async () => {
  const { text } = await tried('customers', { values: true, json: true, limit: 1 });
  const document = JSON.parse(text);
  expect(document).toMatchObject({ schemaVersion: 1, status: 'ok', counts: { read: 1, wellFormed: 1 }, masked: false });
  expect(document.records[0]).toMatchObject({ canonical: { contacts: [{ email: 'jane@canary.example' }] } });
  expect(JSON.stringify(document.records[0].mapped)).toContain('jane@canary.example');
  expect(readdirSync(cwd)).toEqual([]);
});

test('profile try asks at the address of the profile where the environment names none', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'profile-')), 'mine.yaml');
  const auth =
    '{ scheme: header, header: Authorization, prefix: "token ", value: "$' + '{ERP_USER}:$' + '{ERP_PASSWORD}" }';
  writeFileSync(
    file,
    `name: mine
zone: UTC
baseUrls: { production: "${vendor.url}" }
auth: ${auth}
resources:
  customers:
    path: api/resource/Customer
    query: { fields: '["name","customer_name","modified"]' }
    records: data
    id: name
    modifiedAt: modified
    paging: { kind: offset, param: limit_start, sizeParam: limit_page_length, size: 50 }
    fields: { name: customer_name, status: { constant: unheard-of } }
`,
  );
  const { exit, text } = await tried('customers', { json: true }, file, {});
  expect(exit).toBe(2);
  expect(JSON.parse(text)).toMatchObject({ status: 'failed', counts: { read: 2, wellFormed: 0 } });
  expect(JSON.parse(text).records[0].mapped.issues[0].message).toMatch(/^unknown value "unheard-of"; known: active/);
});

test('profile try refuses a resource that there is not, before it asks anybody', async () => {
  await expect(tried('orders')).rejects.toMatchObject({ exit: 2 });
});
