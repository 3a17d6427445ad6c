/** What the HubSpot token may do, object by object, with the name of each scope that is missing. */
import { EXIT } from '../errors.ts';
import type { ObjectType, PropertySpec } from '../pipe.ts';
import { grantedScopes, scopesFor } from '../sinks/hubspot/account.ts';
import { ask } from '../sinks/hubspot/ask.ts';
import { anyReply } from '../sinks/hubspot/replies.ts';
import type { Transport } from '../sinks/hubspot/transport.ts';
import { type Finding, failed, fault, fine } from './finding.ts';

const ADD_SCOPE = 'add it to the service key in HubSpot (Development, Keys)';

export async function scopeFindings(
  transport: Transport,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const objects = [...new Set(specs.map((spec) => spec.object))];
  const granted = await grantedScopes(transport, signal);
  if (granted === null) return Promise.all(objects.map((object) => triedFinding(transport, object, signal)));
  return [
    ...objects.map((object) => objectScopes(object, granted)),
    ...(specs.some((spec) => spec.refersTo === 'owner') ? [ownerScope(granted)] : []),
    setupScopes(objects, granted),
  ];
}

function objectScopes(object: ObjectType, granted: ReadonlySet<string>): Finding {
  const rights = scopesFor(object).map((either) => ({
    name: either[0] ?? '',
    isThere: either.some((scope) => granted.has(scope)),
  }));
  const lacking = rights.filter(({ isThere }) => !isThere).map(({ name }) => name);
  if (lacking.length === 0) return fine('scopes', object, 'may be read and written');
  const may = lacking.length === 2 ? 'neither read nor write' : `only ${rights[0]?.isThere ? 'read' : 'write'}`;
  return fault('scopes', object, `${may}: lacks ${lacking.join(', ')}`, ADD_SCOPE, EXIT.access);
}

function ownerScope(granted: ReadonlySet<string>): Finding {
  const scope = 'crm.objects.owners.read';
  return granted.has(scope)
    ? fine('scopes', 'owners', 'may be read')
    : fault('scopes', 'owners', `may not be read: lacks ${scope}`, ADD_SCOPE, EXIT.access);
}

/** `setup --apply` alone needs these; a key without them can do less harm. */
function setupScopes(objects: readonly ObjectType[], granted: ReadonlySet<string>): Finding {
  const needed = objects.map((object) => (object === 'products' ? 'e-commerce' : `crm.schemas.${object}.write`));
  const lacking = needed.filter((scope) => !granted.has(scope));
  const said =
    lacking.length === 0
      ? 'this key can also run setup --apply; daily syncs need less'
      : `not with this key: setup --apply also needs ${lacking.join(', ')}; daily syncs do not`;
  return fine('scopes', 'set-up', said);
}

/** HubSpot does not describe this kind of token: one row is asked for, and a refusal names the scope. */
async function triedFinding(transport: Transport, object: ObjectType, signal: AbortSignal): Promise<Finding> {
  const call = {
    method: 'GET',
    path: `${transport.paths.objects(object)}?limit=1`,
    budget: 'burst',
    operation: `${object} list`,
    kind: 'read',
  } as const;
  try {
    await ask(transport, call, anyReply, signal);
    return fine('scopes', object, 'may be read; HubSpot tells of such a token only at the first write if it may write');
  } catch (thrown) {
    signal.throwIfAborted();
    return failed('scopes', object, thrown, EXIT.hubspot);
  }
}
