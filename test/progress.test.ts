import { describe, expect, test } from 'vitest';
import { openLog } from '../src/log.ts';
import { openProgress, type Progress, type ProgressUpdate } from '../src/report/progress.ts';
import { columnsOf, duration, isLive, painter, safe, visibleWidth, wantsColour } from '../src/report/style.ts';
import { type RunSummary, renderSummary, summaryDocument } from '../src/report/summary.ts';

const START: ProgressUpdate = {
  pipe: 'customers',
  phase: 'read',
  read: 0,
  total: 28_300,
  written: 0,
  unchanged: 0,
  excluded: 0,
  held: 0,
  deadLettered: 0,
  calls: 0,
  limitPer10s: 100,
  usedInWindow: 0,
};
const LATER: ProgressUpdate = { ...START, read: 12_300, written: 1200, unchanged: 11_000, calls: 96, usedInWindow: 12 };

/** The screen that a terminal would show after these writes: enough of one for the sequences that are used. */
function screenOf(written: string): string[] {
  const rows: string[] = [''];
  let row = 0;
  const type = (text: string): void => {
    for (const letter of text.replaceAll('\r', '')) {
      if (letter === '\n') rows[++row] ??= '';
      else rows[row] += letter;
    }
  };
  for (const [index, part] of written.split('\x1b').entries()) {
    const [, code = '', text = ''] = index === 0 ? [part, '', part] : (/^(\[[\d;]*[A-Za-z])(.*)$/s.exec(part) ?? []);
    if (code === '[1A') row = Math.max(0, row - 1);
    if (code === '[2K') rows[row] = '';
    type(text);
  }
  return rows.filter((text) => text !== '');
}

function live(columns = 80, env: Record<string, string> = { NO_COLOR: '1' }) {
  let written = '';
  let ms = 0;
  const stream = { isTTY: true, columns, write: (text: string) => (written += text) };
  const progress = openProgress({ stream, env, nowMs: () => ms }, () => null);
  const at = (now: number, ...updates: ProgressUpdate[]): Progress => {
    ms = now;
    for (const update of updates) progress.update(update);
    return progress;
  };
  return { at, progress, screen: () => screenOf(written), written: () => written };
}

describe('progress on a terminal', () => {
  test('is one line per pipe with rate, outcome, budget and time left', () => {
    const { at, screen } = live(140);
    at(0, START);
    at(30_000, LATER);
    expect(screen()).toEqual([
      'customers  read 12,300/28,300  410/s  40 s left  1,200 written  11,000 unchanged  96 HubSpot calls, 12/100 per 10 s',
    ]);
    at(31_000, { ...LATER, pipe: 'quotes', read: 5, total: undefined });
    expect(screen()).toHaveLength(2);
    expect(screen()[1]).toMatch(/^quotes {2}read 5 {2}1,200 written/);
  });

  test.each([
    [80, 'customers 12,300/28,300 410/s 40 s left +1,200 =11,000 96 calls 12/100'],
    [40, 'customers 12,300/28,300 410/s 40 s left'],
    [24, 'customers 12,300/28,300'],
  ])('fits %i columns', (columns, line) => {
    const { at, screen } = live(columns);
    at(0, START);
    at(30_000, LATER);
    expect(screen()).toEqual([line]);
    expect(line.length).toBeLessThan(columns);
  });

  test('is drawn ten times a second at most', () => {
    const { at, written } = live();
    for (let ms = 0; ms < 1000; ms += 1) at(ms, { ...LATER, read: ms });
    expect(written().match(/\n/g)).toHaveLength(10);
  });

  test('names what is held or dead as soon as there is any', () => {
    const { at, screen } = live(160);
    at(0, { ...LATER, held: 1, deadLettered: 2 });
    expect(screen()[0]).toContain('3 held or dead');
  });

  test('measures the rate of the present phase', () => {
    const { at, screen } = live(140);
    at(0, START);
    at(10_000, { ...LATER, phase: 'write' });
    at(12_000, { ...LATER, phase: 'write', read: 12_500 });
    expect(screen()[0]).toContain('100/s');
  });

  test('leaves nothing behind at its end', () => {
    const { at, progress, screen } = live();
    at(0, START, { ...START, pipe: 'quotes' });
    at(200, LATER);
    progress.end();
    expect(screen()).toEqual([]);
  });

  test('makes room for whoever else writes', () => {
    const { at, progress, screen } = live();
    at(0, START);
    progress.stream.write('a log line\n');
    at(200, LATER);
    expect(screen()[0]).toBe('a log line');
    expect(screen()).toHaveLength(2);
    progress.end();
    expect(screen()).toEqual(['a log line']);
  });

  test('shows no control characters of a name', () => {
    const { at, written } = live();
    at(0, { ...START, pipe: 'cust\x1b[31m\u202eomers' });
    expect(written()).toMatch(/^customers /);
  });
});

describe('progress elsewhere', () => {
  test.each([
    ['no terminal', false, {}],
    ['a terminal of a CI', true, { CI: 'true' }],
    ['a dumb terminal', true, { TERM: 'dumb' }],
  ])('(%s) is a log line at each phase and every 10 s, without control characters', async (_, isTTY, env) => {
    const lines: string[] = [];
    let ms = 0;
    const stream = { isTTY, write: (text: string) => lines.push(text) };
    const log = await openLog({ level: 'info', stream, env: { ...env, NO_COLOR: '1' }, now: () => new Date(0) });
    const progress = openProgress({ stream, env, nowMs: () => ms }, () => log);
    for (ms = 0; ms <= 25_000; ms += 100) progress.update({ ...LATER, read: ms });
    progress.update({ ...LATER, phase: 'write' });
    progress.end();
    expect(lines).toHaveLength(4);
    expect(lines.join('')).not.toContain('\x1b');
    expect(lines[1]).toMatch(/10000/);
  });
});

describe('style', () => {
  test.each([
    [{}, true, true],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{}, false, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  ])('with %j and terminal %j wants colours: %j', (env, isTTY, wanted) => {
    expect(wantsColour({ isTTY }, env)).toBe(wanted);
    expect(painter({ isTTY }, env)('red', 'x') !== 'x').toBe(wanted);
  });

  test('takes a terminal in a CI for one that nobody watches', () => {
    expect(isLive({ isTTY: true }, { CI: 'true' })).toBe(false);
    expect(isLive({ isTTY: true }, { CI: 'false' })).toBe(true);
  });

  test('trusts no width of a terminal that cannot be one', () => {
    expect(columnsOf({ columns: 0 })).toBe(80);
    expect(columnsOf({})).toBe(80);
    expect(columnsOf({ columns: 40 })).toBe(40);
  });

  test.each([
    ['a\x1b[31mb', 'ab'],
    ['a\x1b]0;title\x07b', 'ab'],
    ['a\u009b31mb', 'ab'],
    ['a\r\nb\tc', 'a b c'],
    ['\u202eabc\u2066', 'abc'],
    ['a\u0000\u0085b', 'ab'],
    ['Zoë – 日本', 'Zoë – 日本'],
  ])('makes %j safe as %j', (data, text) => {
    expect(safe(data)).toBe(text);
  });

  test.each([
    [0.42, '0.42 s'],
    [8.44, '8.4 s'],
    [59.9, '60 s'],
    [75, '1 min 15 s'],
    [3700, '1 h 1 min'],
  ])('says %d seconds as %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

const RUN: RunSummary = {
  pipe: 'customers',
  runId: '01HZX',
  verdict: 'partial',
  mode: { dryRun: false, full: true, since: null },
  counts: {
    read: 28_300,
    written: 4800,
    created: 4700,
    updated: 100,
    unchanged: 12,
    excluded: { retail: 23_400, inactive: 80 },
    held: 1,
    deadLettered: 7,
  },
  upserts: { created: 4700, updated: 1900, unchanged: 12, refused: 7, unknown: 1, adopted: 3, withheld: 0 },
  links: { made: 1800, removed: 2, refused: 0, pending: 4 },
  deadLettersAdded: 7,
  partitions: { total: 97, complete: 97 },
  calls: 96,
  writeCalls: 90,
  rateLimited: 2,
  retries: 1,
  seconds: 75.2,
  floorSeconds: 60,
  reason: '7 records have faults that a person must correct before HubSpot takes them, and 1 is held',
  hint: 'retail-sync dead-letters list',
  notes: ['3 existing companies were adopted'],
};

const plain = painter({}, {});

describe('the summary', () => {
  test('says what happened, why it is not ok and what to type next', () => {
    expect(renderSummary(RUN, plain)).toBe(
      [
        '! customers partial',
        '  mode           everything read',
        '  read           28,300',
        '  written         4,800  4,700 created, 1,900 updated objects',
        '  unchanged          12',
        '  excluded       23,480',
        '                 23,400  retail',
        '                     80  inactive',
        '  held                1  not settled; the next run goes on with them',
        '  dead-lettered       7  kept with their reason; nothing is lost',
        '  links          1,800 made, 2 removed, 4 wait for the other end',
        '  partitions     97 of 97 proven complete',
        '  HubSpot calls  96, 2 rate limited, 1 retried',
        "  time           1 min 15 s (HubSpot's limits allow 1 min 0 s)",
        '  note           3 existing companies were adopted',
        '  why            7 records have faults that a person must correct before HubSpot',
        '                 takes them, and 1 is held',
        '  next           retail-sync dead-letters list',
        '  run            01HZX',
        '',
      ].join('\n'),
    );
  });

  test('of a dry run says that nothing was written', () => {
    const text = renderSummary({ ...RUN, mode: { dryRun: true, full: false, since: '2026-11-01' } }, plain);
    expect(text).toContain('mode           dry run: nothing was written; changes since 2026-11-01');
    expect(text).toContain('would write');
  });

  test('gives a reason whenever it is not ok, and none when it is', () => {
    expect(renderSummary({ ...RUN, reason: undefined }, plain)).toContain('why            not every record is proven');
    expect(renderSummary({ ...RUN, verdict: 'ok', reason: undefined }, plain)).not.toContain('why');
  });

  test('shouts when the counts do not add up', () => {
    const text = renderSummary({ ...RUN, counts: { ...RUN.counts, read: 28_310 } }, plain);
    expect(text).toMatch(/NOT ACCOUNTED +10/);
  });

  test('is never wider than 80 columns, and shows no control characters', () => {
    const long = 'word '.repeat(60);
    const excluded = { [`rule-${'x'.repeat(100)}\x1b[31m`]: 1 };
    const run = { ...RUN, reason: long, notes: [long, 'a\x1b[2Jb'], counts: { ...RUN.counts, excluded } };
    const text = renderSummary(run, plain);
    expect(Math.max(...text.split('\n').map(visibleWidth))).toBeLessThanOrEqual(80);
    expect(text).not.toContain('\x1b');
  });

  test('has colours only in its heading', () => {
    const lines = renderSummary(RUN, painter({ isTTY: true }, {})).split('\n');
    expect(lines.filter((line) => line.includes('\x1b'))).toHaveLength(1);
  });

  test('as a document has version, run, status and counts that add up', () => {
    const document = JSON.parse(JSON.stringify(summaryDocument(RUN)));
    expect(document).toMatchObject({ schemaVersion: 1, runId: '01HZX', status: 'partial', pipe: 'customers' });
    expect(document.counts).toEqual({ ...RUN.counts, accounted: 28_300 });
    expect(document).not.toHaveProperty('verdict');
  });
});
