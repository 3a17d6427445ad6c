/** A probe as one self-contained page: no script, no request, light and dark. */
import { percent } from '../probe/finding.ts';
import { type FieldSummary, filledOf } from '../probe/model.ts';
import type { ProbeReport } from './probe.ts';
import { grouped, safe } from './style.ts';

const esc = (text: string): string =>
  safe(text).replace(
    /[&<>"']/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[sign] ?? sign,
  );

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6877;--line:#dde3ea;--paper:#fff;--bar:#2f7dd1;--pale:#eef3f8;--stop:#b3261e;--warn:#8a5a00;--fine:#1c7a3e}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9aa8b8;--line:#2c3742;--paper:#131a21;--bar:#5aa2ef;--pale:#1d2731;--stop:#ff8a80;--warn:#f0c060;--fine:#6fd394}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;max-width:1080px;padding:2rem 1.25rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.25rem 0}.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line)}th{font-weight:600;color:var(--soft)}td:first-child{min-width:9rem}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}.meter{display:inline-block;width:70px;height:9px;background:var(--pale);border-radius:4px;overflow:hidden;margin-right:.5rem}.meter i{display:block;height:100%;background:var(--bar)}
.tops{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr 4rem;gap:.1rem .6rem;align-items:center;max-width:30rem}.tops i{display:block;height:9px;background:var(--bar);border-radius:2px;min-width:2px}.tops b{font-weight:400;text-align:right}
.histo{display:inline-flex;align-items:flex-end;gap:2px;height:26px;margin:0 .6rem;vertical-align:bottom}.histo i{width:9px;background:var(--bar);border-radius:1px 1px 0 0}
.finding{border-left:4px solid var(--line);padding:.1rem 0 .1rem .8rem;margin:.8rem 0}.stop{border-color:var(--stop)}.stop b{color:var(--stop)}.warn{border-color:var(--warn)}.warn b{color:var(--warn)}.yes{color:var(--fine)}.no{color:var(--warn)}`;

export function probePage(report: ProbeReport): string {
  const { system, resource, about, sample, summary, calls, atMs, findings, policies, answers, mapper } = report;
  const title = `${system} ${resource}`;
  const mapped =
    mapper === null
      ? ''
      : ` Through the mapper: ${mapper.mapped} pass, ${mapper.excluded} out of scope, ${mapper.rejected} rejected.`;
  const span =
    sample.oldest === null ? '' : `, changed ${sample.oldest.slice(0, 10)} to ${sample.newest?.slice(0, 10)}`;
  const found = findings.map(
    ({ kind, message, evidence, fix }) =>
      `<div class="finding ${policies[kind]}"><p><b>${kind}</b> ${esc(message)}</p><p class="soft">Seen: ${esc(evidence)}</p><p>Fix: ${esc(fix)}</p></div>`,
  );
  const answered = answers.map(
    ({ question, answer, evidence, isFine }) =>
      `<tr><td>${esc(question)}</td><td class="${isFine === null ? 'soft' : isFine ? 'yes' : 'no'}">${esc(answer)}</td><td class="soft">${esc(evidence)}</td></tr>`,
  );
  const body = `<h1>${esc(title)}</h1><p class="soft">${esc(about)}, ${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC</p>
<p>${grouped(sample.size)} records of ${grouped(sample.seen)} seen${span}; ${calls} calls.${mapped}</p>
<h2>Findings</h2>${found.join('') || '<p class="yes">Nothing departs from what is relied on.</p>'}
<h2>How it answers</h2><table><tr><th>question</th><th>answer</th><th>seen</th></tr>${answered.join('')}</table>
<h2>Fields</h2><table><tr><th>field</th><th>filled</th><th>types</th><th>values</th></tr>${summary.fields.map(fieldRow).join('')}</table>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${esc(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>\n`;
}

function fieldRow(field: FieldSummary): string {
  const filled = filledOf(field);
  const share = filled / Math.max(1, field.holders);
  const types = [...Object.keys(field.types), ...Object.keys(field.formats).filter((name) => name !== 'other')];
  const missing = [
    field.holders > field.present ? `absent ${percent(field.holders - field.present, field.holders)}` : '',
    field.nulls > 0 ? `null ${percent(field.nulls, field.present)}` : '',
    field.empties > 0 ? `empty ${percent(field.empties, field.present)}` : '',
  ].filter((text) => text !== '');
  return `<tr><td><code>${esc(field.path)}</code></td><td><span class="meter"><i style="width:${(share * 100).toFixed(1)}%"></i></span>${percent(filled, field.holders)}<br><span class="soft">${missing.join(', ')}</span></td><td class="soft">${esc(types.join(', '))}</td><td>${valueCell(field, filled)}</td></tr>`;
}

function valueCell(field: FieldSummary, filled: number): string {
  const { numbers, instants, isEnum, top, isUnique, distinct, examples } = field;
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const said = `<span class="soft">${isUnique ? 'unique' : `${grouped(distinct)} distinct`}</span>`;
  if (instants) return `${day(instants.min)}${histogram(instants.histogram)}${day(instants.max)}`;
  if (numbers && !isUnique)
    return `${grouped(numbers.min)}${histogram(numbers.histogram)}${grouped(numbers.max)} <span class="soft">middle ${grouped(numbers.median)}</span>`;
  if (isEnum || top.length > 0) {
    const rows = top
      .slice(0, isEnum ? 12 : 4)
      .map(
        ({ value, count }) =>
          `<code>${esc(value)}</code><i style="width:${((100 * count) / Math.max(1, filled)).toFixed(1)}%"></i><b>${percent(count, filled)}</b>`,
      );
    return `${isEnum ? '' : said}<div class="tops">${rows.join('')}</div>`;
  }
  return distinct === 0 ? '' : `${said} <code>${esc(examples.slice(0, 2).join('  '))}</code>`;
}

function histogram(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  return `<span class="histo">${counts.map((count) => `<i style="height:${Math.max(count === 0 ? 0 : 6, (100 * count) / most).toFixed(0)}%"></i>`).join('')}</span>`;
}
