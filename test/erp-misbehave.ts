import type { ServerResponse } from 'node:http';
import type { Fault } from './erp-contract.ts';

/** Answers as the fault says; `text` is what would have been the good answer. */
export function misbehave(fault: Fault, response: ServerResponse, text: string): void {
  if (fault.kind === 'silence') return;
  if (fault.kind === 'reset') return void response.socket?.destroy();
  if (fault.kind === 'status') return void response.writeHead(fault.status).end('{"error":"no"}');
  if (fault.kind === 'redirect') return void response.writeHead(302, { location: fault.location }).end();
  const type = fault.kind === 'html' ? 'text/html' : 'application/json';
  const bodies = { html: '<h1>Sign in</h1>', empty: '', 'cut-off': text.slice(0, -2) };
  response.writeHead(200, { 'content-type': type }).end(bodies[fault.kind]);
}
