/** What `doctor` found, for a person: at most 80 columns, a fix below each line that needs one. */
import type { Finding } from '../doctor/finding.ts';
import { type Paint, safe } from './style.ts';

const COLUMNS = 80;
const NAME_COLUMNS = 15;
const MARKS = { ok: ['✓', 'green'], warning: ['!', 'yellow'], fault: ['✗', 'red'] } as const;
const TITLES: Readonly<Record<Finding['group'], string>> = {
  runtime: 'Runtime',
  configuration: 'Configuration',
  files: 'Files',
  state: 'State database',
  lock: 'Lock',
  clock: 'Clock',
  network: 'Network',
  hubspot: 'HubSpot',
  scopes: 'HubSpot scopes',
  erp: 'ERP',
  square: 'Square',
  schedule: 'Schedule',
  alerts: 'Alerts',
};

export function renderDoctor(findings: readonly Finding[], paint: Paint): string {
  const groups = [...Map.groupBy(findings, ({ group }) => group)];
  const lines = groups.flatMap(([group, found]) => [
    paint('bold', TITLES[group]),
    ...found.flatMap((one) => finding(one, paint)),
  ]);
  return `${[...lines, '', conclusion(findings)].join('\n')}\n`;
}

function finding({ level, name, result, meaning, fix }: Finding, paint: Paint): string[] {
  const [mark, ink] = MARKS[level];
  const label = safe(name);
  const isLong = label.length > NAME_COLUMNS;
  const head = `  ${paint(ink, mark)} ${label.padEnd(NAME_COLUMNS)}`;
  const indent = ' '.repeat(NAME_COLUMNS + 5);
  const [first = '', ...rest] = wrapped(result, COLUMNS - indent.length);
  const body = isLong
    ? [head, ...[first, ...rest].map((line) => indent + line)]
    : [`${head} ${first}`, ...rest.map((line) => indent + line)];
  const added = [meaning === null ? [] : `so: ${meaning}`, fix === null ? [] : `fix: ${fix}`].flat();
  return [...body, ...added.flatMap((text) => wrapped(text, COLUMNS - indent.length)).map((line) => indent + line)];
}

function conclusion(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number => findings.filter((one) => one.level === level).length;
  const [faults, warnings] = [count('fault'), count('warning')];
  if (faults === 0 && warnings === 0) return `All ${findings.length} checks are fine.`;
  const parts = [
    faults > 0 ? `${faults} ${faults === 1 ? 'fault' : 'faults'}` : '',
    warnings > 0 ? `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}` : '',
  ];
  return `${parts.filter((part) => part !== '').join(', ')}, ${count('ok')} of ${findings.length} checks are fine.`;
}

/** At words; a word longer than the room, such as an address, is cut. */
function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  const words = safe(text).split(' ');
  for (const word of words.flatMap((long) => long.match(new RegExp(`.{1,${room}}`, 'gu')) ?? [])) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
