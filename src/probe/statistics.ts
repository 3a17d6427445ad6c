/**
 * What a vendor's records really hold, field by field. Pure: records in, a summary out. Memory is bounded by the number
 * of fields and of distinct values, not by the number of records.
 */
import { FieldSketch, type SummaryOptions } from './field.ts';
import type { SampleSummary } from './model.ts';
import { walk } from './walk.ts';

/** Objects keyed by ids look like records with endless fields. */
const FIELDS_MAX = 600;

class Statistics {
  readonly #fields = new Map<string, { readonly sketch: FieldSketch; readonly holder: string }>();
  readonly #holders = new Map<string, number>();
  readonly #leftOut = new Set<string>();
  #records = 0;

  /** One record as the vendor sent it. */
  add(record: unknown): void {
    this.#records++;
    walk(
      record,
      (holder) => this.#holders.set(holder, (this.#holders.get(holder) ?? 0) + 1),
      ({ path, holder, value }) => this.#fieldAt(path, holder)?.add(value),
    );
  }

  get records(): number {
    return this.#records;
  }

  summary(options: SummaryOptions): SampleSummary {
    const fields = [...this.#fields.values()].map(({ sketch, holder }) =>
      sketch.summary(this.#holders.get(holder) ?? 0, options),
    );
    return { records: this.#records, fields, fieldsLeftOut: this.#leftOut.size };
  }

  #fieldAt(path: string, holder: string): FieldSketch | undefined {
    const known = this.#fields.get(path);
    if (known !== undefined) return known.sketch;
    if (this.#fields.size >= FIELDS_MAX) {
      if (this.#leftOut.size < FIELDS_MAX) this.#leftOut.add(path);
      return undefined;
    }
    const sketch = new FieldSketch(path);
    this.#fields.set(path, { sketch, holder });
    return sketch;
  }
}

/** Statistics of a whole list at once. */
export function statisticsOf(records: readonly unknown[], options: SummaryOptions): SampleSummary {
  const statistics = new Statistics();
  for (const record of records) statistics.add(record);
  return statistics.summary(options);
}
