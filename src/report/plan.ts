/** A plan for a person: adoptions first, then what would change, at 80 columns. */
import { entryName, type Plan, type PlanEntry } from '../plan/document.ts';
import { type Change, changesOf } from '../plan/present.ts';
import { clip, grouped, type Paint, safe } from './style.ts';
import { paragraph } from './table.ts';

export interface PlanReport {
  readonly plan: Plan;
  readonly excluded: Readonly<Record<string, number>>;
  /** Records that nobody can tell what becomes of, without their data. */
  readonly unclear: readonly { readonly subject: string; readonly reason: string }[];
  /** Why the source was not read whole; null when it was. */
  readonly unproven: string | null;
  /** Why a sync of this size would stop; null when it would not. */
  readonly usual: string | null;
  readonly hasCreateOnly: boolean;
  /** Calls that the plan itself took. */
  readonly calls: number;
  readonly quota: { readonly limit: number; readonly left: number } | null;
}

const COLUMNS = 80;
const SHOWN = 15;
const VALUES_SHOWN = 6;
const BATCH = 100;

export interface PlanFigures {
  readonly adopts: number;
  readonly creates: number;
  readonly createdContacts: number;
  readonly updates: number;
  readonly values: number;
  /** Sent to be sure; HubSpot has these values already. */
  readonly same: number;
  readonly unclear: number;
  /** Write calls at least; links are not counted. */
  readonly calls: number;
}

export function figuresOf({ plan: { entries }, unclear, hasCreateOnly }: PlanReport): PlanFigures {
  const of = (action: PlanEntry['action']) => entries.filter((entry) => entry.action === action);
  const sent = entries.filter(({ action }) => action !== 'unclear');
  const updates = of('update').map(changesOf);
  const batches = (list: readonly PlanEntry[]): number =>
    [...Map.groupBy(list, ({ object }) => object).values()].reduce(
      (sum, { length }) => sum + Math.ceil(length / BATCH),
      0,
    );
  return {
    adopts: of('adopt').length,
    creates: of('create').length,
    createdContacts: of('create').filter(({ object }) => object === 'contacts').length,
    updates: updates.filter(({ length }) => length > 0).length,
    values: updates.reduce((sum, { length }) => sum + length, 0),
    same: updates.filter(({ length }) => length === 0).length,
    unclear: unclear.length + of('unclear').length,
    calls: batches(sent) + batches(of('adopt')) + (hasCreateOnly ? 2 * batches(of('create')) : 0),
  };
}

export function renderPlan(report: PlanReport, out: string | null, paint: Paint): string {
  const { plan, excluded, unproven, usual, quota } = report;
  const figures = figuresOf(report);
  const row = (name: string, count: number, text = ''): string =>
    `  ${name.padEnd(12)} ${grouped(count).padStart(7)}  ${text}`.trimEnd();
  const lines = [
    `${paint('bold', `plan for ${plan.pipe}`)}  ${plan.environment}, portal ${safe(plan.portalId)}; nothing was written`,
    row('adopt', figures.adopts, 'objects that people made get our key'),
    row('create', figures.creates, byObject(plan.entries, 'create')),
    row('change', figures.updates, `${grouped(figures.values)} values`),
    ...(figures.same > 0 ? [row('send again', figures.same, 'HubSpot has these values already')] : []),
    row('unchanged', plan.counts.unchanged ?? 0, 'records'),
    ...Object.entries(excluded).map(([rule, count]) => row('excluded', count, `by rule ${rule}`)),
    row('cannot tell', figures.unclear),
    '',
    ...section('Adopted first', plan.entries, 'adopt', paint),
    ...section(
      'Changed',
      plan.entries.filter((entry) => changesOf(entry).length > 0),
      'update',
      paint,
    ),
    ...createdLines(plan.entries, paint),
    ...unclearLines(report, paint),
    ...costLines(figures, quota),
    ...(unproven === null ? [] : paragraph(`The source was not read whole: ${unproven}`, '')),
    ...(usual === null ? [] : paragraph(`A sync would stop: ${usual}. Apply goes on, because you have seen it.`, '')),
    out === null
      ? 'keep it with: --out plan.json; then: retail-sync apply plan.json'
      : `next: retail-sync apply ${out}`,
  ];
  return `${lines.join('\n')}\n`;
}

