import { describe, expect, test } from 'vitest';
import { EXIT, FatalError, TransientError } from '../src/errors.ts';
import { type Log, type LogOptions, openLog, silentLog } from '../src/log.ts';

const NOW = new Date('2026-11-21T12:00:00.000Z');

/** A log whose lines are collected; JSON unless a terminal is asked for. */
async function collected(
  options: Partial<LogOptions> & { tty?: boolean } = {},
): Promise<{ log: Log; lines: string[] }> {
  const lines: string[] = [];
  const stream = { isTTY: options.tty ?? false, write: (line: string) => lines.push(line) };
  const log = await openLog({ level: 'info', env: {}, now: () => NOW, ...options, stream });
  return { log, lines };
}

describe('JSON lines', () => {
  test('carry time, level, message and allowed fields', async () => {
    const { log, lines } = await collected();
    log.info('page read', { runId: 'r1', pipe: 'customers', page: 3, ms: 12, counts: { read: 100 } });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: '2026-11-21T12:00:00.000Z',
      runId: 'r1',
      pipe: 'customers',
      page: 3,
      ms: 12,
      counts: { read: 100 },
      message: 'page read',
    });
  });

  test('carry the fields of the log they were made from', async () => {
    const { log, lines } = await collected();
    log.with({ runId: 'r1' }).with({ pipe: 'quotes' }).warn('slow', { ms: 9000 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', runId: 'r1', pipe: 'quotes', ms: 9000 });
  });

  test('below the level are not written', async () => {
    const { log, lines } = await collected({ level: 'warn' });
    log.info('a');
    log.debug('b');
    log.warn('c');
    log.error('d');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['c', 'd']);
  });

  test('are none at all when silent', async () => {
    const { log, lines } = await collected({ level: 'silent' });
    log.error('a');
    silentLog.error('b');
    expect(lines).toEqual([]);
  });

  test('keep our own errors’ message, and only name and codes of anybody else’s', async () => {
    const { log, lines } = await collected();
    const foreign = Object.assign(new Error('body: {"email":"jane@example.com"}'), {
      code: 'ECONNRESET',
      body: 'jane',
    });
    log.error('call failed', { error: foreign });
    log.error('call failed', { error: new FatalError(EXIT.access, 'the token lacks a scope', 'add it') });
    expect(JSON.parse(lines[0] ?? '').error).toEqual({ name: 'Error', code: 'ECONNRESET' });
    expect(JSON.parse(lines[1] ?? '').error).toEqual({
      name: 'FatalError',
      message: 'the token lacks a scope',
      exit: 5,
    });
  });
});

describe('a person’s lines', () => {
  test('are short, with the pipe before the message', async () => {
    const { log, lines } = await collected({ tty: true, env: { NO_COLOR: '1' } });
    log.info('page read', { runId: 'r1', pipe: 'customers', page: 3 });
    expect(lines).toEqual([`${NOW.toTimeString().slice(0, 8)} info  customers: page read page=3\n`]);
  });

  test('have colours only where they are wanted', async () => {
    const coloured = await collected({ tty: true, env: { TERM: 'xterm' } });
    coloured.log.error('no');
    expect(coloured.lines[0]).toContain('\x1b[31m');
    const plain = await collected({ tty: true, env: { NO_COLOR: '1' } });
    plain.log.error('no');
    expect(plain.lines[0]).not.toContain('\x1b');
  });

  test('cannot be forged by a message with line breaks or escape sequences', async () => {
    const { log, lines } = await collected({ tty: true, env: { NO_COLOR: '1' } });
    log.info('a\nb\x1b[2Jc\u202e');
    expect(lines[0]).toContain('a bc\n');
    expect(lines[0]?.trimEnd()).not.toContain('\n');
  });
});

/** Planted values: if one shows in any line, something that may not leave the process has left it. */
const CANARIES = {
  token: 'zq-canary-token-1',
  password: 'zq canary "password" \\2',
  email: 'zq.canary@example.com',
  name: 'Zq Canary',
  hubspot: 'pat-na1-zqcanary-0000',
  square: 'EAAAzqcanary0000',
};

