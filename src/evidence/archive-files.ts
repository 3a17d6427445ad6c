/** Everything recorded and found, as the files of the archive. Nothing here asks anybody anything. */

import { EXIT, FatalError } from '../errors.ts';
import type { Finding } from '../probe/finding.ts';
import type { ArchiveFile } from './archive.ts';
import { callsOf, type ShownCall } from './calls.ts';
import { EXPECTED, isVendorKind } from './expected.ts';
import type { Look } from './look.ts';
import { readmeOf } from './readme.ts';
import type { Exchange, Recorder } from './recorder.ts';
import { Redaction } from './redact.ts';
import { repeatScript } from './repeat.ts';
import { Rulings } from './rulings.ts';
import type { Secrets } from './secrets.ts';

/** One finding, for the vendor. */
export interface Reported {
  readonly number: number;
  readonly resource: string;
  readonly kind: string;
  readonly field: string | null;
  readonly expected: string;
  readonly observed: string;
  readonly evidence: string;
  /** Numbers of the calls that show it, those that are in the archive. */
  readonly calls: readonly number[];
}

export interface Case {
  readonly issue: string;
  readonly version: string;
  readonly madeAtMs: number;
  readonly looks: readonly Look[];
  readonly recorder: Recorder;
  readonly secrets: Secrets;
  /** Words of our configuration, in lower case: no evidence of anybody. */
  readonly own: ReadonlySet<string>;
}

export interface Files {
  readonly files: readonly ArchiveFile[];
  readonly reported: readonly Reported[];
  readonly kept: number;
  /** Distinct values that were replaced by their shape. */
  readonly masked: number;
}

/** Throws when a file would hold a secret after all: then nothing is written. */
export function filesOf(subject: Case): Files {
  const { looks, recorder, secrets } = subject;
  const calls: ShownCall[] = [];
  let masked = 0;
  const redactions = new Map<string, Redaction>();
  for (const { resource, summary, ids, isAboutPeople } of looks) {
    const redaction = new Redaction(new Rulings(summary, ids), secrets, isAboutPeople, subject.own);
    redactions.set(resource, redaction);
    calls.push(
      ...callsOf(
        recorder.exchanges.filter((one) => one.resource === resource),
        redaction,
        secrets,
      ),
    );
    masked += redaction.removed;
  }
  const reported = looks.flatMap((look) => reportedOf(look, recorder.exchanges, calls, redactions.get(look.resource)));
  const numbered = reported.map((one, at) => ({ number: at + 1, ...one }));
  const told = { ...subject, calls, reported: numbered, masked, redactions };
  const files: ArchiveFile[] = [
    { path: 'README.md', text: readmeOf(told) },
    { path: 'findings.json', text: json(findingsDocument(told)) },
    { path: 'timings.csv', text: timingsOf(recorder, calls) },
    { path: 'repeat.sh', text: repeatScript(calls, numbered, secrets), isExecutable: true },
    ...calls.filter(({ isKept }) => isKept).flatMap(({ files: own }) => own),
  ];
  const leak = files.find(({ text }) => secrets.holds(text));
  if (leak !== undefined)
    throw new FatalError(
      EXIT.gate,
      `nothing was written: ${leak.path} would hold a secret`,
      'tell the maintainers of retail-sync which field or header it may stand in, not its value',
    );
  return { files, reported: numbered, kept: calls.filter(({ isKept }) => isKept).length, masked };
}

export interface Told extends Case {
  readonly calls: readonly ShownCall[];
  readonly reported: readonly Reported[];
  readonly masked: number;
  readonly redactions: ReadonlyMap<string, Redaction>;
}

