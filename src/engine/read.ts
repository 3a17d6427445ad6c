/** Reads one partition to its proven end: sweeps again when the counts do not agree, splits what is too large. */
import { EXIT, FatalError, TooLargeError, TransientError } from '../errors.ts';
import type { Page, Partition, Since, Source } from '../pipe.ts';

/** What is known of one partition after reading it. */
export interface PartitionProof {
  readonly partition: string;
  readonly label: string;
  /** What the source says the slice holds; null when it does not say. */
  readonly expected: number | null;
  readonly fetched: number;
  readonly repeats: number;
  readonly pages: number;
  readonly sweeps: number;
  readonly ms: number;
  readonly verdict: 'complete' | 'unproven' | 'failed' | 'limited';
  readonly reason: string | null;
  /** The source's clock at the first page of the proven sweep: later changes are not covered. */
  readonly asOf: string | null;
  /** Why more was read than what changed; null when an earlier reading left nothing owed. */
  readonly again?: string | null;
}

interface PageTaken {
  readonly fresh: number;
  readonly repeats: number;
}

export interface ReadOptions {
  readonly source: Source;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly beginSweep: () => void;
  /** Takes a page in, the `number`th of its sweep; `lastOfSorted` is the instant up to which a sorted listing has been read. */
  readonly onPage: (
    page: Page,
    partition: Partition,
    lastOfSorted: string | null,
    number: number,
  ) => Promise<PageTaken>;
  /** A slice was too large and is asked in these parts. */
  readonly onCut: (whole: Partition, parts: readonly Partition[]) => void;
  /** Records still wanted; null without a limit. */
  readonly room: () => number | null;
}

/** A listing that shifts while it is read is read again, this often at most. */
const SWEEPS_MAX = 3;
/** 100,000 pages of 200 are 20 million records: beyond it a source goes in circles. */
const PAGES_MAX = 100_000;

/** Yields one proof per slice read; a slice that is too large is replaced by its parts. */
export async function* readPartition(
  partition: Partition,
  since: Since,
  options: ReadOptions,
): AsyncGenerator<PartitionProof> {
  const startedMs = options.now();
  const about = { partition: partition.key, label: partition.label };
  try {
    const result = await sweepUntilProven(partition, since, options);
    yield { ...about, ...result, ms: options.now() - startedMs };
  } catch (error) {
    const parts = error instanceof TooLargeError ? options.source.split(partition) : [];
    if (parts.length > 0) options.onCut(partition, parts);
    for (const part of parts) yield* readPartition(part, since, options);
    if (parts.length > 0) return;
    const isOurs = error instanceof TooLargeError || (error instanceof TransientError && error.system === 'source');
    if (!isOurs) throw error;
    yield { ...about, ...UNREAD, reason: error.message, ms: options.now() - startedMs };
  }
}

const UNREAD = { expected: null, fetched: 0, repeats: 0, pages: 0, sweeps: 1, asOf: null, verdict: 'failed' } as const;

async function sweepUntilProven(
  partition: Partition,
  since: Since,
  options: ReadOptions,
): Promise<Omit<PartitionProof, 'partition' | 'label' | 'ms'>> {
  for (let sweeps = 1; ; sweeps++) {
    const { limited, ...counted } = await sweep(partition, since, options);
    if (limited) return { ...counted, sweeps, verdict: 'limited', reason: 'stopped at --limit' };
    const reason = doubt(counted);
    if (reason === null) return { ...counted, sweeps, verdict: 'complete', reason };
    if (sweeps === SWEEPS_MAX) return { ...counted, sweeps, verdict: 'unproven', reason };
  }
}

interface Sweep {
  readonly expected: number | null;
  readonly fetched: number;
  readonly repeats: number;
  readonly pages: number;
  readonly asOf: string | null;
  readonly limited: boolean;
}

async function sweep(partition: Partition, since: Since, options: ReadOptions): Promise<Sweep> {
  const tokens = new Set<string>();
  let [fetched, repeats, pages] = [0, 0, 0];
  let expected: number | null = null;
  let asOf: string | null = null;
  let reached: string | null = null;
  let sorted = true;
  options.beginSweep();
  for await (const page of ahead(options.source.pages(partition, since, options.signal))) {
    if (++pages > PAGES_MAX) throw standsStill(partition, `more than ${PAGES_MAX} pages`);
    if (page.next !== null && tokens.has(page.next))
      throw standsStill(partition, `page ${pages} leads to one already read`);
    if (page.next !== null) tokens.add(page.next);
    asOf ??= page.asOf;
    expected = page.total ?? expected;
    const room = options.room();
    const cut = room !== null && page.records.length >= room;
    const kept = cut ? { ...page, records: page.records.slice(0, room) } : page;
    // A listing that promised an order and broke it moves no cursor before the sweep has ended.
    const first = kept.records[0]?.modifiedAt;
    sorted = sorted && page.sorted && ascending(kept) && !(reached !== null && first !== undefined && first < reached);
    reached = kept.records.at(-1)?.modifiedAt ?? reached;
    const taken = await options.onPage(kept, partition, sorted ? reached : null, pages);
    fetched += taken.fresh;
    repeats += taken.repeats;
    if (cut) return { expected, fetched, repeats, pages, asOf, limited: true };
  }
  return { expected, fetched, repeats, pages, asOf, limited: false };
}

/** Why a sweep proves nothing; null when it does. */
function doubt({ expected, fetched }: Omit<Sweep, 'limited'>): string | null {
  if (expected === null || expected === fetched) return null;
  return `the source says ${expected} records, ${fetched} were read`;
}

function ascending(page: Page): boolean {
  for (let index = 1; index < page.records.length; index++) {
    if ((page.records[index]?.modifiedAt ?? '') < (page.records[index - 1]?.modifiedAt ?? '')) return false;
  }
  return true;
}

/** Asks for the next page while the present one is worked on: one page ahead, never more. */
async function* ahead(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
  const iterator = pages[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const result = await next;
      if (result.done) return;
      next = iterator.next();
      next.catch(() => undefined); // it is awaited in the next round; until then its failure is no unhandled one
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

const standsStill = (partition: Partition, what: string): FatalError =>
  new FatalError(
    EXIT.source,
    `reading ${partition.label} stands still: ${what}`,
    'the source repeats itself; look at its paging, and at docs/adding-an-erp.md',
  );
