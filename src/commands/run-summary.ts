/** From a run's report to what is shown and kept of it. */
import type { Flight, Mode } from '../mission.ts';
import type { RunSummary } from '../report/summary.ts';
import type { CallStats } from '../sinks/hubspot/tally.ts';

/** `before` and `after`: what the process had called when the run began, and when it ended. */
export function summarize(pipe: string, mode: Mode, flight: Flight, before: CallStats, after: CallStats): RunSummary {
  const { id, report, seconds } = flight;
  const { counts, upserts, links } = report;
  const calls = after.calls - before.calls;
  const slices = report.proofs.filter((proof) => proof.partition !== '*');
  return {
    pipe,
    runId: id,
    verdict: report.status === 'stopped' ? 'failed' : report.status,
    mode: { dryRun: mode.dryRun, full: mode.full, since: mode.since },
    counts: { ...counts, created: upserts.created, updated: upserts.updated },
    upserts,
    links,
    deadLettersAdded: report.deadLettersAdded,
    deletions: report.deletions,
    calls,
    writeCalls: writesOf(after) - writesOf(before),
    rateLimited: after.rateLimited - before.rateLimited,
    retries: after.retries - before.retries,
    seconds,
    floorSeconds: floorSeconds(calls, after.limitPer10s, after.medianMs),
    partitions: {
      total: slices.length,
      complete: slices.filter((proof) => proof.verdict === 'complete').length,
    },
    ...(report.reason === null ? {} : { reason: report.reason }),
    ...(report.hint === null ? {} : { hint: report.hint }),
    ...(report.code === undefined ? {} : { code: report.code }),
    ...(after.daily === null ? {} : { quota: after.daily }),
    notes: [...deletionNotes(pipe, report), ...notesOf(pipe, report)],
  };
}

function deletionNotes(pipe: string, { deletions }: Flight['report']): string[] {
  if (deletions === null) return [];
  const { concluded, lacking, unlisted, reason } = deletions;
  const were = (count: number): string => (count === 1 ? '1 record was' : `${count} records were`);
  const undecided = lacking - unlisted;
  const archive = `retail-sync reconcile ${pipe} --archive`;
  const full = `retail-sync sync ${pipe} --full`;
  return [
    ...(concluded > 0
      ? [`${were(concluded)} deleted at the source; HubSpot is told, nothing is archived: ${archive}`]
      : []),
    ...(undecided > 0 && reason === null
      ? [`${were(undecided)} not in this full pass; one more decides what is deleted: ${full}`]
      : []),
    ...(undecided > 0 && reason !== null ? [`${were(undecided)} missing, and nothing is concluded: ${reason}`] : []),
    ...(unlisted > 0
      ? [`${were(unlisted)} in no listing of two full passes, yet found by id: look at the source`]
      : []),
  ];
}

const NOTES_SHOWN = 8;

function notesOf(pipe: string, { proofs, notes, sums, upserts }: Flight['report']): string[] {
  const limited = proofs.some((proof) => proof.verdict === 'limited');
  const remarks = notes.toSorted((a, b) => b.times - a.times).slice(0, NOTES_SHOWN);
  return [
    ...(limited ? ['stopped at --limit: nothing is said about the records that were not read'] : []),
    ...(upserts.adopted > 0 ? [`${upserts.adopted} objects that people had made were adopted`] : []),
    ...(upserts.withheld > 0
      ? [
          `${upserts.withheld === 1 ? '1 contact was written without its e-mail' : `${upserts.withheld} contacts were written without their e-mail`}: another contact has it; once that one has given it up: retail-sync reconcile ${pipe} --fix`,
        ]
      : []),
    ...(upserts.redone > 0
      ? [`${upserts.redone} objects whose values undo had taken back changed at the source, and were written again`]
      : []),
    ...Object.entries(sums).map(([label, amount]) => `${label}: ${amount}`),
    ...remarks.map(({ note, times }) => (times > 1 ? `${note} (${times} times)` : note)),
    ...(notes.length > NOTES_SHOWN ? [`and ${notes.length - NOTES_SHOWN} more remarks of the mapper`] : []),
  ];
}

/** Calls that change something in HubSpot; operations are named `products upsert`, `products read`. */
const writesOf = ({ byOperation }: CallStats): number =>
  Object.entries(byOperation).reduce(
    (sum, [name, count]) => (/ (upsert|update|create|archive|link|unlink)$/.test(name) ? sum + count : sum),
    0,
  );

/** The least time HubSpot allows for these calls: its limit, or its latency with ten requests in flight. */
const floorSeconds = (calls: number, limitPer10s: number, medianMs: number): number =>
  calls === 0 ? 0 : Math.max(10 * Math.floor((calls - 1) / limitPer10s), (calls * medianMs) / 10_000);
