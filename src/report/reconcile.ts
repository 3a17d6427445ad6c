/** A comparison of both sides, for people on stdout or as one JSON document. */

import type { ExitCode } from '../errors.ts';
import { type Difference, KINDS, type Kind, type PropertyDifference } from '../reconcile/difference.ts';
import type { Repair } from '../reconcile/repair.ts';
import type { ObjectResult, Reconciliation } from '../reconcile.ts';
import { clip, duration, grouped, type Paint, safe } from './style.ts';

export interface ReconcileReport {
  readonly pipe: string;
  readonly exit: ExitCode;
  readonly result: Reconciliation;
  /** What is still different. */
  readonly left: readonly Difference[];
  readonly repair: Repair | null;
  readonly archive: {
    readonly isConfirmed: boolean;
    readonly candidates: readonly Difference[];
    readonly archived: readonly Difference[];
  } | null;
  readonly calls: number;
  readonly seconds: number;
  readonly withValues: boolean;
}

const COLUMNS = 80;
const LABEL_COLUMNS = 20;
const COUNT_COLUMNS = 12;
/** Samples shown of each class. */
const SAMPLES_MAX = 5;

/** Kinds whose key was not found. */
const ABSENT: readonly Kind[] = ['missing', 'key-changed', 'archived', 'merged'];

const countOf = ({ differences }: ObjectResult, kinds: readonly Kind[]): number =>
  differences.filter((one) => kinds.includes(one.kind)).length;

const sameOf = (object: ObjectResult): number => object.compared - countOf(object, ['changed', ...ABSENT]);

// ---------------------------------------------------------------------------------------------------- people

/** Counts by object and class, samples, what was done, what to type next. Ends with a line break. */
export function renderReconcile(report: ReconcileReport, paint: Paint): string {
  const { pipe, result, left, calls, seconds } = report;
  const verdict =
    left.length === 0
      ? paint('green', `✓ ${safe(pipe)}: no differences left`)
      : paint('yellow', `! ${safe(pipe)}: ${grouped(left.length)} differences left`);
  const lines = [
    verdict,
    ...table(result),
    ...remarks(result),
    ...KINDS.flatMap((kind) => samples(report, kind)),
    ...doneLines(report, paint),
    `  ${grouped(calls)} HubSpot calls, ${duration(seconds)}`,
    ...nextLines(report),
  ];
  return `${lines.join('\n')}\n`;
}

function table({ objects }: Reconciliation): string[] {
  const row = (label: string, cells: readonly string[]): string =>
    `  ${label.padEnd(LABEL_COLUMNS)}${cells.map((cell) => cell.padStart(COUNT_COLUMNS)).join('')}`;
  const counts = (label: string, count: (object: ObjectResult) => number): string =>
    row(
      label,
      objects.map((object) => grouped(count(object))),
    );
  return [
    row(
      '',
      objects.map((one) => one.object),
    ),
    counts('compared by key', (one) => one.compared),
    counts('same', sameOf),
    ...KINDS.map((kind) => counts(kind, (one) => countOf(one, [kind]))),
  ];
}

function remarks({ objects, deletions }: Reconciliation): string[] {
  const lines = objects.flatMap((one) => [
    ...(one.notSettled > 0
      ? [`${grouped(one.notSettled)} ${one.object} wait, are dead letters or out of scope: not compared`]
      : []),
    ...(one.moved.length > 0
      ? [`${grouped(one.moved.length)} ${one.object} have a new HubSpot id, as after a merge`]
      : []),
    ...(one.leftToPeople > 0
      ? [`${grouped(one.leftToPeople)} ${one.object} differ only in what is people's by now`]
      : []),
    ...(one.isListComplete ? [] : [`the list of ${one.object} is too long: orphans and duplicates are at least these`]),
  ]);
  const deleted = deletions.isConcluded ? [] : [`deletions at the source: ${deletions.reason}`];
  const { told, archivable } = deletions;
  const toldLine = `${grouped(told)} objects are deleted at the source, and say so in HubSpot; --archive lists ${grouped(archivable.length)}`;
  return [...lines, ...deleted, ...(told > 0 ? [toldLine] : [])].flatMap((line) => wrapped(line));
}

function samples({ result, withValues }: ReconcileReport, kind: Kind): string[] {
  return result.objects.flatMap((object) => {
    const all = object.differences.filter((one) => one.kind === kind);
    if (all.length === 0) return [];
    const more =
      all.length > SAMPLES_MAX ? [`    and ${grouped(all.length - SAMPLES_MAX)} more: --json names all`] : [];
    return [
      `  ${kind} ${object.object}`,
      ...all.slice(0, SAMPLES_MAX).flatMap((one) => sampleLines(one, withValues)),
      ...more,
    ];
  });
}

