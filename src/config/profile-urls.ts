/** Where the ERP is when no variable says so: the addresses that its profile names. */
import { resolve } from 'node:path';
import { FatalError } from '../errors.ts';
import { loadDescription } from '../sources/erp/profile.ts';
import type { Gathered } from './origins.ts';
import type { VariableName } from './variables.ts';

const VARIABLES = { ERP_PRODUCTION_URL: 'production', ERP_STAGING_URL: 'staging' } as const;
const NAMES = ['ERP_PRODUCTION_URL', 'ERP_STAGING_URL'] as const;

/**
 * Adds the profile's addresses where no layer gives either variable: one of them alone says that there is no other
 * instance. Shipped profiles name none. A profile that has faults is one only to a command that needs the ERP.
 *
 * Throws FatalError with the profile's faults when `isNeeded`.
 */
export function withProfileUrls(gathered: Gathered, cwd: string, isNeeded: boolean): Gathered {
  const profile = gathered.given.get('ERP_PROFILE')?.text ?? '';
  if (NAMES.some((name) => gathered.given.has(name)) || !/\.ya?ml$/.test(profile)) return gathered;
  const urls = urlsIn(resolve(cwd, profile), isNeeded);
  const given = new Map(gathered.given);
  for (const name of NAMES) {
    const text = urls[VARIABLES[name]];
    if (text !== undefined) given.set(name satisfies VariableName, { text, origin: 'profile' });
  }
  return { ...gathered, given };
}

function urlsIn(file: string, isNeeded: boolean): { readonly production?: string; readonly staging?: string } {
  try {
    const { production, staging } = loadDescription(file).baseUrls ?? {};
    return { ...(production === undefined ? {} : { production }), ...(staging === undefined ? {} : { staging }) };
  } catch (thrown) {
    if (isNeeded || !(thrown instanceof FatalError)) throw thrown;
    return {};
  }
}
