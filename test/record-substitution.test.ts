/** Other words for people's: of the same shape, the same for the same word, and back to nobody. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { domainOf, email } from '../src/canonical.ts';
import { Substitution } from '../src/probe/record/substitution.ts';

const KEY = Buffer.alloc(32, 7);
const other = (text: string, key: Uint8Array = KEY): string => new Substitution(key).text(text);

/** Letters by their case, digits, accents; everything else as it is. */
const shapeOf = (text: string): string =>
  text.normalize('NFD').replace(/[\p{L}\p{Nd}]/gu, (sign) => {
    if (/\p{Nd}/u.test(sign)) return '9';
    return /\p{Lu}/u.test(sign) ? 'A' : /\p{Ll}/u.test(sign) ? 'a' : 'x';
  });
const marksOut = (text: string): string => text.replace(/\p{M}/gu, '');

/** What people, and the systems they type into, make of a text. No host and no telephone: those change otherwise. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: fc.constantFrom(...'abcxyzABCXYZ'), minLength: 1, maxLength: 12 }),
      fc.constantFrom(
        ...['Núñez', 'Nu\u0301n\u0303ez', 'Øster', 'ŁUKASZ', 'Müller-Lüdenscheidt', "O'Brien", 'Ｍａｒｉａ'],
      ),
      fc.constantFrom(
        ...['Ιωάννης', 'Иванов', '김철수', 'محمد', 'straße', 'İstanbul', '\u212Aelvin', '½', '😀', '\ud800', '\u0007'],
      ),
      fc.constantFrom(...['0012', '12', '#4', ' ', '\t', '  ', '\u00a0', '\r\n', ' - ', ' & ', ', ']),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

describe('a substitution', () => {
  test('keeps length, case, accents, blanks and everything that is no letter or digit', () => {
    fc.assert(
      fc.property(text, (value) => {
        const made = other(value);
        expect(made.length).toBe(value.length);
        expect(marksOut(shapeOf(made))).toBe(marksOut(shapeOf(value)));
        expect(made.normalize('NFC') === made).toBe(value.normalize('NFC') === value);
        expect(made.isWellFormed()).toBe(value.isWellFormed());
      }),
      { numRuns: 200 },
    );
  });

  test('makes the same of the same with one key, wherever it stands, and something else with another', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'), minLength: 6, maxLength: 14 });
    fc.assert(
      fc.property(word, word, (first, second) => {
        const one = new Substitution(KEY);
        const made = one.text(first);
        expect(one.text(`${second} ${first.toUpperCase()}, ${first}`)).toMatch(
          new RegExp(` ${made.toUpperCase()}, ${made}$`),
        );
        expect(other(first)).toBe(made);
        expect(made).not.toBe(first);
        expect(other(`${first} ${second}`, randomBytes(32))).not.toBe(other(`${first} ${second}`));
      }),
      { numRuns: 100 },
    );
  });

  test('makes no two words one, and none that somebody has', () => {
    const words = Array.from(
      { length: 1_500 },
      (_, at) => `${'abcdefghij'[at % 10]}${at.toString(26).replace(/\d/g, 'x')}qu`,
    );
    const names = new Set([...words, ...words.map((word) => word.split('').reverse().join(''))]);
    const one = new Substitution(KEY, names);
    const made = [...names].map((name) => one.text(name));
    expect(new Set(made).size).toBe(names.size);
    expect(made.filter((name) => names.has(name) && name.length >= 4)).toEqual([]);
  });

  test('takes no long time for a long text of whatever kind', () => {
    const startMs = performance.now();
    for (const sign of ['a', '1', '.', '@', 'a.', '+1 ', 'http://', '-', 'a@'])
      expect(other(sign.repeat(20_000)).length).toBeGreaterThan(19_000);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  test.each([
    'maria.nunez@lakeview-contracting.com',
    'MARIA@LAKEVIEW.COM',
    ' office@prairie.co.uk ',
    'x@3m.com',
    "o'brien+list@mail.a-b.org",
    'jim@corp.local',
    'jim@localhost',
    'jim@',
    'x@@y.example',
    'sales at shop',
    'front desk@shop.example',
    'bob@foo,example',
    'kurt@müller.de',
    'maria@gmail.com',
  ])('leaves the e-mail %j as valid as it was', (address) => {
    const made = other(address);
    expect(email(made) === undefined).toBe(email(address) === undefined);
    expect(made.split('@').length).toBe(address.split('@').length);
    expect(made.toLowerCase()).not.toContain('lakeview');
    expect(made).not.toBe(address);
  });

  test.each([
    'https://www.Lakeview-Contracting.com/about?who=maria#top',
    'www.lakeview.com',
    'lakeview.com',
    'LAKEVIEW.COM',
    'http://lakeview.com.:8080/x',
    'https://maria:secret@lakeview.com',
    'https://müller.de',
    'https://xn--mller-kva.de',
    'facebook.com/studiovier',
    'https://studiovier.business.site/',
    '10.0.0.1',
    'n/a',
    'lakeview.lan',
    'maria@lakeview.com',
  ])('leaves the website %j with a domain of its own, or without one', (website) => {
    const made = other(website);
    expect(domainOf(made) === undefined).toBe(domainOf(website) === undefined);
    expect(made.toLowerCase()).not.toMatch(/lakeview|studiovier|maria|secret|ller/);
    const [scheme] = /^\w+:\/\//.exec(website) ?? [''];
    expect(made.startsWith(scheme)).toBe(true);
  });

  test('gives a website and the mailboxes of its people one domain, reserved for examples, and two firms two', () => {
    const one = new Substitution(KEY);
    const domain = domainOf(one.text('https://www.lakeview.com/us'));
    expect(domain).toMatch(/^[a-z]{7}\.test$/);
    expect(email(one.text('Maria@LakeView.com'))).toMatch(new RegExp(`@${domain}$`));
    expect(domainOf(one.text('lakeview.net'))).not.toBe(domain);
    expect(one.text('maria@gmail.com')).toMatch(/^[a-z]{5}@gmail\.com$/);
  });

  test('calls one number alike however it is written, and nobody: the country stays', () => {
    const one = new Substitution(KEY);
    const made = one.text('+1 312 555 9876');
    expect(made).toMatch(/^\+1 [2-9]\d\d 555 01\d\d$/);
    const digits = made.replace(/\D/g, '').slice(1);
    for (const spelt of ['(312) 555-9876', '312.555.9876', '3125559876', '1-312-555-9876'])
      expect(one.text(spelt).replace(/\D/g, '').slice(-10)).toBe(digits);
    expect(one.text('312-555-9876 x0044')).toMatch(/^\d{3}-555-01\d\d [a-z]00[1-9]\d$/);
    expect(one.text('+49 30 1234567')).toMatch(/^\+49 \d\d \d{7}$/);
    expect(one.text('Call Maria at 312-555-9876 or maria@lakeview.com!')).toMatch(
      /^[A-Z][a-z]{3} [A-Z][a-z]{4} [a-z]{2} [2-9]\d\d-555-01\d\d [a-z]{2} [a-z]{5}@[a-z]{7}\.test!$/,
    );
  });

  test('leaves a GUID a GUID, a digest a digest, and zeros in front of a number where they are', () => {
    expect(other('{6F9619FF-8B86-D011-B42D-00CF4FC964FF}')).toMatch(/^\{[0-9A-F]{8}-([0-9A-F]{4}-){3}[0-9A-F]{12}\}$/);
    expect(other('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08')).toMatch(/^[0-9a-f]{64}$/);
    expect(other('06060')).toMatch(/^0[1-9]\d{3}$/);
    expect(other('000')).toBe('000');
  });
});
