import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bool,
  compareIds,
  cut,
  dateOnly,
  domainOf,
  email,
  HUBSPOT_TEXT_CHARS_MAX,
  instant,
  noonInZone,
  stockByLocation,
  text,
} from '../src/canonical.ts';

const anyText = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1 }),
    fc.constantFrom('\ud800', '\u0301', '\r', '\n', '\t', '\0', ' '),
  ),
});
describe('text', () => {
  it('keeps absent apart from empty', () => {
    expect([text(undefined), text(null), text(''), text(' \t\r\n ')]).toEqual([undefined, '', '', '']);
  });

  it('composes letters, drops control characters and trims', () => {
    expect(text('  Cafe\u0301\u0000 Nord\u00a0')).toBe('Café Nord');
  });

  it('composes a letter and its accent that a control character stood between', () => {
    expect(text('e\u0000\u0301')).toBe('é');
  });

  it('puts one line where one is meant, and keeps lines and tabs where many are', () => {
    expect(text('Oak\r\nplank\t5"')).toBe('Oak plank 5"');
    expect(text('Oak\r\nplank\u2028wide\t5"', 'many')).toBe('Oak\nplank\nwide\t5"');
  });

  it('replaces half a surrogate pair, which no server could read', () => {
    expect(text('a\ud800b')).toBe('a\ufffdb');
  });

  it.each(['one', 'many'] as const)(
    'changes nothing the second time and leaves nothing HubSpot would (%s line)',
    (lines) => {
      fc.assert(
        fc.property(anyText, (value) => {
          const once = text(value, lines);
          expect(text(once, lines)).toBe(once);
          expect(once).toBe(once.normalize('NFC').trim());
          expect(once.isWellFormed()).toBe(true);
          expect(once).not.toMatch(lines === 'many' ? /[^\P{Cc}\t\n]/u : /\p{Cc}/u);
        }),
      );
    },
  );
});

describe('cut', () => {
  it('leaves a text at the limit whole', () => {
    const whole = 'x'.repeat(HUBSPOT_TEXT_CHARS_MAX);
    expect(cut(whole)).toEqual({ text: whole, removed: 0 });
  });

  it('cuts one above it and says by how much', () => {
    expect(cut(`${'x'.repeat(HUBSPOT_TEXT_CHARS_MAX)}yz`)).toEqual({
      text: 'x'.repeat(HUBSPOT_TEXT_CHARS_MAX),
      removed: 2,
    });
  });

  it('does not cut into a letter with accents or an emoji of several', () => {
    expect(cut('ab👩‍👩‍👧', 5)).toEqual({ text: 'ab', removed: 8 });
    expect(cut('ax\u0323\u0302', 3)).toEqual({ text: 'a', removed: 3 });
  });

  it('leaves no blank at the end', () => {
    expect(cut('ab cd', 3)).toEqual({ text: 'ab', removed: 3 });
  });

  it('cuts inside only when a single letter is above the limit, never inside a pair', () => {
    expect(cut(`👍${'\u0301'.repeat(9)}`, 4)).toEqual({ text: '👍\u0301\u0301', removed: 7 });
    expect(cut('👩‍👩‍👧', 4).text).toBe('👩‍');
  });

  it('never exceeds the limit, keeps the start and changes nothing the second time', () => {
    fc.assert(
      fc.property(anyText, fc.nat({ max: 12 }), (value, limit) => {
        const whole = text(value);
        const { text: kept, removed } = cut(whole, limit);
        expect(kept.length).toBeLessThanOrEqual(limit);
        expect(whole.startsWith(kept)).toBe(true);
        expect(kept.length + removed).toBe(whole.length);
        expect(kept.isWellFormed()).toBe(true);
        expect(cut(kept, limit)).toEqual({ text: kept, removed: 0 });
      }),
    );
  });
});

describe('days and instants', () => {
  it.each([
    ['2026-11-21', '2026-11-21'],
    [' 2024-02-29 ', '2024-02-29'],
    ['2026-11-21T00:00:00', '2026-11-21'],
    ['2026-11-21T00:00:00.000Z', '2026-11-21'],
    ['2026-02-29', undefined],
    ['2026-13-01', undefined],
    ['0000-00-00', undefined],
    ['21.11.2026', undefined],
    ['2026-11-21T08:00:00Z', undefined],
    ['', undefined],
  ])('reads the day %j as %j', (value, day) => {
    expect(dateOnly(value)).toBe(day);
  });

  it.each([
    ['2026-03-02T14:05:11.120Z', '2026-03-02T14:05:11.120Z'],
    ['2026-03-02T14:05:11Z', '2026-03-02T14:05:11.000Z'],
    ['2026-03-02T14:05:11.62Z', '2026-03-02T14:05:11.620Z'],
    ['2026-03-02T14:05:11.123999Z', '2026-03-02T14:05:11.123Z'],
    ['2026-03-02T08:05-06:00', '2026-03-02T14:05:00.000Z'],
    ['2026-02-30T00:00:00Z', undefined],
    ['2026-03-02T24:00:00Z', undefined],
    ['2026-03-02T14:05:11', undefined],
    ['2026-03-02', undefined],
  ])('reads the instant %j as %j', (value, at) => {
    expect(instant(value)).toBe(at);
  });

  it.each([
    ['2026-01-15', 'America/Chicago', '2026-01-15T18:00:00.000Z'],
    ['2026-07-15', 'America/Chicago', '2026-07-15T17:00:00.000Z'],
    ['2026-03-08', 'America/Chicago', '2026-03-08T17:00:00.000Z'],
    ['2026-11-01', 'America/Chicago', '2026-11-01T18:00:00.000Z'],
    ['2026-07-15', 'UTC', '2026-07-15T12:00:00.000Z'],
    ['2026-07-15', 'Pacific/Kiritimati', '2026-07-14T22:00:00.000Z'],
    ['2026-04-05', 'Australia/Lord_Howe', '2026-04-05T01:30:00.000Z'],
    ['2026-07-15', 'Asia/Kathmandu', '2026-07-15T06:15:00.000Z'],
  ])('puts noon of %s in %s at %s', (date, zone, at) => {
    expect(noonInZone(date, zone)).toBe(at);
  });

  it('shows 12:00 of the same day on the clocks of the zone, all year, over both changes', () => {
    const zones = fc.constantFrom(
      'America/Chicago',
      'Europe/Berlin',
      'Pacific/Auckland',
      'America/St_Johns',
      'Pacific/Pago_Pago',
    );
    const days = fc.date({
      min: new Date('1990-01-01T00:00:00Z'),
      max: new Date('2040-01-01T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(days, zones, (moment, zone) => {
        const day = moment.toISOString().slice(0, 10);
        const local = new Date(noonInZone(day, zone)).toLocaleString('sv-SE', { timeZone: zone });
        expect(local).toBe(`${day} 12:00:00`);
      }),
    );
  });

  it('throws on a day that does not exist', () => {
    expect(() => noonInZone('2026-02-30', 'UTC')).toThrow(RangeError);
  });
});

