/** What a record must carry: HubSpot's own demands at creation, and rules of the portal's administrators. */
import type { Problem } from './errors.ts';
import type { ObjectName } from './kinds.ts';
import type { Version } from './route.ts';
import type { World } from './world.ts';

type Values = Readonly<Record<string, string>>;

const has = (values: Values, name: string): boolean => (values[name] ?? '') !== '';

/**
 * Alternatives are parted by `|`. Source: developers.hubspot.com/docs/guides/crm (the objects guide it links);
 * for products only `name` is demanded in practice: prismatic.io/docs/changelog/connectors/2026/04/06/hubspot
 */
const AT_CREATION: Readonly<Record<'usual' | 'docs', Partial<Record<ObjectName, readonly string[]>>>> = {
  usual: { companies: ['name|domain'], deals: ['dealname', 'dealstage', 'pipeline'], products: ['name'] },
  docs: {
    contacts: ['email|firstname|lastname'],
    companies: ['name|domain'],
    deals: ['dealname', 'dealstage', 'pipeline'],
    products: ['hs_sku', 'hs_folder', 'price', 'name', 'description'],
  },
};

/** @param values as they will stand after the write. */
export function missingAtCreation(world: World, object: ObjectName, values: Values): readonly Problem[] {
  const mode = world.switches.requiredOnCreate;
  if (mode === 'none') return [];
  return (AT_CREATION[mode][object] ?? [])
    .filter((names) => !names.split('|').some((name) => has(values, name)))
    .map((names) => ({
      property: names.split('|')[0] ?? names,
      code: 'REQUIRED_FIELD',
      message: `Error creating ${object}. Some required properties were not set: ${names.replaceAll('|', ' or ')}`,
    }));
}

/**
 * From path version 2026-09 the portal's validation rules hold for API writes too; older versions ignore them.
 * Source: developers.hubspot.com/changelog/crm-api-write-validation-enforcement
 */
export function brokenRules(
  world: World,
  version: Version,
  object: ObjectName,
  values: Values,
  creating: boolean,
): readonly Problem[] {
  if (version !== '2026-09') return [];
  const problems: Problem[] = [];
  for (const rule of world.switches.validationRules) {
    if (rule.object !== object || has(values, rule.property)) continue;
    if (rule.kind === 'on-create' && creating) {
      const message = `Property ${rule.property} is required to create a record.`;
      problems.push({ property: rule.property, code: 'MISSING_REQUIRED_PROPERTY', message });
    }
    if (rule.kind === 'conditional' && values[rule.when.property] === rule.when.value) {
      const message = `Property ${rule.property} is required when ${rule.when.property} is ${rule.when.value}.`;
      problems.push({ property: rule.property, code: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY', message });
    }
  }
  return problems;
}

/** A deal's pipeline must exist and hold its stage; both are internal ids. */
export function brokenPipeline(world: World, changes: Values, values: Values): readonly Problem[] {
  if (changes.pipeline === undefined && changes.dealstage === undefined) return [];
  const pipeline = world.pipelines.find(values.pipeline || 'default');
  if (!pipeline) {
    const allowed = world.pipelines.list().map((known) => known.id);
    const message = `${values.pipeline} was not one of the allowed options: [${allowed.join(', ')}]`;
    return [{ property: 'pipeline', code: 'INVALID_OPTION', message }];
  }
  const stage = values.dealstage ?? '';
  if (stage === '' || pipeline.stages.some((known) => known.id === stage)) return [];
  const allowed = pipeline.stages.map((known) => known.id).join(', ');
  const message = `${stage} was not one of the allowed options: [${allowed}]`;
  return [{ property: 'dealstage', code: 'INVALID_OPTION', message }];
}
