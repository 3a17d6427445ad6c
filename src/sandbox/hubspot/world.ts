/** What every route works on, and one request as the routes see it. */
import type { VendorRequest } from '../http.ts';
import { type ErrorDetail, missingScopes } from './errors.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import type { Limits, WriteLocks } from './limits.ts';
import type { Links } from './links.ts';
import type { Pipelines } from './pipelines.ts';
import type { Route, Version } from './route.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';
import type { HubSpotSwitches } from './switches.ts';
import type { ValueRules } from './values.ts';

export interface Portal {
  readonly id: number;
  readonly accountType: 'STANDARD' | 'DEVELOPER_TEST' | 'SANDBOX' | 'APP_DEVELOPER';
  readonly timeZone: string;
  readonly companyCurrency: string;
  readonly additionalCurrencies: readonly string[];
}

export interface Owner {
  readonly id: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

export interface World {
  readonly portal: Portal;
  readonly tokens: Readonly<Record<string, readonly string[]>>;
  readonly schema: Schema;
  readonly store: Store;
  readonly pipelines: Pipelines;
  readonly links: Links;
  readonly limits: Limits;
  readonly locks: WriteLocks;
  readonly now: () => number;
  readonly random: () => number;
  owners: readonly Owner[];
  switches: HubSpotSwitches;
}

export interface Call {
  readonly request: VendorRequest;
  readonly route: Route;
  readonly token: string;
  readonly scopes: readonly string[];
}

/** Holding one of them is enough. @throws Refusal 403 */
export function needScope(call: Call, oneOf: readonly string[]): void {
  if (!oneOf.some((scope) => call.scopes.includes(scope))) throw missingScopes(oneOf);
}

export function needRead(call: Call, object: ObjectName): void {
  needScope(call, KINDS[object].readScopes);
}

export function needWrite(call: Call, object: ObjectName): void {
  needScope(call, KINDS[object].writeScopes);
}

export function valueRules(world: World, version: Version): ValueRules {
  return {
    looseDates: version === '2026-09',
    respellNumbers: world.switches.respellNumbers,
    ownerExists: (id) => world.owners.some((owner) => owner.id === id),
  };
}

/** A failed row of a batch. */
export interface RowError {
  readonly status: 'error';
  readonly category: string;
  readonly message: string;
  readonly subCategory?: string;
  readonly context: Readonly<Record<string, readonly string[]>>;
  readonly errors?: readonly ErrorDetail[];
}

/** Fisher-Yates with the sandbox's seed: HubSpot's results are not in input order. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    const [here, there] = [result[index], result[other]];
    if (here === undefined || there === undefined) continue;
    result[index] = there;
    result[other] = here;
  }
  return result;
}
