/** The first thing a support engineer of the vendor opens. */
import type { Told } from './archive-files.ts';
import { ROWS } from './calls.ts';
import type { Look } from './look.ts';
import { CONTENT_BYTES_MAX, KEPT } from './recorder.ts';
import { curlLine } from './request.ts';

export function readmeOf(told: Told): string {
  return `${[
    ...head(told),
    ...findings(told),
    ...told.looks.flatMap((look) => lookLines(look, told)),
    ...contents(told),
    ...masking(told),
  ].join('\n')}\n`;
}

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
const number = (call: number): string => String(call).padStart(3, '0');

/** As a cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

function head({ issue, version, madeAtMs, recorder, calls, secrets }: Told): string[] {
  const origins = new Set(recorder.exchanges.map(({ url }) => new URL(url).origin));
  const kept = calls.filter(({ isKept }) => isKept).length;
  return [
    '# Evidence of how the ERP answers',
    '',
    ...secrets
      .scrub(issue)
      .split('\n')
      .map((line) => `> ${line}`),
    '',
    `- asked: ${time(recorder.exchanges[0]?.startedAtMs ?? madeAtMs)}`,
    `- of: ${[...origins].join(', ') || 'nobody'}`,
    `- calls: ${recorder.exchanges.length + recorder.uncounted}, ${kept} of them with request and answer in calls/, all in timings.csv`,
    `- made by: retail-sync ${version}, which reads only`,
    '',
  ];
}

function findings({ reported, calls, looks }: Told): string[] {
  if (reported.length === 0) {
    const isEarly = looks.some(({ stopped }) => stopped !== null);
    return [
      '## What was found',
      '',
      isEarly
        ? 'The calls ended early, see below. Up to there nothing was measured that departs from what is relied on.'
        : 'Nothing: each question was answered as it is relied on. The archive shows what was asked and what was answered.',
      '',
    ];
  }
  return [
    '## What was found',
    '',
    '| | resource | what | expected | observed |',
    '|---|---|---|---|---|',
    ...reported.map(
      ({ number: nth, resource, kind, expected, observed, evidence }) =>
        `| ${nth} | ${resource} | ${kind} | ${cell(expected)} | ${cell(observed)} (${cell(evidence)}) |`,
    ),
    '',
    ...reported.flatMap((one) => [
      `### ${one.number}. ${one.resource}: ${one.kind}${one.field === null ? '' : `, ${one.field}`}`,
      '',
      `- expected: ${one.expected}`,
      `- observed: ${one.observed}`,
      `- seen: ${one.evidence}`,
      `- calls: ${one.calls.length === 0 ? 'none of those that were kept' : spans(one.calls)}`,
      '',
      ...repeatLines(one.calls, calls),
    ]),
  ];
}

/** All of them by the script, and the first and the last as they are typed. */
function repeatLines(shownBy: readonly number[], calls: Told['calls']): string[] {
  const ends = [...new Set([shownBy[0], shownBy.at(-1)])].flatMap((call) => {
    const found = calls.find(({ request }) => request.call === call);
    return found === undefined ? [] : [found.request];
  });
  if (ends.length === 0) return [];
  return [
    `To repeat: \`sh repeat.sh ${shownBy.slice(0, REPEATED_MAX).map(number).join(' ')}\`, or`,
    '',
    '```sh',
    ...new Set(ends.map(curlLine)),
    '```',
    '',
  ];
}

/** A sample is many calls; a few of them show it. */
const REPEATED_MAX = 8;

/** 21, 22, 23, 30 as `021 to 023, 030`. */
function spans(calls: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const call of calls) {
    const last = runs.at(-1);
    if (last !== undefined && call === last[1] + 1) last[1] = call;
    else runs.push([call, call]);
  }
  return runs.map(([from, to]) => (from === to ? number(from) : `${number(from)} to ${number(to)}`)).join(', ');
}

function lookLines({ resource, startedAtMs, seconds, sampled, seen, answers, stopped }: Look, told: Told): string[] {
  const said = (text: string): string => told.redactions.get(resource)?.sentence(text) ?? '';
  return [
    `## How ${resource} were asked for`,
    '',
    `From ${time(startedAtMs)}, for ${seconds.toFixed(1)} s: ${seen} records seen, ${sampled} of them looked at.`,
    ...(stopped === null
      ? []
      : [
          '',
          `It ended early, with call ${number(told.calls.findLast((one) => one.resource === resource)?.request.call ?? 0)}: ${said(stopped)}.`,
        ]),
    '',
    ...(answers.length === 0
      ? []
      : [
          '| question | answer | as expected | seen |',
          '|---|---|---|---|',
          ...answers.map(({ question, answer, evidence, isFine }) => {
            const verdict = isFine === null ? '-' : isFine ? 'yes' : 'no';
            return `| ${cell(question)} | ${cell(said(answer))} | ${verdict} | ${cell(said(evidence))} |`;
          }),
          '',
        ]),
  ];
}

const contents = ({ secrets }: Told): string[] => [
  '## What is in here',
  '',
  '- `findings.json`: the same for a program',
  '- `timings.csv`: every call, when it was made, time to the first byte and to the end, status, bytes',
  '- `calls/NNN-request.txt`, `calls/NNN-response.json`: what was asked and what was answered',
  `- \`repeat.sh\`: the calls as lines of curl; set ${secrets.names.map((name) => `\`${name}\``).join(' and ')} first`,
  '',
  `Of each resource at most ${KEPT.slices.pairs} calls that list slices, ${KEPT.sample.pairs} of the sample and ${KEPT.behaviour.pairs} about behaviour are kept, answers of up to ${CONTENT_BYTES_MAX / 1_048_576} MiB.`,
  '',
];

function masking({ masked }: Told): string[] {
  const [rows] = ROWS;
  return [
    '## What is masked',
    '',
    `Ids, dates, codes, amounts, counts and flags are as they came. Every other text is shown by its shape, \`Aaaa 999\` (${masked} distinct values): names, addresses, telephones, e-mails, notes, and whatever no rule knows. Tokens, passwords, cookies and sessions are left out, headers are shown only where their value has a form that tells of nobody. An answer that is not JSON is counted, not shown.`,
    '',
    `The first ${rows?.whole} rows of a list are whole, the next ${rows?.brief} have ids, dates and codes only; large answers are cut sooner and say so.`,
    '',
  ];
}
