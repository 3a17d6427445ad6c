/** What happens inside a run, for logs and telemetry: names of ours, keys and numbers, never a value of a record. */

export type RunEvent =
  | { readonly kind: 'page'; readonly partition: string; readonly records: number; readonly rejected: number }
  | {
      readonly kind: 'slice';
      readonly partition: string;
      readonly verdict: string;
      readonly records: number;
      readonly pages: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'batch';
      readonly object: string;
      /** Counted from 1 within the run, as they were sent. */
      readonly batch: number;
      readonly size: number;
      readonly written: number;
      readonly refused: number;
      readonly unknown: number;
      readonly ms: number;
    }
  /** An object HubSpot did not say yes to: refused, or no answer. */
  | {
      readonly kind: 'item';
      readonly object: string;
      readonly batch: number;
      readonly record: string;
      readonly outcome: 'refused' | 'unknown';
      /** Why HubSpot refused it. */
      readonly category?: string;
    }
  | { readonly kind: 'letter'; readonly record: string; readonly stage: string; readonly category: string };

export type OnEvent = (event: RunEvent) => void;
