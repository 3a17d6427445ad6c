/** A sample taken through adapter and mapper, as a sync would take it: what it would lack, refuse or not know. */
import type { Inquiry } from '../inquiry.ts';
import type { Facts, Mapping, Source, SourceRecord } from '../pipe.ts';
import { type Finding, percent } from './finding.ts';
import type { SampleSummary } from './model.ts';

export interface AgainstOptions {
  readonly mapping: Mapping<unknown>;
  readonly source: Pick<Source, 'canonical'>;
  readonly inquiry: Pick<Inquiry, 'fields'>;
  readonly records: readonly SourceRecord[];
  /** Statistics of the same records. */
  readonly summary: SampleSummary;
  readonly facts: Facts;
  /** Of an earlier look: a field that it had not may be a lost one under its new name. */
  readonly baseline?: SampleSummary | null;
  /** Where a person corrects what is wrong: the ERP profile's name, or the adapter. */
  readonly where: string;
}

export interface Against {
  readonly findings: readonly Finding[];
  readonly counts: { readonly mapped: number; readonly excluded: number; readonly rejected: number };
}

/** Fewer records may lack a field by chance. */
const HOLDERS_MIN = 20;
/** A few dirty records are everywhere, and become dead letters; more are a change of shape. */
const REJECTED_SHARE = 0.05;
const REJECTED_MIN = 5;

export function againstMapper(options: AgainstOptions): Against {
  const judged = options.records.map((record) => judge(record, options));
  const count = (kind: Judgement['kind']): number => judged.filter((one) => one.kind === kind).length;
  const faults = judged.flatMap((one) => (one.kind === 'rejected' ? one.faults : []));
  return {
    findings: [...absentFields(options), ...unknownCodes(faults, options), ...rejections(judged, options)],
    counts: { mapped: count('mapped'), excluded: count('excluded'), rejected: count('rejected') },
  };
}

interface Fault {
  readonly path: string;
  readonly message: string;
  /** The value of a code that is not known. */
  readonly code: string | null;
}
type Judgement =
  | { readonly kind: 'mapped' | 'excluded' }
  | { readonly kind: 'rejected'; readonly faults: readonly Fault[] };

function judge({ id, raw }: SourceRecord, { mapping, source, facts }: AgainstOptions): Judgement {
  const canonical = source.canonical(raw);
  const scope = mapping.scope(isRecord(canonical) ? canonical : {}, {});
  if (scope.in === false) return { kind: 'excluded' };
  const parsed = mapping.schema.safeParse(canonical);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message, code }) => ({
      path: plain(path),
      message: message.replace(/unknown value .*; known/, 'unknown value; known'),
      code: code === 'invalid_value' || message.startsWith('unknown value') ? valueIn(canonical, path) : null,
    }));
    return { kind: 'rejected', faults };
  }
  if (scope.in === 'unknown') return { kind: 'rejected', faults: [{ ...scope.issue, code: null }] };
  const mapped = mapping.map([parsed.data], [{}], facts, id);
  if (mapped.kind === 'invalid')
    return { kind: 'rejected', faults: mapped.issues.map((issue) => ({ ...issue, code: null })) };
  return { kind: mapped.kind === 'excluded' ? 'excluded' : 'mapped' };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const plain = (path: readonly PropertyKey[]): string =>
  path
    .map((step) => (typeof step === 'number' ? '[]' : String(step)))
    .join('.')
    .replaceAll('.[]', '[]') || 'the record';

const CODE_CHARS_MAX = 40;

/** A value as a code; longer texts are somebody's words. */
function valueIn(record: unknown, path: readonly PropertyKey[]): string | null {
  let value: unknown = record;
  for (const step of path) {
    value =
      typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, step)?.value : undefined;
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  const text = String(value);
  return text.length <= CODE_CHARS_MAX ? text : null;
}

