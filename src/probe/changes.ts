/**
 * What differs between two samples by more than chance. A share counts as moved when Fisher's exact test gives it less
 * than a chance of 1 in 1,000 and it moved by at least 10 points; a field, type or code as new or lost by that test
 * alone. So two samples of an unchanged source agree, whichever records they hold.
 */
import { type Finding, percent } from './finding.ts';
import { type FieldSummary, filledOf, type SampleSummary } from './model.ts';
import { chanceOf } from './significance.ts';

const CHANCE_MAX = 0.001;
const POINTS_MIN = 0.1;
/** Where an earlier sample saw so many, a field that is empty now is not so by chance. */
const SEEN_MIN = 20;

export function changesBetween(before: SampleSummary, after: SampleSummary, where: string): Finding[] {
  const [old, now] = [byPath(before), byPath(after)];
  const findings: Finding[] = [];
  for (const [path, field] of now) {
    const known = old.get(path);
    if (known === undefined) findings.push(...newField(field, before, where));
    else findings.push(...fieldChanges(known, field, where));
  }
  for (const [path, field] of old) if (!now.has(path)) findings.push(...lostField(field, after, where));
  return findings;
}

const byPath = ({ fields }: SampleSummary): Map<string, FieldSummary> =>
  new Map(fields.map((field) => [field.path, field]));

const differs = (a: number, ofA: number, b: number, ofB: number): boolean => chanceOf(a, ofA, b, ofB) < CHANCE_MAX;

const moved = (a: number, ofA: number, b: number, ofB: number): boolean =>
  differs(a, ofA, b, ofB) && Math.abs(a / ofA - b / ofB) >= POINTS_MIN;

function newField(field: FieldSummary, before: SampleSummary, where: string): Finding[] {
  if (!differs(0, Math.max(1, holdersIn(before, field.path)), field.present, field.holders)) return [];
  return [
    {
      kind: 'field-new',
      field: field.path,
      message: `${field.path} is new`,
      evidence: `${field.present} of ${field.holders} carry it, none of the baseline did`,
      fix: `nothing; if it is needed, map it in ${where}`,
    },
  ];
}

function lostField(field: FieldSummary, after: SampleSummary, where: string): Finding[] {
  const holders = holdersIn(after, field.path);
  if (!differs(field.present, field.holders, 0, holders)) return [];
  return [
    {
      kind: 'field-lost',
      field: field.path,
      message: `${field.path} is gone`,
      evidence: `${percent(field.present, field.holders)} of the baseline carried it, none of ${holders} now`,
      fix: `if ${where} reads it, give the path where it is kept now`,
    },
  ];
}

/** Objects that could hold the field; a list nobody has any more says nothing about its items. */
function holdersIn(summary: SampleSummary, path: string): number {
  if (!path.includes('.')) return summary.records;
  const stem = path.slice(0, path.lastIndexOf('.') + 1);
  return summary.fields.find((field) => field.path.startsWith(stem))?.holders ?? 0;
}

function fieldChanges(before: FieldSummary, after: FieldSummary, where: string): Finding[] {
  return [...typeChanges(before, after, where), ...emptied(before, after), ...codeChanges(before, after, where)];
}

function typeChanges(before: FieldSummary, after: FieldSummary, where: string): Finding[] {
  const total = (field: FieldSummary): number => Object.values(field.types).reduce((sum, count) => sum + count, 0);
  const types = new Set([...Object.keys(before.types), ...Object.keys(after.types)]);
  const grown = [...types].filter(
    (type) =>
      (after.types[type] ?? 0) / Math.max(1, total(after)) > (before.types[type] ?? 0) / Math.max(1, total(before)) &&
      differs(before.types[type] ?? 0, total(before), after.types[type] ?? 0, total(after)),
  );
  return grown.map((type) => ({
    kind: 'field-type',
    field: after.path,
    message: `${after.path} changed its type: now ${type}`,
    evidence: `${percent(after.types[type] ?? 0, total(after))} are ${type}, ${percent(before.types[type] ?? 0, total(before))} were; before: ${Object.keys(before.types).join(', ') || 'nothing'}`,
    fix: `check in ${where} that its conversion takes a ${type}`,
  }));
}

function emptied(before: FieldSummary, after: FieldSummary): Finding[] {
  const [was, is] = [filledOf(before), filledOf(after)];
  if (was >= SEEN_MIN && is === 0 && differs(was, before.holders, is, after.holders)) {
    return [
      {
        kind: 'field-emptied',
        field: after.path,
        message: `${after.path} is empty in every record`,
        evidence: `0 of ${after.holders} are filled (${after.nulls} null, ${after.empties} blank); the baseline: ${percent(was, before.holders)}`,
        fix: 'ask the vendor: an export that broke looks like this; a sync would empty it in HubSpot',
      },
    ];
  }
  if (!moved(was, before.holders, is, after.holders)) return [];
  return [
    {
      kind: 'share-moved',
      field: after.path,
      message: `${after.path} is filled ${is / after.holders < was / before.holders ? 'less' : 'more'} often`,
      evidence: `${percent(is, after.holders)} now, ${percent(was, before.holders)} in the baseline`,
      fix: 'ask the vendor whether that is meant, then probe again: the newer probe is the baseline from then on',
    },
  ];
}

function codeChanges(before: FieldSummary, after: FieldSummary, where: string): Finding[] {
  if (!before.isEnum || !after.isEnum || before.isPersonal || after.isPersonal) return [];
  const counts = (field: FieldSummary): Map<string, number> =>
    new Map(field.top.map(({ value, count }) => [value, count]));
  const [old, now] = [counts(before), counts(after)];
  const [was, is] = [filledOf(before), filledOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((value): Finding[] => {
    const [a, b] = [old.get(value) ?? 0, now.get(value) ?? 0];
    const evidence = `${percent(b, is)} now, ${percent(a, was)} in the baseline`;
    if (a === 0 && before.top.length < 12 && differs(a, was, b, is)) {
      const fix = `if ${where} maps ${after.path}, add ${JSON.stringify(value)} to its enum`;
      return [
        {
          kind: 'code-new',
          field: after.path,
          message: `${after.path} has a new value ${JSON.stringify(value)}`,
          evidence,
          fix,
        },
      ];
    }
    if (!moved(a, was, b, is)) return [];
    const message = `${after.path} ${JSON.stringify(value)} moved`;
    return [
      {
        kind: 'share-moved',
        field: after.path,
        message,
        evidence,
        fix: 'ask what changed: the same code may mean something else now',
      },
    ];
  });
}