/** Every planted value, also as JSON, a URL and base64 spell it. */
const SPELLINGS = Object.values(CANARIES).flatMap((canary) => [
  canary,
  JSON.stringify(canary).slice(1, -1),
  encodeURIComponent(canary),
  Buffer.from(canary).toString('base64'),
]);

/** The ways in which somebody careless could hand a value to the log; `Reflect` as a type checker is no obstacle to data. */
const WAYS: readonly (readonly [string, (log: Log, canary: string) => void])[] = [
  ['an unknown field', (log, canary) => Reflect.apply(log.info, log, ['m', { body: canary, email: canary }])],
  ['a code field', (log, canary) => log.info('m', { reason: canary, partition: canary, operation: canary })],
  ['a number field', (log, canary) => Reflect.apply(log.info, log, ['m', { page: canary, status: { a: canary } }])],
  ['counts', (log, canary) => Reflect.apply(log.info, log, ['m', { counts: { read: canary, [`a ${canary}`]: 1 } }])],
  ['depth 6', (log, canary) => Reflect.apply(log.info, log, ['m', { counts: { a: { b: { c: { d: [canary] } } } } }])],
  ['an error’s message', (log, canary) => log.error('m', { error: new Error(canary) })],
  [
    'an error’s cause',
    (log, canary) => log.error('m', { error: new TransientError('hubspot', 'm', { cause: canary }) }),
  ],
  ['an error’s code', (log, canary) => log.error('m', { error: Object.assign(new Error('m'), { code: canary }) })],
  ['a thrown text', (log, canary) => log.error('m', { error: canary })],
  ['bound fields', (log, canary) => Reflect.apply(log.with, log, [{ record: { canary } }]).info('m')],
];

describe.each([
  ['JSON', false],
  ['a terminal', true],
])('to %s, planted values', (_, tty) => {
  test.each(WAYS)('never leave in %s', async (_way, say) => {
    const { log, lines } = await collected({ tty, level: 'trace', secrets: [CANARIES.token, CANARIES.password] });
    for (const canary of Object.values(CANARIES)) say(log, canary);
    expect(lines.length).toBe(Object.keys(CANARIES).length);
    for (const spelling of SPELLINGS) expect(lines.join('')).not.toContain(spelling);
  });

  test('never leave in a message, an address or our own error', async () => {
    const known = [CANARIES.token, CANARIES.password];
    const spelt = known.flatMap((canary) => [encodeURIComponent(canary), Buffer.from(canary).toString('base64')]);
    const recognisable = [...known, ...spelt, CANARIES.email, CANARIES.hubspot, CANARIES.square];
    const { log, lines } = await collected({ tty, secrets: known });
    for (const canary of recognisable) {
      log.info(`got ${canary} from https://x.example.com/?a=1&token=${canary}`);
      log.error('m', { error: new FatalError(EXIT.access, `Bearer ${canary}`, 'x') });
    }
    expect(lines).toHaveLength(2 * recognisable.length);
    for (const canary of recognisable) expect(lines.join('')).not.toContain(canary);
  });
});

describe('the scrubber', () => {
  test.each([
    ['Authorization: Bearer abc.def-123', 'Authorization: Bearer [token]'],
    ['Basic dXNlcjpwYXNz', 'Basic [token]'],
    ['https://x.example.com/?access_token=abc&b=1', 'https://x.example.com/?access_token=[token]&b=1'],
    ['smtps://user:word@mail.example.com', 'smtps://[credentials]@mail.example.com'],
    ['https://hooks.slack.com/services/T0/B0/xyz', 'https://hooks.slack.com/[token]'],
    ['12 records, 3 pages in 4 s', '12 records, 3 pages in 4 s'],
  ])('makes %j %j', async (message, clean) => {
    const { log, lines } = await collected();
    log.info(message);
    expect(JSON.parse(lines[0] ?? '').message).toBe(clean);
  });
});

describe('what is worth keeping and not worth showing', () => {
  test('is shown from debug on', async () => {
    const shown = await collected({ level: 'debug' });
    shown.log.with({ runId: 'r1' }).quiet().warn('run ended');
    const hidden = await collected({ level: 'info' });
    hidden.log.quiet().warn('run ended');
    expect([shown.lines.length, hidden.lines.length]).toEqual([1, 0]);
  });
});
