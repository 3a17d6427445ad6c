import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { profileCheck, profileList, profileSchema } from '../src/commands/profile.ts';

/** What a command prints. */
function printed(work: (to: { stdout: PassThrough }) => number): string {
  const stdout = new PassThrough();
  expect(work({ stdout })).toBe(0);
  return String(stdout.read());
}

test('profile list names the shipped profiles and what they describe', () => {
  expect(printed((to) => profileList({}, to))).toMatch(/^sandbox +products, customers, quotes$/m);
  expect(printed((to) => profileList({}, to))).toMatch(/^tryton +products, customers, quotes$/m);
  expect(printed((to) => profileList({}, to))).toMatch(/^business-central +products, customers, quotes$/m);
  expect(printed((to) => profileList({}, to))).toMatch(/^erpnext +products, customers, quotes$/m);
  expect(JSON.parse(printed((to) => profileList({ json: true }, to)))).toMatchObject({ schemaVersion: 1 });
});

test('profile schema knows the shorthand and the long form of a field, and forbids what is unknown', () => {
  const schema = JSON.parse(printed((to) => profileSchema(to)));
  expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  const { products } = schema.properties.resources.properties;
  expect(JSON.stringify(products)).toContain('"firstOf"');
  expect(products.properties.modifiedAt.anyOf[0]).toEqual({ type: 'string' });
});

test('profile check says that a shipped profile has no faults, and what is wrong with another', () => {
  expect(printed((to) => profileCheck('sandbox', {}, to))).toContain('no faults');
  expect(() => profileCheck('/no/such.yaml', {}, { stdout: new PassThrough() })).toThrow(/cannot be read/);
});
