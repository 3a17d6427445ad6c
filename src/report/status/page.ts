/** `status` as one self-contained page with the history of the last weeks, fit to be mailed. */
import { dateIn, daysAfter, minuteIn } from '../../schedule/zone.ts';
import type { Kpis, PastRun } from '../../state/history.ts';
import type { PipeStatus } from '../../state/overview.ts';
import { type Chart, chartSvg } from '../charts.ts';
import { escaped, page } from '../page.ts';
import { duration, grouped } from '../style.ts';
import { accounts } from './accounts.ts';
import { kpiTiles } from './kpi-tiles.ts';
import { dayTime, nextRun } from './screen.ts';
import { age, type Need, needsOf, type Standing } from './standing.ts';

export interface History {
  /** The latest first. */
  readonly runs: readonly PastRun[];
  readonly kpis: Kpis;
}

const RUNS_LISTED = 25;

const STYLE = `
.need{border-left:4px solid var(--line);background:var(--card);padding:.5rem .9rem;margin:.5rem 0}.need.red{border-color:var(--red);color:inherit}.need.yellow{border-color:var(--yellow);color:inherit}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.7rem}.tile{background:var(--card);padding:.7rem .9rem;border-radius:6px}.tile b{display:block;font-size:1.45rem;font-weight:600}.tile span{color:var(--soft);font-size:13px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(28rem,1fr));gap:1.4rem 1.8rem}.charts figure{margin:0}.charts figcaption{font-weight:600;margin-bottom:.3rem}
.days{display:grid;grid-template-columns:7rem 1fr;gap:.35rem .8rem;align-items:center;max-width:46rem}.days div{display:flex;gap:3px}.days i{flex:1;max-width:18px;height:22px;border-radius:3px;background:var(--none)}.days i.ok{background:var(--green)}.days i.partial{background:var(--yellow)}.days i.bad{background:var(--red)}
.acc{display:grid;grid-template-columns:7rem 1fr 15rem;gap:.5rem .9rem;align-items:center}.acc div{display:flex;height:20px;border-radius:4px;overflow:hidden;background:var(--none)}.acc i{min-width:2px}.w{background:var(--s1)}.u{background:var(--s3)}.x{background:var(--s6)}.h{background:var(--yellow)}.d{background:var(--red)}
.key i{display:inline-block;width:12px;height:12px;border-radius:3px;margin:0 .3rem 0 .9rem;vertical-align:-1px}`;

export function statusPage(standing: Standing, history: History): string {
  const { nowMs, zone, environment, portalId, pipes } = standing;
  const needs = needsOf(standing);
  const isFirstDay = new Set(history.runs.map(({ startedAtMs }) => dateIn(zone, startedAtMs))).size <= 1;
  const title = `retail-sync, ${environment}${portalId === null ? '' : `, portal ${portalId}`}`;
  const body = [
    `<h1>${escaped(title)}</h1><p class="soft">${minuteIn(zone, nowMs)} ${escaped(zone)}</p>`,
    `<p>${sentence(pipes, needs)}</p>`,
    ...(needs.length > 0 ? [`<h2>Needs a person</h2>${needs.map(needCard).join('')}`] : []),
    `<h2>Pipes</h2><div class="scroll">${pipeTable(standing)}</div>`,
    ...accounts(standing, history, isFirstDay),
    `<h2>The last ${history.kpis.days} days</h2>${kpiTiles(history.kpis)}`,
    ...(isFirstDay ? [] : dayByDay(standing, history)),
    `<h2>Latest runs</h2><div class="scroll">${runTable(standing, history.runs)}</div>`,
  ];
  return page(title, STYLE, body.join('\n'));
}

const dayByDay = (standing: Standing, history: History): string[] => [
  `<h2>Day by day</h2>${dayStrips(standing, history)}`,
  `<h2>History</h2><div class="charts">${charts(standing, history).map(figure).join('')}</div>`,
];

function sentence(pipes: readonly PipeStatus[], needs: readonly Need[]): string {
  if (pipes.every(({ lastRun }) => lastRun === null)) return 'Nothing has run yet.';
  const ok = pipes.filter(({ lastRun }) => lastRun?.status === 'ok').length;
  const said = `${ok} of ${pipes.length} pipes ended their last run proven complete.`;
  return needs.length === 0 ? `<span class="green">${said} Nothing needs a person.</span>` : said;
}

const needCard = ({ weight, what, advice, command }: Need): string =>
  `<div class="need ${weight}"><p>${escaped(what)}</p>${advice === null ? '' : `<p class="soft">${escaped(advice)}</p>`}<p><code>${escaped(command)}</code></p></div>`;

const inkOf = (status: string): string =>
  status === 'ok' ? 'green' : status === 'partial' ? 'yellow' : status === 'running' ? 'soft' : 'red';

function pipeTable(standing: Standing): string {
  const { pipes, nowMs, zone } = standing;
  const rows = pipes.map((status) => {
    const { pipe, lastRun, dataFromMs, openDeadLetters, waiting, pendingLinks } = status;
    if (!lastRun) return `<tr><td>${escaped(pipe)}</td><td colspan="8" class="soft">never run</td></tr>`;
    const count = (value: number | null): string => `<td class="n">${value === null ? '-' : grouped(value)}</td>`;
    return `<tr><td>${escaped(pipe)}</td><td class="${inkOf(lastRun.status)}">${lastRun.status}${lastRun.isRestricted ? ' <span class="soft">(part)</span>' : ''}</td><td>${dayTime(zone, lastRun.endedAtMs ?? lastRun.startedAtMs, nowMs)}</td>${count(lastRun.read)}${count(lastRun.written)}${count(openDeadLetters)}${count(waiting)}${count(pendingLinks)}<td class="n">${dataFromMs === null ? 'not proven' : age(nowMs - dataFromMs)}</td><td>${nextRun(pipe, standing)}</td></tr>`;
  });
  return `<table><tr><th>pipe</th><th>verdict</th><th>last run</th><th class="n">read</th><th class="n">written</th><th class="n">dead letters</th><th class="n">not settled</th><th class="n">links waiting</th><th class="n">data age</th><th>next run</th></tr>${rows.join('')}</table>`;
}

