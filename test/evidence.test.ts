/** The zip for the ERP's vendor, made over real HTTP: what is in it, what is not, and that its calls can be made again. */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { EvidenceFlags } from '../src/commands/evidence.ts';
import { callsOf } from '../src/evidence/calls.ts';
import { EXPECTED, isVendorKind } from '../src/evidence/expected.ts';
import { CONTENT_BYTES_MAX, type Exchange, KEPT, Recorder } from '../src/evidence/recorder.ts';
import { Redaction } from '../src/evidence/redact.ts';
import { isSignIn, shellWord, shownRequest } from '../src/evidence/request.ts';
import { Rulings } from '../src/evidence/rulings.ts';
import { Secrets } from '../src/evidence/secrets.ts';
import { isKind, KINDS } from '../src/probe/finding.ts';
import { documentOf } from '../src/report/documents.ts';
import { writeAnew } from '../src/report/private-file.ts';
import { placeholder } from '../src/sources/erp/placeholders.ts';
import { closeLater, temporaryFolder } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN } from './cli-shop.ts';
import { customerTables } from './erp-tryton-rows.ts';
import { TrytonServer } from './erp-tryton-server.ts';
import { type Env, envOf, openErp, unpacked, workplace } from './evidence-harness.ts';

const NEW_CODE = { resource: 'items', field: 'statusCode', value: 'Q', share: 0.2 } as const;
const ALL: Partial<EvidenceFlags> = {};

