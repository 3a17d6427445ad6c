/** What a changed profile or database does to what was read before. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { instanceOf } from '../src/systems.ts';
import { account, openBench, there } from './pipe-harness.ts';

test('an edited profile maps what was read before once more, and only what differs is written', async () => {
  const accounts = [account('C-1', { terms: 'NET30' }), account('C-2', { terms: 'NET30' })];
  const bench = await openBench({ accounts, profile: (yaml) => `${yaml}\n# as it was\n` });
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', counts: { read: 2, written: 2 } });
  expect(await bench.run('customers', { full: true })).toMatchObject({ counts: { unchanged: 2, written: 0 } });

  const path = join(bench.folder, 'vendor.yaml');
  const before = readFileSync(path, 'utf8');
  const edited = before.replace(/accountNumber: \w+/, 'accountNumber: companyName');
  expect(edited).not.toBe(before);
  writeFileSync(path, edited);
  expect(await bench.run('customers')).toMatchObject({ status: 'ok', counts: { read: 2, written: 2 } });
  expect(bench.company('C-1').erp_account_number).toBe(there(bench.company('C-1').name, 'name'));

  writeFileSync(path, edited.replace('# as it was', '# with another remark'));
  expect(await bench.run('customers', { full: true })).toMatchObject({ counts: { unchanged: 2, written: 0 } });
});

test('two databases behind one address are two instances, where the ERP has databases', () => {
  const idWith = (profile: string, database: string): string => {
    const env = {
      ERP_PROFILE: profile,
      ERP_PRODUCTION_URL: 'http://127.0.0.1:9/',
      ERP_USER: 'reader',
      ERP_PASSWORD: 'secret',
      ERP_DATABASE: database,
    };
    const config = loadConfig({ env, cwd: '/nowhere', needs: ['erp'] });
    return instanceOf({ system: 'erp' }, config, null, () => undefined).id;
  };
  expect(idWith('tryton', 'main')).toBe(idWith('tryton', 'main'));
  expect(idWith('tryton', 'main')).not.toBe(idWith('tryton', 'copy'));
  expect(idWith('sandbox', 'main')).toBe(idWith('sandbox', 'copy'));
});