/** The days shown, oldest first, as dates in the zone. */
const datesOf = ({ zone, nowMs }: Standing, days: number): string[] =>
  Array.from({ length: days }, (_, place) => daysAfter(dateIn(zone, nowMs), place - days + 1));

/** The worst verdict of each day: one cell a day. */
function dayStrips(standing: Standing, { runs, kpis }: History): string {
  const dates = datesOf(standing, kpis.days);
  const rows = standing.pipes.map(({ pipe }) => {
    const byDate = Map.groupBy(
      runs.filter((run) => run.pipe === pipe && run.status !== 'running'),
      ({ startedAtMs }) => dateIn(standing.zone, startedAtMs),
    );
    const cells = dates.map((date) => {
      const all = byDate.get(date) ?? [];
      const failed = all.filter(({ status }) => status !== 'ok' && status !== 'partial').length;
      // The day's last word counts: a failed run that was made good is not a bad day.
      const last = all[0]?.status;
      const ink = last === undefined ? '' : last === 'ok' || last === 'partial' ? last : 'bad';
      const said = last === undefined ? 'no run' : `${all.length} runs, the last ${last}, ${failed} failed`;
      return `<i class="${ink}" title="${date}: ${said}"></i>`;
    });
    return `<span>${escaped(pipe)}</span><div>${cells.join('')}</div>`;
  });
  const key =
    '<p class="key soft"><i style="background:var(--green)"></i>ok<i style="background:var(--yellow)"></i>partial<i style="background:var(--red)"></i>failed<i style="background:var(--none)"></i>no run</p>';
  return `<div class="days">${rows.join('')}</div><p class="soft">${dates[0]} to ${dates.at(-1)}; each cell is the last run of a day.</p>${key}`;
}

interface Figure {
  readonly caption: string;
  readonly chart: Chart;
}

function charts(standing: Standing, { runs, kpis }: History): Figure[] {
  const dates = datesOf(standing, kpis.days);
  const byDay = Map.groupBy(runs, ({ startedAtMs }) => dateIn(standing.zone, startedAtMs));
  const perPipe = (of: (all: readonly PastRun[]) => number | null) =>
    standing.pipes.map(({ pipe }) => ({
      name: pipe,
      values: dates.map((date) => of((byDay.get(date) ?? []).filter((run) => run.pipe === pipe))),
    }));
  const sum = (of: (run: PastRun) => number) => (all: readonly PastRun[]) =>
    all.reduce((total, run) => total + of(run), 0);
  const longest = (all: readonly PastRun[]): number | null => {
    const ended = all.flatMap(({ startedAtMs, endedAtMs }) => (endedAtMs === null ? [] : [endedAtMs - startedAtMs]));
    return ended.length === 0 ? null : Math.round(Math.max(...ended) / 1000);
  };
  const labels = dates.map((date) => date.slice(5));
  const bars = (caption: string, of: (run: PastRun) => number): Figure => ({
    caption,
    chart: { kind: 'bars', labels, series: perPipe(sum(of)) },
  });
  return [
    { caption: 'Longest run of a day, in seconds', chart: { kind: 'lines', labels, series: perPipe(longest) } },
    bars('Records read', ({ read }) => read),
    bars('Records written', ({ written }) => written),
    bars('Dead letters added', ({ deadLettersAdded }) => deadLettersAdded),
    bars('HubSpot calls', ({ calls }) => calls),
    bars('Rate limited answers', ({ rateLimited }) => rateLimited),
  ];
}

/** An axis without a single bar says less than a sentence. */
function figure({ caption, chart }: Figure): string {
  const isEmpty = chart.series.every(({ values }) => values.every((value) => value === null || value === 0));
  return `<figure><figcaption>${caption}</figcaption>${isEmpty ? '<p class="soft">none in these days</p>' : chartSvg(chart)}</figure>`;
}

function runTable({ zone, nowMs }: Standing, runs: readonly PastRun[]): string {
  const rows = runs.slice(0, RUNS_LISTED).map((run) => {
    const { id, pipe, trigger, status, startedAtMs, endedAtMs, read, written, deadLettersAdded, calls } = run;
    const took = endedAtMs === null ? '-' : duration((endedAtMs - startedAtMs) / 1000);
    const counts = [read, written, deadLettersAdded, calls].map((value) => `<td class="n">${grouped(value)}</td>`);
    return `<tr><td>${dayTime(zone, startedAtMs, nowMs)}</td><td>${escaped(pipe)}</td><td class="${inkOf(status)}">${status}</td><td class="n">${took}</td>${counts.join('')}<td class="soft">${escaped(trigger)}</td><td><code>${escaped(id)}</code></td></tr>`;
  });
  const heads =
    '<tr><th>begun</th><th>pipe</th><th>verdict</th><th class="n">took</th><th class="n">read</th><th class="n">written</th><th class="n">letters</th><th class="n">calls</th><th>by</th><th>run</th></tr>';
  return rows.length === 0 ? '<p class="soft">none</p>' : `<table>${heads}${rows.join('')}</table>`;
}
