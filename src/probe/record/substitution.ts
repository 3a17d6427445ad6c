/**
 * Other words for people's: the same word always becomes the same other word within one recording, so that what joined
 * still joins, and no other recording's words are the same. Length, case, accents, separators and blanks stay.
 */
import { createHmac } from 'node:crypto';
import { foldSign, inCaseOf, otherDigits, otherLetters } from './alphabet.ts';
import { type HostWords, otherHost } from './hosts.ts';

/** Where a word would become one that somebody has, or that another word has become, the next is tried. */
const TRIES_MAX = 400;
const BLOCK_BYTES = 32;

const GUID_OR_HEX = /^\{?(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16,})\}?$/i;
const HOST = /^(?:[\p{L}\p{N}_-]+\.)+\p{L}{2,}\.?(?=$|[:/?#])/u;
/** An e-mail, a web address, a telephone number: in a text, too. Of bounded length, so that no long text takes long. */
const PARTS = new RegExp(
  [
    /(?<mail>[^\s@<>,;:"()[\]]{1,128}@[\p{L}\p{M}\p{N}._-]{1,254}\.[\p{L}\p{M}\p{N}-]{2,63})/u,
    /(?<web>(?:[a-z][a-z0-9+.-]{0,20}:\/\/|www\.)\S+)/u,
    /(?<phone>(?<![\p{L}\p{N}])(?:\+\d[\d ().-]{5,20}\d|(?:1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]?\d{3}[ .-]?\d{4})(?![\p{L}\p{N}]))/u,
  ]
    .map(({ source }) => source)
    .join('|'),
  'giu',
);
/** A number of the North American plan: area, exchange, line. */
const NANP = /^1?([2-9]\d{2})\d{3}\d{4}$/;
const RUN = /[\p{L}\p{M}]+|\p{Nd}+/gu;

export class Substitution implements HostWords {
  readonly #key: Uint8Array;
  readonly #avoid: ReadonlySet<string>;
  /** By kind and word: bounded by the words of one sample. */
  readonly #known = new Map<string, string>();
  readonly #taken = new Set<string>();
  #turn = 0;

  /** `key`: 32 random bytes, of this recording alone and kept nowhere. `avoid`: words that must not come out. */
  constructor(key: Uint8Array, avoid: ReadonlySet<string> = new Set()) {
    this.#key = key;
    this.#avoid = avoid;
  }

  /** `turn`: 0, or which of the other ways to replace this value, where the first are not wanted. */
  text(value: string, turn = 0): string {
    this.#turn = turn;
    if (GUID_OR_HEX.test(value)) return this.#hex(value);
    if (HOST.test(value)) return this.#address(value);
    let at = 0;
    let other = '';
    for (const found of value.matchAll(PARTS)) {
      const [part] = found;
      other += this.words(value.slice(at, found.index));
      if (found.groups?.mail !== undefined) other += this.#mail(part);
      else other += found.groups?.web === undefined ? this.#phone(part) : this.#address(part);
      at = found.index + part.length;
    }
    return other + this.words(value.slice(at));
  }

  /** Run by run of letters and of digits: all else stays where it is. */
  words(text: string): string {
    return text.replace(RUN, (run) => {
      const signs = [...run].map(foldSign);
      const folded = signs.join('');
      if (/^\p{Nd}/u.test(run)) return this.#other('digits', folded, (bytes) => otherDigits(run, bytes));
      return inCaseOf(
        [...run],
        this.#other('letters', folded, (bytes) => otherLetters(signs, bytes)),
      );
    });
  }

  label(template: string, known: string): string {
    const make = (bytes: Uint8Array): string =>
      template.toLowerCase().replace(/[a-z0-9]/g, (sign, at: number) => {
        const byte = bytes.subarray(at);
        return /\d/.test(sign) ? otherDigits(sign, byte) : otherLetters([sign], byte);
      });
    return inCaseOf([...template], this.#other('label', known, make));
  }

  #mail(address: string): string {
    const at = address.lastIndexOf('@');
    return `${this.words(address.slice(0, at))}@${otherHost(address.slice(at + 1), this)}`;
  }

  /** Scheme, www and port say nothing; user, host, path and query do. */
  #address(address: string): string {
    const [, scheme = '', user = '', host = '', port = '', rest = ''] =
      /^([a-z][a-z0-9+.-]*:\/\/)?((?:[^/?#@]*)@)?([\p{L}\p{M}\p{N}._-]*)(:\d+)?(.*)$/isu.exec(address) ?? [];
    return `${scheme}${this.words(user)}${otherHost(host, this)}${port}${this.words(rest)}`;
  }

  /**
   * The country's prefix stays. Numbers of the North American plan become ones of 555-0100 to 555-0199, which are set
   * aside for fiction, so that nobody's telephone rings.
   */
  #phone(text: string): string {
    const digits = text.replace(/\D/g, '');
    const prefix = NANP.test(digits)
      ? digits.length - 10
      : text.startsWith('+')
        ? (/^\+(1|7|\d{1,3}(?=[ ().-])|\d\d)/.exec(text)?.[1]?.length ?? 0)
        : 0;
    const own = digits.slice(prefix);
    const other = this.#other('phone', own, (bytes) => {
      if (!NANP.test(own)) return otherDigits(own, bytes);
      return `${2 + ((bytes[0] ?? 0) % 8)}${otherDigits(own.slice(1, 3), bytes.subarray(1))}55501${((bytes[3] ?? 0) % 100).toString().padStart(2, '0')}`;
    });
    let at = 0;
    return text.replace(/\d/g, (digit) => (at++ < prefix ? digit : (other[at - 1 - prefix] ?? digit)));
  }

  #hex(text: string): string {
    const make = (bytes: Uint8Array): string =>
      text.toLowerCase().replace(/[0-9a-f]/g, (sign, at: number) => {
        const byte = bytes[at] ?? 0;
        return /\d/.test(sign) ? String(byte % 10) : (10 + (byte % 6)).toString(16);
      });
    return inCaseOf([...text], this.#other('hex', text.toLowerCase(), make));
  }

  #other(kind: string, word: string, make: (bytes: Uint8Array) => string): string {
    const name = this.#turn === 0 ? `${kind} ${word}` : `${kind} ${word} ${this.#turn}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    let other = word;
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      other = make(this.#bytes(`${attempt} ${name}`, word.length + 4));
      if (other !== word && !this.#avoid.has(other) && !this.#taken.has(`${kind} ${other}`)) break;
    }
    this.#known.set(name, other);
    this.#taken.add(`${kind} ${other}`);
    return other;
  }

  #bytes(text: string, length: number): Uint8Array {
    const blocks = Array.from({ length: Math.ceil(length / BLOCK_BYTES) }, (_, block) =>
      createHmac('sha256', this.#key).update(`${block} ${text}`).digest(),
    );
    return Buffer.concat(blocks);
  }
}
