/** What HubSpot allows, what was used of it, and what is ahead: API calls and billable contacts. */
import type { Quotas } from '../sinks/hubspot/day-quota.ts';
import type { PipeUsage } from '../state/usage.ts';
import { duration, grouped, type Paint, safe } from './style.ts';
import { paragraph, tableLines } from './table.ts';

/** Kept free for the portal's other apps when something large is planned. */
export const RESERVE_SHARE = 0.2;
/** Of one batch call; developers.hubspot.com/docs/api-reference/2026-03/crm/batch-operations */
const BATCH = 100;
const LIMIT_PER_10_S = 100;

export interface Marketing {
  /** Contacts that HubSpot bills, whoever made them. */
  readonly billable: number;
  /** Of these, made in the last 30 days. */
  readonly billableNew: number;
  /** Of these, contacts that this tool keeps: must be 0. */
  readonly billableOurs: number;
  readonly contacts: number;
  /** What the subscription includes; null when nobody has said. */
  readonly included: number | null;
}

export interface Budget {
  readonly portalId: string;
  readonly timeZone: string;
  /** Until the portal's midnight. */
  readonly dayLeftMs: number;
  readonly quotas: Quotas;
  readonly pipes: readonly PipeUsage[];
  readonly marketing: Marketing | { readonly unreadable: string };
  /** Customers that rules keep out, by rule. */
  readonly keptOut: Readonly<Record<string, number>>;
}

export interface Forecast {
  readonly calls: number;
  readonly seconds: number;
  /** Of what is left today less the reserve; null when HubSpot does not say what is left. */
  readonly fits: boolean | null;
}

/** Sending every object once more, at what the largest run has cost. */
export function forecastOf({ pipes, quotas }: Pick<Budget, 'pipes' | 'quotas'>): Forecast {
  const calls = pipes.reduce(
    (sum, { objects, callsPerObject }) => sum + Math.ceil(objects * (callsPerObject ?? 1 / BATCH)),
    0,
  );
  const limit = quotas.per10s ?? LIMIT_PER_10_S;
  const seconds = 10 * Math.floor(Math.max(0, calls - 1) / limit);
  return { calls, seconds, fits: quotas.day && calls <= spendable(quotas.day) };
}

/** What may be used today so that other apps keep their share of the day. */
const spendable = ({ allowed, left }: { allowed: number; left: number }): number =>
  Math.max(0, Math.floor(left - allowed * RESERVE_SHARE));

/** Days until the included contacts are used up at the growth of the last 30 days; null: never, or not known. */
export function daysToLimit({ billable, billableNew, included }: Marketing): number | null {
  if (included === null || billableNew === 0) return null;
  return Math.max(0, Math.floor((30 * (included - billable)) / billableNew));
}

export function renderBudget(budget: Budget, paint: Paint): string {
  const lines = [
    ...[paint('bold', 'HubSpot calls today'), ...quotaLines(budget)],
    ...['', paint('bold', 'By pipe'), ...pipeLines(budget.pipes)],
    ...['', paint('bold', 'Sending everything once more'), ...forecastLines(budget)],
    ...['', paint('bold', 'Contacts that HubSpot bills'), ...marketingLines(budget, paint)],
  ];
  return `${lines.join('\n')}\n`;
}

const line = (label: string, value: number, more = ''): string =>
  `  ${label.padEnd(28)}${grouped(value).padStart(11)}${more === '' ? '' : `  ${more}`}`;

function quotaLines({ quotas, pipes, dayLeftMs, timeZone }: Budget): string[] {
  const ours = pipes.reduce((sum, { callsToday }) => sum + callsToday, 0);
  const runs = pipes.reduce((sum, { runsToday }) => sum + runsToday, 0);
  const zone = timeZone === '' ? '' : ` (${safe(timeZone)})`;
  const mine = line('used by this tool', ours, `in ${runs} runs`);
  const end = `  the day ends in ${duration(dayLeftMs / 1000)}${zone}`;
  if (quotas.day === null)
    return [mine, ...paragraph('HubSpot did not say how many calls a day are allowed and left.', '  '), end];
  const { allowed, left } = quotas.day;
  const used = allowed - left;
  return [
    line('allowed, all apps', allowed, quotas.per10s === null ? '' : `and ${quotas.per10s} in 10 s for this app`),
    line('used, all apps', used, `${((100 * used) / Math.max(1, allowed)).toFixed(1)} %`),
    mine,
    line('left', left),
    line('kept for other apps', Math.floor(allowed * RESERVE_SHARE), 'a fifth'),
    line('free for this tool', spendable(quotas.day)),
    end,
  ];
}

function pipeLines(pipes: readonly PipeUsage[]): string[] {
  const columns = [
    { head: '  pipe' },
    { head: 'runs today', align: 'right' },
    { head: 'calls today', align: 'right' },
    { head: 'usual run', align: 'right' },
    { head: 'objects', align: 'right' },
    { head: 'calls per 1,000', align: 'right' },
  ] as const;
  const rows = pipes.map(({ pipe, runsToday, callsToday, medianCalls, objects, callsPerObject }) => [
    `  ${pipe}`,
    grouped(runsToday),
    grouped(callsToday),
    medianCalls === null ? '-' : grouped(medianCalls),
    grouped(objects),
    callsPerObject === null ? '-' : (callsPerObject * 1000).toFixed(1),
  ]);
  return tableLines(columns, rows);
}

function forecastLines(budget: Budget): string[] {
  const { calls, seconds, fits } = forecastOf(budget);
  const room =
    fits === null
      ? ''
      : fits
        ? 'fits into what is free today'
        : 'does not fit into what is free today: it would run into the next day';
  return [line('calls', calls, room), `  ${"at HubSpot's limit".padEnd(28)}${duration(seconds).padStart(11)}`];
}

function marketingLines({ marketing, keptOut }: Budget, paint: Paint): string[] {
  const out = Object.entries(keptOut).map(([rule, count]) =>
    line('kept out of HubSpot', count, `customers, rule ${safe(rule)}`),
  );
  if ('unreadable' in marketing) return [...paragraph(`cannot be read: ${marketing.unreadable}`, '  '), ...out];
  const { billable, billableNew, billableOurs, contacts, included } = marketing;
  const days = daysToLimit(marketing);
  return [
    line('billable now', billable, `of ${grouped(contacts)} contacts`),
    line('of these, new in 30 days', billableNew),
    billableOurs === 0
      ? line('of these, kept by this tool', 0, 'as it must be')
      : paint('red', line('of these, kept by this tool', billableOurs, 'see: retail-sync status')),
    ...(included === null
      ? paragraph(
          'What the subscription includes is not told by any API: with MARKETING_CONTACTS_INCLUDED set to it (HubSpot > Account & billing > Usage & limits) the days until then are shown here.',
          '  ',
        )
      : [
          line('included', included),
          `  ${'reached at this growth'.padEnd(28)}${(billable > included ? 'already' : days === null ? 'never' : `in ${grouped(days)} days`).padStart(11)}`,
        ]),
    ...out,
  ];
}
