/** How the tests talk to the HubSpot sandbox: by HTTP, as anyone else would. */
import { onTestFinished } from 'vitest';
import {
  type HubSpotOptions,
  type HubSpotSandbox,
  SANDBOX_TOKEN,
  startHubSpot,
} from '../src/sandbox/hubspot/server.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** An answer's body, walked without caring for its types: `at('results', 0, 'id')`. */
class Body {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  at(...path: readonly (string | number)[]): unknown {
    let value = this.value;
    for (const step of path) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = Reflect.get(value, step);
    }
    return value;
  }

  list(...path: readonly (string | number)[]): readonly Body[] {
    const value = this.at(...path);
    return Array.isArray(value) ? value.map((item: unknown) => new Body(item)) : [];
  }

  text(...path: readonly (string | number)[]): string {
    return String(this.at(...path));
  }
}

type Send = (method: string, path: string, body?: unknown, token?: string) => Promise<Answer>;

export interface OpenPortal extends HubSpotSandbox {
  readonly send: Send;
}

/** A sandbox that is closed when the test ends. Budgets are off unless the test is about them. */
export async function openPortal(options: Partial<HubSpotOptions> = {}): Promise<OpenPortal> {
  const sandbox = await startHubSpot({ seed: 7, burstPer10s: null, ...options });
  onTestFinished(() => sandbox.close());
  const send: Send = async (method, path, body, token = SANDBOX_TOKEN) => {
    const response = await fetch(`${sandbox.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: new Body(text === '' ? null : JSON.parse(text)),
    };
  };
  return { ...sandbox, send };
}

/** Makes a unique text property, as `setup` does before the first sync. */
export async function addKey(portal: OpenPortal, type: string, name: string, group: string): Promise<void> {
  const property = { name, label: name, type: 'string', fieldType: 'text', groupName: group, hasUniqueValue: true };
  const answer = await portal.send('POST', `/crm/v3/properties/${type}`, property);
  if (answer.status !== 201) throw new Error(`property ${name}: ${answer.status}`);
}

/** Upsert inputs by key, each with a trace id of its own when asked. */
export function keyed(
  idProperty: string,
  rows: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  traced = true,
): { inputs: readonly unknown[] } {
  const inputs = Object.entries(rows).map(([id, properties]) => ({
    id,
    idProperty,
    properties: { [idProperty]: id, ...properties },
    ...(traced ? { objectWriteTraceId: `trace-${id}` } : {}),
  }));
  return { inputs };
}

export const UPSERT = '/crm/v3/objects/products/batch/upsert';
export const READ = '/crm/v3/objects/products/batch/read';

export async function productPortal(options: Partial<HubSpotOptions> = {}): Promise<OpenPortal> {
  const portal = await openPortal(options);
  await addKey(portal, 'products', 'erp_product_id', 'productinformation');
  return portal;
}

export async function contactPortal(options: Partial<HubSpotOptions> = {}): Promise<OpenPortal> {
  const portal = await openPortal(options);
  await addKey(portal, 'contacts', 'erp_contact_id', 'contactinformation');
  return portal;
}

export const products = (rows: Record<string, Record<string, unknown>>, traced = true) =>
  keyed('erp_product_id', rows, traced);
export const contacts = (rows: Record<string, Record<string, unknown>>, traced = true) =>
  keyed('erp_contact_id', rows, traced);
