/** `setup` against a portal: what it lists, what it makes, what it leaves to a person, and what it never touches. */
import { afterEach, describe, expect, it } from 'vitest';
import { setup } from '../src/commands/setup.ts';
import { FatalError } from '../src/errors.ts';
import { ALL_SCOPES } from '../src/sandbox/hubspot/kinds.ts';
import {
  type HubSpotOptions,
  type HubSpotSandbox,
  SANDBOX_TOKEN,
  startHubSpot,
} from '../src/sandbox/hubspot/server.ts';
import { run, temporaryFolder } from './cli-harness.ts';

type Variables = Readonly<Record<string, string>>;

interface Answer {
  readonly exit: number;
  readonly steps: readonly string[];
  readonly blocked: readonly string[];
  readonly counts: { readonly steps: number; readonly applied: number; readonly blocked: number };
}

const portals: HubSpotSandbox[] = [];

async function openPortal(options: Partial<HubSpotOptions> = {}): Promise<HubSpotSandbox> {
  const portal = await startHubSpot({ seed: 1, burstPer10s: null, ...options });
  portals.push(portal);
  return portal;
}

afterEach(async () => {
  await Promise.all(portals.splice(0).map((portal) => portal.close()));
});

const variables = (portal: HubSpotSandbox): Variables => ({
  RETAIL_SYNC_ENV: 'sandbox',
  HUBSPOT_BASE_URL: portal.url,
  HUBSPOT_TOKEN: SANDBOX_TOKEN,
  HUBSPOT_PORTAL_ID: '1234567',
});

/** The command in this process, with its JSON document. */
async function ask(portal: HubSpotSandbox, { apply = false, env = {} }: { apply?: boolean; env?: Variables } = {}) {
  let printed = '';
  const stdout = {
    write: (text: string) => {
      printed += text;
    },
  };
  const exit = await setup(
    { apply, json: true },
    {
      env: { ...variables(portal), ...env },
      cwd: temporaryFolder(),
      stdout,
      stderr: stdout,
      stop: new AbortController().signal,
      trigger: 'test',
    },
  );
  const document: Omit<Answer, 'exit'> = JSON.parse(printed);
  return { exit, ...document };
}

const apply = (portal: HubSpotSandbox, env: Variables = {}) => ask(portal, { apply: true, env });

