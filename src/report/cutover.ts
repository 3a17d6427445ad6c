/** The cut-over for a person: at most 80 columns, what feeds each pipe, what was seen, what is waited for. */
import type { PipeCutover } from '../cutover/overview.ts';
import { grouped, type Paint, safe } from './style.ts';

const COLUMNS = 80;
const PIPE_COLUMNS = 12;

interface Rule {
  readonly reads: number;
  readonly hoursApart: number;
  readonly minShare: number;
}

export function renderCutover(pipes: readonly PipeCutover[], rule: Rule, paint: Paint): string {
  const share = Number((rule.minShare * 100).toFixed(2));
  const terms = `A pipe changes over to production by itself after ${rule.reads} agreeing shadow reads in a row, ${rule.hoursApart} h apart, each of at least ${share} % of the records staging holds. It never changes back.`;
  return `${[...wrapped(terms, ''), ...pipes.flatMap((pipe) => ['', ...pipeLines(pipe, paint)])].join('\n')}\n`;
}

function pipeLines(pipe: PipeCutover, paint: Paint): string[] {
  const isLive = pipe.fedFrom === 'production';
  const held = pipe.heldBy !== null && !isLive ? paint('yellow', ', held') : '';
  const head = `${safe(pipe.pipe).padEnd(PIPE_COLUMNS)} ${paint(isLive ? 'green' : 'cyan', pipe.fedFrom)}${held}`;
  const since = pipe.since === null ? '' : ` since ${minute(pipe.since)}`;
  const proven = pipe.provenRecords === null ? '' : `, ${grouped(pipe.provenRecords)} records proven`;
  return [
    `${head}${since}${proven}`,
    ...pipe.waitsFor.flatMap((sentence) => wrapped(sentence, '  waits for ')),
    ...(pipe.earliest === null ? [] : [`  earliest  ${minute(pipe.earliest)}`]),
    ...pipe.reads.flatMap((read) => readLines(read, paint)),
    ...(pipe.reads.length === 0 && !isLive ? ['  production has not been looked at yet'] : []),
    ...stagingLines(pipe),
  ];
}

function readLines({ at, agrees, reason }: PipeCutover['reads'][number], paint: Paint): string[] {
  const word = agrees ? paint('green', 'agrees') : paint('yellow', 'disagrees');
  return [`  ${minute(at)}  ${word}`, ...wrapped(reason, '    ')];
}

function stagingLines({ pipe, since, stagingOnly }: PipeCutover): string[] {
  if (stagingOnly === null) {
    return since === null ? [] : wrapped(`what only staging has is known after: retail-sync sync ${pipe}`, '  ');
  }
  const objects = [...new Set(stagingOnly.map(({ object }) => object))];
  const counts = objects.map(
    (object) => `${grouped(stagingOnly.filter((one) => one.object === object).length)} ${object}`,
  );
  if (counts.length === 0) return ['  HubSpot holds nothing that only staging has'];
  return wrapped(`only from staging: ${counts.join(', ')}; retail-sync cutover status --json lists them`, '  ');
}

/** `2026-11-20 06:00 UTC`. */
const minute = (instant: string): string => `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;

/** At words; the label stands before the first line. A word longer than a line, such as an address, is cut. */
function wrapped(text: string, label: string): string[] {
  const room = COLUMNS - label.length;
  const lines: string[] = [];
  const words = safe(text).split(' ');
  for (const word of words.flatMap((long) => long.match(new RegExp(`.{1,${room}}`, 'gu')) ?? [])) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, nth) => `${nth === 0 ? label : ' '.repeat(label.length)}${line}`);
}
