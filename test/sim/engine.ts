/** The product's code under simulation: loaded from the source tree, or from a copy with one fault planted in it. */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as verdict from '../../src/engine/verdict.ts';
import type * as errors from '../../src/errors.ts';
import type * as reconcile from '../../src/reconcile.ts';
import type * as run from '../../src/run.ts';
import type * as transport from '../../src/sinks/hubspot/transport.ts';
import type * as upsert from '../../src/sinks/hubspot/upsert.ts';
import type * as profile from '../../src/sources/erp/profile.ts';
import type * as rest from '../../src/sources/erp/rest.ts';
import type * as database from '../../src/state/database.ts';
import type * as failures from '../../src/state/failures.ts';
import type * as generation from '../../src/state/generation.ts';
import type * as lock from '../../src/state/lock.ts';
import type * as runs from '../../src/state/runs.ts';

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export type Engine = typeof run &
  Pick<typeof errors, 'EXIT' | 'FatalError'> &
  Pick<typeof reconcile, 'reconcile'> &
  Pick<typeof failures, 'explain'> &
  Pick<typeof generation, 'startGeneration' | 'endGeneration'> &
  Pick<typeof lock, 'lockPortal'> &
  Pick<typeof verdict, 'Stopped'> &
  Pick<typeof transport, 'createTransport'> &
  Pick<typeof upsert, 'hubspotSink'> &
  Pick<typeof profile, 'parseProfile'> &
  Pick<typeof rest, 'restSource'> &
  Pick<typeof database, 'openDatabase'> &
  Pick<typeof runs, 'openStream' | 'startRun' | 'endRun' | 'markCrashed'>;

/** Loads the engine, both adapters and the state from `<root>/src`. */
export async function loadEngine(root: string): Promise<Engine> {
  const load = (path: string) => import(pathToFileURL(join(root, 'src', path)).href);
  const parts = await Promise.all(
    [
      'run.ts',
      'errors.ts',
      'reconcile.ts',
      'state/failures.ts',
      'state/generation.ts',
      'state/lock.ts',
      'engine/verdict.ts',
      'sinks/hubspot/transport.ts',
      'sinks/hubspot/upsert.ts',
      'sources/erp/profile.ts',
      'sources/erp/rest.ts',
      'state/database.ts',
      'state/runs.ts',
    ].map(load),
  );
  // Loaded on first use by the product: here beforehand, because loading takes real time.
  await import('@hubspot/api-client/lib/src/client.js');
  await import('@hubspot/api-client/lib/src/services/http/Request.js');
  return Object.assign({}, ...parts);
}
