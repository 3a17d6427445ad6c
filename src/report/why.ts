/** The story of one record for a person: one screen, 80 columns. */
import { withheldFrom } from '../state/reconciliation.ts';
import type { Explained, ExplainedObject, Present } from '../why/explain.ts';
import type { Field } from '../why/lineage.ts';
import { clip, grouped, type Paint, safe } from './style.ts';
import { minuteOf, paragraph } from './table.ts';

const COLUMNS = 80;
const NAME_COLUMNS = 22;
const VALUE_COLUMNS = 22;
const LABEL_COLUMNS = 10;
/** Entries of the journal that are shown. */
const EVENTS_SHOWN = 5;
const LINKS_SHOWN = 6;

export interface WhyOptions {
  /** What was asked for: of several objects the one it names is shown whole. */
  readonly asked: string;
  readonly isRaw: boolean;
  readonly isAll: boolean;
  readonly nowMs: number;
}

export const renderMatches = (
  text: string,
  matches: readonly { readonly reference: string; readonly pipe: string; readonly entity: string }[],
): string =>
  `${[
    `${safe(text)} may mean ${matches.length} records:`,
    ...matches.map(({ reference, pipe }) => `  ${pipe.padEnd(12)} retail-sync why ${safe(reference)}`),
  ].join('\n')}\n`;

