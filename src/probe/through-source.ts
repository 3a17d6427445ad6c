/** Asks a source that has no inquiry of its own, as far as its pages answer: works for every adapter. */
import type { Inquiry, NoSight, Question, Sight } from '../inquiry.ts';
import type { Page, Partition, Source } from '../pipe.ts';

export function throughSource(source: Source, zone: string): Inquiry {
  async function ask(question: Question, signal: AbortSignal): Promise<Sight | NoSight> {
    const { since, page = 0, size } = question;
    const request = `page ${page + 1} of ${question.partition?.label ?? 'the first slice'}${typeof since === 'string' ? ` since ${since}` : ''}`;
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
