import { EXIT, type ExitCode } from '../errors.ts';
import { loadDescription, shippedProfiles } from '../sources/erp/profile.ts';
import { profileJsonSchema } from '../sources/erp/profile-json-schema.ts';
import type { Invocation } from './invocation.ts';

interface Flags {
  readonly json?: boolean;
}

/** `profile list`: what `ERP_PROFILE` can name without a file. */
export function profileList({ json }: Flags, { stdout }: Pick<Invocation, 'stdout'>): ExitCode {
  const names = shippedProfiles();
  const profiles = names.map((name) => ({ name, resources: resourcesOf(name) }));
  if (json) stdout.write(documentOf({ profiles }, names.length));
  else for (const { name, resources } of profiles) stdout.write(`${name.padEnd(20)} ${resources.join(', ')}\n`);
  return EXIT.ok;
}

/** `profile schema`: for `# yaml-language-server: $schema=...` at the head of a profile. */
export function profileSchema({ stdout }: Pick<Invocation, 'stdout'>): ExitCode {
  stdout.write(`${JSON.stringify(profileJsonSchema(), null, 2)}\n`);
  return EXIT.ok;
}

/** `profile check`: throws FatalError (exit 2) with every fault and its line. */
export function profileCheck(file: string, { json }: Flags, { stdout }: Pick<Invocation, 'stdout'>): ExitCode {
  const { name } = loadDescription(file);
  const resources = resourcesOf(file);
  if (json) stdout.write(documentOf({ profile: name, resources }, resources.length));
  else stdout.write(`${file}: no faults; it describes ${resources.join(', ') || 'no resource'}\n`);
  return EXIT.ok;
}

/** An adapter in code reads all of them; a profile those that it describes. */
function resourcesOf(file: string): string[] {
  const description = loadDescription(file);
  if ('adapter' in description) return ['products', 'customers', 'quotes'];
  return Object.entries(description.resources)
    .filter(([, resource]) => resource !== undefined)
    .map(([name]) => name);
}

const documentOf = (content: object, count: number): string =>
  `${JSON.stringify({ schemaVersion: 1, runId: null, status: 'ok', counts: { found: count }, ...content }, null, 2)}\n`;
