/** The vocabulary of what is sent, as types: writes and links, what became of them, and who sends them. */
import type { ObjectType } from './pipe.ts';

/** One upsert ready for the wire: key property included, references resolved, create-only properties parted. */
export interface Write {
  readonly object: ObjectType;
  readonly keyProperty: string;
  readonly key: string;
  readonly properties: Readonly<Record<string, string>>;
  /** The object's id as far as it is known; null when the write will probably create it. */
  readonly hubspotId: string | null;
}

/** One association by HubSpot ids. `primary` exists from contacts and deals to companies. */
export interface LinkWrite {
  readonly from: { readonly object: ObjectType; readonly hubspotId: string };
  readonly to: { readonly object: ObjectType; readonly hubspotId: string };
  readonly label: 'primary' | 'default';
}

/** How a write can be found again in HubSpot's logs, and what it answered. */
export interface Evidence {
  /** Sent along with the write; HubSpot repeats it in its answer. */
  readonly trace: string;
  /** Of the answer; null when there was none that could be read. */
  readonly status: number | null;
  /** HubSpot's own id of the request; null where its answer names none. */
  readonly correlation: string | null;
}

/** What became of one link; `unknown` is asked again by the next run, a repeat is harmless. */
export type LinkOutcome = { readonly kind: 'done' } | { readonly kind: 'refused' | 'unknown'; readonly reason: string };

/**
 * What became of one write. `ambiguous`: an earlier attempt of the same bytes got no readable answer and may still
 * land. `unknown`: no attempt got one; it may or may not be applied. `refused`: HubSpot's own words.
 */
export type Outcome =
  | {
      readonly kind: 'written';
      readonly hubspotId: string;
      readonly created: boolean;
      readonly ambiguous: boolean;
      /** Properties left out, because HubSpot lets only one object hold their value and another one does. */
      readonly withheld?: readonly string[];
      readonly evidence?: Evidence;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly category: string; readonly evidence?: Evidence }
  | { readonly kind: 'unknown'; readonly reason: string; readonly evidence?: Evidence };

export interface Sink {
  /** Most writes one request may carry. */
  readonly batchSize: number;
  /** Requests that may be in flight at once. */
  readonly concurrency: number;
  /**
   * Sends writes of one object type, keys unique. One outcome per key, whatever the server answered.
   * Throws FatalError when nothing later can work (token, scope, portal, quota); then nothing of this batch that
   * could have been applied is reported as applied, and the engine keeps all of it as unknown.
   */
  write(writes: readonly Write[], signal: AbortSignal): Promise<ReadonlyMap<string, Outcome>>;
  /** Reads properties by object id; ids that are not there are left out. */
  read(
    object: ObjectType,
    ids: readonly string[],
    properties: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Readonly<Record<string, string | null>>>>;
  /** Sets properties by object id. One outcome per id. */
  update(
    object: ObjectType,
    updates: readonly { readonly id: string; readonly properties: Readonly<Record<string, string>> }[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Outcome>>;
  /** Makes links; one outcome per link, in the order given. Repeats are harmless. */
  link(links: readonly LinkWrite[], signal: AbortSignal): Promise<readonly LinkOutcome[]>;
  /** Removes links this tool made; one outcome per link, in the order given. */
  unlink(links: readonly LinkWrite[], signal: AbortSignal): Promise<readonly LinkOutcome[]>;
  /**
   * Objects made by people that are what one of these writes would create. A unique one gets our key stamped on and is
   * `adopted`; several, or one with another key, is `ambiguous`; keys without a match are left out. Absent where nothing
   * is adopted. `onFound` gets the keys of those that are about to be stamped: what has to be known of them even if the
   * process dies in between is noted there.
   */
  adopt?(
    writes: readonly Write[],
    signal: AbortSignal,
    onFound?: (keys: readonly string[]) => void,
  ): Promise<ReadonlyMap<string, Adoption>>;
  /** Pages of all living objects that carry a key in this property. */
  keyed(object: ObjectType, keyProperty: string, signal: AbortSignal): AsyncIterable<readonly KeyedObject[]>;
}

export interface KeyedObject {
  readonly key: string;
  readonly hubspotId: string;
}

export type Adoption =
  | { readonly kind: 'adopted'; readonly hubspotId: string }
  | { readonly kind: 'ambiguous'; readonly reason: string };