export function renderWhy(story: Explained, options: WhyOptions, paint: Paint): string {
  const { subject } = story;
  const focus = focusOf(story.objects, options.asked);
  const shown = story.objects.filter((one) => options.isAll || one === focus);
  const others = story.objects.filter((one) => !shown.includes(one));
  const lines = [
    `${paint('bold', `${subject.pipe} ${safe(subject.entity)}`)}  ${verdictOf(story, paint)}`,
    ...readLines(story),
    ...ruleLines(story),
    ...shown.flatMap((one) => objectLines(one, subject.pipe, options, paint)),
    ...others.map((one) => label('also', `${titleOf(one)}${presence(one.present)}`)),
    ...(others.length > 0 ? [label('', 'all of them: --all')] : []),
    ...unusedLines(story, options),
    ...letterLines(story),
    ...eventLines(story, focus, options.isAll),
    ...linkLines(story),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

const label = (name: string, text: string): string => clip(`${name.padEnd(LABEL_COLUMNS)}${safe(text)}`, COLUMNS);

const labelled = (name: string, text: string): string[] =>
  paragraph(text, ' '.repeat(LABEL_COLUMNS)).map((line, at) =>
    at === 0 ? name.padEnd(LABEL_COLUMNS) + line.slice(LABEL_COLUMNS) : line,
  );

const focusOf = (objects: readonly ExplainedObject[], asked: string): ExplainedObject | undefined =>
  objects.find(
    ({ key, stored, properties }) =>
      stored?.hubspotId === asked ||
      properties.some(({ name, value }) => name === 'email' && value.toLowerCase() === asked.toLowerCase()) ||
      key === asked,
  ) ?? objects[0];

/** Of the entity, or of its record where nothing was ever made of it. */
const ruleOf = ({ rule, records }: Pick<Explained, 'rule' | 'records'>): string | null =>
  rule ?? records.find((one) => one.rule !== null)?.rule ?? null;

function verdictOf({ state, rule, mapperRule, records, letters }: Explained, paint: Paint): string {
  const excluded = ruleOf({ rule, records }) ?? (state === 'excluded' ? mapperRule : null);
  if (records.some(({ gone }) => gone === 1)) return paint('yellow', 'deleted at the source');
  if (excluded !== null) return paint('cyan', `excluded by rule ${excluded}`);
  if (state === 'dead' || (state === null && letters.length > 0)) return paint('red', 'refused: a dead letter');
  if (state === 'held') return paint('yellow', 'held: HubSpot did not say whether it was written');
  if (state === 'pending' || state === 'sending') return paint('yellow', 'waits to be written by the next run');
  return state === 'clean' ? paint('green', 'settled') : 'no record of its own was read yet';
}

function readLines({ records, proven }: Explained): string[] {
  const lines = records.slice(-3).flatMap(({ id, modifiedAt, readAtMs, partition, page, run }) => {
    const where = partition === null ? 'asked for by id' : `slice ${partition}, page ${page}`;
    const at = readAtMs === null ? 'before readings were noted' : `${minuteOf(readAtMs)} UTC, ${where}`;
    return [
      label('read', at),
      label('', `by run ${run}`),
      label('', `record ${id}, changed at the source ${modifiedAt}`),
    ];
  });
  const more = records.length > 3 ? [label('', `and ${records.length - 3} earlier records of the same entity`)] : [];
  const again = proven ? [label('', `no newer content up to the run of ${minuteOf(proven.atMs)} UTC`)] : [];
  return [...lines, ...more, ...again];
}

function ruleLines({ rule, records, mapperRule, issues, state }: Explained): string[] {
  const found = ruleOf({ rule, records });
  const excluded =
    found === null ? [] : labelled('rule', `${found}: it stays in the source, and only its id is kept here`);
  const now =
    mapperRule !== null && state !== 'excluded' ? labelled('mapper', `would exclude it by ${mapperRule}`) : [];
  const wrong = issues.slice(0, 5).flatMap(({ path, message }) => labelled('mapper', `${path}: ${message}`));
  return [...excluded, ...now, ...wrong];
}

const titleOf = ({ object, key, stored }: ExplainedObject): string =>
  `${object} ${key}, ${stored?.hubspotId ? `HubSpot id ${stored.hubspotId}` : 'not in HubSpot'}`;

const presence = (present: Present | null): string => {
  if (present === null) return '';
  if (present.kind === 'differs') return `, ${present.properties.length} values differ there now`;
  return present.kind === 'same' ? ', the same there now' : ', not there any more';
};

function objectLines(one: ExplainedObject, pipe: string, { isRaw }: WhyOptions, paint: Paint): string[] {
  const filled = one.properties.filter(({ value }) => value !== '');
  const empty = one.properties.filter(({ value }) => value === '').map(({ name }) => name);
  const differing = new Map(one.present?.kind === 'differs' ? one.present.properties.map((p) => [p.name, p]) : []);
  const rows = filled.map(({ name, value, from }) => {
    const shown = isRaw ? value : '…';
    const line = `  ${clip(name, NAME_COLUMNS).padEnd(NAME_COLUMNS)}  ${clip(safe(shown), VALUE_COLUMNS).padEnd(VALUE_COLUMNS)}  ${sourceText(from, isRaw)}`;
    return differing.has(name) ? paint('yellow', clip(line, COLUMNS)) : clip(line, COLUMNS);
  });
  const withheld = withheldFrom(one.stored?.fingerprint ?? '');
  const taken = `${withheld.join(', ')}: another object of HubSpot had it; once that has given it up: retail-sync reconcile ${pipe} --fix`;
  const undone = one.stored?.undone ? labelled('undone', `values of run ${one.stored.undone} were taken back`) : [];
  return [
    '',
    paint('bold', clip(safe(titleOf(one)), COLUMNS)),
    ...(rows.length > 0
      ? [paint('dim', `  ${'property'.padEnd(NAME_COLUMNS)}  ${'value'.padEnd(VALUE_COLUMNS)}  made of`), ...rows]
      : ['  its values are not kept']),
    ...(empty.length > 0 ? labelled('  empty', empty.join(', ')) : []),
    ...(withheld.length > 0 ? labelled('withheld', taken) : []),
    ...undone,
    ...presentLines(one.present, isRaw, paint),
    '',
  ];
}

function sourceText(from: readonly Field[], isRaw: boolean): string {
  if (from.length === 0) return 'the mapper itself';
  const shown = from.slice(0, 2).map(({ path, value }) => (isRaw ? `${path} ${textOf(value)}` : path));
  return safe(shown.join(', ') + (from.length > 2 ? ` +${from.length - 2}` : ''));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function presentLines(present: Present | null, isRaw: boolean, paint: Paint): string[] {
  if (present === null) return [];
  if (present.kind === 'missing') return [paint('red', label('now', 'HubSpot has no object with this key any more'))];
  const people =
    present.leftToPeople.length > 0
      ? labelled('', `changed by people, as they may: ${present.leftToPeople.join(', ')}`)
      : [];
  if (present.kind === 'same') return [paint('green', label('now', 'the same in HubSpot')), ...people];
  const lines = present.properties.map(({ name, expected, found }, at) => {
    const values = isRaw ? `${name}: ${found ?? '(empty)'} there, ${expected || '(empty)'} here` : name;
    return paint('yellow', label(at === 0 ? 'now' : '', values));
  });
  return [...lines, ...people];
}

function unusedLines({ unused, isCut, objects }: Explained, { isRaw }: WhyOptions): string[] {
  if (objects.length === 0 && unused.length === 0) return [];
  const shown = unused.filter(({ value }) => value !== null && value !== '').slice(0, 24);
  const text = shown.map(({ path, value }) => (isRaw ? `${path}=${clip(textOf(value), 24)}` : path)).join('  ');
  const more = unused.length - shown.length;
  const rest = more > 0 ? `  and ${grouped(more)} more in --json` : '';
  const lines = shown.length > 0 ? labelled('not used', text + rest).slice(0, 4) : [];
  return isCut ? [...lines, label('', 'a large record: not every field was tried')] : lines;
}

const letterLines = ({ letters }: Explained): string[] =>
  letters.flatMap(({ id, stage, category, reason, state }) => [
    ...labelled('letter', `${id} ${state}, ${stage} ${category}: ${reason}`),
    ...(state === 'open' ? [label('', `retail-sync dead-letters show ${id}`)] : []),
  ]);

function eventLines({ events }: Explained, focus: ExplainedObject | undefined, isAll: boolean): string[] {
  const own = events.filter(({ subject }) => isAll || !focus || subject === `${focus.object} ${focus.key}`);
  const lines = own
    .slice(0, EVENTS_SHOWN)
    .flatMap(({ atMs, kind, run, batch, trace, answer, detail }) => [
      label(kind, `${minuteOf(atMs)} UTC, run ${run}${batch === null ? '' : `, batch ${batch}`}`),
      ...(trace === null ? [] : [label('', `trace ${trace}, answer ${answer ?? 'none'}`)]),
      ...(kind === 'refused' && detail !== null ? labelled('', detail) : []),
    ]);
  return own.length > EVENTS_SHOWN ? [...lines, label('', `and ${own.length - EVENTS_SHOWN} earlier`)] : lines;
}

function linkLines({ links }: Explained): string[] {
  const shown = links
    .slice(0, LINKS_SHOWN)
    .map(({ fromObject, fromKey, toObject, byProperty, value, state, sinceMs }) => {
      const words = state === 'pending' ? `waits since ${minuteOf(sinceMs)}` : state;
      return label('link', `${fromObject} ${fromKey} to ${toObject} ${value} (${byProperty}): ${words}`);
    });
  return links.length > LINKS_SHOWN ? [...shown, label('', `and ${links.length - LINKS_SHOWN} more`)] : shown;
}

/** `withRaw` false: neither the source's values nor those of properties. */
export function whyDocument(story: Explained, withRaw: boolean) {
  const hide = ({ path, value }: Field) => (withRaw ? { path, value } : { path });
  return {
    ...{ schemaVersion: 1, runId: null, status: 'ok', pipe: story.subject.pipe, entity: story.subject.entity },
    counts: { records: story.records.length, objects: story.objects.length, letters: story.letters.length },
    ...{ state: story.state, rule: ruleOf(story), mapperRule: story.mapperRule, issues: story.issues },
    records: story.records.map(({ raw, readAtMs, gone, ...record }) => ({
      ...record,
      readAt: readAtMs === null ? null : new Date(readAtMs).toISOString(),
      isGone: gone === 1,
      ...(withRaw ? { raw: raw === null ? null : JSON.parse(raw) } : {}),
    })),
    objects: story.objects.map(({ object, key, stored, properties, present }) => ({
      ...{ object, key, hubspotId: stored?.hubspotId ?? null, undone: stored?.undone ?? null },
      properties: properties.map(({ name, value, from }) => ({
        name,
        ...(withRaw ? { value } : {}),
        from: from.map(hide),
      })),
      hubspotNow: withRaw || present === null ? present : withoutValues(present),
    })),
    unused: story.unused.map(hide),
    letters: story.letters,
    journal: story.events.map(({ detail, atMs, ...event }) => ({
      ...event,
      at: new Date(atMs).toISOString(),
      ...(event.kind === 'refused' ? { reason: detail } : {}),
    })),
    links: story.links,
  };
}

const withoutValues = (present: Present) =>
  present.kind === 'differs' ? { ...present, properties: present.properties.map(({ name }) => ({ name })) } : present;