/** Fields that the adapter reads and no record carries. */
function absentFields({ inquiry, summary, baseline = null, where }: AgainstOptions): Finding[] {
  const present = new Map(summary.fields.map((field) => [field.path, field]));
  const holdersOf = (path: string): number => {
    const stem = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
    if (stem === '') return summary.records;
    const sibling = summary.fields.find((field) => field.path.startsWith(`${stem}.`));
    return sibling?.holders ?? 0;
  };
  return inquiry.fields.flatMap(({ field, path }): Finding[] => {
    const holders = holdersOf(path);
    if (present.has(path) || holders < HOLDERS_MIN) return [];
    const near = likeliest({ field, path }, inquiry, summary, baseline);
    return [
      {
        kind: 'field-absent',
        field: path,
        message: `${path} is gone: no record carries it, and ${field} is made of it`,
        evidence: `0 of ${holders}${near === null ? '' : `; ${near} is there and nothing reads it`}`,
        fix:
          near === null
            ? `in ${where}, give ${field} the path where the ERP keeps it now, or remove the field`
            : `in ${where}, set ${field}: ${near} if that is the field's new name`,
      },
    ];
  });
}

/** A field beside the lost one that nobody reads and that is called alike, or else the only one that is new. */
function likeliest(
  { field, path }: Inquiry['fields'][number],
  { fields }: Pick<Inquiry, 'fields'>,
  summary: SampleSummary,
  baseline: SampleSummary | null,
): string | null {
  const read = new Set(fields.map((one) => one.path));
  const stem = path.includes('.') ? path.slice(0, path.lastIndexOf('.') + 1) : '';
  const free = summary.fields
    .filter((one) => !read.has(one.path) && one.path.startsWith(stem) && !/[.[]/.test(one.path.slice(stem.length)))
    .map((one) => one.path);
  const words = [path, field].flatMap((name) => wordsOf(name.slice(name.lastIndexOf('.') + 1)));
  const scored = free.map((name) => {
    const own = wordsOf(name.slice(stem.length));
    return { name, score: own.filter((word) => words.includes(word)).length, length: own.length };
  });
  // Of two that share a word, the one with less besides: salesPrice before priceIncludesTax.
  const [best] = scored.toSorted((a, b) => b.score - a.score || a.length - b.length);
  if (best !== undefined && best.score > 0) return best.name;
  const before = new Set(baseline?.fields.map((one) => one.path));
  const [fresh, ...others] = before.size === 0 ? [] : free.filter((name) => !before.has(name));
  return fresh === undefined || others.length > 0 ? null : fresh;
}

const wordsOf = (name: string): string[] => (name.match(/[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase());

function unknownCodes(faults: readonly Fault[], { records, where }: AgainstOptions): Finding[] {
  const byCode = Map.groupBy(
    faults.filter(({ code }) => code !== null),
    ({ path, code }) => `${path}\n${code}`,
  );
  return [...byCode.values()].map((alike): Finding => {
    const [{ path, code, message } = { path: '', code: '', message: '' }] = alike;
    return {
      kind: 'unknown-code',
      field: path,
      message: `${path} has the value ${JSON.stringify(code)}, which has no mapping`,
      evidence: `${alike.length} of ${records.length} records (${percent(alike.length, records.length)}); ${message}`,
      fix: `in ${where}, add ${JSON.stringify(code)} to the enum of ${path}; until then these records become dead letters`,
    };
  });
}

function rejections(judged: readonly Judgement[], { records, where }: AgainstOptions): Finding[] {
  const rejected = judged.flatMap((one) => (one.kind === 'rejected' ? [one.faults] : []));
  const byFault = new Map<string, number>();
  for (const faults of rejected) {
    for (const line of new Set(
      faults.filter(({ code }) => code === null).map(({ path, message }) => `${path}: ${message}`),
    )) {
      byFault.set(line, (byFault.get(line) ?? 0) + 1);
    }
  }
  const inScope = judged.filter(({ kind }) => kind !== 'excluded').length;
  return [...byFault]
    .filter(([, count]) => count >= REJECTED_MIN && count > inScope * REJECTED_SHARE)
    .map(([line, count]) => ({
      kind: 'records-rejected',
      field: line.slice(0, line.indexOf(': ')),
      message: `records would be rejected: ${line}`,
      evidence: `${count} of ${inScope} records in scope (${percent(count, inScope)}); ${records.length} were read`,
      fix: `compare this field in ${where} with what the ERP sends: its path, or how it is converted`,
    }));
}
