/** The small probe before a run: three questions, at most two pages of a hundred records. */
import { EXIT, FatalError } from '../errors.ts';
import type { Inquiry, Sight } from '../inquiry.ts';
import { type AgainstOptions, againstMapper } from './against.ts';
import { changesBetween } from './changes.ts';
import { byGravity, type Finding, type Policies } from './finding.ts';
import type { SampleSummary } from './model.ts';
import { statisticsOf } from './statistics.ts';

export interface GateOptions extends Omit<AgainstOptions, 'records' | 'summary' | 'inquiry'> {
  readonly inquiry: Inquiry;
  /** What an earlier gate let through; null the first time. */
  readonly baseline: SampleSummary | null;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

export interface Gate {
  readonly findings: readonly Finding[];
  readonly summary: SampleSummary;
}

const PAGE = 100;
const DAY_MS = 86_400_000;
const RECENT_DAYS = 30;
/** The ways of a baseline to differ that matter to what a mapper reads. */
const RELIED_ON: ReadonlySet<Finding['kind']> = new Set(['field-emptied', 'field-type']);

/** Null when the vendor could not be asked: then the run itself will say what is wrong. */
export async function lookBeforeRun(options: GateOptions): Promise<Gate | null> {
  const { inquiry, signal, nowMs, baseline, where } = options;
  const first = await inquiry.ask({ size: PAGE }, signal);
  if (first.kind !== 'page') return null;
  const asOfMs = first.asOf === null ? nowMs : Date.parse(first.asOf);
  const recent = await askSince(inquiry, asOfMs - RECENT_DAYS * DAY_MS, PAGE, signal);
  const ahead = await askSince(inquiry, asOfMs + 2 * DAY_MS, 1, signal);
  const records = [
    ...new Map([first, recent].flatMap((sight) => sight?.records ?? []).map((one) => [one.id, one])).values(),
  ];
  const summary = statisticsOf(
    records.map(({ raw }) => raw),
    { isAboutPeople: true, isUnmasked: false },
  );
  const { findings } = againstMapper({ ...options, records, summary });
  const read = new Set(inquiry.fields.map(({ path }) => path));
  const moved = baseline === null ? [] : changesBetween(baseline, summary, where);
  return {
    findings: [
      ...findings,
      ...moved.filter(({ kind, field }) => RELIED_ON.has(kind) && field !== null && read.has(field)),
      ...ignoredFilter(ahead, asOfMs),
    ],
    summary,
  };
}

async function askSince(inquiry: Inquiry, ms: number, size: number, signal: AbortSignal): Promise<Sight | null> {
  if (!inquiry.canFilter) return null;
  const sight = await inquiry.ask({ since: new Date(ms).toISOString(), size }, signal);
  return sight.kind === 'page' ? sight : null;
}

function ignoredFilter(ahead: Sight | null, asOfMs: number): Finding[] {
  const past = ahead?.records.filter(({ modifiedAt }) => Date.parse(modifiedAt) <= asOfMs) ?? [];
  if (ahead === null || past.length === 0) return [];
  return [
    {
      kind: 'filter-ignored',
      field: null,
      message: 'the date filter does nothing: everything is listed, whatever the bound',
      evidence: `since the day after tomorrow: ${ahead.total ?? past.length} records`,
      fix: 'correct since.param in the ERP profile, or remove since: each run then reads everything',
    },
  ];
}

/** Findings that one sentence names. */
const NAMED_MAX = 3;

/** The failure that stops a pipe; null when no finding's policy says stop. Its code is `drift.` and the gravest kind. */
export function refusalOf(pipe: string, findings: readonly Finding[], policies: Policies): FatalError | null {
  const stopping = byGravity(findings, policies).filter(({ kind }) => policies[kind] === 'stop');
  const [first] = stopping;
  if (first === undefined) return null;
  const named = stopping.slice(0, NAMED_MAX).map(({ message, evidence }) => `${message} (${evidence})`);
  const more = stopping.length > NAMED_MAX ? `; and ${stopping.length - NAMED_MAX} more` : '';
  return new FatalError(
    EXIT.gate,
    `the source of ${pipe} has drifted: ${named.join('; ')}${more}`,
    `${first.fix}; see all of it with: retail-sync probe erp ${pipe} --against mapper; to let one run through: retail-sync sync ${pipe} --approve`,
    { code: `drift.${first.kind}` },
  );
}
