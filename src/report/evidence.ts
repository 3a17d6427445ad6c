/** What `evidence` wrote, and what is in it. */
import { sizeOf } from '../bytes.ts';
import type { ExitCode } from '../errors.ts';
import type { Reported } from '../evidence/archive-files.ts';
import { grouped, type Paint, safe } from './style.ts';
import { paragraph } from './table.ts';

/** A resource whose calls ended early. */
export interface Stop {
  readonly resource: string;
  readonly reason: string;
  readonly hint: string;
  readonly exit: ExitCode;
}

interface EvidenceReport {
  readonly path: string;
  readonly bytes: number;
  readonly calls: { readonly made: number; readonly kept: number };
  readonly masked: number;
  readonly findings: readonly Reported[];
  readonly stops: readonly Stop[];
  readonly exit: ExitCode;
}

export function evidenceDocument({ path, bytes, calls, masked, findings, stops, exit }: EvidenceReport) {
  const counts = { calls: calls.made, callsKept: calls.kept, findings: findings.length };
  const stopped = stops.map(({ resource, reason, hint }) => ({ resource, reason, hint }));
  const status = exit === 0 ? 'ok' : 'failed';
  return { schemaVersion: 1, runId: null, status, exit, counts, file: path, bytes, masked, findings, stopped };
}

export function renderEvidence(report: EvidenceReport, paint: Paint): string {
  const { path, bytes, calls, masked, findings, stops } = report;
  const found = `${findings.length} finding${findings.length === 1 ? '' : 's'}`;
  return `${[
    paint('bold', safe(path)),
    `  ${sizeOf(bytes)}, ${grouped(calls.made)} calls (${grouped(calls.kept)} with request and answer), ${found}`,
    '',
    ...findings.flatMap(({ number, resource, kind, observed }) =>
      paragraph(`${number}. ${resource}, ${kind}: ${observed}`, '  '),
    ),
    ...(findings.length === 0 && stops.length === 0
      ? paragraph(
          'The probe found nothing that departs from what is relied on. The zip holds what was asked and answered.',
          '  ',
        )
      : []),
    ...stops.flatMap(({ resource, reason, hint }) => [
      ...paragraph(`${paint('yellow', '!')} ${resource} ended early: ${reason}`, '  '),
      ...paragraph(`fix: ${hint}`, '    '),
    ]),
    '',
    ...paragraph(
      `Look through it before you send it: ${grouped(masked)} ${masked === 1 ? 'value is' : 'values are'} masked and no secret is in it, but your own words in --issue, ids and amounts are as they are.`,
      '',
    ),
  ].join('\n')}\n`;
}
