/** A profile's values are kept from run to run, and never those of another text. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { keepParsed, parsedBefore } from '../src/sources/erp/parsed-profile.ts';
import { shippedProfiles } from '../src/sources/erp/profile.ts';
import { temporaryFolder } from './cli-harness.ts';

const TEXT = 'name: shop\nzone: America/Chicago\n';
const VALUE = { name: 'shop', zone: 'America/Chicago' };

describe('The values of a profile', () => {
  test('are found again by the next run', () => {
    const folder = temporaryFolder();
    keepParsed('/shop/erp.yaml', TEXT, VALUE, folder);
    expect(parsedBefore('/shop/erp.yaml', TEXT, folder)).toEqual(VALUE);
  });

  test('are parsed anew when a letter of the text changed, or when it is another file', () => {
    const folder = temporaryFolder();
    keepParsed('/shop/erp.yaml', TEXT, VALUE, folder);
    expect(parsedBefore('/shop/erp.yaml', `${TEXT} `, folder)).toBeUndefined();
    expect(parsedBefore('/other/erp.yaml', TEXT, folder)).toBeUndefined();
  });

  test('are parsed anew when what was kept is torn or somebody else wrote it', () => {
    const folder = temporaryFolder();
    keepParsed('/shop/erp.yaml', TEXT, VALUE, folder);
    const [name = ''] = readdirSync(folder);
    const kept = readFileSync(join(folder, name), 'utf8');
    for (const other of [kept.slice(0, -4), '', 'null', '[]', '{"of": 1}']) {
      writeFileSync(join(folder, name), other);
      expect(parsedBefore('/shop/erp.yaml', TEXT, folder)).toBeUndefined();
    }
  });

  test('are kept in one file for this user alone, whatever the text was before', () => {
    const folder = temporaryFolder();
    for (const text of [TEXT, `${TEXT}# more`]) keepParsed('/shop/erp.yaml', text, VALUE, folder);
    const names = readdirSync(folder);
    expect(names).toHaveLength(1);
    expect(statSync(join(folder, names[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  test('are not kept where there is no cache, or none that can be written', () => {
    keepParsed('/shop/erp.yaml', TEXT, VALUE, '/nowhere/at/all');
    expect(parsedBefore('/shop/erp.yaml', TEXT, '/nowhere/at/all')).toBeUndefined();
  });

  test.each(shippedProfiles())('of %s are the same after they were kept', (name) => {
    const folder = temporaryFolder();
    const text = readFileSync(join(import.meta.dirname, `../src/sources/erp/profiles/${name}.yaml`), 'utf8');
    const value: unknown = parse(text);
    keepParsed(name, text, value, folder);
    expect(parsedBefore(name, text, folder)).toEqual(value);
  });
});
