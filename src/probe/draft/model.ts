/** What a draft knows of a setting: tried, guessed, or open. */

export type Row = Readonly<Record<string, unknown>>;
export type Query = Readonly<Record<string, string>>;
export type ResourceName = 'products' | 'customers' | 'quotes';

/** A value with what speaks for it. Proven: it was tried, and the false explanations were ruled out. */
export interface Guess<T> {
  readonly value: T;
  /** 0 to 1. */
  readonly confidence: number;
  readonly isProven: boolean;
  readonly evidence: string;
}

/** What could not be guessed, and what came near. */
export interface Gap {
  readonly value: null;
  readonly evidence: string;
  readonly candidates: readonly string[];
}

export type Said<T> = Guess<T> | Gap;

export const proven = <T>(value: T, evidence: string): Guess<T> => ({ value, confidence: 1, isProven: true, evidence });
export const guessed = <T>(value: T, confidence: number, evidence: string): Guess<T> => ({
  value,
  confidence: Math.round(confidence * 100) / 100,
  isProven: false,
  evidence,
});
export const gap = (evidence: string, candidates: readonly string[] = []): Gap => ({
  value: null,
  evidence,
  candidates,
});

/** Whether two lists hold the same ids in the same order. */
export const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id, at) => id === b[at]);

export const isDisjoint = (a: readonly string[], b: readonly string[]): boolean => {
  const known = new Set(a);
  return !b.some((id) => known.has(id));
};
