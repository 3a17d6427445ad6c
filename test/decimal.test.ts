import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, compare, decimal, fromMinorUnits, subtract, sum } from '../src/canonical.ts';

const plainDecimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.stringMatching(/^\d{0,6}$/))
  .map(([whole, fraction]) => (fraction === '' ? `${whole}` : `${whole}.${fraction}`));

describe('decimal', () => {
  it.each([
    ['1234.9600', '1234.96'],
    ['0012', '12'],
    ['.5', '0.5'],
    ['12.', '12'],
    ['+3', '3'],
    ['-0.00', '0'],
    ['-0.10', '-0.1'],
    [' 7 ', '7'],
    ['100', '100'],
    ['99999999999999999999.99', '99999999999999999999.99'],
    [12.5, '12.5'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1e-7, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
    [-0, '0'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('writes %j as %s', (value, written) => {
    expect(decimal(value)).toBe(written);
  });

  it.each([
    '',
    '.',
    '-',
    '1,234.50',
    '1 234',
    '12e3',
    '0x1f',
    '٣',
    'NaN',
    '$5',
    '5-',
    '1.2.3',
    '9'.repeat(61),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
  ])('refuses %j', (value) => {
    expect(decimal(value)).toBeUndefined();
  });

  it('changes nothing the second time, and equal numbers have one spelling', () => {
    fc.assert(
      fc.property(plainDecimal, fc.nat({ max: 5 }), (value, zeros) => {
        const once = decimal(value) ?? 'refused';
        expect(decimal(once)).toBe(once);
        expect(once).toMatch(/^(0|-?(0\.\d*[1-9]|[1-9]\d*(\.\d*[1-9])?))$/);
        const padded = `${value.includes('.') ? value : `${value}.`}${'0'.repeat(zeros)}`;
        expect(decimal(padded)).toBe(once);
      }),
    );
  });

  it('reads every safe number back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }), (value) => {
        const written = decimal(value);
        // Beyond 60 digits a tiny float is no amount any more.
        if (Math.abs(value) > 1e-40 || value === 0) expect(Number(written)).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

describe('decimal arithmetic', () => {
  it('adds what floats get wrong', () => {
    expect(add('0.1', '0.2')).toBe('0.3');
    expect(subtract('10', '9.99')).toBe('0.01');
    expect(sum(['0.005', '-0.005', '1'])).toBe('1');
    expect(sum([])).toBe('0');
  });

  it('takes away exactly what was added, whatever the order', () => {
    fc.assert(
      fc.property(plainDecimal, plainDecimal, (a, b) => {
        expect(subtract(add(a, b), b)).toBe(decimal(a));
        expect(add(a, b)).toBe(add(b, a));
        expect(decimal(add(a, b))).toBe(add(a, b));
      }),
    );
  });

  it('agrees with whole cents', () => {
    const cents = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
    fc.assert(
      fc.property(cents, cents, (a, b) => {
        const [left = '', right = ''] = [a, b].map((amount) => fromMinorUnits(String(amount), 'USD'));
        expect(add(left, right)).toBe(fromMinorUnits(String(a + b), 'USD'));
        expect(compare(left, right)).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it('compares by value', () => {
    expect(compare('1.50', '1.5')).toBe(0);
    expect(compare('-2', '1')).toBe(-1);
    expect(compare('10', '9.999')).toBe(1);
  });

  it('throws on what is no number rather than count it as zero', () => {
    expect(() => add('1', '')).toThrow(RangeError);
  });
});

describe('minor units', () => {
  it.each([
    ['1234', 'USD', '12.34'],
    ['1200', 'USD', '12'],
    ['-5', 'EUR', '-0.05'],
    ['1234', 'JPY', '1234'],
    ['1234', 'BHD', '1.234'],
    ['12345', 'CLF', '1.2345'],
    ['0', 'USD', '0'],
    ['90071992547409931', 'USD', '900719925474099.31'],
  ])('reads %s of %s as %s', (amount, currency, written) => {
    expect(fromMinorUnits(amount, currency)).toBe(written);
  });

  it.each([
    ['12.5', 'USD'],
    ['', 'USD'],
    ['1e3', 'USD'],
    ['1', 'usd'],
    ['1', ''],
  ])('refuses %j of %j', (amount, currency) => {
    expect(fromMinorUnits(amount, currency)).toBeUndefined();
  });
});
