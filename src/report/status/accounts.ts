/** Where every record of each pipe's last whole run went, as bars that add up. */
import type { Account } from '../../state/history.ts';
import { escaped } from '../page.ts';
import { grouped } from '../style.ts';
import type { History } from './page.ts';
import type { Standing } from './standing.ts';

const KINDS = [
  ['w', 'written'],
  ['u', 'unchanged'],
  ['x', 'excluded by rule'],
  ['h', 'held'],
  ['d', 'dead-lettered'],
] as const;

/** On the first day of a service each run counts; so many of them at most. */
const RUNS_MAX = 24;

/** HTML parts; none before a run that ended. On the first day every run is shown, later the last one of each pipe. */
export function accounts({ pipes }: Standing, { runs }: History, isFirstDay: boolean): string[] {
  const whole = runs.filter(({ isRestricted, account }) => !isRestricted && account !== null);
  const shown = isFirstDay
    ? whole.slice(0, RUNS_MAX).toReversed()
    : pipes.flatMap(({ pipe }) => whole.find((run) => run.pipe === pipe) ?? []);
  const rows = shown.flatMap(({ pipe, account }) => (account ? [accountRow(pipe, account)] : []));
  if (rows.length === 0) return [];
  const key = KINDS.map(([ink, name]) => `<i class="${ink}"></i>${name}`).join('');
  return [
    `<h2>Where every record of ${isFirstDay ? 'each run' : 'the last whole run'} went</h2>`,
    `<div class="acc">${rows.join('')}</div><p class="key soft">${key}</p>`,
  ];
}

function accountRow(pipe: string, account: Account): string {
  const { read, written, unchanged, excluded, held, deadLettered, slices } = account;
  const out = Object.values(excluded).reduce((total, count) => total + count, 0);
  const counts = [written, unchanged, out, held, deadLettered];
  const bars = KINDS.map(([ink, name], place) => {
    const count = counts[place] ?? 0;
    return count === 0 ? '' : `<i class="${ink}" style="flex:${count} 0 0" title="${grouped(count)} ${name}"></i>`;
  });
  const rules = Object.entries(excluded).map(([rule, count]) => `${grouped(count)} ${escaped(rule)}`);
  const said = KINDS.flatMap(([, name], place) => {
    const count = counts[place] ?? 0;
    if (count === 0) return [];
    return [name === 'excluded by rule' ? rules.join(', ') : `${grouped(count)} ${name}`];
  });
  const proof =
    slices.complete === slices.total ? 'proven complete' : `${slices.complete} of ${slices.total} slices proven`;
  return `<span>${escaped(pipe)}</span><div>${bars.join('')}</div><span class="soft">${grouped(read)} read, ${proof}</span><span></span><span class="soft">${said.join(', ')}</span><span></span>`;
}
