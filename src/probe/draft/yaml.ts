/** The drafted profile as text: each line with what speaks for it, and what is missing as a line that `profile check` names. */
import { stringify } from 'yaml';
import { printable } from './body.ts';
import type { Entry } from './entry.ts';
import type { Said } from './model.ts';

const COLUMNS = 110;

export function yamlOf(entries: readonly Entry[], head: readonly string[]): string {
  const comments = head.flatMap((text) => wrapped(text, ''));
  return `${[...comments, ...entries.flatMap((entry) => linesOf(entry, ''))].join('\n')}\n`;
}

function linesOf(entry: Entry, indent: string): string[] {
  const { key, said, inner, value, isNeeded } = entry;
  const head = `${indent}${inline(key)}:`;
  if (inner !== undefined) {
    const start = inner.some(isWritten) ? head : `${head} {}`;
    return [...commented(start, indent, said), ...inner.flatMap((one) => linesOf(one, `${indent}  `))];
  }
  if (value !== null && value !== undefined) return commented(`${head} ${inline(value)}`, indent, said);
  if (said === undefined) return [head];
  if (!isNeeded) return wrapped(`TODO (optional) ${key}: ${remark(said)}`, indent);
  const line = `${head} # TODO ${remark(said)}`;
  return line.length <= COLUMNS
    ? [line]
    : [...wrapped(`${key}: ${remark(said)}`, indent), `${head} # TODO fill in, see above`];
}

/** What is open and not needed leaves only a comment, and comments alone are no block. */
const isWritten = ({ inner, value, said, isNeeded }: Entry): boolean =>
  inner !== undefined || said === undefined || isNeeded === true || (value !== null && value !== undefined);

function commented(line: string, indent: string, said: Said<unknown> | undefined): string[] {
  if (said === undefined) return [line];
  const whole = `${line} # ${remark(said)}`;
  return whole.length <= COLUMNS ? [whole] : [...wrapped(remark(said), indent), line];
}

/** On one line, whatever the vendor calls its fields: what ends a line would end the comment. */
const remark = (said: Said<unknown>): string => remarkOf(said).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');

function remarkOf(said: Said<unknown>): string {
  if ('confidence' in said) {
    const { confidence, isProven, evidence } = said;
    const sure = isProven ? `${confidence.toFixed(1)} proven` : confidence.toFixed(2).replace(/0$/, '');
    return `${sure}: ${evidence}`;
  }
  const { evidence, candidates } = said;
  return candidates.length === 0 ? evidence : `${evidence}; candidates: ${candidates.map(oneLine).join(', ')}`;
}

/** Names of the vendor's stand in comments: nothing in them may end the line. */
const oneLine = (text: string): string =>
  text.length > 60 && text.startsWith('{') ? text.replace(/[\p{Cc}]/gu, ' ') : printable(text);

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + word.length + 3 > COLUMNS) {
      lines.push(`${indent}# ${line}`);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, `${indent}# ${line}`.trimEnd()];
}

/** On one line, whatever it holds. */
function inline(value: unknown): string {
  if (typeof value === 'string' && /[\p{Cc}\u2028\u2029]/u.test(value)) return JSON.stringify(value);
  return stringify(value, { lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: true }).trimEnd();
}
