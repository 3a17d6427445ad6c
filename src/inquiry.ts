/** Questions about how a vendor answers, which a sync never asks. There is no way to write through it. */
import type { Instant, Partition, SourceRecord } from './pipe.ts';

export interface Question {
  /** Of the whole resource when absent. */
  readonly partition?: Partition;
  /** An instant, said as the adapter says it; `literally` goes to the vendor as it is. */
  readonly since?: Instant | { readonly literally: string };
  /** 0 is the first. */
  readonly page?: number;
  readonly size?: number;
}

export interface Sight {
  readonly kind: 'page';
  /** What was asked, for people: path and parameters, no credentials. */
  readonly request: string;
  readonly records: readonly SourceRecord[];
  /** Rows without a usable id or date, as they came. */
  readonly unusable: readonly unknown[];
  readonly total: number | null;
  readonly asOf: Instant | null;
  readonly ms: number;
}

/** `refused`: the vendor said no. `impossible`: the adapter has no way to ask this. */
export interface NoSight {
  readonly kind: 'refused' | 'impossible';
  readonly request: string;
  readonly reason: string;
}

export interface Inquiry {
  /** What the adapter asks for; null when it does not choose. */
  readonly pageSize: number | null;
  /** Ascending dates are asked for. */
  readonly isSorted: boolean;
  readonly canFilter: boolean;
  /** Answers carry the vendor's own time. */
  readonly tellsTime: boolean;
  /** After so long the vendor kills a query; null: not known. */
  readonly ceilingMs: number | null;
  /** What a time without offset means to the source. */
  readonly zone: string;
  /** Canonical fields that the adapter fills, and where in the vendor's record it reads them. */
  readonly fields: readonly { readonly field: string; readonly path: string }[];
  /** Throws only the signal's reason and what makes every question pointless: access, address, no answer. */
  ask(question: Question, signal: AbortSignal): Promise<Sight | NoSight>;
}

/** A source that can be asked such questions. */
export interface Inquirable {
  readonly inquiry: Inquiry;
}

export const isInquirable = <T extends object>(source: T): source is T & Inquirable => 'inquiry' in source;