function reportedOf(
  { resource, findings, basis, names }: Look,
  exchanges: readonly Exchange[],
  calls: readonly ShownCall[],
  redaction: Redaction | undefined,
): Omit<Reported, 'number'>[] {
  const kept = new Set(calls.filter(({ isKept }) => isKept).map(({ request }) => request.call));
  const own = exchanges.filter((one) => one.resource === resource && kept.has(one.call));
  const said = (text: string): string => redaction?.sentence(text) ?? '';
  return findings.flatMap((finding) => {
    const { kind, field, message, evidence } = inTheirWords(finding, names);
    if (!isVendorKind(kind)) return [];
    const { expected, shownBy } = EXPECTED[kind];
    const { from, to } = basis.get(finding) ?? { from: 1, to: 0 };
    const isShown = ({ stage, ask }: Exchange): boolean => {
      if (shownBy === 'sample' || to < from) return stage === 'sample';
      return stage === 'behaviour' && ((ask >= from && ask <= to) || (shownBy === 'question and first' && ask === 1));
    };
    return {
      ...{ resource, kind, field, expected, observed: said(message), evidence: said(evidence) },
      calls: own.filter(isShown).map(({ call }) => call),
    };
  });
}

/** What the mapper stumbled over has our name of the field, and our list of codes. */
function inTheirWords(finding: Finding, names: ReadonlyMap<string, string>): Finding {
  const { kind, field, message, evidence } = finding;
  if (kind === 'field-absent')
    return {
      ...finding,
      message: `${field} is in no record`,
      evidence: evidence.replace(' and nothing reads it', ' instead, or besides'),
    };
  const theirs = field === null ? undefined : names.get(field);
  if (field === null || theirs === undefined || (kind !== 'unknown-code' && kind !== 'records-rejected'))
    return finding;
  return {
    ...finding,
    field: theirs,
    message: message.replace(field, () => theirs).replace('which has no mapping', 'which is not on the list agreed on'),
    evidence: evidence.replace(/; unknown value; known: .*$/s, ''),
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function findingsDocument({ issue, version, madeAtMs, looks, reported, redactions, secrets }: Told) {
  return {
    schemaVersion: 1,
    madeBy: `retail-sync ${version}`,
    at: new Date(madeAtMs).toISOString(),
    issue: secrets.scrub(issue),
    findings: reported,
    looks: looks.map(({ resource, about, startedAtMs, seconds, sampled, seen, answers, stopped }) => {
      const said = (text: string): string => redactions.get(resource)?.sentence(text) ?? '';
      return {
        ...{ resource, about, at: new Date(startedAtMs).toISOString(), seconds, sampled, seen },
        stopped: stopped === null ? null : said(stopped),
        answers: answers.map(({ question, answer, evidence, isFine }) => ({
          ...{ question, answer: said(answer), evidence: said(evidence), isFine },
        })),
      };
    }),
  };
}

const HEAD = 'call,resource,stage,question,method,address,started,first_byte_ms,total_ms,status,bytes,outcome,in_calls';

function timingsOf({ exchanges, uncounted }: Recorder, calls: readonly ShownCall[]): string {
  const shown = new Map(calls.map((one) => [one.request.call, one]));
  const rows = exchanges.map(({ call, resource, stage, ask, method, startedAtMs, answer }) => {
    const { firstByteMs, totalMs, status, bytes, outcome, failure } = answer;
    const one = shown.get(call);
    return [
      ...[call, resource, stage, ask, method, one?.request.address ?? '', new Date(startedAtMs).toISOString()],
      ...[tenths(firstByteMs), tenths(totalMs), status ?? '', bytes],
      ...[failure === null ? outcome : `${outcome} (${failure})`, one?.isKept ? 'yes' : 'no'],
    ];
  });
  const rest = uncounted === 0 ? [] : [['', '', `and ${uncounted} more calls`]];
  return `${[HEAD, ...[...rows, ...rest].map((row) => row.map(cell).join(','))].join('\r\n')}\r\n`;
}

const tenths = (ms: number | null): number | string => (ms === null ? '' : Number(ms.toFixed(1)));

/** RFC 4180; and nothing that a spreadsheet would take for a formula. */
function cell(value: string | number): string {
  const text = String(value).replace(/^(?=[=+@-])/, typeof value === 'string' ? "'" : '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
