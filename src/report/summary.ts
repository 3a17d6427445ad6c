/** What a run says when it is over: for people on stdout, or as one JSON document. Built from a plain object. */
import { clip, duration, grouped, type Paint, safe } from './style.ts';

type Verdict = 'ok' | 'partial' | 'failed';

/** Each record read is in exactly one of written, unchanged, excluded, held, dead-lettered. */
interface SummaryCounts {
  readonly read: number;
  readonly written: number;
  /** Of the written. */
  readonly created: number;
  /** Of the written. */
  readonly updated: number;
  readonly unchanged: number;
  /** By rule. */
  readonly excluded: Readonly<Record<string, number>>;
  readonly held: number;
  readonly deadLettered: number;
}

export interface RunSummary {
  readonly pipe: string;
  readonly runId: string;
  readonly verdict: Verdict;
  readonly mode: { readonly dryRun: boolean; readonly full: boolean; readonly since: string | null };
  readonly counts: SummaryCounts;
  /** Objects: one record may make several. They add up too. */
  readonly upserts: {
    readonly created: number;
    readonly updated: number;
    readonly unchanged: number;
    readonly refused: number;
    readonly unknown: number;
    readonly adopted: number;
    readonly withheld: number;
  };
  readonly links: {
    readonly made: number;
    readonly removed: number;
    readonly refused: number;
    readonly pending: number;
  };
  readonly deadLettersAdded: number;
  /** Objects with our key as HubSpot's search counts them at the end, and as the state knows them. */
  readonly counted?:
    | readonly { readonly object: string; readonly known: number; readonly counted: number }[]
    | undefined;
  /** After a proven pass over the whole source: what it has no more. */
  readonly deletions?:
    | {
        readonly concluded: number;
        readonly lacking: number;
        readonly unlisted: number;
        readonly reason: string | null;
      }
    | null
    | undefined;
  /** Slices of the source, and how many of them are proven complete. */
  readonly partitions: { readonly total: number; readonly complete: number };
  /** HubSpot calls, those answered 429, and those sent again for another reason. */
  readonly calls: number;
  /** Of the calls, those that change something in HubSpot. */
  readonly writeCalls: number;
  readonly rateLimited: number;
  readonly retries: number;
  readonly seconds: number;
  /** The least time HubSpot's limits allow for these calls. */
  readonly floorSeconds: number;
  /** Why it is not ok; a sentence without data. */
  readonly reason?: string | undefined;
  /** The next command to type. */
  readonly hint?: string | undefined;
  /** The cause for programs, such as `drift.field-absent`. */
  readonly code?: string | undefined;
  /** Calls of the day that the portal has left, for all its apps. */
  readonly quota?: { readonly limit: number; readonly left: number } | undefined;
  readonly notes: readonly string[];
}

const COLUMNS = 80;
const LABEL_COLUMNS = 15;

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** The counts that must add up to `read`. */
const accounted = ({ written, unchanged, excluded, held, deadLettered }: SummaryCounts): number =>
  written + unchanged + sum(excluded) + held + deadLettered;

/** One run for a person: at most 80 columns, why it is not ok, what to type next. Ends with a line break. */
export function renderSummary(run: RunSummary, paint: Paint): string {
  const ink = { ok: 'green', partial: 'yellow', failed: 'red' } as const;
  const mark = { ok: '✓', partial: '!', failed: '✗' }[run.verdict];
  const head = paint(ink[run.verdict], `${mark} ${safe(run.pipe)} ${run.verdict}`);
  const lines = [head, ...modeLines(run), ...countLines(run), ...costLines(run), ...closingLines(run)];
  return `${lines.join('\n')}\n`;
}

function modeLines({ mode }: RunSummary): string[] {
  const words = [
    mode.dryRun ? 'dry run: nothing was written' : null,
    mode.full ? 'everything read' : null,
    mode.since === null ? null : `changes since ${safe(mode.since)}`,
  ].filter((word) => word !== null);
  return words.length === 0 ? [] : paragraph('mode', words.join('; '));
}

