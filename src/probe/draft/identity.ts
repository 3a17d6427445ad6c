/** The two settings that no resource can do without: what names a record, and when it changed. */
import { instantOf } from '../../sources/erp/dates.ts';
import { type Column, inWords } from './columns.ts';
import { plain } from './match.ts';
import { gap, guessed, type Said } from './model.ts';

const ID_ENDS = ['id', 'uid', 'guid', 'uuid', 'key', 'no', 'number', 'code', 'ref', 'reference', 'name'];
const CANDIDATES_MAX = 5;

const lastOf = (path: string): string => plain(path.replace(/^.*\./, ''));

/** How much a name sounds like the record's own id: `id` before `itemNo` before `name`. */
function idScore(path: string, own: readonly string[]): number {
  const name = lastOf(path);
  const depth = 0.03 * (path.split('.').length - 1);
  if (['id', 'systemid', 'guid', 'uuid', 'uid', 'recordid'].includes(name)) return 0.98 - depth;
  const bare = own.filter((word) => name.startsWith(word)).map((word) => name.slice(word.length));
  const at = Math.min(...[name, ...bare].map((form) => ID_ENDS.indexOf(form)).filter((index) => index >= 0), 99);
  if (at === 99) return /(?:id|no|number|key)$/.test(name) ? 0.3 : 0;
  return 0.92 - 0.03 * at - (bare.length > 0 ? 0 : 0.05) - depth;
}

/** `own`: the words that say whose it is; `documented`: what the vendor's document says, where the vendor is known by its address. */
export function guessId(columns: readonly Column[], own: readonly string[], documented?: string): Said<string> {
  const rows = columns[0]?.rows ?? 0;
  const unique = columns
    .filter(({ values, distinct, kind }) => values.length === rows && distinct.size === rows && ID_KINDS.has(kind))
    .map((column) => ({ column, score: column.path === documented ? 0.99 : idScore(column.path, own) }))
    .toSorted((a, b) => b.score - a.score);
  const [best, ...others] = unique;
  const names = unique.map(({ column }) => column.path).slice(0, CANDIDATES_MAX);
  if (best === undefined) return gap(`no field is there and unique in all of ${rows} records`);
  if (best.score < 0.4) return gap(`unique in ${rows} of ${rows}, but named otherwise`, names);
  const rival = others.filter(({ score }) => score >= 0.4).map(({ column }) => column.path);
  const words = `unique in ${rows} of ${rows}, ${best.column.kind.replace('-', ' ')}`;
  const sure = rows < 20 ? best.score - 0.2 : best.score;
  return guessed(
    best.column.path,
    sure,
    rival.length === 0 ? words : `${words}; also unique: ${rival.slice(0, 3).join(', ')}`,
  );
}

const ID_KINDS: ReadonlySet<Column['kind']> = new Set(['text', 'integer', 'integer-text', 'mixed']);

/** The date of change as a profile says it; `path` with `format` unless it is ISO. */
export interface ModifiedAt {
  readonly path: string;
  readonly format: string;
  readonly isLocal: boolean;
}

const CHANGE_NAME =
  /^(?:last)?(?:modified|updated?|changed?|edited|touched|write)(?:at|on|date|time|datetime|datetimeutc|timestamp|utc|ts)?$|^(?:modification|change|update)(?:date|time|datetime)$|^(?:date)(?:modified|updated|changed)$|^timestamp$|^modstamp$/;
const DATED: readonly Column['kind'][] = ['instant', 'local-instant', 'epoch-ms', 'epoch-s', 'local-date', 'day'];

export function guessModifiedAt(columns: readonly Column[], zone: string): Said<ModifiedAt> {
  const dated = columns.filter(({ kind, values, rows }) => DATED.includes(kind) && values.length >= rows * 0.99);
  const named = dated.filter(({ path }) => CHANGE_NAME.test(lastOf(path)));
  const [best, ...others] = named.toSorted(
    (a, b) => DATED.indexOf(a.kind) - DATED.indexOf(b.kind) || b.distinct.size - a.distinct.size,
  );
  const names = dated.map(({ path }) => path).slice(0, CANDIDATES_MAX);
  if (best === undefined) return gap('no date that is always there is named like a change', names);
  const format = formatOf(best, zone);
  if (format === null)
    return gap(`${best.path} is written in a way that no format of a profile reads surely`, [best.path]);
  const isLocal = best.kind === 'local-instant' || best.kind === 'local-date' || best.kind === 'day';
  const local = isLocal ? '; it carries no offset, so zone decides what it means' : '';
  const coarse = best.kind === 'day' ? '; only a day: changes of one day cannot be told apart' : '';
  const rival = others.length === 0 ? '' : `; also: ${others.map(({ path }) => path).join(', ')}`;
  return guessed(
    { path: best.path, format, isLocal },
    others.length === 0 ? 0.9 : 0.7,
    inWords(best) + local + coarse + rival,
  );
}

const LOCAL_PATTERNS = ['MM/DD/YYYY', 'DD/MM/YYYY', 'DD.MM.YYYY', 'MM-DD-YYYY', 'DD-MM-YYYY'].flatMap((day) => [
  `${day} HH:mm:ss`,
  `${day} HH:mm`,
  day,
]);

/** The one format that reads every value; null when none does, or when day and month could be either. */
export function formatOf({ kind, values }: Column, zone: string): string | null {
  if (kind === 'epoch-ms' || kind === 'epoch-s') return kind;
  const formats = kind === 'local-date' ? LOCAL_PATTERNS : ['iso'];
  const reading = formats.filter((format) => values.every((value) => instantOf(value, { format, zone }) !== null));
  return reading.length === 1 ? (reading[0] ?? null) : null;
}
