/** A plan as a page that can be mailed: self-contained, light and dark. */
import { entryName, type PlanEntry } from '../plan/document.ts';
import { changesOf } from '../plan/present.ts';
import { escaped, page } from './page.ts';
import { figuresOf, type PlanReport } from './plan.ts';
import { grouped } from './style.ts';

/** Objects on the page: the browser stays quick; the file of --out has all. */
const OBJECTS_MAX = 2_000;

const STYLE = `
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.7rem 1rem;min-width:7.5rem}
.tile b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
del{color:var(--red);text-decoration:none}ins{color:var(--green);text-decoration:none}
td:first-child{white-space:nowrap}`;

export function planPage(report: PlanReport): string {
  const { plan, excluded, unclear, quota, usual, unproven } = report;
  const figures = figuresOf(report);
  const tiles = [
    ['adopt', figures.adopts],
    ['create', figures.creates],
    ['change', figures.updates],
    ['unchanged', plan.counts.unchanged ?? 0],
    ['excluded', Object.values(excluded).reduce((sum, count) => sum + count, 0)],
    ['cannot tell', figures.unclear],
  ] as const;
  const left = quota === null ? '' : `; ${grouped(quota.left)} of today's ${grouped(quota.limit)} calls are left`;
  const several = plan.entries.filter(({ action }) => action === 'unclear');
  const doubts = [
    ...unclear,
    ...several.map((entry) => ({ subject: entryName(entry), reason: 'several objects in HubSpot may be it' })),
  ];
  const body = `<h1>Plan for ${escaped(plan.pipe)}</h1>
<p class="soft">${escaped(plan.environment)}, portal ${escaped(plan.portalId)}, ${escaped(plan.createdAt)}. Nothing was written.</p>
<div class="tiles">${tiles.map(([name, count]) => `<div class="tile"><b>${grouped(count)}</b>${name}</div>`).join('')}</div>
<p>${grouped(figures.calls)} HubSpot calls at least, links not counted; ${grouped(figures.createdContacts)} new contacts, none of them billable${left}.</p>
${unproven === null ? '' : `<p class="red">The source was not read whole: ${escaped(unproven)}</p>`}
${usual === null ? '' : `<p class="yellow">A sync would stop: ${escaped(usual)}</p>`}
${
  Object.entries(excluded).length > 0
    ? `<p class="soft">Excluded: ${Object.entries(excluded)
        .map(([rule, count]) => `${grouped(count)} by ${escaped(rule)}`)
        .join(', ')}</p>`
    : ''
}
${table('Adopted first', plan.entries, 'adopt')}
${table(
  'Changed',
  plan.entries.filter((entry) => changesOf(entry).length > 0),
  'update',
)}
${table('Created', plan.entries, 'create')}
${
  doubts.length === 0
    ? ''
    : `<h2>Cannot tell</h2><table>${doubts
        .slice(0, OBJECTS_MAX)
        .map(({ subject, reason }) => `<tr><td>${escaped(subject)}</td><td>${escaped(reason)}</td></tr>`)
        .join('')}</table>`
}`;
  return page(`Plan for ${plan.pipe}`, STYLE, body);
}

function table(title: string, all: readonly PlanEntry[], action: PlanEntry['action']): string {
  const entries = all.filter((entry) => entry.action === action);
  if (entries.length === 0) return '';
  const rows = entries.slice(0, OBJECTS_MAX).map((entry) => {
    const values = changesOf(entry).map(
      ({ name, before, after }) =>
        `${escaped(name)} ${action === 'create' ? '' : `<del>${escaped(before ?? '') || '(empty)'}</del> → `}<ins>${escaped(after) || '(empty)'}</ins>`,
    );
    return `<tr><td>${escaped(entryName(entry))}<br><span class="soft">${escaped(entry.hubspotId ?? 'new')}</span></td><td>${values.join('<br>')}</td></tr>`;
  });
  const more =
    entries.length > OBJECTS_MAX
      ? `<p class="soft">and ${grouped(entries.length - OBJECTS_MAX)} more in the file of --out</p>`
      : '';
  return `<h2>${title}: ${grouped(entries.length)}</h2><div class="scroll"><table><tr><th>object</th><th>values</th></tr>${rows.join('')}</table></div>${more}`;
}
