/** What `undo` would do and did, at 80 columns. */
import type { RunObject } from '../state/undo.ts';
import type { Restorable, Survey, Undone } from '../undo/restore.ts';
import { clip, grouped, type Paint, safe } from './style.ts';
import { paragraph } from './table.ts';

const COLUMNS = 80;
const SHOWN = 20;

export function renderUndo(
  run: string,
  { restorable, created, unknown }: Survey,
  archives: boolean,
  paint: Paint,
): string {
  const due = restorable.filter(({ restore }) => restore.length > 0);
  const values = due.reduce((sum, { restore }) => sum + restore.length, 0);
  const left = restorable.filter(({ changedSince, isGone }) => isGone || changedSince.length > 0);
  const lines = [
    `${paint('bold', `undo run ${safe(run)}`)}: ${grouped(values)} values of ${grouped(due.length)} objects go back`,
    ...due.slice(0, SHOWN).flatMap(valueLines),
    ...rest(due.length),
    ...section('Stay, because somebody has changed them since', left.map(leftLine)),
    ...section('Stay, because nothing is known from before', unknown.map(nameOf)),
    ...section(
      archives
        ? 'Created by the run, to be archived'
        : 'Created by the run, and kept (--archive moves them to the recycle bin)',
      created.map(nameOf),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const nameOf = ({ object, key, hubspotId }: RunObject): string => `${object} ${safe(key)}  HubSpot id ${hubspotId}`;

const leftLine = ({ of, changedSince, isGone }: Restorable): string =>
  `${nameOf(of)}: ${isGone ? 'not there any more' : changedSince.join(', ')}`;

const valueLines = ({ of, restore }: Restorable): string[] => [
  clip(`  ${nameOf(of)}`, COLUMNS),
  ...restore.map(({ name, before, written }) =>
    clip(`    ${name.padEnd(24)} ${shown(written)} -> ${shown(before)}`, COLUMNS),
  ),
];

const shown = (value: string): string => (value === '' ? '(empty)' : clip(safe(value), 22));

const rest = (count: number): string[] =>
  count > SHOWN ? [`  and ${grouped(count - SHOWN)} more (--json has all)`] : [];

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0
    ? []
    : [
        '',
        `${title}: ${grouped(lines.length)}`,
        ...lines.slice(0, SHOWN).map((line) => clip(`  ${line}`, COLUMNS)),
        ...rest(lines.length),
      ];

export function renderUndone({ restored, values, failed, archived, toArchive }: Undone, paint: Paint): string {
  const lines = [
    '',
    paint(
      failed.length > 0 ? 'yellow' : 'green',
      `${grouped(values)} values of ${grouped(restored)} objects are back.`,
    ),
    ...failed.slice(0, SHOWN).flatMap(({ of, reason }) => paragraph(`${nameOf(of)}: ${reason}`, '  ')),
    ...(toArchive > 0 ? [`${grouped(archived)} of ${grouped(toArchive)} created objects are in the recycle bin.`] : []),
    ...paragraph(
      "The next sync leaves these values alone until their record changes at the source; then it writes the source's again, and says so. reconcile takes them for what HubSpot should have.",
      '',
    ),
    ...(archived > 0
      ? paragraph('What was archived is created again by the next sync that reads its record (--full reads all).', '')
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

export function undoDocument(run: string, { restorable, created, unknown }: Survey, done: Undone | null) {
  const id = ({ object, key, hubspotId }: RunObject) => ({ object, key, hubspotId });
  return {
    ...{
      schemaVersion: 1,
      runId: done?.id ?? null,
      status: (done?.failed.length ?? 0) > 0 ? 'partial' : 'ok',
      undone: run,
    },
    counts: {
      restorable: restorable.filter(({ restore }) => restore.length > 0).length,
      ...{
        created: created.length,
        unknown: unknown.length,
        restored: done?.restored ?? 0,
        archived: done?.archived ?? 0,
      },
    },
    objects: restorable.map(({ of, ...what }) => ({ ...id(of), ...what })),
    created: created.map(id),
    unknown: unknown.map(id),
    failed: done?.failed.map(({ of, reason }) => ({ ...id(of), reason })) ?? [],
  };
}