function sampleLines(one: Difference, withValues: boolean): string[] {
  const id = one.hubspotId === null ? '' : `  HubSpot ${one.hubspotId}`;
  const names = withValues ? '' : one.properties.map(({ name }) => name).join(', ');
  const note = one.note === null ? '' : `  (${one.note})`;
  const line = `    ${one.key}${id}${otherOf(one)}${names === '' ? '' : `  ${names}`}${note}`;
  const values = withValues ? one.properties.flatMap(valueLines) : [];
  return [line, ...values].map((text) => clip(safe(text), COLUMNS));
}

function otherOf({ kind, other }: Difference): string {
  if (other === null) return '';
  const key = other.key === null ? 'without a key' : `key ${other.key}`;
  if (kind === 'key-changed') return `  now ${key}`;
  return `  ${kind === 'merged' ? 'into' : 'beside'} ${other.hubspotId}, ${key}`;
}

const valueLines = ({ name, expected, found }: PropertyDifference): string[] => [
  `      ${name}`,
  `        source   ${expected}`,
  `        HubSpot  ${found ?? ''}`,
];

function doneLines({ repair, archive }: ReconcileReport, paint: Paint): string[] {
  const repaired = repair === null ? [] : [paint('green', `  ${grouped(repair.repaired.length)} repaired`)];
  const reason = repair?.sending?.reason ?? null;
  const why = reason === null ? [] : wrapped(reason);
  if (archive === null) return [...repaired, ...why];
  const list = archive.isConfirmed ? archive.archived : archive.candidates;
  const head = archive.isConfirmed ? 'archived' : 'would be archived with --yes';
  return [
    ...repaired,
    ...why,
    `  ${grouped(list.length)} ${head}`,
    ...list.map((one) => clip(safe(`    ${one.object} ${one.key}`), COLUMNS)),
  ];
}

function nextLines(report: ReconcileReport): string[] {
  const next = nextOf(report);
  return next.length === 0 ? [] : ['  next:', ...next.map((line) => `    ${line}`)];
}

/** Commands and steps for what is left, the most useful first. */
function nextOf({ pipe, left, repair, archive, result }: ReconcileReport): string[] {
  const has = (...kinds: Kind[]): boolean => left.some((one) => kinds.includes(one.kind));
  const command = `retail-sync reconcile ${pipe}`;
  const { archivable, told } = result.deletions;
  // What was told is as it should be; that it may be archived is said once, above.
  const canArchive = archivable.length > 0 && archive?.isConfirmed !== true && (told === 0 || archive !== null);
  return [
    ...(repair?.sending?.hint ? [repair.sending.hint] : []),
    ...(repair === null && has('changed', 'missing') ? [`${command} --fix`] : []),
    ...(has('archived') ? [`${command} --fix --recreate   (what people archived)`] : []),
    ...(canArchive ? [`${command} --archive${archive === null ? '' : ' --yes'}`] : []),
    ...(has('merged', 'key-changed', 'orphan', 'duplicate')
      ? ['in HubSpot: look at these objects; no command touches them']
      : []),
  ];
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of safe(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS - 2) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `  ${line}`);
}

// ---------------------------------------------------------------------------------------------------- programs

/** Every difference with its keys; property values only with `--values`. */
export function reconcileDocument(report: ReconcileReport): unknown {
  const { pipe, exit, result, left, repair, archive, calls, seconds, withValues } = report;
  const shown = (one: Difference) => ({
    ...one,
    properties: one.properties.map(({ name, ...values }) => (withValues ? { name, ...values } : { name })),
  });
  const { objects, deletions } = result;
  const total = (count: (object: ObjectResult) => number): number => objects.reduce((sum, one) => sum + count(one), 0);
  const counts = {
    compared: total((one) => one.compared),
    same: total(sameOf),
    ...Object.fromEntries(KINDS.map((kind) => [kind, total((one) => countOf(one, [kind]))])),
    left: left.length,
  };
  return {
    schemaVersion: 1,
    runId: repair?.sending?.id ?? null,
    status: exit === 0 ? 'ok' : exit === 3 ? 'partial' : 'failed',
    exit,
    pipe,
    counts,
    objects: objects.map(({ differences: _, moved, ...one }) => ({
      ...one,
      same: sameOf({ ...one, moved, differences: _ }),
      ...Object.fromEntries(KINDS.map((kind) => [kind, countOf({ ...one, moved, differences: _ }, [kind])])),
      movedIds: moved,
    })),
    differences: objects.flatMap((one) => one.differences.map(shown)),
    left: left.map(({ kind, object, key, note }) => ({ kind, object, key, note })),
    deletedAtSource: { concluded: deletions.isConcluded, reason: deletions.reason, told: deletions.told },
    fix: repair && {
      repaired: repair.repaired.map(({ kind, object, key }) => ({ kind, object, key })),
      run: repair.sending,
    },
    archive: archive && {
      confirmed: archive.isConfirmed,
      candidates: archive.candidates.map(({ object, key }) => ({ object, key })),
      archived: archive.archived.map(({ object, key }) => ({ object, key })),
    },
    calls,
    seconds,
  };
}
