/** How many upserts ended how; apart from the records, and they add up too. */
export interface UpsertCounts {
  created: number;
  /** Of the created. */
  createdContacts: number;
  updated: number;
  refused: number;
  unknown: number;
  /** Objects people had made that were given our key. */
  adopted: number;
  /** Objects written without a value that another object holds. */
  withheld: number;
  /** Objects whose values had been taken back by `undo`, and are the source's again. */
  redone: number;
}

export const noUpserts = (): UpsertCounts => ({
  created: 0,
  createdContacts: 0,
  updated: 0,
  refused: 0,
  unknown: 0,
  adopted: 0,
  withheld: 0,
  redone: 0,
});