/** Unpacks as a person would, and runs the script. */
async function repeated(path: string, numbers: readonly string[], env: Env): Promise<(number: string) => Listing> {
  const folder = temporaryFolder();
  for (const [name, text] of unpacked(path)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  await promisify(execFile)('sh', ['repeat.sh', ...numbers], { cwd: folder, env: { PATH: process.env.PATH, ...env } });
  return (number) => JSON.parse(readFileSync(join(folder, 'repeated', `${number}.json`), 'utf8'));
}

interface Listing {
  readonly totalCount: number;
  readonly data: readonly Readonly<Record<string, unknown>>[];
}

const number = (call: number): string => String(call).padStart(3, '0');

describe('the evidence', () => {
  test('has an expectation, in words for a vendor, for every kind of finding', () => {
    const kinds = Object.keys(KINDS).filter((kind) => isKind(kind) && isVendorKind(kind));
    expect(Object.keys(EXPECTED).toSorted()).toEqual(kinds.toSorted());
    for (const { expected } of Object.values(EXPECTED))
      expect(expected).not.toMatch(/profile|retail-sync|since\.|mapper/);
  });

  test('names what was found, the calls that show it, and curl lines that find it again', async () => {
    const erp = await openErp({ modifiedSinceIgnored: true, newEnumValue: NEW_CODE });
    const { folder, gather } = workplace(envOf(erp));
    const { exit, said } = await gather({
      issue: 'modifiedSince \u001b[31mdoes nothing\u0000\nsince Tuesday',
      json: true,
    });
    const document = JSON.parse(said);
    expect(documentOf(['evidence']).safeParse(document).error).toBeUndefined();
    expect({ exit, ...document }).toMatchObject({
      exit: 0,
      status: 'ok',
      counts: { findings: 2 },
      file: `${folder}/case.zip`,
    });
    const path = join(folder, 'case.zip');
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    const files = unpacked(path);
    const readme = files.get('README.md') ?? '';
    expect(readme).toContain('> modifiedSince [31mdoes nothing\n> since Tuesday\n');
    const [code, finding] = JSON.parse(files.get('findings.json') ?? '').findings;
    expect(code).toMatchObject({
      ...{ kind: 'unknown-code', field: 'statusCode', evidence: expect.not.stringContaining('known:') },
      observed: 'statusCode has the value "Q", which is not on the list agreed on',
    });
    expect(finding).toMatchObject({
      kind: 'filter-ignored',
      expected: EXPECTED['filter-ignored'].expected,
      evidence: expect.stringContaining('150 records'),
    });
    const call = number(finding.calls.at(-1));
    const response = JSON.parse(files.get(`calls/${call}-response.json`) ?? '');
    const line = /^# (curl .*)$/m.exec(files.get(`calls/${call}-request.txt`) ?? '')?.[1] ?? '';
    expect(line).toMatch(/"authorization: Bearer \$ERP_TOKEN".*modifiedSince=/);
    expect(readme).toContain(line);
    // Against the vendor: the finding, again.
    const again = (await repeated(path, [call], { ERP_TOKEN: ERP_SANDBOX_TOKEN }))(call);
    expect(again.totalCount).toBe(150);
    const ids = ({ data }: Listing): unknown[] => data.map(({ itemNo, lastChanged }) => [itemNo, lastChanged]);
    expect(ids(again)).toEqual(ids(response.body));
    // And once it is mended: nothing in the future, as expected.
    await fetch(`${erp.url}/_sandbox/drift`, { method: 'PUT', body: '{}' });
    expect((await repeated(path, [call], { ERP_TOKEN: ERP_SANDBOX_TOKEN }))(call).totalCount).toBe(0);
    const timings = (files.get('timings.csv') ?? '').trim().split('\r\n');
    expect(timings.length - 1).toBe(document.counts.calls);
  });

  test('of a clean ERP says that nothing was found, and holds what was asked of each resource', async () => {
    const { folder, gather } = workplace(envOf(await openErp()));
    const { exit, said } = await gather({}, {}, ALL);
    expect(exit).toBe(0);
    expect(said).toMatch(/found nothing that departs[\s\S]*Look through it before you send it/);
    const files = unpacked(join(folder, 'case.zip'));
    expect(files.get('README.md')).toContain('Nothing: each question was answered as it is relied on.');
    expect(files.get('README.md')?.match(/^## How .*/gm)).toHaveLength(3);
    expect([...files.keys()].filter((name) => name.endsWith('-request.txt')).length).toBeGreaterThan(40);
  });

  test('of a refused token is written, says so, and ends with 5', async () => {
    const { folder, gather } = workplace(envOf(await openErp()));
    const { exit, said } = await gather({}, { ERP_TOKEN: 'a-token-of-yesterday' });
    expect([exit, said]).toEqual([5, expect.stringMatching(/status\s+401/)]);
    const files = unpacked(join(folder, 'case.zip'));
    expect(JSON.parse(files.get('calls/001-response.json') ?? '')).toMatchObject({
      status: 401,
      body: { error: 'unauthorized' },
    });
    expect([...files.values()].join('')).not.toContain('yesterday');
  });

  test('is written over nothing that is there, unless it is forced', async () => {
    const { folder, gather } = workplace({ ERP_STAGING_URL: 'http://127.0.0.1:1', ERP_TOKEN: 'unused-token' });
    writeFileSync(join(folder, 'case.zip'), 'mine');
    await expect(gather()).rejects.toMatchObject({ exit: 2, message: expect.stringContaining('is there already') });
    await expect(gather({ issue: ' \u0007\n' })).rejects.toMatchObject({ exit: 2, message: '--issue is empty' });
    await expect(gather({ issue: 'x'.repeat(5_000) })).rejects.toMatchObject({ exit: 2 });
    await expect(gather({ out: 'no/such/folder.zip' })).rejects.toMatchObject({ exit: 2 });
    expect(readFileSync(join(folder, 'case.zip'), 'utf8')).toBe('mine');
    expect((await gather({ force: true })).exit).toBe(6);
    expect(lstatSync(join(folder, 'case.zip')).mode & 0o777).toBe(0o600);
    expect(unpacked(join(folder, 'case.zip')).get('calls/001-response.json')).toContain('"no answer"');
    symlinkSync('/etc/hostname', join(folder, 'link.zip'));
    expect(() => writeAnew(join(folder, 'link.zip'), new Uint8Array(), '--out', false)).toThrow('is there already');
  });
});

const CANARY = {
  user: 'svc-hedwig',
  password: 'Pa55-of-Hedwig"s',
  session: 'sess-4be1c0ffee4be1c0ffee',
  cookie: 'crumb-77aa88bb99cc',
  token: 'sk-live-00112233445566',
} as const;
const ROW = {
  salesContact: 'Henrietta Quillfeather',
  enteredBy: 'quillfeather',
  handler: 'HQUILL',
  xText1: 'ask for Henrietta Quillfeather, 512-867-5309',
  xText2: 'henrietta@quill.example',
  xText3: '42 Canary Lane',
  plz: '78704',
  xFigure: 5_128_675_309,
  ref: 'HENRIETTA-QUILLFEATHER-7',
  notes: [{ author: 'Henrietta Quillfeather', 'henrietta@quill.example': 'Canary Lane' }],
  apiToken: CANARY.token,
  passwordChangedAt: '2026-01-05',
  tokenType: 'Bearer',
  userId: 'user:henrietta@quill.example:1',
};

const CALL: Exchange = {
  ...{ call: 1, resource: 'products', stage: 'slices', ask: 0, method: 'POST', url: 'http://127.0.0.1/signin' },
  ...{ headers: [], body: null, startedAtMs: 0, isKept: true },
  answer: {
    ...{ status: 200, headers: [], firstByteMs: 1, totalMs: 1, bytes: 0, content: null },
    ...{ outcome: 'whole', failure: null },
  },
};

const bodyOf = async (request: IncomingMessage): Promise<string> => (await request.toArray()).join('');

/** The sandbox behind a gate that signs in, sets cookies, and puts somebody's data wherever there is room for it. */
async function openGate(stagingUrl: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const head = {
      'content-type': 'application/json; charset=utf-8; owner=Henrietta',
      date: new Date().toUTCString(),
      'set-cookie': [
        `crumb=${CANARY.cookie}; Path=/; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT`,
        'consent=accepted',
      ],
      'x-user': 'Henrietta Quillfeather',
      'x-request-id': 'henrietta@quill.example',
      'x-debug': CANARY.token,
    };
    const send = (status: number, body: unknown): void =>
      void response.writeHead(status, head).end(JSON.stringify(body));
    const url = request.url ?? '';
    if (url.startsWith('/signin')) {
      const { user, password } = JSON.parse(await bodyOf(request));
      const isRight = user === CANARY.user && password === CANARY.password;
      return send(isRight ? 200 : 403, { session: { key: CANARY.session, of: 'Henrietta Quillfeather' } });
    }
    if (request.headers.authorization !== `Token ${CANARY.session}`)
      return send(401, { error: 'Henrietta Quillfeather?' });
    const reply = await fetch(`${stagingUrl}${url}`, { headers: { authorization: `Bearer ${ERP_SANDBOX_TOKEN}` } });
    const body: Partial<Listing> = JSON.parse(await reply.text());
    const rows = body.data?.map((row) => ({ ...row, ...ROW }));
    send(reply.status, { ...body, ...(rows ? { data: rows } : {}), servedTo: 'Henrietta Quillfeather' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('what is somebody’s or secret', () => {
  test('is in no file of the archive, wherever the vendor put it, and the calls can be made again all the same', async () => {
    const erp = await openErp();
    const { folder, gather } = workplace({});
    const profile = readFileSync('src/sources/erp/profiles/sandbox.yaml', 'utf8')
      .replace(
        'auth: { scheme: bearer }',
        `auth:\n  scheme: login\n  path: signin\n  body: { user: "${placeholder('USER')}", password: "${placeholder('PASSWORD')}" }\n  token: { from: session.key, prefix: "Token " }`,
      )
      .replace('path: api/accounts', 'path: api/accounts\n    query: { onBehalfOf: henrietta@quill.example }');
    writeFileSync(join(folder, 'gate.yaml'), profile);
    const login = { ERP_USER: CANARY.user, ERP_PASSWORD: CANARY.password };
    const env = { ERP_STAGING_URL: await openGate(erp.stagingUrl), ERP_PROFILE: join(folder, 'gate.yaml'), ...login };
    const { exit } = await gather({ resource: 'customers', issue: `look: ${CANARY.password}` }, env);
    expect(exit).toBe(0);
    const path = join(folder, 'case.zip');
    const files = unpacked(path);
    expect(files.size).toBeGreaterThan(20);
    const text = [...files].flat().join('\n').toLowerCase();
    const theirs = (await everyAccount(erp.stagingUrl)).filter((value) => value.length >= 6);
    expect(theirs.length).toBeGreaterThan(200);
    const words = [
      ...['Henrietta', 'Quillfeather', 'hquill', '867-5309', '8675309', 'Canary Lane', '78704', 'quill.example'],
      ...Object.values(CANARY),
      ...theirs,
    ];
    expect(words.filter((word) => text.includes(word.toLowerCase()))).toEqual([]);
    expect(text).not.toContain(Buffer.from(CANARY.session).toString('base64').toLowerCase());
    // What the vendor needs to find the rows is there.
    expect(text).toMatch(/"accountid": "c-10\d+"/);
    const call = [...files.keys()].find(
      (name) => name.endsWith('-request.txt') && files.get(name)?.includes('/signin'),
    );
    expect(files.get(call ?? '')).toContain('"password":"$ERP_PASSWORD"');
    const one = [...files].find(([, body]) => /GET .*api\/sales-reps/.test(body))?.[0].slice(6, 9) ?? '';
    expect((await repeated(path, [one], login))(one).totalCount).toBeGreaterThan(3);
  });

  test('is in no file of what Tryton answered, whose sign-in and calls can be made again', async () => {
    const server = new TrytonServer();
    await server.start();
    closeLater(async () => server.stop());
    const people = Array.from({ length: 6 }, (_, at) => ({
      id: `${at + 1}`,
      name: `Quillfeather ${at}`,
      ms: Date.UTC(2026, 5, at + 1),
      group: null,
    }));
    server.put(customerTables(people));
    const { baseUrl, database, user, password } = server.access;
    const login = { ERP_USER: user, ERP_PASSWORD: password };
    const { folder, gather } = workplace({
      ERP_PROFILE: 'tryton',
      ERP_STAGING_URL: baseUrl,
      ERP_DATABASE: database,
      ...login,
    });
    expect((await gather({ resource: 'customers' })).exit).toBe(0);
    const path = join(folder, 'case.zip');
    const files = unpacked(path);
    const text = [...files].flat().join('\n').toLowerCase();
    expect(['quillfeather', password, ...server.sessions].filter((word) => text.includes(word.toLowerCase()))).toEqual(
      [],
    );
    expect([...files.values()].filter((body) => body.includes('not whole'))).toEqual([]);
    const page =
      [...files]
        .find(([name, body]) => name.endsWith('-request.txt') && body.includes('search_read'))?.[0]
        .slice(6, 9) ?? '';
    const again: unknown = (await repeated(path, [page], login))(page);
    expect(again).toMatchObject({ result: expect.arrayContaining([expect.objectContaining({ id: 1 })]) });
  });

  test('is found in a form, too, where a blank is a plus', () => {
    const secrets = new Secrets({ ERP_USER: 'cli ent&1', ERP_PASSWORD: 's3cr&t=pass word' });
    const redaction = new Redaction(new Rulings(null, []), secrets, false, new Set());
    const body = new URLSearchParams({ u: 'cli ent&1', p: 's3cr&t=pass word', client_secret: 'another', scope: 'all' });
    const headers = [['content-type', 'application/x-www-form-urlencoded']] as const;
    const exchange = { ...CALL, headers, body: body.toString() };
    expect(isSignIn(exchange, secrets)).toBe(true);
    const shown = shownRequest(exchange, redaction, secrets, null);
    expect(shown.body?.replace(/\$\{(\w+)\}/g, '$$$1')).toBe(
      'u=$ERP_USER\np=$ERP_PASSWORD\nclient_secret=[secret]\nscope=all',
    );
    expect(shown.isWhole).toBe(false);
    expect(secrets.holds(body.toString())).toBe(true);
  });

  test.each([
    ['percent in percent', 'ab/cd+ef==12', 'next=https%3A%2F%2Fx%2F%3Ftoken%3Dab%252Fcd%252Bef%253D%253D12'],
    ['JSON in JSON', 'p"ss\\wo1d', JSON.stringify({ body: JSON.stringify({ field: 'p"ss\\wo1d' }) })],
    ['JSON in an address', 'p"ss\\wo1d', `q=${encodeURIComponent(JSON.stringify({ field: 'p"ss\\wo1d' }))}`],
    ['an address in JSON', 'p"ss wo1d', JSON.stringify({ body: new URLSearchParams({ f: 'p"ss wo1d' }).toString() })],
    ['base64 in an address', 'p?ss>wo1d?', `f=${encodeURIComponent(Buffer.from('p?ss>wo1d?').toString('base64'))}`],
  ])('is found where it is spelt twice: %s', (_, password, text) => {
    for (const name of ['ERP_PASSWORD', 'ERP_TOKEN'] as const) {
      const secrets = new Secrets({ [name]: password });
      expect(secrets.holds(text)).toBe(true);
      const clean = secrets.scrub(text);
      expect(clean).toMatch(/\[secret\]/);
      expect(secrets.holds(clean)).toBe(false);
    }
  });

  test('is not looked for in an answer that broke off within a letter, which is said first', () => {
    const secrets = new Secrets({});
    const redaction = new Redaction(new Rulings(null, []), secrets, false, new Set());
    const content = new TextEncoder().encode('[{"name":"é').subarray(0, -1);
    const noteOf = (outcome: 'whole' | 'broken off') => {
      const answer = { ...CALL.answer, outcome, content, bytes: content.length };
      return callsOf([{ ...CALL, answer }], redaction, secrets)[0]?.files[1]?.text;
    };
    expect(noteOf('broken off')).toMatch(/"note": "11 bytes that are not the whole answer \(broken off\): not shown/);
    expect(noteOf('whole')).toMatch(/"note": "11 bytes that are no text in the character set of the answer: not shown/);
  });

  test('is no part of a curl line: a word for the shell is what it was, with variables in it and whatever signs', async () => {
    const texts = [
      'a b',
      "it's",
      '"$HOME" `id` \\ !',
      'é{}[]?&#',
      '--x=1',
      `{"p":"${placeholder('PASSWORD')}$x"}`,
      `k${placeholder('TOKEN')}9`,
    ];
    const script = `printf '%s\\n' ${texts.map((text) => shellWord(text)).join(' ')}`;
    const env = { PATH: process.env.PATH, ERP_PASSWORD: 'p "w', ERP_TOKEN: 'T' };
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env });
    expect(stdout.trimEnd().split('\n')).toEqual(
      texts.map((text) => text.replace(placeholder('PASSWORD'), 'p "w').replace(placeholder('TOKEN'), 'T')),
    );
  });
});

async function everyAccount(stagingUrl: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${ERP_SANDBOX_TOKEN}` };
  const reply = await fetch(`${stagingUrl}/api/accounts?page=1&pageSize=500`, { headers });
  const { data }: Listing = JSON.parse(await reply.text());
  const names = /^(?:companyName|name|email|phone|street|city|first|last|mail|tel|cell)$/;
  const found: string[] = [];
  JSON.stringify(data, (key, value) => {
    if (names.test(key) && typeof value === 'string') found.push(value);
    return value;
  });
  return [...new Set(found)];
}

describe('the recorder', () => {
  test('keeps so many pairs and so many bytes and counts the rest, and its caller gets every byte', async () => {
    const server = createServer((request, response) => {
      response.end('x'.repeat(request.url === '/large' ? CONTENT_BYTES_MAX + 1 : 3));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeLater(async () => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const recorder = new Recorder();
    recorder.begin('products', 'slices');
    expect((await (await recorder.fetch(`${base}/large`)).text()).length).toBe(CONTENT_BYTES_MAX + 1);
    for (let call = 0; call < KEPT.slices.pairs; call++) expect(await (await recorder.fetch(base)).text()).toBe('xxx');
    const [large, ...small] = recorder.exchanges;
    expect(large?.answer).toMatchObject({ bytes: CONTENT_BYTES_MAX + 1, content: null, outcome: 'whole', status: 200 });
    expect(small.map(({ isKept }) => isKept)).toEqual([...Array(KEPT.slices.pairs - 1).fill(true), false]);
    expect(small.every(({ answer }) => answer.bytes === 3)).toBe(true);
    server.closeAllConnections();
  });
});

test('a folder where nothing can be written leaves nothing behind', () => {
  const folder = temporaryFolder();
  expect(() => writeAnew(join(folder, 'none', 'x.zip'), new Uint8Array(3), '--out', true)).toThrow('cannot be written');
  expect(existsSync(join(folder, 'none'))).toBe(false);
});
