/** Hosts of e-mails and websites: other ones that nobody can have, as long as they were and equal where they were equal. */
import { isSharedHost } from '../../canonical.ts';

/** Ends that are given to nobody: https://www.rfc-editor.org/rfc/rfc2606 */
const RESERVED = 'test';
/** Ends that say nothing of anybody, and that a mapper may judge by: they stay. */
export const PLAIN_ENDS: ReadonlySet<string> = new Set([
  ...[RESERVED, 'example', 'invalid', 'local', 'localhost', 'lan', 'internal', 'home', 'corp'],
]);
const END = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})$/i;
const PLAIN_LABEL = /^[a-z0-9-]+$/i;
/** A name of one letter would leave too few others. */
const LABEL_CHARS_MIN = 2;

export interface HostWords {
  /** Another text of these words. */
  words(text: string): string;
  /** Another label of the signs of `template`, the same whenever `known` is. */
  label(template: string, known: string): string;
}

/**
 * Labels become other labels, the end a reserved one, the label before it so much longer or shorter. What many share
 * (gmail.com, a page on facebook.com) stays, because a mapper decides by it.
 */
export function otherHost(host: string, words: HostWords): string {
  const isEnded = host.endsWith('.');
  const labels = (isEnded ? host.slice(0, -1) : host).split('.');
  const shared = sharedFrom(labels);
  const own = labels.slice(0, shared);
  const other = shared < labels.length ? [...own.map(plainly(words)), ...labels.slice(shared)] : renamed(own, words);
  return `${other.join('.')}${isEnded ? '.' : ''}`;
}

/** Many have it, and nothing in front of it: `gmail.com`, `https://www.facebook.com/`. */
export function isOnlyShared(address: string): boolean {
  const host = address
    .trim()
    .toLowerCase()
    .replace(/^(?:https?:\/\/)?(?:www\.)?/, '')
    .replace(/\/+$/, '');
  return PLAIN_ENDS.has(host) || (isSharedHost(host) && !isSharedHost(host.replace(/^[^.]*\./, '')));
}

/** Where the part begins that many share; past the end when there is none. */
function sharedFrom(labels: readonly string[]): number {
  for (let at = labels.length - 2; at >= 0; at--) {
    if (isSharedHost(labels.slice(at).join('.').toLowerCase())) return at;
  }
  return labels.length;
}

const plainly =
  (words: HostWords) =>
  (label: string): string =>
    /^www$/i.test(label)
      ? label
      : /^xn--/i.test(label)
        ? words.label('a'.repeat(label.length), label)
        : words.words(label);

function renamed(labels: readonly string[], words: HostWords): string[] {
  const [own = '', end = ''] = labels.slice(-2);
  const isNamed = labels.length >= 2 && END.test(end) && PLAIN_LABEL.test(own);
  if (!isNamed || PLAIN_ENDS.has(end.toLowerCase())) {
    return labels.map((label, at) =>
      at > 0 && at === labels.length - 1 && PLAIN_ENDS.has(label.toLowerCase()) ? label : plainly(words)(label),
    );
  }
  const charsMax = Math.max(own.length + end.length - RESERVED.length, LABEL_CHARS_MIN);
  const template = (/^xn--/i.test(own) ? 'a'.repeat(own.length) : own)
    .padEnd(charsMax, own === own.toUpperCase() ? 'A' : 'a')
    .slice(0, charsMax)
    .replace(/-$/, 'a');
  const isLoud = end === end.toUpperCase();
  return [
    ...labels.slice(0, -2).map(plainly(words)),
    words.label(template, `${own}.${end}`.toLowerCase()),
    isLoud ? RESERVED.toUpperCase() : RESERVED,
  ];
}
