/** One look at production: is it the ERP, is enough in it, does it have the shape the mapper needs. Only reads. */
import type { Page, Partition, Since, Source } from '../pipe.ts';
import { misfit, type Sampled, type Shape } from './shape.ts';

export interface Verdict {
  readonly agrees: boolean;
  /** Records that production holds; null when it could not be told. */
  readonly records: number | null;
  /** What it is based on, or what is wrong. */
  readonly reason: string;
}

/** What is known from staging, to hold production against. */
export interface KnownFromStaging {
  readonly records: number;
  /** Some of their ids, spread over all. */
  readonly ids: readonly string[];
}

export interface ShadowOptions {
  readonly source: Source;
  readonly shape: Shape;
  readonly staging: KnownFromStaging;
  /** Least share of staging's records that production has to hold. */
  readonly minShare: number;
  /** Changes since then make half of the sample, where the source can tell them. */
  readonly recentFrom: string;
  readonly signal: AbortSignal;
}

const SAMPLE_MIN = 50;
const SAMPLE_MAX = 200;
/** Slices that are looked into: these many, and more only while the sample is too small. */
const SLICES = 4;
const SLICES_MAX = 25;
/** Pages of one slice, for a vendor that serves a few rows at a time. */
const PAGES_MAX = 10;

const EVERYTHING: Since = { kind: 'everything' };

/** Throws what the source throws; whoever calls turns that into a disagreement. */
export async function shadowRead(options: ShadowOptions): Promise<Verdict> {
  const { source, staging, minShare } = options;
  const records = await holdings(options);
  if (records === null) return disagrees(null, 'does not tell how many records it holds, nor do its ids');
  if (records === 0) return disagrees(0, 'answers, but holds no records');
  const asked = Math.ceil(staging.records * minShare);
  if (records < asked) {
    return disagrees(records, `holds ${records} records; staging has ${staging.records}, ${asked} are the least`);
  }
  const sample = await sampleOf(options);
  if (sample.length < Math.min(SAMPLE_MIN, records)) {
    return disagrees(records, `says that it holds ${records} records, and shows ${sample.length}`);
  }
  const fault = misfit(sample, source, options.shape);
  if (fault !== null) return disagrees(records, fault);
  return { agrees: true, records, reason: `holds ${records} records; a sample of ${sample.length} fits the mapper` };
}

const disagrees = (records: number | null, reason: string): Verdict => ({ agrees: false, records, reason });

interface Counting {
  /** Null when the vendor does not say. */
  count(since: Since, signal: AbortSignal): Promise<number | null>;
}

const canCount = (source: Source): source is Source & Counting =>
  'count' in source && typeof source.count === 'function';

/** What the vendor says; where it says nothing, staging's records by the share of them that are found by their ids. */
async function holdings({ source, staging, signal }: ShadowOptions): Promise<number | null> {
  const told = canCount(source) ? await source.count(EVERYTHING, signal) : null;
  if (told !== null || staging.ids.length === 0) return told;
  const found = await source.get(staging.ids, signal);
  return Math.floor((staging.records * found.length) / staging.ids.length);
}

/** The first pages of several slices, and of the latest changes; an id counts once. */
async function sampleOf(options: ShadowOptions): Promise<readonly Sampled[]> {
  const rows = new Map<string, Sampled>();
  let slices = 0;
  for await (const slice of options.source.partitions(EVERYTHING, options.signal)) {
    await firstRows(slice, EVERYTHING, rows, options);
    if (slices === 0) await firstRows(slice, { kind: 'modified', from: options.recentFrom }, rows, options);
    slices++;
    if (slices >= SLICES_MAX || (slices >= SLICES && rows.size >= SAMPLE_MIN)) break;
  }
  return spread([...rows.values()], SAMPLE_MAX);
}

async function firstRows(
  slice: Partition,
  since: Since,
  rows: Map<string, Sampled>,
  { source, signal }: ShadowOptions,
): Promise<void> {
  let seen = 0;
  let pages = 0;
  for await (const page of source.pages(slice, since, signal)) {
    seen += collect(page, rows);
    if (++pages >= PAGES_MAX || seen >= SAMPLE_MIN) return;
  }
}

/** Returns how many rows the page holds. */
function collect({ records, rejected }: Page, rows: Map<string, Sampled>): number {
  for (const record of records) rows.set(`id ${record.id}`, record);
  for (const _ of rejected) rows.set(`row ${rows.size}`, null);
  return records.length + rejected.length;
}

/** Up to `max` of them, at even distances. */
function spread<T>(items: readonly T[], max: number): T[] {
  if (items.length <= max) return [...items];
  const places = new Set(Array.from({ length: max }, (_, nth) => Math.floor((nth * items.length) / max)));
  return items.filter((_, place) => places.has(place));
}
