/** `/_sandbox/…` of the ERP: what demo, tests and people turn, and the tool never sees. */
import { z } from 'zod';
import type { VendorReply, VendorRequest } from '../http.ts';
import { changeSchema, makeChange } from './changes.ts';
import { driftSchema, type ErpDrift } from './drift.ts';
import type { EnvironmentName, ErpEnvironment } from './environment.ts';

/**
 * What production answers: `dark` 503 JSON, `login-page` 200 with HTML, `empty` lists without rows, `refused` the line
 * is cut without an answer, `live` its own data.
 */
const productionSchema = z.enum(['dark', 'live', 'login-page', 'empty', 'refused']);
export type ProductionMode = z.infer<typeof productionSchema>;

/** What can be turned while the server runs. */
export interface ErpControls {
  readonly environments: Readonly<Record<EnvironmentName, ErpEnvironment>>;
  readonly seed: number;
  drift: ErpDrift;
  production: ProductionMode;
  changes: number;
  nowMs(): number;
}

const IDS_SHOWN = 20;
const YEAR_MS = 365 * 86_400_000;

export function adminReply(controls: ErpControls, request: VendorRequest): VendorReply {
  switch (`${request.method} ${request.url.pathname}`) {
    case 'POST /_sandbox/change':
      return change(controls, request.body);
    case 'PUT /_sandbox/drift': {
      const parsed = driftSchema.safeParse(request.body);
      if (!parsed.success) return refused(parsed.error);
      setDrift(controls, parsed.data);
      return { status: 200, json: parsed.data };
    }
    case 'PUT /_sandbox/production': {
      const parsed = z.strictObject({ mode: productionSchema }).safeParse(request.body);
      if (!parsed.success) return refused(parsed.error);
      controls.production = parsed.data.mode;
      return { status: 200, json: parsed.data };
    }
    case 'GET /_sandbox/state':
      return { status: 200, json: state(controls) };
    default:
      return { status: 404, json: { error: 'not found' } };
  }
}

const refused = (error: z.ZodError): VendorReply => ({ status: 400, json: { error: z.prettifyError(error) } });

/** Replaces all switches: what is not named is off. */
export function setDrift(controls: ErpControls, drift: ErpDrift): void {
  const before = controls.drift.futureDated;
  controls.drift = drift;
  if (before === drift.futureDated) return;
  for (const { tables } of Object.values(controls.environments))
    for (const table of Object.values(tables)) table.postdate(drift.futureDated, controls.nowMs() + YEAR_MS);
}

function change(controls: ErpControls, body: unknown): VendorReply {
  const parsed = changeSchema.safeParse(body);
  if (!parsed.success) return refused(parsed.error);
  const ids = makeChange(parsed.data, {
    environment: controls.environments[parsed.data.environment],
    nowMs: controls.nowMs(),
    lineEditDoesNotTouch: controls.drift.lineEditDoesNotTouch,
    seed: controls.seed + ++controls.changes,
  });
  if (ids === null) return { status: 400, json: { error: 'no such sales rep' } };
  return { status: 200, json: { changed: ids.length, ids: ids.slice(0, IDS_SHOWN) } };
}

function state({ environments, drift, production }: ErpControls): unknown {
  const counts = (environment: ErpEnvironment): unknown =>
    Object.fromEntries(
      Object.entries(environment.tables).map(([resource, { size, edited, added }]) => [
        resource,
        { rows: size, edited, added },
      ]),
    );
  return {
    staging: counts(environments.staging),
    production: { mode: production, ...Object(counts(environments.production)) },
    salesReps: environments.staging.reps.length,
    drift,
  };
}
