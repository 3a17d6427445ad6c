/**
 * A probe's questions to a portal: ids by search, in the order of their last change, then all properties by batch read.
 * A search body may hold 3,000 characters, too few for the names of all properties; a batch read has no such limit
 * (developers.hubspot.com/docs/api-reference, search and batch read).
 */
import { z } from 'zod';
import { EXIT, FatalError } from '../../errors.ts';
import type { Inquiry, NoSight, Question, Sight } from '../../inquiry.ts';
import type { ObjectType } from '../../pipe.ts';
import { ask } from './ask.ts';
import { listProperties } from './schema-reads.ts';
import type { Transport } from './transport.ts';

/** Inputs of one batch read, at most. */
const PAGE_MAX = 100;
const objects = z.object({
  total: z.number().optional(),
  results: z.array(z.object({ id: z.coerce.string(), properties: z.record(z.string(), z.unknown()).nullish() })),
});

export function hubspotInquiry(transport: Transport, object: ObjectType): Inquiry {
  // Contacts have spelt it without the prefix since before the others had it.
  const modified = object === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate';
  let names: readonly string[] | null = null;

  async function search({ since, page = 0, size = PAGE_MAX }: Question, signal: AbortSignal) {
    const bound = typeof since === 'string' ? String(Date.parse(since)) : since?.literally;
    const filters = bound === undefined ? [] : [{ propertyName: modified, operator: 'GTE', value: bound }];
    const body = {
      ...(filters.length > 0 ? { filterGroups: [{ filters }] } : {}),
      sorts: [{ propertyName: modified, direction: 'ASCENDING' }],
      properties: [modified],
      limit: size,
      after: String(page * size),
    };
    const path = transport.paths.search(object);
    return ask(
      transport,
      { method: 'POST', path, body, budget: 'search', operation: `${object} search`, kind: 'read' },
      objects,
      signal,
    );
  }

  async function read(ids: readonly string[], signal: AbortSignal) {
    names ??= [...(await listProperties(transport, object, { archived: false }, signal)).keys()];
    if (ids.length === 0) return [];
    const body = { properties: names, propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) };
    const path = transport.paths.batch(object, 'read');
    const call = { method: 'POST', path, body, budget: 'burst', operation: `${object} read`, kind: 'read' } as const;
    return (await ask(transport, call, objects, signal)).results;
  }

  async function see(question: Question, signal: AbortSignal): Promise<Sight | NoSight> {
    const said = typeof question.since === 'string' ? ` ${modified} >= ${question.since}` : '';
    const request = `POST ${object}/search page ${(question.page ?? 0) + 1}${said}`;
    const startMs = performance.now();
    try {
      const found = await search(question, signal);
      const ms = performance.now() - startMs;
      const results = await read(
        found.results.map(({ id }) => id),
        signal,
      );
      const byId = new Map(results.map((result) => [result.id, result.properties ?? {}]));
      const records = found.results.flatMap(({ id }) => {
        const raw = byId.get(id);
        const at = Date.parse(String(raw?.[modified] ?? ''));
        if (raw === undefined || Number.isNaN(at)) return [];
        return [{ id, entities: [id], modifiedAt: new Date(at).toISOString(), raw }];
      });
      return { kind: 'page', request, records, unusable: [], total: found.total ?? null, asOf: null, ms };
    } catch (thrown) {
      if (!(thrown instanceof FatalError) || thrown.exit !== EXIT.hubspot) throw thrown;
      return { kind: 'refused', request, reason: thrown.message };
    }
  }

  return {
    ...{
      pageSize: PAGE_MAX,
      isSorted: true,
      canFilter: true,
      tellsTime: false,
      ceilingMs: null,
      zone: 'UTC',
      fields: [],
    },
    ask: see,
  };
}
