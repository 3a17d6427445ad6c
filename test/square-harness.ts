/** What the tests of Square share: emulators that end with their test, and whole reads in one call. */
import nock from 'nock';
import { afterEach } from 'vitest';
import type { Page, Partition, Since, SourceRecord } from '../src/pipe.ts';
import { type SquareSandbox, type SquareSandboxOptions, startSquare } from '../src/sandbox/square/server.ts';
import { type SquareOrder, squareOrderSchema } from '../src/sources/square/model.ts';
import { type SquareSource, type SquareSourceOptions, squareSource } from '../src/sources/square.ts';

// Who fakes single answers turns nock on; all others speak to a real server over the real fetch.
nock.restore();

export const AS_OF_MS = Date.parse('2026-11-20T12:00:00.000Z');
export const DAY_MS = 86_400_000;
export const EVERYTHING: Since = { kind: 'everything' };
export const signal = new AbortController().signal;
const running: SquareSandbox[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
});

export async function start(options: Partial<SquareSandboxOptions> = {}): Promise<SquareSandbox> {
  const sandbox = await startSquare({ seed: 7, orders: 120, now: () => AS_OF_MS, asOfMs: AS_OF_MS, ...options });
  running.push(sandbox);
  return sandbox;
}

export const sourceOf = (sandbox: SquareSandbox, options: Partial<SquareSourceOptions> = {}): SquareSource =>
  squareSource({ token: sandbox.token, baseUrl: sandbox.url, retryBaseMs: 1, random: () => 0.5, ...options });

export async function partitionsOf(source: SquareSource): Promise<Partition[]> {
  return await Array.fromAsync(source.partitions(EVERYTHING, signal));
}

export async function pagesOf(source: SquareSource, since: Since = EVERYTHING): Promise<Page[]> {
  const pages: Page[] = [];
  for (const partition of await partitionsOf(source)) {
    pages.push(...(await Array.fromAsync(source.pages(partition, since, signal))));
  }
  return pages;
}

export const recordsOf = (pages: readonly Page[]): SourceRecord[] => pages.flatMap((page) => page.records);
export const idsOf = (pages: readonly Page[]): string[] => recordsOf(pages).map((record) => record.id);

export const canonicalOf = (source: SquareSource, record: SourceRecord | undefined): SquareOrder =>
  squareOrderSchema.parse(source.canonical(record?.raw));

export async function failureOf(work: Promise<unknown>): Promise<Error> {
  return await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

export const changedAfter = (sandbox: SquareSandbox, ms: number): string[] =>
  sandbox
    .orders()
    .filter((order) => Date.parse(order.updated_at) >= ms)
    .map((order) => order.id);

/** For a partition that cannot be missing. */
export const fail = (): never => {
  throw new Error('the test needs a partition');
};
