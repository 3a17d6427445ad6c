/** The audit as one HTML file: no script, nothing loaded from elsewhere, light and dark. */
import type { Audit } from '../audit/model.ts';
import { type Section, sectionsOf } from './audit.ts';
import { escaped, page } from './page.ts';
import { grouped } from './style.ts';

const STYLE = `td.n{width:6rem;white-space:nowrap}td.b{width:40%}td{overflow-wrap:anywhere}
.bar{height:.7rem;border-radius:2px;background:var(--s1);min-width:2px}`;

export function auditPage(audit: Audit): string {
  const { portalId, accountType, timeZone, currencies, at, calls, gaps } = audit;
  const facts = [
    accountType || 'STANDARD',
    timeZone,
    currencies.join(', '),
    at,
    `${grouped(calls)} ${calls === 1 ? 'call' : 'calls'}`,
  ];
  const lacking = gaps.map(({ part, reason }) => `<p>${escaped(part)}: ${escaped(reason)}</p>`).join('');
  const body = `<h1>HubSpot portal ${escaped(portalId)}</h1><p class="soft">${escaped(facts.filter((fact) => fact !== '').join(' · '))}</p>
${sectionsOf(audit).map(section).join('\n')}${lacking === '' ? '' : `<h2>Not read</h2>${lacking}`}`;
  return page(`Audit of HubSpot portal ${portalId}`, STYLE, body);
}

function section({ title, shares, of, notes }: Section): string {
  const rows = shares.map(({ label, count }) => {
    const share = of > 0 ? Math.min(1, count / of) : 0;
    const bar = count > 0 ? `<div class="bar" style="width:${(share * 100).toFixed(1)}%"></div>` : '';
    const percent = of > 0 ? `${(share * 100).toFixed(1)} %` : '';
    return `<tr><td>${escaped(label)}</td><td class="n">${grouped(count)}</td><td class="n soft">${percent}</td><td class="b">${bar}</td></tr>`;
  });
  const table = rows.length > 0 ? `<table>${rows.join('')}</table>` : '';
  return `<h2>${escaped(title)}</h2>${table}${notes.map((note) => `<p>${escaped(note)}</p>`).join('')}`;
}
