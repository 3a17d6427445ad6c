/**
 * A sample that is spread over what a source holds: over its slices, over the ages of its records, and so that every
 * code seen is in it. The first page alone is the oldest, or the lowest ids, and says little about the others.
 */
import { TransientError } from '../errors.ts';
import type { Inquiry, Question, Sight } from '../inquiry.ts';
import type { Instant, Partition, SourceRecord } from '../pipe.ts';

export interface SampleOptions {
  readonly inquiry: Inquiry;
  /** All slices; empty when the resource is asked as a whole. */
  readonly partitions: readonly Partition[];
  /** Records wanted; fewer only where the source shows fewer. */
  readonly size: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly calls: number; readonly records: number }) => void;
}

export interface Sample {
  readonly records: readonly SourceRecord[];
  /** Rows without a usable id or date, on the pages that were read. */
  readonly unusable: readonly unknown[];
  /** Records on the pages that were read: the sample is chosen from them. */
  readonly seen: number;
  readonly calls: number;
  readonly slices: number;
  readonly oldest: Instant | null;
  readonly newest: Instant | null;
  /** The newest time the source said it is; null when it never did. */
  readonly asOf: Instant | null;
  readonly sights: readonly Sight[];
}

const DAY_MS = 86_400_000;
/** How far back the changes reach from which records are taken, in days. */
const AGES_DAYS = [1, 7, 30, 90, 365, 1_095] as const;
/** Slices that are looked into, at even distances. */
const SLICES_MAX = 8;
/** More pages than these are never read for one sample. */
const CALLS_MAX = 40;
/** Records kept of one page to choose from, and of all pages. */
const PAGE_KEPT_MAX = 1_000;
/** Records added for codes that the even choice missed. */
const RARE_MAX = 20;

/** Throws TransientError when the source refused every question: then nothing is known of it. */
export async function takeSample(options: SampleOptions): Promise<Sample> {
  const gathering = new Gathering(options);
  const slices = evenly(options.partitions, SLICES_MAX);
  for (const partition of slices.length > 0 ? slices : [undefined]) await gathering.ask(scope(partition));
  if (options.inquiry.canFilter) await gathering.askByAge(slices);
  for (let page = 1; gathering.isShort && page < CALLS_MAX; page++) {
    const before = gathering.seen;
    for (const partition of slices.length > 0 ? slices : [undefined])
      await gathering.ask({ ...scope(partition), page });
    if (gathering.seen === before) break;
  }
  return gathering.sample(slices.length);
}

const scope = (partition: Partition | undefined): Question => (partition === undefined ? {} : { partition });

class Gathering {
  readonly #options: SampleOptions;
  readonly #sights: Sight[] = [];
  readonly #refusals: string[] = [];
  readonly #ids = new Set<string>();
  #calls = 0;

  constructor(options: SampleOptions) {
    this.#options = options;
  }

  get seen(): number {
    return this.#ids.size;
  }

  get isShort(): boolean {
    return this.#ids.size < this.#options.size && this.#calls < CALLS_MAX;
  }

  async ask(question: Question): Promise<void> {
    if (this.#calls >= CALLS_MAX) return;
    const { inquiry, signal, onProgress } = this.#options;
    this.#calls++;
    const sight = await inquiry.ask(question, signal);
    if (sight.kind === 'page') {
      const kept = evenly(sight.records, PAGE_KEPT_MAX);
      this.#sights.push({ ...sight, records: kept });
      for (const { id } of kept) this.#ids.add(id);
    } else if (sight.kind === 'refused') this.#refusals.push(`${sight.request}: ${sight.reason}`);
    onProgress?.({ calls: this.#calls, records: this.#ids.size });
  }

  /** The changes since ever earlier times, each of another slice in turn. */
  async askByAge(slices: readonly Partition[]): Promise<void> {
    const nowMs = this.#asOfMs() ?? this.#options.nowMs;
    const oldestMs = Math.min(
      ...this.#sights.flatMap(({ records }) => records.map((one) => Date.parse(one.modifiedAt))),
    );
    for (const [at, days] of AGES_DAYS.entries()) {
      const ms = nowMs - days * DAY_MS;
      if (ms < oldestMs) return;
      await this.ask({ ...scope(slices[at % Math.max(1, slices.length)]), since: new Date(ms).toISOString() });
    }
  }

  #asOfMs(): number | null {
    const told = this.#sights.flatMap(({ asOf }) => (asOf === null ? [] : [Date.parse(asOf)]));
    return told.length === 0 ? null : Math.max(...told);
  }

  sample(slices: number): Sample {
    const [refusal] = this.#refusals;
    if (this.#sights.length === 0 && refusal !== undefined)
      throw new TransientError('source', `none of ${this.#calls} questions got records; the first: ${refusal}`);
    const records = chosen(this.#sights, this.#options.size);
    const dates = records.map(({ modifiedAt }) => modifiedAt).sort();
    const asOfMs = this.#asOfMs();
    return {
      records,
      unusable: this.#sights.flatMap(({ unusable }) => unusable),
      seen: this.#ids.size,
      calls: this.#calls,
      slices,
      oldest: dates[0] ?? null,
      newest: dates.at(-1) ?? null,
      asOf: asOfMs === null ? null : new Date(asOfMs).toISOString(),
      sights: this.#sights,
    };
  }
}

/** The same number from each page as far as it has them, at even distances, an id once; then what carries a rare code. */
function chosen(sights: readonly Sight[], size: number): SourceRecord[] {
  const taken = new Map<string, SourceRecord>();
  const pages = sights.map(({ records }) => records);
  for (let each = Math.ceil(size / Math.max(1, pages.length)); taken.size < size; each *= 2) {
    for (const page of pages) {
      for (const record of evenly(page, each))
        if (taken.size < size && !taken.has(record.id)) taken.set(record.id, record);
    }
    if (pages.every((page) => page.length <= each)) break;
  }
  for (const record of withRareCodes(pages.flat(), taken)) taken.set(record.id, record);
  return [...taken.values()];
}

const CODES_MAX = 30;
const CODE_CHARS_MAX = 24;

/** Records whose short texts are codes that no chosen record has. */
function withRareCodes(all: readonly SourceRecord[], taken: ReadonlyMap<string, SourceRecord>): SourceRecord[] {
  const values = new Map<string, Map<string, SourceRecord | null>>();
  const note = (record: SourceRecord, isTaken: boolean): void => {
    for (const [name, value] of codesOf(record.raw)) {
      const known = values.get(name) ?? new Map<string, SourceRecord | null>();
      values.set(name, known);
      if (known.size > CODES_MAX) continue;
      if (isTaken) known.set(value, null);
      else if (!known.has(value)) known.set(value, record);
    }
  };
  for (const record of all) note(record, taken.has(record.id));
  const rare = [...values.values()]
    .filter((known) => known.size <= CODES_MAX)
    .flatMap((known) => [...known.values()].filter((record) => record !== null));
  return [...new Map(rare.map((record) => [record.id, record])).values()].slice(0, RARE_MAX);
}

function codesOf(raw: unknown): [string, string][] {
  if (typeof raw !== 'object' || raw === null) return [];
  return Object.entries(raw).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length <= CODE_CHARS_MAX,
  );
}

/** Up to `max` of them, at even distances, the first and the last among them. */
export function evenly<T>(items: readonly T[], max: number): T[] {
  if (items.length <= max) return [...items];
  if (max <= 1) return items.slice(0, max);
  const places = new Set(Array.from({ length: max }, (_, nth) => Math.round((nth * (items.length - 1)) / (max - 1))));
  return items.filter((_, place) => places.has(place));
}
