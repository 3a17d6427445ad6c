/** What an ERP's wire may do to the evidence: another character set, queries cut off, refusals without an end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Recorder } from '../src/evidence/recorder.ts';
import { closeLater } from './cli-harness.ts';
import { envOf, openErp, unpacked, workplace } from './evidence-harness.ts';

async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Listing {
  readonly data?: readonly Readonly<Record<string, unknown>>[];
}

/** The sandbox's ERP, whose answer `spoil` may take in hand: it returns true where it did. */
const inFrontOf = (stagingUrl: string, spoil: (path: string, response: ServerResponse) => boolean): Promise<string> =>
  listening(async ({ url = '', headers: { authorization = '' } }, response) => {
    if (spoil(url, response)) return;
    const reply = await fetch(`${stagingUrl}${url}`, { headers: { authorization } });
    response.writeHead(reply.status, { 'content-type': 'application/json', date: new Date().toUTCString() });
    response.end(await reply.text());
  });

/** A profile that says the vendor ends queries after a tenth of a second: then the first that is cut off is not repeated. */
function impatient(folder: string): string {
  const path = join(folder, 'impatient.yaml');
  const profile = readFileSync('src/sources/erp/profiles/sandbox.yaml', 'utf8');
  writeFileSync(path, profile.replace(/ceilingMs: \d+/, 'ceilingMs: 100'));
  return path;
}

/** The sandbox's ERP, speaking ISO-8859-1, as an old one does. */
async function openOldErp(row: Readonly<Record<string, unknown>>): Promise<string> {
  const { stagingUrl } = await openErp();
  return listening(async ({ url = '', headers: { authorization = '' } }, response) => {
    const reply = await fetch(`${stagingUrl}${url}`, { headers: { authorization } });
    const body: Listing = JSON.parse(await reply.text());
    const text = JSON.stringify({
      ...body,
      ...(body.data ? { data: body.data.map((one) => ({ ...one, ...row })) } : {}),
    });
    const head = { 'content-type': `application/json; charset=ISO-8859-1`, date: new Date().toUTCString() };
    response.writeHead(reply.status, head).end(Buffer.from(text, 'latin1'));
  });
}

test('an answer in ISO-8859-1 is read as such: what is kept is legible, and names in it are masked', async () => {
  const row = { companyName: 'Müßigbrodt Söhne', salesContact: 'Jürgen Müßigbrodt', custNo: 'MÜ-0815' };
  const { folder, gather } = workplace(envOf({ stagingUrl: await openOldErp(row) }));
  expect((await gather({ resource: 'customers' })).exit).toBe(0);
  const files = unpacked(join(folder, 'case.zip'));
  const answers = [...files].filter(([name, body]) => name.endsWith('-response.json') && body.includes('custNo'));
  expect(answers.length).toBeGreaterThan(5);
  for (const [, body] of answers) expect(body).toContain('"custNo": "MÜ-0815"');
  const text = [...files.values()].join('\n');
  expect(text).toContain('"salesContact": "Aaaaaa Aaaaaaaaaa"');
  expect(text).not.toMatch(/\ufffd|Jürgen|Müßig|brodt|Söhne/i);
});

test('an ERP that ends every query is evidence: exit 6, and a zip that says so and finds nothing else', async () => {
  const { stagingUrl } = await openErp();
  const url = await inFrontOf(stagingUrl, (path, response) => {
    if (!path.includes('api/accounts')) return false;
    setTimeout(() => response.destroy(), 110);
    return true;
  });
  const { folder, gather } = workplace(envOf({ stagingUrl: url }));
  const { exit, said } = await gather({ resource: 'customers', json: true }, { ERP_PROFILE: impatient(folder) });
  const { findings, stopped, status } = JSON.parse(said);
  expect([exit, status, findings]).toEqual([6, 'failed', []]);
  expect(stopped).toMatchObject([
    { resource: 'customers', reason: expect.stringMatching(/^none of \d+ questions got/) },
  ]);
  const files = unpacked(join(folder, 'case.zip'));
  expect(files.get('README.md')).toContain('none of');
  expect(files.get('timings.csv')).toMatch(/,no answer \(UND_ERR_SOCKET\),yes/);
});

test('what a refusal says is not waited for without end: it is left unread, and the caller has its status', async () => {
  const url = await listening((_request, response) => {
    response.writeHead(503, { 'retry-after': '7' });
    response.write('{"error":'); // and never the rest
  });
  const recorder = new Recorder(60);
  recorder.begin('products', 'sample');
  const response = await recorder.fetch(url);
  expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([503, '7', '']);
  const [{ answer } = { answer: null }] = recorder.exchanges;
  expect(answer).toMatchObject({ outcome: 'left unread', bytes: 9, status: 503, failure: null });
  expect(answer?.totalMs).toBeGreaterThan(50);
});
