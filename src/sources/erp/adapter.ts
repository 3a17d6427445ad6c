/** Chooses how an ERP is talked to: by a profile, or by code of its own. The one place where an adapter is added. */

import { EXIT, FatalError } from '../../errors.ts';
import type { Source } from '../../pipe.ts';
import type { Clock } from './clock.ts';
import type { ResourceName } from './field-names.ts';
import { loadDescription, type Profile, resourceOf } from './profile.ts';
import type { Field } from './profile-schema.ts';
import { restSource } from './rest.ts';
import type { TrytonSettings } from './tryton/settings.ts';
import { trytonSource } from './tryton.ts';

/** Where an ERP is and how it knows us. */
interface ErpAccess {
  /** A profile's name, or the path of a YAML file. */
  readonly profile: string;
  readonly baseUrl: string;
  readonly login:
    | { readonly kind: 'token'; readonly token: string }
    | { readonly kind: 'password'; readonly user: string; readonly password: string };
  /** The database or tenant of an ERP that has several. */
  readonly database: string | null;
}

interface OpenOptions {
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly attemptsMax?: number | undefined;
  /** Asks in the place of Node's own: a recorder's, for one. */
  readonly fetch?: typeof fetch | undefined;
}

/** A canonical field and, inside an object or list, one of its parts. */
export type FieldPath = readonly [field: string, part?: string];

/** An ERP that can be read. */
export interface ErpAdapter {
  /** IANA time zone: what a time without offset means. */
  readonly zone: string;
  /** One address may serve several databases: then the database is part of what tells one instance from another. */
  readonly hasDatabases: boolean;
  /** Throws FatalError for a resource, credential or address that it cannot work with. */
  source(resource: ResourceName, access: ErpAccess, options: OpenOptions): Source;
  /** The canonical fields it fills. */
  fields(resource: ResourceName): readonly FieldPath[];
}

/** The adapter that a configured profile stands for. Throws FatalError for a profile that is not there or is faulty. */
export function adapterOf(profile: string): ErpAdapter {
  const description = loadDescription(profile);
  return 'adapter' in description ? trytonAdapter(description) : profileAdapter(description);
}

function profileAdapter(profile: Profile): ErpAdapter {
  return {
    zone: profile.zone,
    hasDatabases: false,
    source: (resource, { baseUrl, login, database }, options) =>
      restSource({
        profile,
        resource,
        baseUrl,
        credentials: { ...login, ...(database === null ? {} : { database }) },
        clock: options.clock,
        random: options.random,
        ...(options.attemptsMax === undefined ? {} : { attemptsMax: options.attemptsMax }),
        ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      }),
    fields: (resource) => fieldPaths(resourceOf(profile, resource).fields),
  };
}

const fieldPaths = (fields: Readonly<Record<string, Field>>): FieldPath[] =>
  Object.entries(fields).flatMap(([field, { object, each }]) => [
    [field] satisfies FieldPath,
    ...Object.keys(object ?? each ?? {}).map((part): FieldPath => [field, part]),
  ]);

function trytonAdapter(settings: TrytonSettings): ErpAdapter {
  return {
    zone: settings.zone,
    hasDatabases: true,
    source: (resource, { baseUrl, login, database }, options) => {
      if (login.kind !== 'password') throw unset('ERP_USER and ERP_PASSWORD', 'it logs in');
      if (database === null) throw unset('ERP_DATABASE', 'a server may have several');
      return trytonSource({
        ...options,
        resource,
        settings,
        baseUrl,
        database,
        user: login.user,
        password: login.password,
      });
    },
    fields: (resource) => TRYTON_FIELDS[resource].map((field): FieldPath => [field]),
  };
}

/** Those that every installation fills. */
const TRYTON_FIELDS: Readonly<Record<ResourceName, readonly string[]>> = {
  products: ['sku', 'name', 'listPrice', 'cost', 'status'],
  customers: ['accountNumber', 'name', 'type', 'status', 'address', 'contacts'],
  quotes: ['quoteNumber', 'status', 'quotedOn', 'total', 'customerId'],
};

const unset = (names: string, why: string): FatalError =>
  new FatalError(EXIT.usage, `Tryton needs ${names}: ${why}`, `set ${names}`);
