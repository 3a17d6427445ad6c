/** What a repair changes in the state, so that the next run does the rest. */
import { expect, test } from 'vitest';
import { closeDatabase, openDatabase } from '../src/state/database.ts';
import { withheldFrom } from '../src/state/reconciliation.ts';
import { noteMovedId } from '../src/state/repair.ts';
import { openStream } from '../src/state/runs.ts';
import { temporaryFolder } from './cli-harness.ts';

test('links of an object that people merged into another are made again with that one', () => {
  const db = openDatabase(temporaryFolder(), { environment: 'sandbox', portalId: '1' });
  const stream = openStream(db, 'quotes', 'erp', 'sandbox', 0);
  db.exec("INSERT INTO hubspot_ids VALUES ('companies', 'erp_customer_id', 'C1', '11')");
  const link = db.prepare(
    `INSERT INTO links (stream, from_object, from_key, to_object, by_property, value, label, state, made_from, made_to, since)
     VALUES (?, 'deals', ?, 'companies', 'erp_customer_id', ?, 'default', 'made', '21', ?, 0)`,
  );
  link.run(stream, 'Q1', 'C1', '11');
  link.run(stream, 'Q2', 'C2', '12');
  noteMovedId(db, { object: 'companies', keyProperty: 'erp_customer_id', key: 'C1', hubspotId: '13' });
  expect(db.prepare('SELECT from_key, state, made_to FROM links ORDER BY from_key').all()).toEqual([
    { from_key: 'Q1', state: 'pending', made_to: null },
    { from_key: 'Q2', state: 'made', made_to: '12' },
  ]);
  expect(db.prepare('SELECT hubspot_id FROM hubspot_ids').all()).toEqual([{ hubspot_id: '13' }]);
  closeDatabase(db);
});

test('what was withheld of an object is told by name, also after a repair marked it to be sent again', () => {
  expect(withheldFrom('abc')).toEqual([]);
  expect(withheldFrom('abc without email')).toEqual(['email']);
  expect(withheldFrom('abc without email,phone differs differs')).toEqual(['email', 'phone']);
});
