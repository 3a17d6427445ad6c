/** What an ERP's wire may do to the evidence: another character set. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
