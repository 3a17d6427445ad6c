/** The morning screen: what an ops person reads in ten seconds, at 80 columns. */
import { dateIn, daysAfter, minuteIn, weekdayOf } from '../../schedule/zone.ts';
import type { PipeStatus } from '../../state/overview.ts';
import { grouped, type Paint, safe } from '../style.ts';
import { paragraph, tableLines } from '../table.ts';
import { age, many, type Need, needsOf, nextSlotOf, type Standing } from './standing.ts';

const INK = { ok: 'green', partial: 'yellow', running: 'cyan' } as const;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const COLUMNS = [
  { head: 'pipe', max: 14 },
  { head: 'verdict' },
  { head: 'last run' },
  { head: 'read', align: 'right' },
  { head: 'written', align: 'right' },
  { head: 'data age', align: 'right' },
  { head: 'next run' },
] as const;

/** Ends with a line break. */
export function statusScreen(standing: Standing, paint: Paint): string {
  const { nowMs, zone, environment, portalId, pipes } = standing;
  const portal = portalId === null ? 'no portal yet' : `portal ${safe(portalId)}`;
  const head = `${DAYS[weekdayOf(dateIn(zone, nowMs))]} ${minuteIn(zone, nowMs)} ${zone}   ${environment}, ${portal}`;
  if (pipes.every(({ lastRun }) => lastRun === null)) return `${[head, '', ...nothingYet(standing)].join('\n')}\n`;
  const needs = needsOf(standing);
  const lines = [head, '', ...pipeLines(standing, paint), ...waitingLines(standing), '', ...needLines(needs, paint)];
  return `${lines.join('\n')}\n`;
}

const nothingYet = ({ pipes }: Standing): string[] => [
  ...pipes.map(({ pipe }) => `  ${pipe.padEnd(12)} never run`),
  '',
  'Nothing has run yet. Start with:',
  '  retail-sync demo     everything on emulated vendors; needs no account',
  '  retail-sync init     your own systems: asks for each and tries it',
];

function pipeLines(standing: Standing, paint: Paint): string[] {
  const { pipes, nowMs } = standing;
  const rows = pipes.map((status) => {
    const { pipe, lastRun, dataFromMs } = status;
    return [
      pipe,
      verdictOf(status),
      lastRun ? dayTime(standing.zone, lastRun.endedAtMs ?? lastRun.startedAtMs, nowMs) : '-',
      lastRun?.read == null ? '-' : grouped(lastRun.read),
      lastRun?.written == null ? '-' : grouped(lastRun.written),
      dataFromMs === null ? 'not proven' : age(nowMs - dataFromMs),
      nextRun(pipe, standing),
    ];
  });
  const [heads = '', ...lines] = tableLines(COLUMNS, rows);
  return [paint('dim', heads), ...lines.map((line, place) => painted(line, pipes[place], paint))];
}

/** `off`: switched off in the schedule; `-`: nobody uses it. */
export function nextRun(pipe: string, standing: Standing): string {
  const { nowMs, zone, isOff } = standing;
  const next = nextSlotOf(pipe, standing);
  if (next === null) return isOff(pipe) ? 'off' : '-';
  return next.notBeforeMs <= nowMs ? 'due' : dayTime(zone, next.plannedAtMs, nowMs);
}

const verdictOf = ({ lastRun }: PipeStatus): string => {
  if (!lastRun) return 'never run';
  return lastRun.isRestricted && lastRun.status === 'ok' ? 'ok, part' : lastRun.status;
};

function painted(line: string, status: PipeStatus | undefined, paint: Paint): string {
  const word = status?.lastRun?.status;
  if (!status || word === undefined) return line;
  const ink = word === 'ok' || word === 'partial' || word === 'running' ? INK[word] : 'red';
  const place = line.indexOf(`  ${word}`) + 2;
  return line.slice(0, place) + paint(ink, word) + line.slice(place + word.length);
}

/** What stands between the source and HubSpot now, over all pipes; nothing when it is nothing. */
function waitingLines({ pipes, nowMs }: Standing): string[] {
  const sum = (of: (status: PipeStatus) => number): number => pipes.reduce((total, status) => total + of(status), 0);
  const letters = sum(({ openDeadLetters }) => openDeadLetters);
  const waiting = sum(({ waiting }) => waiting);
  const links = sum((status) => status.pendingLinks);
  const lacking = sum(({ lackingRecords }) => lackingRecords);
  const oldestMs = Math.min(...pipes.map(({ oldestPendingLinkMs }) => oldestPendingLinkMs ?? nowMs));
  const parts = [
    ...(letters > 0 ? [many(letters, 'dead letter')] : []),
    ...(waiting > 0 ? [`${many(waiting, 'record')} not settled`] : []),
    ...(links > 0
      ? [`${many(links, 'link')} waiting for the other end (the oldest for ${age(nowMs - oldestMs)})`]
      : []),
    ...(lacking > 0 ? [`${many(lacking, 'record')} missing from the last full pass (one more decides)`] : []),
  ];
  return parts.length === 0 ? [] : ['', ...paragraph(`Open: ${parts.join(', ')}.`, '')];
}

function needLines(needs: readonly Need[], paint: Paint): string[] {
  if (needs.length === 0) return [paint('green', 'Nothing needs a person.')];
  const lines = needs.flatMap(({ weight, what, advice, command }) => {
    const [first = '', ...more] = paragraph(what, '    ');
    const todo = advice === null ? [] : paragraph(advice, '      ');
    return [`  ${paint(weight, '●')} ${first.trimStart()}`, ...more, ...todo, `      ${paint('bold', safe(command))}`];
  });
  return ['Needs a person:', ...lines];
}

/** `today 06:00`, `Thu 06:00` within the last or next six days, else `3 Nov 06:00`. */
export function dayTime(zone: string, atMs: number, nowMs: number): string {
  const [date = '', time = ''] = minuteIn(zone, atMs).split(' ');
  const today = dateIn(zone, nowMs);
  if (date === today) return `today ${time}`;
  if (date > daysAfter(today, -7) && date < daysAfter(today, 7)) return `${DAYS[weekdayOf(date)]} ${time}`;
  return `${Number(date.slice(8))} ${MONTHS[Number(date.slice(5, 7)) - 1]} ${time}`;
}
