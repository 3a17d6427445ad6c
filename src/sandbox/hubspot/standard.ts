/**
 * The properties HubSpot defines itself, as far as a shop's sync meets them.
 * Source: developers.hubspot.com/docs/api-reference/crm-properties-v3/guide (default properties).
 */
import type { ObjectName } from './kinds.ts';
import type { PropertyDefinition, PropertyOption, ValueType } from './schema.ts';

interface Spec {
  readonly type: ValueType;
  readonly names: string;
  readonly readOnly?: true;
  readonly options?: readonly string[];
  /** Values live elsewhere: owners, pipelines, stages. */
  readonly external?: true;
}

const LIFECYCLE_STAGES: readonly string[] = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
  'other',
];

/** Forward only; clear first to move back. Source: developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide */
export const lifecycleRank = (stage: string): number => LIFECYCLE_STAGES.indexOf(stage);

const LEAD_STATUSES = [
  'NEW',
  'OPEN',
  'IN_PROGRESS',
  'OPEN_DEAL',
  'UNQUALIFIED',
  'ATTEMPTED_TO_CONTACT',
  'CONNECTED',
  'BAD_TIMING',
];

const EVERY_OBJECT: readonly Spec[] = [
  { type: 'number', names: 'hs_object_id', readOnly: true },
  { type: 'datetime', names: 'createdate hs_createdate hs_lastmodifieddate', readOnly: true },
  { type: 'enumeration', names: 'hs_merged_object_ids', readOnly: true, external: true },
  { type: 'enumeration', names: 'hubspot_owner_id', external: true },
];

const PEOPLE_AND_FIRMS: readonly Spec[] = [
  { type: 'string', names: 'phone website address city state zip country fax' },
  { type: 'enumeration', names: 'lifecyclestage', options: LIFECYCLE_STAGES },
  { type: 'enumeration', names: 'hs_lead_status', options: LEAD_STATUSES },
];

const SPECS: Readonly<Record<ObjectName, readonly Spec[]>> = {
  contacts: [
    ...EVERY_OBJECT,
    ...PEOPLE_AND_FIRMS,
    { type: 'string', names: 'email firstname lastname mobilephone jobtitle company salutation hs_additional_emails' },
    { type: 'datetime', names: 'lastmodifieddate', readOnly: true },
    // The CRM API cannot change it: knowledge.hubspot.com/integrations/manage-marketing-contacts-settings-for-your-integrations
    { type: 'bool', names: 'hs_marketable_status hs_marketable_until_renewal', readOnly: true },
    { type: 'string', names: 'hs_marketable_reason_type hs_marketable_reason_id', readOnly: true },
  ],
  companies: [
    ...EVERY_OBJECT,
    ...PEOPLE_AND_FIRMS,
    { type: 'string', names: 'name domain address2 description hs_additional_domains' },
    { type: 'number', names: 'numberofemployees annualrevenue' },
    { type: 'enumeration', names: 'type', options: ['PROSPECT', 'PARTNER', 'RESELLER', 'VENDOR', 'OTHER'] },
  ],
  deals: [
    ...EVERY_OBJECT,
    { type: 'string', names: 'dealname description' },
    { type: 'number', names: 'amount' },
    { type: 'datetime', names: 'closedate' },
    { type: 'enumeration', names: 'pipeline dealstage', external: true },
    { type: 'enumeration', names: 'dealtype', options: ['newbusiness', 'existingbusiness'] },
    { type: 'enumeration', names: 'hs_priority', options: ['low', 'medium', 'high'] },
    { type: 'bool', names: 'hs_is_closed hs_is_closed_won', readOnly: true },
  ],
  products: [
    ...EVERY_OBJECT,
    { type: 'string', names: 'name description hs_sku hs_folder hs_url hs_images' },
    { type: 'number', names: 'price hs_cost_of_goods_sold tax' },
    { type: 'enumeration', names: 'hs_product_type', options: ['inventory', 'non_inventory', 'service'] },
    { type: 'enumeration', names: 'hs_status', options: ['active', 'inactive'] },
  ],
  line_items: [
    ...EVERY_OBJECT,
    { type: 'string', names: 'name description hs_sku hs_product_id hs_line_item_currency_code' },
    { type: 'number', names: 'price quantity amount discount hs_discount_percentage hs_cost_of_goods_sold tax' },
  ],
};

const FIELD_TYPES: Readonly<Record<ValueType, string>> = {
  string: 'text',
  number: 'number',
  date: 'date',
  datetime: 'date',
  enumeration: 'select',
  bool: 'booleancheckbox',
  phone_number: 'phonenumber',
};

const option = (value: string, displayOrder: number): PropertyOption => ({
  label: value,
  value,
  displayOrder,
  hidden: false,
});

function definition(spec: Spec, name: string, group: string, displayOrder: number): PropertyDefinition {
  const options = spec.type === 'bool' ? ['true', 'false'] : (spec.options ?? []);
  return {
    name,
    label: name,
    type: spec.type,
    fieldType: FIELD_TYPES[spec.type],
    groupName: group,
    description: '',
    options: options.map(option),
    displayOrder,
    hasUniqueValue: false,
    hidden: false,
    formField: !spec.readOnly,
    externalOptions: spec.external ?? false,
    hubspotDefined: true,
    readOnlyValue: spec.readOnly ?? false,
    sensitive: false,
    createdAtMs: 0,
    updatedAtMs: 0,
    archivedAtMs: null,
  };
}

/** @param currencies all of the portal's; a deal has a currency property only where there are several. */
export function standardProperties(
  object: ObjectName,
  group: string,
  currencies: readonly string[],
): readonly PropertyDefinition[] {
  const specs: Spec[] = [...SPECS[object]];
  if (object === 'deals' && currencies.length > 1) {
    specs.push({ type: 'enumeration', names: 'deal_currency_code', options: currencies });
  }
  let order = 0;
  return specs.flatMap((spec) => spec.names.split(' ').map((name) => definition(spec, name, group, order++)));
}
