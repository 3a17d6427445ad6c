/** Pure: what an entity became, and what is remembered of its objects, decide what is sent. */
import { canonicalJson, digest } from './fingerprint.ts';
import type { Issue, Mapped, PropertySpec, Upsert, Write } from './pipe.ts';

/** What is remembered of an object when an upsert for it is decided. */
export interface Remembered {
  readonly fingerprint: string | null;
  readonly intent: string | null;
  readonly late: string | null;
  readonly hubspotId: string | null;
}

/** One upsert that has to be sent, with what has to be remembered of it. */
export interface Planned {
  readonly write: Write;
  /** The write's properties that the source owns as canonical JSON, and the digest of that text. */
  readonly content: string;
  readonly fingerprint: string;
  /** Create-only properties, owed to HubSpot when this write creates the object. */
  readonly onCreate: Readonly<Record<string, string>>;
}

export type Decision =
  | { readonly kind: 'write'; readonly writes: readonly Planned[]; readonly unchanged: number }
  | { readonly kind: 'unchanged'; readonly upserts: number }
  | { readonly kind: 'excluded'; readonly rule: string; readonly farewell: readonly Planned[] }
  | { readonly kind: 'rejected'; readonly issues: readonly Issue[] };

/** Replaces a value that stands for a portal's id; null when the portal has nothing for it. */
export type Resolve = (spec: PropertySpec, value: string) => string | null;

/** What a decision needs beside the mapped entity. */
export interface Knowledge {
  readonly specs: readonly PropertySpec[];
  readonly resolve: Resolve;
  /** What is remembered of the object under an upsert's key. */
  readonly recall: (upsert: Upsert) => Remembered;
}

/** Decides one entity. */
export function decide(mapped: Mapped, knowledge: Knowledge): Decision {
  const { recall } = knowledge;
  if (mapped.kind === 'invalid') return { kind: 'rejected', issues: mapped.issues };
  if (mapped.kind === 'excluded') {
    // Somebody who follows the object in HubSpot learns that it left; what HubSpot never held is not created now.
    // An open intent may have created it: a process died before it heard the answer.
    const mayBeThere = ({ hubspotId, intent }: Remembered): boolean => hubspotId !== null || intent !== null;
    const known = (mapped.farewell ?? []).filter((upsert) => mayBeThere(recall(upsert)));
    const farewell = planAll(known, knowledge);
    return Array.isArray(farewell)
      ? { kind: 'excluded', rule: mapped.rule, farewell }
      : { kind: 'rejected', issues: farewell.issues };
  }
  const writes = planAll(mapped.upserts, knowledge);
  if (!Array.isArray(writes)) return { kind: 'rejected', issues: writes.issues };
  const unchanged = mapped.upserts.length - writes.length;
  return writes.length === 0 ? { kind: 'unchanged', upserts: unchanged } : { kind: 'write', writes, unchanged };
}

function planAll(upserts: readonly Upsert[], knowledge: Knowledge): Planned[] | { issues: readonly Issue[] } {
  const planned: Planned[] = [];
  for (const upsert of upserts) {
    const known = knowledge.recall(upsert);
    const plan = planUpsert(upsert, knowledge, known.hubspotId);
    if ('issues' in plan) return plan;
    if (!isSettled(plan.fingerprint, known)) planned.push(plan);
  }
  return planned;
}

/**
 * HubSpot holds exactly this content and nothing else can land any more. An open intent means that a process died or
 * lost the answer: the remembered fingerprint then proves nothing, even when it is equal.
 */
export const isSettled = (fingerprint: string, known: Remembered): boolean =>
  known.fingerprint === fingerprint && known.intent === null && (known.late === null || known.late === fingerprint);

/** Parts an upsert's properties by their owner, resolves what stands for an id, adds the key. */
function planUpsert(
  upsert: Upsert,
  { specs, resolve }: Knowledge,
  hubspotId: string | null,
): Planned | { issues: readonly Issue[] } {
  const properties: Record<string, string> = {};
  const onCreate: Record<string, string> = {};
  const atCreation: Record<string, string> = {};
  let keyProperty: string | undefined;
  const undeclared = new Set(Object.keys(upsert.properties));
  for (const spec of specs) {
    if (spec.object !== upsert.object) continue;
    undeclared.delete(spec.name);
    if (spec.unique) keyProperty = spec.name;
    const value = wireValue(spec, upsert.properties[spec.name], resolve);
    if (value === MISSING) {
      const message = `the portal has no ${spec.refersTo} for "${upsert.properties[spec.name]}"`;
      return { issues: [{ path: spec.name, message }] };
    }
    if (value === undefined) continue;
    // A deal cannot be created without its stage: that one cannot follow afterwards as other create-only values do.
    const isNeededAtCreation = spec.refersTo === 'stage' && hubspotId === null;
    if (spec.owner === 'source') properties[spec.name] = value;
    else if (isNeededAtCreation) atCreation[spec.name] = value;
    else if (value !== '' && spec.refersTo !== 'stage') onCreate[spec.name] = value;
  }
  const [stray] = undeclared;
  if (keyProperty === undefined || stray !== undefined) {
    const path = stray ?? upsert.object;
    return { issues: [{ path, message: 'the mapper does not declare this property, or no key for its object' }] };
  }
  properties[keyProperty] = upsert.key;
  // What people own from the creation on is no part of what is remembered: it would look changed ever after.
  const sent = { ...properties, ...atCreation };
  const write = { object: upsert.object, keyProperty, key: upsert.key, properties: sent, hubspotId };
  const content = canonicalJson(properties);
  return { write, content, fingerprint: digest(content), onCreate };
}

const MISSING = Symbol('the portal has nothing to refer to');

/** What goes over the wire; undefined leaves the property alone. A rep without a HubSpot user owns nothing. */
function wireValue(
  spec: PropertySpec,
  given: string | undefined,
  resolve: Resolve,
): string | undefined | typeof MISSING {
  if (given === undefined || spec.owner === 'crm' || spec.refersTo === undefined) {
    return spec.owner === 'crm' ? undefined : given;
  }
  return resolve(spec, given) ?? (spec.refersTo === 'owner' ? undefined : MISSING);
}
