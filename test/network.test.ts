import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';

describe('a test', () => {
  test('cannot reach another machine with fetch', async () => {
    const refused = await fetch('https://api.hubapi.com/').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(String(refused instanceof Error ? refused.cause : '')).toContain('only loopback is allowed');
  });

  test('cannot reach another machine with a socket', async () => {
    const refused = await new Promise((done) => connect(443, '203.0.113.1').once('error', done));
    expect(String(refused)).toContain('only loopback is allowed');
  });

  test('reaches this machine', async () => {
    const server = createServer((_, answer) => answer.end('here'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe('here');
    await new Promise((done) => server.close(done));
  });
});