const byObject = (entries: readonly PlanEntry[], action: PlanEntry['action']): string =>
  [
    ...Map.groupBy(
      entries.filter((entry) => entry.action === action),
      ({ object }) => object,
    ),
  ]
    .map(([object, list]) => `${object} ${grouped(list.length)}`)
    .join(', ');

function section(title: string, all: readonly PlanEntry[], action: PlanEntry['action'], paint: Paint): string[] {
  const entries = all.filter((entry) => entry.action === action);
  if (entries.length === 0) return [];
  const shown = entries.slice(0, SHOWN).flatMap((entry) => {
    const changes = changesOf(entry);
    const more = changes.length - VALUES_SHOWN;
    return [
      clip(`  ${safe(entryName(entry))}  HubSpot id ${entry.hubspotId}`, COLUMNS),
      ...changes.slice(0, VALUES_SHOWN).map(changeLine),
      ...(more > 0 ? [`    and ${more} more values`] : []),
    ];
  });
  return [paint('bold', title), ...shown, ...rest(entries.length), ''];
}

const rest = (count: number): string[] =>
  count > SHOWN ? [`  and ${grouped(count - SHOWN)} more: --out, --html or --json show all`] : [];

const changeLine = ({ name, before, after }: Change): string =>
  clip(`    ${clip(name, 24).padEnd(24)} ${shownValue(before)} -> ${shownValue(after)}`, COLUMNS);

const shownValue = (value: string | null): string =>
  value === null || value === '' ? '(empty)' : clip(safe(value), 22);

function createdLines(entries: readonly PlanEntry[], paint: Paint): string[] {
  const created = entries.filter(({ action }) => action === 'create');
  if (created.length === 0) return [];
  const shown = created.slice(0, SHOWN).map((entry) => {
    const { name, dealname, firstname, lastname } = entry.after;
    const title = name ?? dealname ?? [firstname, lastname].filter(Boolean).join(' ');
    return clip(`  ${safe(entryName(entry))}  ${safe(title)}`, COLUMNS);
  });
  return [paint('bold', 'Created'), ...shown, ...rest(created.length), ''];
}

function unclearLines({ unclear, plan }: PlanReport, paint: Paint): string[] {
  const several = plan.entries
    .filter(({ action }) => action === 'unclear')
    .map((entry) => ({ subject: entryName(entry), reason: 'several objects in HubSpot may be it' }));
  const all = [...unclear, ...several];
  if (all.length === 0) return [];
  const shown = all.slice(0, SHOWN).flatMap(({ subject, reason }) => paragraph(`${subject}: ${reason}`, '  '));
  return [paint('yellow', 'Cannot tell: these would be dead letters'), ...shown, ...rest(all.length), ''];
}

function costLines({ calls, createdContacts }: PlanFigures, quota: PlanReport['quota']): string[] {
  const left = quota === null ? '' : `; ${grouped(quota.left)} of today's ${grouped(quota.limit)} calls are left`;
  const contacts = createdContacts > 0 ? `, ${grouped(createdContacts)} new contacts, none of them billable` : '';
  return paragraph(`Cost: ${grouped(calls)} HubSpot calls at least, links not counted${contacts}${left}.`, '');
}

export function planDocument(report: PlanReport) {
  const { plan, excluded, unclear, unproven, usual, calls, quota } = report;
  const { calls: cost, ...counts } = figuresOf(report);
  return {
    ...{ schemaVersion: 1, runId: null, status: counts.unclear > 0 || unproven !== null ? 'partial' : 'ok' },
    counts: { ...plan.counts, ...counts },
    ...{
      excluded,
      cannotTell: unclear,
      unproven,
      wouldStop: usual,
      cost: { calls: cost, quota },
      callsOfThePlan: calls,
    },
    plan,
  };
}
