/** The figures of the service, as tiles of the status page. */
import type { Kpis } from '../../state/history.ts';
import { grouped } from '../style.ts';
import { many } from './standing.ts';

const percent = (part: number, whole: number): string =>
  whole === 0 ? 'none' : `${Number(((100 * part) / whole).toFixed(part === 0 || part === whole ? 0 : 2))} %`;

export function kpiTiles({ runs, slots, records, letters, backlog, interventions }: Kpis): string {
  const open = backlog.waiting + backlog.deadLetters + backlog.pendingLinks;
  const tiles = [
    [percent(runs.ok, runs.ended), 'completion', `${runs.ok} of ${many(runs.ended, 'run')} proven ok`],
    [
      percent(slots.ok, slots.over),
      'schedule kept',
      slots.over === 0
        ? 'nothing was scheduled'
        : `${slots.ok} of ${many(slots.over, 'slot')} ok, ${slots.missed} missed`,
    ],
    [
      percent(records.deadLettersAdded, records.read),
      'error rate',
      `${many(records.deadLettersAdded, 'dead letter')} of ${grouped(records.read)} records read`,
    ],
    [
      percent(letters.resolved, letters.seen),
      'recovery',
      `${letters.resolved} of ${many(letters.seen, 'dead letter')} resolved`,
    ],
    [
      grouped(open),
      'backlog now',
      `${backlog.deadLetters} dead letters, ${backlog.waiting} not settled, ${backlog.pendingLinks} links`,
    ],
    [
      grouped(interventions.runs + interventions.decisions),
      'by hand',
      `${many(interventions.runs, 'run')} started, ${many(interventions.decisions, 'decision')}`,
    ],
  ];
  return `<div class="tiles">${tiles.map(([figure, name, more]) => `<div class="tile">${name}<b>${figure}</b><span>${more}</span></div>`).join('')}</div>`;
}
