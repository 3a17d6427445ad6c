/** What a probe saw: a table with small bars for a person, or one JSON document. */
import type { Answer, Finding, Policies } from '../probe/finding.ts';
import { percent } from '../probe/finding.ts';
import { type FieldSummary, filledOf, type SampleSummary } from '../probe/model.ts';
import { type RecordingReport, recordingDocument } from './recording.ts';
import { clip, duration, grouped, type Paint, safe } from './style.ts';
import { minuteOf, paragraph } from './table.ts';

export interface ProbeReport {
  readonly system: string;
  readonly resource: string;
  readonly about: string;
  readonly atMs: number;
  readonly seconds: number;
  readonly calls: number;
  readonly sample: {
    readonly size: number;
    readonly seen: number;
    readonly slices: number;
    readonly oldest: string | null;
    readonly newest: string | null;
  };
  readonly summary: SampleSummary;
  readonly answers: readonly Answer[];
  /** The gravest first. */
  readonly findings: readonly Finding[];
  readonly policies: Policies;
  /** What would become of the sample; null when it was not taken through the mapper. */
  readonly mapper: { readonly mapped: number; readonly excluded: number; readonly rejected: number } | null;
  /** Fixtures that were made of the sample; null when none were asked for. */
  readonly recording: RecordingReport | null;
  /** Undefined: not asked for; null: there is none. */
  readonly baselineMs: number | null | undefined;
}

export function probeDocument(reports: readonly ProbeReport[], exit: number) {
  const findings = reports.reduce((sum, report) => sum + report.findings.length, 0);
  const records = reports.reduce((sum, report) => sum + report.sample.size, 0);
  const status = exit === 0 ? 'ok' : exit === 3 ? 'partial' : 'failed';
  const probes = reports.map(({ policies, findings: found, atMs, baselineMs, recording, ...report }) => ({
    ...report,
    recording: recording === null ? null : recordingDocument(recording),
    at: new Date(atMs).toISOString(),
    baseline: typeof baselineMs === 'number' ? new Date(baselineMs).toISOString() : null,
    findings: found.map((finding) => ({ ...finding, policy: policies[finding.kind] })),
  }));
  return { schemaVersion: 1, runId: null, status, exit, counts: { records, findings }, probes };
}

const COLUMNS = 80;
const NAME_COLUMNS = 22;
const BAR_COLUMNS = 6;
const REST_COLUMNS = COLUMNS - NAME_COLUMNS - BAR_COLUMNS - 9;

/** At most 80 columns. With `field`, everything about it instead of the table. */
export function renderProbe(report: ProbeReport, field: string | null, paint: Paint): string {
  const lines = [...headLines(report, paint), ''];
  if (field === null) lines.push(...tableOf(report.summary, paint), '', ...answerLines(report.answers, paint));
  else lines.push(...detailLines(report.summary, field, paint));
  lines.push('', ...findingLines(report, paint));
  return `${lines.join('\n')}\n\n`;
}

function headLines(
  { system, resource, about, sample, calls, seconds, baselineMs, mapper }: ProbeReport,
  paint: Paint,
): string[] {
  const span = sample.oldest === null ? '' : `, ${sample.oldest.slice(0, 10)} to ${sample.newest?.slice(0, 10)}`;
  const slices = sample.slices > 0 ? `, ${sample.slices} slices` : '';
  const baseline =
    baselineMs === null
      ? 'none yet: this probe is the first'
      : baselineMs === undefined
        ? null
        : `${minuteOf(baselineMs)} UTC`;
  return [
    `${paint('bold', `${system} ${resource}`)}  ${paint('gray', safe(about))}`,
    clip(`  sample    ${grouped(sample.size)} of ${grouped(sample.seen)} records seen${slices}${span}`, COLUMNS),
    `  cost      ${calls} calls, ${duration(seconds)}`,
    ...(baseline === null ? [] : [`  baseline  ${baseline}`]),
    ...(mapper === null
      ? []
      : [`  mapper    ${mapper.mapped} pass, ${mapper.excluded} out of scope, ${mapper.rejected} would be rejected`]),
  ];
}

