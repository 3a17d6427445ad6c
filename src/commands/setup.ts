/** `setup`: shows what the portal lacks, and makes it with `--apply`. A second run finds nothing to do. */
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { accountDetails } from '../sinks/hubspot/account.ts';
import { applySchema, planSchema } from '../sinks/hubspot/schema.ts';
import { checkTarget, openTransport } from '../systems.ts';
import type { Invocation } from './invocation.ts';

export interface SetupFlags {
  readonly apply?: boolean;
  readonly json?: boolean;
}

export async function setup(flags: SetupFlags, invocation: Invocation): Promise<ExitCode> {
  const { stdout, stop } = invocation;
  const config = loadConfig({ env: invocation.env, cwd: invocation.cwd, needs: ['hubspot'] });
  const transport = openTransport(config.hubspot);
  checkTarget(await accountDetails(transport, stop), config);
  const mappings = (await loadJobs()).map((job) => job.mapping);
  const specs = mappings.flatMap((mapping) => mapping.properties);
  const pipelines = mappings.flatMap((mapping) => mapping.pipeline ?? []);
  const plan = await planSchema(transport, specs, pipelines, stop);
  const steps = plan.steps.map((step) => step.describe());
  // What only a person can fix is said below; it does not keep the rest from being made.
  if (flags.apply) await applySchema(transport, { ...plan, blocked: [] }, stop);
  const left = flags.apply ? (await planSchema(transport, specs, pipelines, stop)).steps.length : steps.length;
  const exit = plan.blocked.length > 0 || (flags.apply && left > 0) ? EXIT.usage : EXIT.ok;
  const portal = config.hubspot.portalId;
  if (flags.json) {
    const counts = {
      steps: steps.length,
      applied: flags.apply ? steps.length - left : 0,
      blocked: plan.blocked.length,
    };
    const document = {
      schemaVersion: 1,
      runId: null,
      status: exit === EXIT.ok ? 'ok' : 'failed',
      counts,
      portal,
      steps,
      blocked: plan.blocked,
    };
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return exit;
  }
  stdout.write(render(portal, steps, plan.blocked, flags.apply === true, left));
  return exit;
}

function render(
  portal: string,
  steps: readonly string[],
  blocked: readonly string[],
  applied: boolean,
  left: number,
): string {
  const lines = [`HubSpot portal ${portal}`];
  if (steps.length === 0) lines.push('  everything is there: nothing to do');
  else lines.push(...steps.map((step) => `  ${applied ? 'done' : '+'} ${step}`));
  if (blocked.length > 0)
    lines.push('', 'Only a person can fix this:', ...blocked.map((sentence) => `  ! ${sentence}`));
  if (steps.length > 0 && !applied) lines.push('', `${steps.length} steps; make them with: retail-sync setup --apply`);
  if (applied && left > 0)
    lines.push('', `${left} steps are still missing after applying; run it again, or see what HubSpot refused`);
  return `${lines.join('\n')}\n`;
}
