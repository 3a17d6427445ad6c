/** What `probe erp --draft` prints: per resource what is proven, guessed, to fill in and open, and what to type next. */
import { type Told, toldOf } from '../probe/draft/entry.ts';
import type { ResourceDraft } from '../probe/draft/resource.ts';
import { grouped, type Paint, safe } from './style.ts';

export interface DraftReport {
  readonly file: string;
  readonly drafts: readonly ResourceDraft[];
  /** Zone, address and sign-in. */
  readonly common: readonly Told[];
  /** Lines that have to be filled in, as `profile check` names them. */
  readonly faults: number;
  /** Records of the sample that are whole canonical records through the profile; null while lines are missing. */
  readonly fits: ReadonlyMap<
    string,
    { readonly fit: number; readonly of: number; readonly misfit: string | null }
  > | null;
  readonly notes: readonly string[];
}

const WIDTH = 80;
const LABEL = 12;
const SURE = 0.8;

export function renderDraft(report: DraftReport, paint: Paint): string {
  const lines = report.drafts.flatMap((draft) => [...resourceLines(draft, report, paint), '']);
  const { file, faults, notes } = report;
  const next = nextOf(report).map((command) => `  ${command}`);
  const todo =
    faults === 0
      ? 'nothing has to be filled in'
      : `${faults} ${faults === 1 ? 'line has' : 'lines have'} to be filled in (TODO)`;
  return `${[...lines, ...notes.flatMap((note) => folded(note, '! ')), `wrote ${file}: ${todo}`, 'next', ...next].join('\n')}\n`;
}

/** The check first: it names the lines that are missing. */
const nextOf = ({ file, drafts }: DraftReport): string[] => [
  `retail-sync profile check ${file}`,
  ...drafts.slice(0, 1).map(({ resource }) => `retail-sync profile try ${file} ${resource} --limit 5`),
];

function resourceLines(draft: ResourceDraft, { fits }: DraftReport, paint: Paint): string[] {
  const { resource, url, calls, records, entries } = draft;
  const told = toldOf(entries);
  const of = (standing: Told['standing']): Told[] => told.filter((one) => one.standing === standing);
  const fit = fits?.get(resource);
  const row = (label: string, text: string): string[] => (text === '' ? [] : folded(text, `  ${label.padEnd(LABEL)}`));
  return [
    `${paint('bold', resource)}  ${safe(url.origin + url.pathname)}`,
    ...row('looked at', `${grouped(records)} records, ${calls} calls`),
    ...row(
      'proven',
      of('proven')
        .map((one) => short(one))
        .join(', '),
    ),
    ...row('guessed', guessedWords(of('guessed'))),
    ...row(
      'to fill in',
      of('todo')
        .map((one) => short(one))
        .join(', '),
    ),
    ...row(
      'not found',
      of('open')
        .map((one) => short(one))
        .join(', '),
    ),
    ...(fit === undefined
      ? []
      : row(
          'fits',
          `${grouped(fit.fit)} of ${grouped(fit.of)} records${fit.misfit === null ? '' : `; first misfit: ${fit.misfit}`}`,
        )),
  ];
}

/** Only the doubtful ones by name: the file has all of them. */
function guessedWords(guesses: readonly Told[]): string {
  const unsure = guesses.filter(({ confidence }) => (confidence ?? 0) < SURE);
  const all = `${guesses.length} settings`;
  if (unsure.length === 0) return `${all}, all ${SURE} or surer`;
  return `${all}; look at ${unsure.map((one) => `${short(one)} (${one.confidence})`).join(', ')}`;
}

const short = ({ setting }: Told): string => safe(setting.replace(/^fields\./, '').replace('.convert.enum.', '='));

function folded(text: string, first: string): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = ' '.repeat(first.length);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

export function draftDocument(report: DraftReport): unknown {
  const { file, drafts, common, faults, fits, notes } = report;
  const resources = drafts.map(({ resource, url, calls, records, entries }) => ({
    ...{ resource, url: url.origin + url.pathname, calls, records },
    fits: fits?.get(resource) ?? null,
    settings: toldOf(entries),
  }));
  const all = [...common, ...resources.flatMap(({ settings }) => settings)];
  const count = (standing: Told['standing']): number => all.filter((one) => one.standing === standing).length;
  return {
    ...{ schemaVersion: 1, runId: null, status: 'ok' },
    counts: {
      ...{ proven: count('proven'), guessed: count('guessed'), todo: count('todo'), open: count('open') },
      calls: drafts.reduce((sum, { calls }) => sum + calls, 0),
    },
    ...{ exit: 0, draft: { file, faults, common, resources, notes }, next: nextOf(report) },
  };
}