function tableOf({ fields, fieldsLeftOut }: SampleSummary, paint: Paint): string[] {
  const shown = fields.filter((field) => filledOf(field) > 0);
  const never = fields.filter((field) => filledOf(field) === 0).map(({ path }) => path);
  const head = `${'field'.padEnd(NAME_COLUMNS)} ${'filled'.padEnd(BAR_COLUMNS + 6)}  values`;
  return [
    paint('bold', head),
    ...shown.map((field) => fieldLine(field, paint)),
    ...(never.length > 0 ? paragraph(`never filled (${never.length}): ${never.join(', ')}`, '') : []),
    ...(fieldsLeftOut > 0 ? [`and ${fieldsLeftOut} more fields, not counted`] : []),
  ];
}

function fieldLine(field: FieldSummary, paint: Paint): string {
  const name = clip(safe(field.path), NAME_COLUMNS).padEnd(NAME_COLUMNS);
  const filled = filledOf(field);
  const share = percent(filled, field.holders).padStart(6);
  const meter = bar(filled / Math.max(1, field.holders), BAR_COLUMNS);
  return `${name} ${paint('cyan', meter)}${share}  ${clip(valuesOf(field), REST_COLUMNS)}`.trimEnd();
}

const EIGHTHS = ' ▏▎▍▌▋▊▉█';
const STEPS = '▁▂▃▄▅▆▇█';

function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  const whole = '█'.repeat(Math.floor(eighths / 8));
  return `${whole}${eighths % 8 === 0 ? '' : EIGHTHS[eighths % 8]}`.padEnd(columns);
}

function spark(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  return counts.map((count) => (count === 0 ? ' ' : STEPS[Math.max(0, Math.ceil((count / most) * 8) - 1)])).join('');
}

const number = (value: number): string =>
  Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 4 });
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The most telling thing about a field's values, in one line. */
function valuesOf(field: FieldSummary): string {
  const { isEnum, isPersonal, top, numbers, instants, lengths, types } = field;
  const kinds = Object.keys(types);
  if (isEnum && !isPersonal) return `${types.text ? '' : `${kinds.join('/')} `}${sharesOf(field)}`;
  if (instants) return `${day(instants.min)} ${spark(instants.histogram)} ${day(instants.max)}  ${formatsOf(field)}`;
  if (numbers && !isPersonal && !isKey(field)) {
    const mixed = kinds.length > 1 ? `  ${typesOf(field)}` : types.text ? '  as text' : '';
    return `${number(numbers.min)} ${spark(numbers.histogram)} ${number(numbers.max)}  mid ${number(numbers.median)}${mixed}`;
  }
  if (types.list && lengths)
    return `list of ${number(lengths.min)} to ${number(lengths.max)}, mid ${number(lengths.median)}`;
  if (kinds.length === 1 && types.object) return 'object';
  const shape = field.examples[0] ?? top[0]?.value ?? '';
  const mixed = kinds.length > 1 ? `${typesOf(field)}  ` : '';
  return `${mixed}${countOf(field)}${formatsOf(field)}  ${safe(shape)}`;
}

const isKey = ({ isUnique, lengths }: FieldSummary): boolean =>
  isUnique && lengths !== null && lengths.min === lengths.max;

const countOf = ({ isUnique, distinct, distinctIsCapped }: FieldSummary): string =>
  isUnique ? 'unique  ' : `${distinctIsCapped ? '>' : ''}${grouped(distinct)} distinct  `;

const formatsOf = ({ formats }: FieldSummary): string => {
  const named = Object.keys(formats).filter((name) => name !== 'other');
  return named.length === 0 ? '' : named.slice(0, 2).join(', ');
};

