/**
 * The accounting of one run: each record read ends in exactly one outcome, and the sums are asserted. Holds one 53-bit
 * hash, a code and a partition number per record read (about 22 bytes), never the ids: a million records fit in 25 MB.
 */

export type RecordOutcome =
  | { readonly kind: 'written' | 'unchanged' | 'held' | 'dead-lettered' }
  | { readonly kind: 'excluded'; readonly rule: string };

export interface Counts {
  readonly read: number;
  readonly written: number;
  readonly unchanged: number;
  readonly excluded: Readonly<Record<string, number>>;
  readonly held: number;
  readonly deadLettered: number;
}

const PLAIN = ['written', 'unchanged', 'held', 'dead-lettered'] as const;
const FIRST_RULE_CODE = PLAIN.length + 1;
/** Codes are bytes: 0 is unsettled, 1 to 4 plain outcomes, the rest rules. */
const RULES_MAX = 255 - FIRST_RULE_CODE;
const LOAD_MAX = 0.6;

export class Ledger {
  #hashes = new Float64Array(1024);
  #codes = new Uint8Array(1024);
  #partitions = new Uint16Array(1024);
  #size = 0;
  #partition = 0;
  /** Rows without a usable id: the mirror cannot know them, the source counts them. */
  rejectedRows = 0;
  readonly #spared = new Set<string>();
  readonly #rules: string[] = [];
  readonly #tally: number[] = [0, 0, 0, 0, 0];

  /** From here on `see` counts ids of a new partition. */
  beginPartition(): void {
    this.#partition = (this.#partition + 1) % 65_536;
  }

  /** Notes that a record was read. Tells whether it is new to the run and new to the partition. */
  see(id: string): { firstInRun: boolean; firstInPartition: boolean } {
    if (this.#size >= this.#hashes.length * LOAD_MAX) this.#grow();
    const slot = this.#slot(hash53(id));
    const firstInRun = this.#hashes[slot] === 0;
    const firstInPartition = firstInRun || this.#partitions[slot] !== this.#partition;
    if (firstInRun) {
      this.#hashes[slot] = hash53(id);
      this.#size++;
      this.#add(0, 1);
    }
    this.#partitions[slot] = this.#partition;
    return { firstInRun, firstInPartition };
  }

  /** Its row was there, and could not be read. As many as dead letters and excluded rows of one run. */
  spare(id: string): void {
    this.#spared.add(id.trim());
  }

  /** Whether this run has seen the record. Two ids that meet in one hash are taken for one: then it says yes. */
  has(id: string): boolean {
    return this.#spared.has(id.trim()) || this.#hashes[this.#slot(hash53(id))] !== 0;
  }

  /** Sets or replaces a record's outcome; ids that were not read in this run are none of its business. */
  settle(id: string, outcome: RecordOutcome): void {
    const slot = this.#slot(hash53(id));
    if (this.#hashes[slot] === 0) return;
    this.#add(this.#codes[slot] ?? 0, -1);
    const code = this.#code(outcome);
    this.#codes[slot] = code;
    this.#add(code, 1);
  }

  /** Sets an outcome only where there is none yet: a record that is read again stays what the first reading made it. */
  confirm(id: string, outcome: RecordOutcome): void {
    if (this.#codes[this.#slot(hash53(id))] === 0) this.settle(id, outcome);
  }

  get unsettled(): number {
    return this.#tally[0] ?? 0;
  }

  /** What a run that stopped half-way leaves behind is held: it waits in the mirror for the next run. */
  holdTheRest(): void {
    for (let slot = 0; slot < this.#hashes.length; slot++) {
      if (this.#hashes[slot] === 0 || this.#codes[slot] !== 0) continue;
      this.#codes[slot] = this.#code({ kind: 'held' });
      this.#add(0, -1);
      this.#add(this.#codes[slot] ?? 0, 1);
    }
  }

  /** Throws when the sums do not add up: that is a bug, and a run with such a bug must not say ok. */
  counts(): Counts {
    const of = (kind: (typeof PLAIN)[number]): number => this.#tally[PLAIN.indexOf(kind) + 1] ?? 0;
    const excluded: Record<string, number> = {};
    for (const [index, rule] of this.#rules.entries()) {
      const count = this.#tally[FIRST_RULE_CODE + index] ?? 0;
      if (count > 0) excluded[rule] = count;
    }
    const counts = {
      read: this.#size,
      written: of('written'),
      unchanged: of('unchanged'),
      excluded,
      held: of('held'),
      deadLettered: of('dead-lettered'),
    };
    const sum =
      counts.written +
      counts.unchanged +
      counts.held +
      counts.deadLettered +
      Object.values(excluded).reduce((a, b) => a + b, 0);
    if (this.unsettled > 0 || sum !== counts.read) {
      throw new Error(
        `accounting: ${counts.read} records read, ${sum} accounted for, ${this.unsettled} without outcome`,
      );
    }
    return counts;
  }

  /** The counts so far, for a progress line: does not insist that they add up. */
  glance(): { read: number; written: number; unchanged: number; excluded: number; held: number; deadLettered: number } {
    const [, written = 0, unchanged = 0, held = 0, deadLettered = 0, ...rules] = this.#tally;
    return { read: this.#size, written, unchanged, held, deadLettered, excluded: rules.reduce((a, b) => a + b, 0) };
  }

  #add(code: number, by: number): void {
    this.#tally[code] = (this.#tally[code] ?? 0) + by;
  }

  #code(outcome: RecordOutcome): number {
    if (outcome.kind !== 'excluded') return PLAIN.indexOf(outcome.kind) + 1;
    let index = this.#rules.indexOf(outcome.rule);
    if (index < 0) index = this.#rules.push(outcome.rule) - 1;
    if (index >= RULES_MAX) throw new Error(`more than ${RULES_MAX} exclusion rules`);
    return FIRST_RULE_CODE + index;
  }

  /** Linear probing; the table is never full. */
  #slot(hash: number): number {
    const mask = this.#hashes.length - 1;
    let slot = hash % this.#hashes.length;
    while (this.#hashes[slot] !== 0 && this.#hashes[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const old = { hashes: this.#hashes, codes: this.#codes, partitions: this.#partitions };
    const size = old.hashes.length * 2;
    this.#hashes = new Float64Array(size);
    this.#codes = new Uint8Array(size);
    this.#partitions = new Uint16Array(size);
    for (const [index, hash] of old.hashes.entries()) {
      if (hash === 0) continue;
      const slot = this.#slot(hash);
      this.#hashes[slot] = hash;
      this.#codes[slot] = old.codes[index] ?? 0;
      this.#partitions[slot] = old.partitions[index] ?? 0;
    }
  }
}

/**
 * 53 bits of a string, never 0 (an empty slot). At a million records two ids meet with a chance of 1 in 18,000; then one
 * record too few is counted, the sweep is not proven, and it is read again: it fails towards caution.
 */
function hash53(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0) + 1;
}
