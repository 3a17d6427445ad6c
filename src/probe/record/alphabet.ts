/** Letters and digits that may stand for another: of the same kind in all that a program could trip on. */

/** Neighbours in Unicode are of one script, mostly: signs are looked for in blocks of this many. */
const BLOCK = 0x80;
const CATEGORIES = [/\p{Lu}/u, /\p{Ll}/u, /\p{Lt}/u, /\p{Lm}/u, /\p{Lo}/u, /\p{Nd}/u];
const MARK = /\p{M}/u;

/** Bounded by the letters there are in the scripts of one recording. */
const kins = new Map<string, readonly string[]>();

/** Lower case where the way back is the same sign: ß, ı and the Kelvin sign stay what they are. */
export function foldSign(sign: string): string {
  const lower = sign.toLowerCase();
  return lower.length === sign.length && lower.toUpperCase() === sign ? lower : sign;
}

/** Script block, category, how it is normalized, whether it has an upper case, how long it is. */
function kindOf(sign: string): string {
  const upper = sign.toUpperCase();
  return [
    CATEGORIES.findIndex((category) => category.test(sign)),
    sign.normalize('NFC') === sign,
    sign.normalize('NFKC') === sign,
    sign.normalize('NFD').length,
    upper !== sign && upper.length === sign.length && upper.toLowerCase() === sign,
    /[ -~]/.test(sign.toLowerCase()) === /[ -~]/.test(sign),
    sign.length,
  ].join();
}

/** The signs of its kind, itself among them; only itself for marks and signs that are no letter or digit. */
function kinOf(sign: string): readonly string[] {
  const known = kins.get(sign);
  if (known !== undefined) return known;
  const kind = kindOf(sign);
  const point = sign.codePointAt(0) ?? 0;
  const first = point - (point % BLOCK);
  const isPlain = MARK.test(sign) || kind.startsWith('-1');
  const kin = isPlain
    ? [sign]
    : Array.from({ length: BLOCK }, (_, at) => String.fromCodePoint(first + at)).filter((one) => kindOf(one) === kind);
  kins.set(sign, kin);
  return kin;
}

const composes = (letter: string, marks: string): number => (letter + marks).normalize('NFC').length;

/**
 * A run of folded letters with other letters of the same kinds; accents behind a letter stay, and go together with the
 * new letter as they did with the old. `bytes` holds one number per sign.
 */
export function otherLetters(run: readonly string[], bytes: Uint8Array): string {
  return run
    .map((sign, at) => {
      const marks = MARK.test(sign) ? '' : marksAfter(run, at);
      const kin = kinOf(sign);
      const fitting = marks === '' ? kin : kin.filter((one) => composes(one, marks) === composes(sign, marks));
      return fitting[(bytes[at] ?? 0) % fitting.length] ?? sign;
    })
    .join('');
}

function marksAfter(run: readonly string[], at: number): string {
  let marks = '';
  for (let next = at + 1; MARK.test(run[next] ?? ''); next++) marks += run[next];
  return marks;
}

/** Other digits: zeros in front stay, and no other zero gets there, since that is what numbers lose. */
export function otherDigits(run: string, bytes: Uint8Array): string {
  const signs = [...run];
  const zeros = signs.findIndex((sign) => sign !== '0');
  return signs
    .map((sign, at) => {
      if (zeros < 0 || at < zeros) return sign;
      const kin = kinOf(sign);
      const fitting = at === zeros && zeros < signs.length ? kin.filter((one) => one !== '0') : kin;
      return fitting[(bytes[at] ?? 0) % fitting.length] ?? sign;
    })
    .join('');
}

/** The case of `like`, sign by sign, on letters that are folded. */
export function inCaseOf(like: readonly string[], folded: string): string {
  const signs = [...folded];
  return signs.map((sign, at) => (foldSign(like[at] ?? '') === like[at] ? sign : sign.toUpperCase())).join('');
}
