/** What property definitions a portal has. */
import type { ObjectType } from '../../pipe.ts';
import { ask } from './ask.ts';
import { groupListReply, type PropertyReply, propertyListReply } from './replies.ts';
import type { Call, Transport } from './transport.ts';

/** By name; the list leaves out sensitive properties, which ours are not. */
export type PropertiesByName = ReadonlyMap<string, PropertyReply>;

export async function listProperties(
  transport: Transport,
  object: ObjectType,
  options: { readonly archived: boolean },
  signal: AbortSignal,
): Promise<PropertiesByName> {
  const path = `${transport.paths.properties(object)}${options.archived ? '?archived=true' : ''}`;
  const { results } = await ask(transport, readCall(path, `${object} properties read`), propertyListReply, signal);
  return new Map(
    results
      .filter((found) => (found.archived ?? options.archived) === options.archived)
      .map((found) => [found.name, found]),
  );
}

export async function listGroups(
  transport: Transport,
  object: ObjectType,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const call = readCall(transport.paths.groups(object), `${object} property groups read`);
  const { results } = await ask(transport, call, groupListReply, signal);
  return new Set(results.filter((group) => !group.archived).map((group) => group.name));
}

const readCall = (path: string, operation: string): Call => ({
  method: 'GET',
  path,
  budget: 'burst',
  operation,
  kind: 'read',
});
