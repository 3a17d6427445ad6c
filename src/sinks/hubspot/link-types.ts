/** How a link of ours is spelled as an association (developers.hubspot.com/docs/api-reference/crm-associations-v4/guide). */
import type { LinkWrite, ObjectType } from '../../pipe.ts';
import type { AssociationAction } from './paths.ts';

export interface AssociationType {
  readonly associationCategory: string;
  readonly associationTypeId: number;
}

/** One association of two records by their ids; the object types are the route's. */
export interface Pair {
  readonly fromId: string;
  readonly toId: string;
}

/** Links of one request: their object types, and the type id where the link is a labelled one. */
export interface Route {
  readonly from: ObjectType;
  readonly to: ObjectType;
  /** Null for the unlabelled association, whose type HubSpot knows by the two object types. */
  readonly type: AssociationType | null;
  readonly label: LinkWrite['label'];
}

const PRIMARY: Readonly<Partial<Record<string, number>>> = { 'contacts companies': 1, 'deals companies': 5 };
/** From the child to its parent: between companies, "default" would say nothing about who is whose parent. */
const PARENT_COMPANY = 14;

/** Throws for a label that HubSpot does not have between these types: a fault of the mapping. */
export function routeOf({ from, to, label }: LinkWrite): Route {
  const pair = `${from.object} ${to.object}`;
  const typeId = label === 'primary' ? PRIMARY[pair] : pair === 'companies companies' ? PARENT_COMPANY : null;
  if (typeId === undefined) throw new Error(`HubSpot has no primary association from ${from.object} to ${to.object}`);
  const type = typeId === null ? null : { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: typeId };
  return { from: from.object, to: to.object, type, label };
}

/**
 * What a removal takes away. A parent is one label of two companies that may be related in other ways as well; from any
 * other pair the whole association goes, because an unlabelled one that stayed behind would still be a link.
 */
export const removalOf = (route: Route): Extract<AssociationAction, 'archive' | 'labels/archive'> =>
  route.to === 'companies' && route.from === 'companies' ? 'labels/archive' : 'archive';

/** As error contexts name them (developers.hubspot.com/docs/api/crm/understanding-the-crm). */
export const OBJECT_TYPE_IDS: Readonly<Record<ObjectType, string>> = {
  contacts: '0-1',
  companies: '0-2',
  deals: '0-3',
  products: '0-7',
};
