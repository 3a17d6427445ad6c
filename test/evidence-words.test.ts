import { describe, expect, test } from 'vitest';
import { Redaction } from '../src/evidence/redact.ts';
import { Rulings } from '../src/evidence/rulings.ts';
import { Secrets } from '../src/evidence/secrets.ts';
import { formatOf } from '../src/probe/formats.ts';
import { treatmentOf } from '../src/probe/record/treatment.ts';

const rulings = new Rulings(null, ['itemNo']);
const redaction = (): Redaction => new Redaction(rulings, new Secrets({ ERP_PASSWORD: 'ab1' }), true, new Set());

describe('words that look like something else', () => {
  test.each([
    ['11/02/2026 10:30 spoke with Jane Roe at noon', 'other'],
    ['12 Maple 4500', 'other'],
    ['11/02/2026 10:30', 'local date'],
    ['2-Nov-2026 9:05:00 PM', 'local date'],
  ])('%s is %s', (text, format) => {
    expect(formatOf(text, 'lastActivity')).toBe(format);
  });

  test.each([
    ['lastActivity', '11/02/2026 10:30 spoke with Jane Roe at noon', 'other'],
    ['code', 'jsmith', 'other'],
    ['error.code', 'not_found', 'id'],
    ['homeNo', '2125557788', 'other'],
    ['orderNo', '4711', 'id'],
    ['itemNo', '4006381333931', 'id'],
    ['bankAccountNumber', 'DE89-3704', 'other'],
    ['dob', '1970-01-01', 'other'],
  ])('in an answer, %s %s is ruled %s', (path, value, ruling) => {
    expect(rulings.of(value, path)).toBe(ruling);
  });

  test.each([
    ['description', '11/02/2026 10:30 spoke with Jane Roe at noon'],
    ['bankAccountNumber', 'DE89-3704'],
    ['dob', '1970-01-01'],
  ])('in a fixture, %s is replaced', (path, value) => {
    expect(treatmentOf(path, value, new Map(), new Map())).toBe('other');
  });
});

describe('what an answer and a call show', () => {
  test('names that are the keys of a map are masked, names of fields are not', () => {
    const limits = { whole: 9, brief: 9 };
    const shown = redaction().answer({ byOwner: { 'Jane.Roe': 1, 'Smith-Jones': 1, salesRep: 1 } }, limits, false);
    expect(shown).toEqual({ byOwner: { 'Aaaa.Aaa': 1, 'Aaaaa-Aaaaa': 1, salesRep: 1 } });
  });

  test('a password too short to be searched for is known by its field', () => {
    expect(redaction().sent('{"user":"sal","password":"ab1"}')).toMatchObject({ isWhole: false });
    expect(redaction().sent('{"user":"sal","password":"ab1"}').text).not.toContain('ab1');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference for the shell
    const referenced = '{"password":"${ERP_PASSWORD}","page":1}';
    expect(redaction().sent(referenced)).toEqual({ text: referenced, isWhole: true });
  });
});