function countLines({ counts, mode, upserts, links, partitions, counted = [] }: RunSummary): string[] {
  const width = grouped(counts.read).length;
  const row = (label: string, count: number, more = ''): string[] => {
    const text = `  ${label.padEnd(LABEL_COLUMNS)}${grouped(count).padStart(width)}${more === '' ? '' : `  ${more}`}`;
    return [clip(text, COLUMNS)];
  };
  const some = (label: string, count: number, more = ''): string[] => (count === 0 ? [] : row(label, count, more));
  const made = `${grouped(upserts.created)} created, ${grouped(upserts.updated)} updated`;
  const sent = upserts.created + upserts.updated;
  const objects = sent === counts.written ? '' : ' objects';
  const gap = counts.read - accounted(counts);
  return [
    ...row('read', counts.read),
    ...row(mode.dryRun ? 'would write' : 'written', counts.written, `${made}${objects}`),
    ...row('unchanged', counts.unchanged),
    ...some('excluded', sum(counts.excluded)),
    ...Object.entries(counts.excluded)
      .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
      .flatMap(([rule, count]) => row('', count, safe(rule))),
    ...some('held', counts.held, 'not settled; the next run goes on with them'),
    ...some('dead-lettered', counts.deadLettered, 'kept with their reason; nothing is lost'),
    ...(links.made + links.removed + links.pending > 0 ? [linkLine(links)] : []),
    ...(partitions.total > 1
      ? [
          clip(
            `  ${'partitions'.padEnd(LABEL_COLUMNS)}${partitions.complete} of ${partitions.total} proven complete`,
            COLUMNS,
          ),
        ]
      : []),
    ...countedLines(counted),
    ...some('NOT ACCOUNTED', gap, 'please report this: counts must add up'),
  ];
}

/** Those that agree; the others are notes. */
function countedLines(counted: NonNullable<RunSummary['counted']>): string[] {
  const same = counted.filter((one) => one.known === one.counted).map((one) => `${grouped(one.known)} ${one.object}`);
  return same.length === 0 ? [] : paragraph('HubSpot counts', `${same.join(', ')}: as many as are known here`);
}

function linkLine({ made, removed, pending }: RunSummary['links']): string {
  const parts = [
    `${grouped(made)} made`,
    ...(removed > 0 ? [`${grouped(removed)} removed`] : []),
    ...(pending > 0 ? [`${grouped(pending)} wait for the other end`] : []),
  ];
  return clip(`  ${'links'.padEnd(LABEL_COLUMNS)}${parts.join(', ')}`, COLUMNS);
}

function costLines({ calls, rateLimited, retries, seconds, floorSeconds }: RunSummary): string[] {
  const trouble = [
    rateLimited === 0 ? null : `${grouped(rateLimited)} rate limited`,
    retries === 0 ? null : `${grouped(retries)} retried`,
  ].filter((part) => part !== null);
  const floor = floorSeconds > 0 ? ` (HubSpot's limits allow ${duration(floorSeconds)})` : '';
  return [
    `  ${'HubSpot calls'.padEnd(LABEL_COLUMNS)}${[grouped(calls), ...trouble].join(', ')}`,
    `  ${'time'.padEnd(LABEL_COLUMNS)}${duration(seconds)}${floor}`,
  ];
}

function closingLines({ verdict, reason, hint, notes, runId }: RunSummary): string[] {
  const why = reason ?? (verdict === 'ok' ? null : 'not every record is proven to be in HubSpot');
  return [
    ...notes.flatMap((note) => paragraph('note', note)),
    ...(why === null ? [] : paragraph('why', why)),
    ...(hint === undefined ? [] : paragraph('next', hint)),
    ...paragraph('run', runId),
  ];
}

/** Wraps at words to 80 columns under a label; a word longer than the line, such as a command, stays whole. */
function paragraph(label: string, text: string): string[] {
  const room = COLUMNS - LABEL_COLUMNS - 2;
  const lines: string[] = [];
  for (const word of safe(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL_COLUMNS)}${line}`);
}

/** The run as `--json` prints it. New fields may come; a changed meaning raises `schemaVersion`. */
export interface SummaryDocument extends Omit<RunSummary, 'verdict' | 'counts'> {
  readonly schemaVersion: 1;
  readonly status: Verdict;
  readonly counts: SummaryCounts & { readonly accounted: number };
}

export function summaryDocument({ verdict, counts, ...run }: RunSummary): SummaryDocument {
  return { schemaVersion: 1, status: verdict, ...run, counts: { ...counts, accounted: accounted(counts) } };
}
