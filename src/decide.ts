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
  readonly fingerprint: string;
  /** Create-only properties, owed to HubSpot when this write creates the object. */
  readonly onCreate: Readonly<Record<string, string>>;
}

export type Decision =
  | { readonly kind: 'write'; readonly writes: readonly Planned[]; readonly unchanged: number }
  | { readonly kind: 'unchanged'; readonly upserts: number }
  | { readonly kind: 'excluded'; readonly rule: string; readonly farewell: readonly Planned[] }
  | { readonly kind: 'rejected'; readonly issues: readonly Issue[] };

/** Decides one entity. `recall` answers with what is remembered of the object under a key. */
export function decide(
  mapped: Mapped,
  specs: readonly PropertySpec[],
  recall: (upsert: Upsert) => Remembered,
): Decision {
  if (mapped.kind === 'invalid') return { kind: 'rejected', issues: mapped.issues };
  if (mapped.kind === 'excluded') {
    // Somebody who follows the object in HubSpot learns that it left; what HubSpot never held is not created now.
    const known = (mapped.farewell ?? []).filter((upsert) => recall(upsert).hubspotId !== null);
    const farewell = planAll(known, specs, recall);
    return Array.isArray(farewell)
      ? { kind: 'excluded', rule: mapped.rule, farewell }
      : { kind: 'rejected', issues: farewell.issues };
  }
  const writes = planAll(mapped.upserts, specs, recall);
  if (!Array.isArray(writes)) return { kind: 'rejected', issues: writes.issues };
  const unchanged = mapped.upserts.length - writes.length;
  return writes.length === 0 ? { kind: 'unchanged', upserts: unchanged } : { kind: 'write', writes, unchanged };
}

function planAll(
  upserts: readonly Upsert[],
  specs: readonly PropertySpec[],
  recall: (upsert: Upsert) => Remembered,
): Planned[] | { issues: readonly Issue[] } {
  const planned: Planned[] = [];
  for (const upsert of upserts) {
    const plan = planUpsert(upsert, specs);
    if ('issues' in plan) return plan;
    if (!isSettled(plan.fingerprint, recall(upsert))) planned.push(plan);
  }
  return planned;
}

/**
 * HubSpot holds exactly this content and nothing else can land any more. An open intent means that a process died or
 * lost the answer: the remembered fingerprint then proves nothing, even when it is equal.
 */
export const isSettled = (fingerprint: string, known: Remembered): boolean =>
  known.fingerprint === fingerprint && known.intent === null && (known.late === null || known.late === fingerprint);

/** Parts an upsert's properties by their owner and adds the key. */
export function planUpsert(upsert: Upsert, specs: readonly PropertySpec[]): Planned | { issues: readonly Issue[] } {
  const properties: Record<string, string> = {};
  const onCreate: Record<string, string> = {};
  let keyProperty: string | undefined;
  for (const spec of specs) {
    if (spec.object !== upsert.object) continue;
    if (spec.unique) keyProperty = spec.name;
    const value = upsert.properties[spec.name];
    if (value === undefined || spec.owner === 'crm') continue;
    if (spec.owner === 'source') properties[spec.name] = value;
    else if (value !== '') onCreate[spec.name] = value;
  }
  const undeclared = Object.keys(upsert.properties).find(
    (name) => !specs.some((spec) => spec.object === upsert.object && spec.name === name),
  );
  if (keyProperty === undefined || undeclared !== undefined) {
    const path = undeclared ?? upsert.object;
    return { issues: [{ path, message: 'the mapper does not declare this property, or no key for its object' }] };
  }
  properties[keyProperty] = upsert.key;
  return {
    write: { object: upsert.object, keyProperty, key: upsert.key, properties },
    fingerprint: digest(canonicalJson(properties)),
    onCreate,
  };
}
