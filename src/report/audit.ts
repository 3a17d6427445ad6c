/** What `audit` found, for a terminal of 80 columns: one block a question, bars by share. */
import type { Audit, Share } from '../audit/model.ts';
import { clip, grouped, type Paint, safe } from './style.ts';
import { paragraph } from './table.ts';

const COLUMNS = 80;
const BAR_COLUMNS = 20;
const LABEL_COLUMNS = 36;

export function renderAudit(audit: Audit, paint: Paint): string {
  const { portalId, accountType, timeZone, currencies, calls } = audit;
  const facts = [accountType || 'STANDARD', timeZone || 'zone unknown', ...currencies];
  const head = clip(safe(`HubSpot portal ${portalId}, ${facts.join(', ')}`), COLUMNS);
  const blocks = sectionsOf(audit).map(({ title, shares, of, notes }) => [
    paint('bold', safe(title)),
    ...shares.map((share) => line(share, of, paint)),
    ...notes.flatMap((note) => paragraph(note, '  ')),
  ]);
  const gaps = audit.gaps.flatMap(({ part, reason }) => paragraph(`not read: ${part}: ${reason}`, '  '));
  return `${[[head], ...blocks, gaps, [`${many(calls, 'call')}, all of them reads.`]]
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function line({ label, count }: Share, of: number, paint: Paint): string {
  const share = of > 0 ? count / of : 0;
  const filled = count > 0 ? Math.max(1, Math.round(share * BAR_COLUMNS)) : 0;
  const bar = '█'.repeat(Math.min(BAR_COLUMNS, filled));
  const name = clip(safe(label), LABEL_COLUMNS).padEnd(LABEL_COLUMNS);
  const percent = of > 0 ? `${(share * 100).toFixed(0)} %`.padStart(6) : '';
  return `  ${name} ${grouped(count).padStart(9)}${percent} ${paint('cyan', bar)}`.trimEnd();
}

export interface Section {
  readonly title: string;
  readonly shares: readonly Share[];
  /** What the bars are a share of. */
  readonly of: number;
  readonly notes: readonly string[];
}

/** The blocks of the report, for the terminal and the page alike. */
export function sectionsOf(audit: Audit): readonly Section[] {
  const totals = new Map(audit.counts.map(({ object, total }) => [object, total]));
  const objects = audit.counts.map(({ object, total }) => ({ value: object, label: object, count: total }));
  const people = [
    ...marketingNotes(audit.marketingContacts),
    ...(audit.owners === null ? [] : [`owners: ${grouped(audit.owners)}`]),
  ];
  const used = Map.groupBy(audit.customProperties, ({ object }) => object);
  return [
    { title: 'Records', shares: objects, of: Math.max(0, ...totals.values()), notes: people },
    ...audit.breakdowns.map(({ object, property, shares, without }) => ({
      title: `${object}: ${property}`,
      shares: [...shares.filter(({ count }) => count > 0), { value: '', label: 'not set', count: without }],
      of: totals.get(object) ?? 0,
      notes: [],
    })),
    ...(audit.pipelines ?? []).map(({ label, id, stages }) => ({
      title: `deal pipeline "${label}" (${id})`,
      shares: stages,
      of: stages.reduce((sum, { count }) => sum + count, 0),
      notes: [],
    })),
    ...[...used].map(([object, list]) => ({
      title: `${object}: custom properties in use`,
      shares: list.flatMap(({ name, isUnique, used: count }) =>
        count === null ? [] : [{ value: name, label: isUnique ? `${name} (unique)` : name, count }],
      ),
      of: totals.get(object) ?? 0,
      notes: leftOut(list.filter(({ used: count }) => count === null).length),
    })),
    ...(audit.customProperties.length === 0 && audit.areCustomPropertiesKnown
      ? [{ title: 'Custom properties', shares: [], of: 0, notes: ['none'] }]
      : []),
    ...(audit.duplicates.length === 0
      ? []
      : [{ title: 'Probable duplicates in a sample', shares: [], of: 0, notes: audit.duplicates.map(sentence) }]),
  ];
}

function marketingNotes(count: Audit['marketingContacts']): string[] {
  if (count === null) return []; // the reason stands among what was not read
  if (count === 'absent') return ['marketing contacts: this portal has no such property'];
  return [`marketing contacts: ${grouped(count)}${count === 0 ? '' : ', billed by HubSpot'}`];
}

const many = (count: number, thing: string): string => `${grouped(count)} ${thing}${count === 1 ? '' : 's'}`;

const leftOut = (count: number): string[] => (count > 0 ? [`${grouped(count)} more that were not counted`] : []);

function sentence({ object, by, sampled, groups, records, examples }: Audit['duplicates'][number]): string {
  const start = `${object} by ${by}, of ${grouped(sampled)} looked at:`;
  if (groups === 0) return `${start} none`;
  const ids = examples.map((group) => group.join(' = ')).join('; ');
  return `${start} ${many(records, 'record')} in ${many(groups, 'group')}, such as the ids ${ids}`;
}
