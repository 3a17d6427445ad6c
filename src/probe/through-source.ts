/** Asks a source that has no inquiry of its own, as far as its pages answer: works for every adapter. */
import { TooLargeError } from '../errors.ts';
import type { Inquiry, NoSight, Question, Sight } from '../inquiry.ts';
import type { Page, Partition, Source } from '../pipe.ts';

export function throughSource(source: Source, zone: string): Inquiry {
  /** Even the smallest page was too much for it: that is an answer, too. */
  async function ask(question: Question, signal: AbortSignal): Promise<Sight | NoSight> {
    try {
      return await read(question, signal);
    } catch (thrown) {
      if (!(thrown instanceof TooLargeError)) throw thrown;
      return { kind: 'refused', request: requestOf(question), reason: thrown.message };
    }
  }

  async function read(question: Question, signal: AbortSignal): Promise<Sight | NoSight> {
    const { since, page = 0, size } = question;
    const request = requestOf(question);
    if (size !== undefined || typeof since === 'object')
      return { kind: 'impossible', request, reason: 'this adapter chooses page sizes and bounds itself' };
    const partition = question.partition ?? (await firstOf(source, signal));
    if (partition === null) return { kind: 'refused', request, reason: 'the source names no slice to read' };
    const startMs = performance.now();
    const from = since === undefined ? ({ kind: 'everything' } as const) : ({ kind: 'modified', from: since } as const);
    let at = 0;
    for await (const found of source.pages(partition, from, signal)) {
      if (at++ === page) return sightOf(found, request, performance.now() - startMs);
    }
    return {
      kind: 'page',
      request,
      records: [],
      unusable: [],
      total: null,
      asOf: null,
      ms: performance.now() - startMs,
    };
  }
  return { pageSize: null, isSorted: false, canFilter: true, tellsTime: true, ceilingMs: null, zone, fields: [], ask };
}

const requestOf = ({ since, page = 0, partition }: Question): string =>
  `page ${page + 1} of ${partition?.label ?? 'the first slice'}${typeof since === 'string' ? ` since ${since}` : ''}`;

async function firstOf(source: Source, signal: AbortSignal): Promise<Partition | null> {
  for await (const partition of source.partitions({ kind: 'everything' }, signal)) return partition;
  return null;
}

const sightOf = ({ records, rejected, asOf, total }: Page, request: string, ms: number): Sight => ({
  kind: 'page',
  request,
  records,
  unusable: rejected.map(({ raw }) => raw),
  total: total ?? null,
  asOf,
  ms,
});