describe('addresses', () => {
  it.each([
    ["Ann.O'Neil+oak@Acme-Floors.COM ", "ann.o'neil+oak@acme-floors.com"],
    ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example'],
    ['ann@acme', undefined],
    ['ann@@acme.com', undefined],
    ['.ann@acme.com', undefined],
    ['a..b@acme.com', undefined],
    ['ann acme.com', undefined],
    ['a@acme.com; b@acme.com', undefined],
    ['Ann <ann@acme.com>', undefined],
    ['ann@acme.c0m', undefined],
    ['ann@-acme.com', undefined],
    ['ann@10.0.0.1', undefined],
    ['änn@acme.com', undefined],
    ['\u212aen@acme.com', undefined],
    [`${'a'.repeat(65)}@acme.com`, undefined],
    ['n/a', undefined],
    ['', undefined],
  ])('takes the e-mail %j for %j', (value, address) => {
    expect(email(value)).toBe(address);
  });

  it.each([
    ['https://www.Acme-Floors.com/about?x=1', 'acme-floors.com'],
    ['acme.com', 'acme.com'],
    ['WWW.ACME.COM:8080', 'acme.com'],
    ['shop.acme.co.uk/', 'shop.acme.co.uk'],
    ['acme.com.', 'acme.com'],
    ['https://medium.example/@acme', 'medium.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['www.com', undefined],
    ['info@acme.com', undefined],
    ['mailto:info@acme.com', undefined],
    ['ftp://acme.com', undefined],
    ['https://www.facebook.com/acme', undefined],
    ['https://sites.google.com/acme', undefined],
    ['http://192.168.0.1/', undefined],
    ['http://[::1]/', undefined],
    ['http://erp.local', undefined],
    ['acme.com, acme.de', undefined],
    ['none', undefined],
    ['n/a', undefined],
    ['', undefined],
  ])('reads from the website %j the domain %j', (value, domain) => {
    expect(domainOf(value)).toBe(domain);
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.webUrl(), (address, website) => {
        const once = email(address);
        if (once !== undefined) expect(email(once)).toBe(once);
        const domain = domainOf(website);
        if (domain !== undefined) expect(domainOf(domain)).toBe(domain);
      }),
    );
  });
});

describe('stock, flags and ids', () => {
  it('lists stock by location, sorted, bins of one location added up', () => {
    const stock = [
      { location: 'NORTH', quantity: '3.0' },
      { location: 'MAIN ', quantity: '7.25' },
      { location: 'MAIN', quantity: '4.75' },
      { location: 'EAST', quantity: '0' },
      { location: null, quantity: '1' },
      { location: 'WEST', quantity: null },
    ];
    expect(stockByLocation(stock)).toBe('- 1; EAST 0; MAIN 12; NORTH 3');
    expect(stockByLocation(stock.toReversed())).toBe(stockByLocation(stock));
    expect(stockByLocation([])).toBe('');
  });

  it('has no stock list from a quantity that is no number', () => {
    expect(stockByLocation([{ location: 'MAIN', quantity: 'many' }])).toBeUndefined();
  });

  it("spells a flag HubSpot's way", () => {
    expect([bool(true), bool(false)]).toEqual(['true', 'false']);
  });

  it('orders ids as people count', () => {
    expect(['Q-10', 'Q-9', 'Q-10-R2', 'P-1', 'Q-010', ''].sort(compareIds)).toEqual([
      '',
      'P-1',
      'Q-9',
      'Q-010',
      'Q-10',
      'Q-10-R2',
    ]);
  });

  it('orders any ids one way only', () => {
    const id = fc.string({ unit: fc.constantFrom('0', '1', '9', '-', 'a', 'B'), maxLength: 6 });
    fc.assert(
      fc.property(id, id, id, (a, b, c) => {
        expect(compareIds(a, b) === 0).toBe(a === b);
        expect(compareIds(a, b)).toBe(-compareIds(b, a) + 0);
        if (compareIds(a, b) <= 0 && compareIds(b, c) <= 0) expect(compareIds(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
