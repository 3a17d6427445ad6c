/** A probe's questions to a JSON ERP: single pages, asked with the profile's words, judged by nobody. */
import { EXIT, FatalError, TooLargeError } from '../../errors.ts';
import type { Inquiry, NoSight, Question, Sight } from '../../inquiry.ts';
import { withChildren } from './children.ts';
import { type Listing, listingOf, type RowTaker } from './listing.ts';
import { pageQuery } from './pager.ts';
import type { Field, Paging, Profile, Resource } from './profile-schema.ts';
import { combined, type Query, requestOf, sinceQuery } from './query.ts';
import { boundMaker } from './since.ts';
import type { Transport } from './transport.ts';

interface InquiryOptions {
  readonly name: string;
  readonly resource: Resource;
  readonly profile: Profile;
  readonly transport: Transport;
  readonly taker: RowTaker;
}

export function erpInquiry({ name, resource, profile, transport, taker }: InquiryOptions): Inquiry {
  const { paging, since, sort, path } = resource;
  const bound = since ? boundMaker(since, profile.zone) : null;

  function query({ partition, since: from, page = 0, size = paging.size }: Question): Query {
    const text = typeof from === 'string' ? bound?.(Date.parse(from)).text : from?.literally;
    return {
      ...combined(resource.filter, [resource.query, partition?.filter ?? {}, sinceQuery(resource, text ?? null)]),
      ...(sort ? { [sort.param]: sort.value } : {}),
      ...pageQuery({ ...paging, size }, page),
      ...(paging.kind === 'offset' ? { [paging.param]: String(page * size) } : {}),
    };
  }

  async function ask(question: Question, signal: AbortSignal): Promise<Sight | NoSight> {
    const asked = query(question);
    const request = `${resource.method} ${path}?${new URLSearchParams(asked)}`;
    const obstacle = obstacleTo(question, resource);
    if (obstacle !== null) return { kind: 'impossible', request, reason: obstacle };
    const startMs = performance.now();
    try {
      const read = (json: unknown, headers: Headers): Listing => listingOf(json, resource, taker, headers);
      const sized = { ...resource, paging: { ...paging, size: question.size ?? paging.size } };
      const words = { path, ...requestOf(sized, asked), what: name, canCut: true, read };
      const { value, asOf } = await transport.ask(words, signal);
      const records = value.placed.map(({ record }) => record);
      return {
        kind: 'page',
        request,
        records: await withChildren(records, resource.children, transport, signal),
        unusable: value.refused.map(({ row }) => row.raw),
        total: value.total ?? null,
        asOf,
        ms: performance.now() - startMs,
      };
    } catch (thrown) {
      const isRefused = thrown instanceof FatalError && thrown.exit === EXIT.source;
      if (!isRefused && !(thrown instanceof TooLargeError)) throw thrown;
      return { kind: 'refused', request, reason: thrown.message };
    }
  }

  return {
    pageSize: paging.size,
    isSorted: sort !== undefined,
    canFilter: since !== undefined,
    tellsTime: true,
    ceilingMs: profile.limits.ceilingMs ?? null,
    zone: profile.zone,
    fields: Object.entries(resource.fields).flatMap(([field, spec]) => pathsOf(field, spec)),
    ask,
  };
}

function obstacleTo({ page = 0, size, since }: Question, { paging, since: filter }: Resource): string | null {
  if (since !== undefined && filter === undefined) return 'the profile names no date filter (since)';
  if (page > 0 && !hasNumbers(paging)) return `pages are told by the vendor's own ${paging.kind}s`;
  if (size !== undefined && size !== paging.size && paging.sizeParam === undefined)
    return 'the profile names no sizeParam';
  return null;
}

const hasNumbers = ({ kind }: Paging): boolean => kind === 'page' || kind === 'offset';

/** `firstOf` is filled by any of its paths: only when it has one is that path surely needed. */
function pathsOf(field: string, { path, firstOf, object, each }: Field): { field: string; path: string }[] {
  const own = path === undefined ? [] : [{ field, path }];
  if (firstOf?.length === 1 && firstOf[0] !== undefined) return [{ field, path: firstOf[0] }];
  const stem = path === undefined ? '' : `${path}${each ? '[]' : ''}.`;
  const parts = Object.entries(object ?? each ?? {}).flatMap(([part, leaf]) =>
    leaf.path === undefined ? [] : [{ field: `${field}${each ? '[]' : ''}.${part}`, path: `${stem}${leaf.path}` }],
  );
  return [...own, ...parts];
}