/** What people do in the portal's settings. */
async function inSettings<T>(portal: HubSpotSandbox, method: string, path: string, body?: object): Promise<T> {
  const reply = await fetch(`${portal.url}/crm/v3/${path}`, {
    method,
    headers: { authorization: `Bearer ${SANDBOX_TOKEN}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return JSON.parse(await reply.text());
}

const option = (value: string, displayOrder = 0) => ({ value, label: value, displayOrder, hidden: false });

const propertiesOf = (steps: readonly string[], object: string): string[] =>
  steps.flatMap((step) => new RegExp(`^create property (\\S+) on ${object} `).exec(step)?.[1] ?? []);

const DEFINITION = { label: 'Made by a person', groupName: 'productinformation', type: 'string', fieldType: 'text' };

it('lists every property of the mapping and both pipelines, and makes none of them unasked', async () => {
  const portal = await openPortal();
  const { exit, steps } = await ask(portal);
  const deals = propertiesOf(steps, 'deals');
  expect(propertiesOf(steps, 'products')).toHaveLength(17);
  expect(propertiesOf(steps, 'companies')).toHaveLength(13);
  expect(propertiesOf(steps, 'contacts')).toHaveLength(10);
  expect(deals.filter((name) => name.startsWith('square_'))).toHaveLength(4);
  expect(deals.filter((name) => name.startsWith('erp_'))).toHaveLength(16);
  expect(steps.filter((step) => step.includes('unique')).sort()).toEqual([
    'create property erp_contact_id on contacts (string, unique)',
    'create property erp_customer_id on companies (string, unique)',
    'create property erp_opportunity_id on deals (string, unique)',
    'create property erp_product_id on products (string, unique)',
    'create property square_order_id on deals (string, unique)',
  ]);
  expect(steps.filter((step) => step.includes('pipeline'))).toEqual([
    'create deal pipeline "Square POS" with 4 stages',
    'create deal pipeline "ERP Quotes" with 6 stages',
  ]);
  expect(exit).toBe(0);
  expect(portal.log.filter(({ method, path }) => method !== 'GET' && !path.includes('token'))).toEqual([]);
});

it('a second run of the command finds nothing to do', async () => {
  const portal = await openPortal();
  const env = variables(portal);
  const folder = temporaryFolder();
  const made = await run(['setup', '--apply'], env, folder);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('  done create property erp_product_id') });
  const again = await run(['setup', '--apply'], env, folder);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toBe('HubSpot portal 1234567\n  everything is there: nothing to do\n');
});

it.each(['v3', '2026-03', '2026-09'])('makes everything over API version %s', async (version) => {
  const portal = await openPortal();
  const made = await apply(portal, { HUBSPOT_API_VERSION: version });
  expect(made).toMatchObject({ exit: 0, blocked: [], counts: { applied: made.steps.length } });
  expect((await ask(portal, { env: { HUBSPOT_API_VERSION: version } })).steps).toEqual([]);
  const writes = portal.log.filter(({ method }) => method === 'POST').map(({ path }) => path);
  expect(writes.filter((path) => path.includes(`/${version}/`)).length).toBeGreaterThan(5);
});

describe('what people have made', () => {
  it('keeps their options beside ours, and adds the ones that are missing', async () => {
    const portal = await openPortal();
    await apply(portal);
    const path = 'properties/products/erp_status';
    await inSettings(portal, 'PATCH', path, { options: [option('on-hold'), option('active', 1)] });
    expect((await ask(portal)).steps).toEqual([
      'add options to erp_status on products: discontinued, special-order, inactive',
    ]);
    await apply(portal);
    const { options } = await inSettings<{ options: { value: string }[] }>(portal, 'GET', path);
    expect(options.map(({ value }) => value).sort()).toEqual([
      'active',
      'discontinued',
      'inactive',
      'on-hold',
      'special-order',
    ]);
  });

  it('keeps a pipeline they renamed in letter case and stages they added, and adds a stage that is gone', async () => {
    const portal = await openPortal();
    await apply(portal);
    const { results } = await inSettings<{
      results: { id: string; label: string; stages: { id: string; label: string }[] }[];
    }>(portal, 'GET', 'pipelines/deals');
    const quotes = results.find(({ label }) => label === 'ERP Quotes');
    const expired = quotes?.stages.find(({ label }) => label === 'Expired');
    const path = `pipelines/deals/${quotes?.id}`;
    await inSettings(portal, 'PATCH', path, { label: 'ERP QUOTES' });
    await inSettings(portal, 'PATCH', `${path}/stages/${expired?.id}`, {
      label: 'Ran out',
      metadata: { probability: '0.0' },
    });
    expect((await ask(portal)).steps).toEqual(['add stage "Expired" to deal pipeline "ERP Quotes"']);
    expect(await apply(portal)).toMatchObject({ exit: 0, counts: { applied: 1 } });
    const after = await inSettings<{ stages: { label: string }[] }>(portal, 'GET', path);
    expect(after.stages.map(({ label }) => label)).toEqual(expect.arrayContaining(['Ran out', 'Expired']));
    expect((await ask(portal)).steps).toEqual([]);
  });

  it('refuses a key that is not unique with exit 2, and makes everything else', async () => {
    const portal = await openPortal();
    await inSettings(portal, 'POST', 'properties/products', { ...DEFINITION, name: 'erp_product_id' });
    const made = await apply(portal);
    expect(made.exit).toBe(2);
    expect(made.blocked).toEqual([expect.stringMatching(/^erp_product_id on products .*unique/)]);
    expect(made.counts.applied).toBe(made.steps.length);
    expect(propertiesOf(made.steps, 'products')).toHaveLength(16);
    expect(await ask(portal)).toMatchObject({ exit: 2, steps: [], blocked: made.blocked });
  });

  it('says so on the screen, with what to do in HubSpot', async () => {
    const portal = await openPortal();
    await inSettings(portal, 'POST', 'properties/products', { ...DEFINITION, name: 'erp_product_id' });
    const { code, stdout, stderr } = await run(['setup'], variables(portal));
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toMatch(/Only a person can fix this:\n {2}! erp_product_id on products/);
  });
});

describe('what the portal does not allow', () => {
  it('names the pipelines that its subscription has no room for, and makes the properties', async () => {
    const portal = await openPortal({ switches: { pipelinesMax: 2 } });
    const plan = await ask(portal);
    expect(plan.exit).toBe(2);
    expect(plan.blocked).toEqual([expect.stringMatching(/room for 1 more .*2 are needed \(Square POS, ERP Quotes\)/)]);
    expect(await apply(portal)).toMatchObject({ exit: 2 });
    const left = await ask(portal);
    expect(left.steps.filter((step) => step.includes('property'))).toEqual([]);
    const { results } = await inSettings<{ results: unknown[] }>(portal, 'GET', 'pipelines/deals');
    expect(results.length).toBeLessThanOrEqual(2);
  });

  it.each(['crm.schemas.deals.write', 'e-commerce'])(
    'names the scope %s that the token lacks, with exit 5',
    async (scope) => {
      const scopes = ALL_SCOPES.filter((other) => other !== scope);
      const portal = await openPortal({ tokens: { [SANDBOX_TOKEN]: scopes } });
      const { code, stderr } = await run(['setup', '--apply'], variables(portal));
      expect(code).toBe(5);
      expect(stderr).toContain(scope);
      expect(stderr).toMatch(/\n {2}fix: /);
    },
  );

  it('stops at a portal that is not the configured one, before it makes anything', async () => {
    const portal = await openPortal({ portal: { id: 999 } });
    const refusal = await apply(portal).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(FatalError);
    expect(refusal).toMatchObject({ exit: 5 });
    expect(portal.log.filter(({ method, path }) => method !== 'GET' && !path.includes('token'))).toEqual([]);
  });
});