const typesOf = ({ types }: FieldSummary): string => {
  const total = Object.values(types).reduce((sum, count) => sum + count, 0);
  return Object.entries(types)
    .map(([type, count]) => `${type} ${percent(count, total)}`)
    .join(', ');
};

function sharesOf(field: FieldSummary): string {
  const filled = filledOf(field);
  return field.top.map(({ value, count }) => `${safe(value)} ${percent(count, filled)}`).join('  ');
}

function answerLines(answers: readonly Answer[], paint: Paint): string[] {
  const mark = (isFine: boolean | null): string =>
    isFine === null ? paint('gray', '·') : isFine ? paint('green', '✓') : paint('yellow', '!');
  return [
    paint('bold', 'how it answers'),
    ...answers.flatMap(({ question, answer, evidence, isFine }) => [
      `${mark(isFine)} ${question.padEnd(30)} ${clip(safe(answer), 46)}`,
      ...paragraph(evidence, '    ').map((line) => paint('gray', line)),
    ]),
  ];
}

function findingLines({ findings, policies }: ProbeReport, paint: Paint): string[] {
  if (findings.length === 0) return [paint('green', 'nothing found that departs from what is relied on')];
  const ink = { stop: 'red', warn: 'yellow', ignore: 'gray' } as const;
  const word = { stop: 'STOPS', warn: 'WARNS', ignore: 'NOTED' } as const;
  return [
    paint('bold', `${findings.length} finding${findings.length === 1 ? '' : 's'}`),
    ...findings.flatMap(({ kind, message, evidence, fix }) => {
      const policy = policies[kind];
      return [
        `${paint(ink[policy], word[policy])} ${paint('bold', kind)}`,
        ...paragraph(message, '  '),
        ...paragraph(`seen: ${evidence}`, '  ').map((line) => paint('gray', line)),
        ...paragraph(`fix: ${fix}`, '  '),
      ];
    }),
  ];
}

const DETAIL_BAR = 30;

function detailLines({ fields, records }: SampleSummary, path: string, paint: Paint): string[] {
  const field = fields.find((one) => one.path === path);
  if (field === undefined) {
    const near = fields.map((one) => one.path).filter((name) => name.toLowerCase().includes(path.toLowerCase()));
    return [
      `no field ${safe(path)} in ${records} records`,
      ...(near.length > 0 ? paragraph(`there are: ${near.join(', ')}`, '') : []),
    ];
  }
  const row = (label: string, text: string): string => clip(`  ${label.padEnd(12)}${safe(text)}`, COLUMNS);
  const spread = (label: string, of: FieldSummary['numbers'], say: (value: number) => string): string[] =>
    of === null ? [] : [row(label, `${say(of.min)} ${spark(of.histogram)} ${say(of.max)}, middle ${say(of.median)}`)];
  const filled = filledOf(field);
  return [
    paint('bold', safe(field.path)),
    row('present', `${percent(field.present, field.holders)} of ${grouped(field.holders)}`),
    row('null', percent(field.nulls, field.present)),
    row('empty', percent(field.empties, field.present)),
    row('types', typesOf(field)),
    row(
      'formats',
      Object.entries(field.formats)
        .map(([name, count]) => `${name} ${percent(count, filled)}`)
        .join(', ') || '-',
    ),
    row(
      'distinct',
      `${field.distinctIsCapped ? 'more than ' : ''}${grouped(field.distinct)}${field.isUnique ? ', unique' : ''}${field.isEnum ? ', probably a code' : ''}`,
    ),
    ...spread('numbers', field.numbers, number),
    ...spread('dates', field.instants, day),
    ...spread('length', field.lengths, number),
    row('examples', field.examples.join(' | ') || '-'),
    ...field.top.map(({ value, count }) =>
      clip(
        `  ${clip(safe(value), 24).padEnd(24)} ${bar(count / Math.max(1, filled), DETAIL_BAR)} ${percent(count, filled)}`,
        COLUMNS,
      ),
    ),
  ];
}
