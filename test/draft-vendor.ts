/** A list of one's own making on loopback, the command that drafts a profile of it, and the source that reads it by that. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type DraftFlags, draftProfile } from '../src/commands/probe-draft.ts';
import { documentOf } from '../src/report/documents.ts';
import { parseProfile, type ResourceName } from '../src/sources/erp/profile.ts';
import { restSource } from '../src/sources/erp/rest.ts';

export type Row = Readonly<Record<string, unknown>>;
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly number: number;
  readonly url: string;
}
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Answers by a function that a test can replace. */
export class ListVendor {
  answer: (asked: Asked) => Reply = () => ({ body: [] });
  asked: Asked[] = [];
  #server: Server | null = null;
  url = '';

  async start(): Promise<void> {
    const server = createServer((incoming, response) => {
      const url = new URL(incoming.url ?? '/', this.url);
      const { pathname: path, searchParams: query } = url;
      const asked = { path, query, headers: incoming.headers, number: this.asked.length + 1, url: this.url };
      this.asked.push(asked);
      const { status = 200, headers = {}, body } = this.answer(asked);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    this.#server = server;
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }
}

/** A slice of the rows, and whether there is more. */
export const cut = (rows: readonly Row[], start: number, size: number) => ({
  page: rows.slice(start, start + size),
  isMore: start + size < rows.length,
});

export const whole = (text: string | null, otherwise: number): number =>
  text !== null && /^\d+$/.test(text) ? Number(text) : otherwise;

interface Told {
  readonly setting: string;
  readonly standing: 'proven' | 'guessed' | 'todo' | 'open';
  readonly value: unknown;
  readonly confidence: number | null;
  readonly evidence: string;
}
export interface Drafted {
  readonly yaml: string;
  readonly file: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: number;
  /** Of the first resource: what is told of a setting. */
  readonly told: (setting: string) => Told | undefined;
}

/** In a folder that is gone with `forget`. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), 'retail-sync-draft-'));
  #files = 0;

  forget(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async draft(
    urls: readonly string[],
    env: Readonly<Record<string, string>> = { ERP_TOKEN: 'canary-token' },
    flags: DraftFlags = {},
  ): Promise<Drafted> {
    const file = flags.draft ?? `vendor-${++this.#files}.yaml`;
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const stop = new AbortController().signal;
    const invocation = { env, cwd: this.folder, stdout, stderr, stop, trigger: 'manual' };
    await draftProfile({ system: 'erp', resource: null }, { json: true, ...flags, draft: file, url: urls }, invocation);
    const printed = String(stdout.read());
    const document = flags.json === false ? null : JSON.parse(printed);
    if (document !== null) documentOf(['probe']).parse(document);
    const settings: readonly Told[] = document?.draft.resources[0].settings ?? [];
    return {
      ...{ file: join(this.folder, file), yaml: readFileSync(join(this.folder, file), 'utf8') },
      ...{ stdout: printed, stderr: String(stderr.read() ?? ''), calls: document?.counts.calls ?? 0 },
      told: (setting) => settings.find((one) => one.setting === setting),
    };
  }
}

/** The faults that `profile check` would print, as line numbers. */
export function faultLines(yaml: string): number[] {
  try {
    parseProfile(yaml, 'f.yaml');
    return [];
  } catch (thrown) {
    return [...String(thrown).matchAll(/f\.yaml:(\d+):/g)].map(([, line]) => Number(line));
  }
}

export const todoLines = (yaml: string): number[] =>
  yaml.split('\n').flatMap((line, at) => (/: # TODO /.test(line) && !line.trim().startsWith('#') ? [at + 1] : []));

interface Login {
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

/** Every record, through the drafted profile and nothing else. */
export async function readThrough(
  yaml: string,
  resource: ResourceName = 'products',
  login: Login = { token: 'canary-token' },
) {
  const profile = parseProfile(yaml, 'drafted.yaml');
  const source = restSource({
    ...{ profile, resource, baseUrl: profile.baseUrls?.production ?? '', credentials: login, attemptsMax: 2 },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    random: () => 0.5,
  });
  const never = new AbortController().signal;
  const everything = { kind: 'everything' } as const;
  const records = new Map<string, unknown>();
  for await (const slice of source.partitions(everything, never))
    for await (const page of source.pages(slice, everything, never)) {
      if (page.rejected.length > 0) throw new Error(`rejected: ${page.rejected[0]?.reason}`);
      for (const record of page.records) records.set(record.id, source.canonical(record.raw));
    }
  const paging = profile.resources[resource]?.paging;
  return { paging, ids: [...records.keys()], canonicals: [...records.values()] };
}
