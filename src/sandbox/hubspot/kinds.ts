/**
 * The five object types this sandbox serves, under each spelling HubSpot accepts.
 * Source: developers.hubspot.com/docs/api/crm/understanding-the-crm (type ids).
 */
export type ObjectName = 'contacts' | 'companies' | 'deals' | 'products' | 'line_items';

/** What the routes need to know of one object type. */
export interface ObjectKind {
  readonly name: ObjectName;
  readonly typeId: string;
  readonly singular: string;
  readonly singularLabel: string;
  readonly pluralLabel: string;
  /** Contacts alone call it `lastmodifieddate`. */
  readonly modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate';
  readonly defaultGroup: string;
  /** What an answer carries when the request names no properties. */
  readonly defaultProperties: readonly string[];
  /** What a search's `query` looks into. */
  readonly searchableProperties: readonly string[];
  /** One of these is enough. */
  readonly readScopes: readonly string[];
  readonly writeScopes: readonly string[];
  readonly schemaReadScopes: readonly string[];
  readonly schemaWriteScopes: readonly string[];
}

/**
 * There is no `crm.schemas.products.*`: properties of products and line items need `e-commerce`.
 * Source: the security lists in github.com/HubSpot/HubSpot-public-api-spec-collection.
 */
function scopesOf(
  name: ObjectName,
): Pick<ObjectKind, 'readScopes' | 'writeScopes' | 'schemaReadScopes' | 'schemaWriteScopes'> {
  const read = `crm.objects.${name}.read`;
  const write = `crm.objects.${name}.write`;
  if (name === 'products' || name === 'line_items') {
    return {
      readScopes: [read, 'e-commerce'],
      writeScopes: [write, 'e-commerce'],
      schemaReadScopes: ['e-commerce', read],
      schemaWriteScopes: ['e-commerce'],
    };
  }
  return {
    readScopes: [read],
    writeScopes: [write],
    schemaReadScopes: [`crm.schemas.${name}.read`, read],
    schemaWriteScopes: [`crm.schemas.${name}.write`],
  };
}

export const KINDS: Readonly<Record<ObjectName, ObjectKind>> = {
  contacts: {
    name: 'contacts',
    typeId: '0-1',
    singular: 'contact',
    singularLabel: 'Contact',
    pluralLabel: 'Contacts',
    modifiedProperty: 'lastmodifieddate',
    defaultGroup: 'contactinformation',
    defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    searchableProperties: ['firstname', 'lastname', 'email', 'phone', 'company', 'hs_additional_emails'],
    ...scopesOf('contacts'),
  },
  companies: {
    name: 'companies',
    typeId: '0-2',
    singular: 'company',
    singularLabel: 'Company',
    pluralLabel: 'Companies',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultGroup: 'companyinformation',
    defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    searchableProperties: ['name', 'domain', 'website', 'phone'],
    ...scopesOf('companies'),
  },
  deals: {
    name: 'deals',
    typeId: '0-3',
    singular: 'deal',
    singularLabel: 'Deal',
    pluralLabel: 'Deals',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultGroup: 'dealinformation',
    defaultProperties: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    searchableProperties: ['dealname', 'description'],
    ...scopesOf('deals'),
  },
  products: {
    name: 'products',
    typeId: '0-7',
    singular: 'product',
    singularLabel: 'Product',
    pluralLabel: 'Products',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultGroup: 'productinformation',
    defaultProperties: ['createdate', 'description', 'hs_lastmodifieddate', 'hs_object_id', 'name', 'price'],
    searchableProperties: ['name', 'description', 'hs_sku'],
    ...scopesOf('products'),
  },
  line_items: {
    name: 'line_items',
    typeId: '0-8',
    singular: 'line_item',
    singularLabel: 'Line item',
    pluralLabel: 'Line items',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultGroup: 'lineiteminformation',
    defaultProperties: ['createdate', 'hs_lastmodifieddate', 'hs_object_id', 'hs_product_id', 'quantity'],
    searchableProperties: ['name', 'description', 'hs_sku'],
    ...scopesOf('line_items'),
  },
};

export const OBJECT_NAMES: readonly ObjectName[] = ['contacts', 'companies', 'deals', 'products', 'line_items'];

const BY_SPELLING: ReadonlyMap<string, ObjectKind> = new Map(
  OBJECT_NAMES.flatMap((name) => {
    const kind = KINDS[name];
    return [kind.name, kind.singular, kind.typeId].map((spelling) => [spelling, kind] as const);
  }),
);

/** The object type behind a path segment: plural, singular (any case) or type id; null when it is none of ours. */
export function kindOf(spelling: string): ObjectKind | null {
  return BY_SPELLING.get(spelling.toLowerCase()) ?? null;
}

/** Every scope the sandbox asks for: what its default token holds. */
export const ALL_SCOPES: readonly string[] = [
  ...new Set([
    ...OBJECT_NAMES.flatMap((name) => {
      const kind = KINDS[name];
      return [...kind.readScopes, ...kind.writeScopes, ...kind.schemaReadScopes, ...kind.schemaWriteScopes];
    }),
    'crm.objects.owners.read',
  ]),
];
