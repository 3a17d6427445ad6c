/**
 * ERP items become HubSpot products, one to one. Active and special-order items are kept up to date; the others stay in
 * the ERP, except that one synced before is told its new status once.
 */
import { stockByLocation } from '../src/canonical.ts';
import { Draft, invalid, mapped } from '../src/draft.ts';
import type { Facts, Mapped, Mapping } from '../src/pipe.ts';
import { custom, ENVIRONMENT_OPTIONS, optionsOf, standard } from '../src/property.ts';
import { ErpProduct } from '../src/sources/erp/model.ts';

/** Rule under which items that are no longer sold stay in the ERP. */
const INACTIVE_PRODUCT = 'inactive-product';

const SOLD: ReadonlySet<string> = new Set(['active', 'special-order']);

const erp = custom('products', 'erp_sync');
const hubspot = standard('products');

const properties = [
  hubspot('name', 'Name', 'string', "The item's name."),
  hubspot('description', 'Description', 'string', "The item's long text."),
  hubspot('hs_sku', 'SKU', 'string', "The shop's article number."),
  hubspot('price', 'Unit price', 'number', 'List price per unit of measure.'),
  hubspot('hs_cost_of_goods_sold', 'Unit cost', 'number', 'Cost per unit of measure.'),
  erp('erp_product_id', 'ERP product ID', 'string', 'Id of the item in the ERP; the key of the sync.', {
    unique: true,
  }),
  erp('erp_category', 'ERP category', 'string', 'Product group.'),
  erp('erp_subcategory', 'ERP subcategory', 'string', 'Product group within the category.'),
  erp('erp_brand', 'ERP brand', 'string', 'Manufacturer or brand.'),
  erp('erp_vendor_item_number', 'ERP vendor item number', 'string', "The vendor's own article number."),
  erp('erp_upc', 'ERP UPC', 'string', 'Bar code, with its leading zeros.'),
  erp('erp_unit_of_measure', 'ERP unit of measure', 'string', 'What price and quantities count, such as EA or SF.'),
  erp('erp_status', 'ERP product status', 'enumeration', 'Whether the item is sold.', {
    options: optionsOf(['active', 'discontinued', 'special-order', 'inactive']),
  }),
  erp('erp_quantity_on_hand', 'ERP quantity on hand', 'number', 'Physically in all locations.'),
  erp('erp_quantity_available', 'ERP quantity available', 'number', 'On hand and not promised to an order.'),
  erp('erp_quantity_on_order', 'ERP quantity on order', 'number', 'Ordered from vendors, not yet received.'),
  erp('erp_stock_by_location', 'ERP stock by location', 'string', 'On hand per location: MAIN 12; NORTH 3.'),
  erp('erp_weight', 'ERP weight', 'number', 'Weight per unit of measure, in the unit the ERP uses.'),
  erp('erp_lead_time_days', 'ERP lead time (days)', 'number', 'Days from order to receipt.'),
  erp('erp_is_stocked', 'ERP stocked item', 'bool', 'Kept in stock rather than ordered on demand.'),
  erp('erp_modified_at', 'ERP modified at', 'datetime', 'Last change in the ERP.'),
  erp('erp_environment', 'ERP environment', 'enumeration', 'Which ERP system the values come from.', {
    options: ENVIRONMENT_OPTIONS,
  }),
];

function standardOf(draft: Draft, product: ErpProduct): void {
  draft.text('name', product.name);
  draft.text('description', product.description, 'many');
  draft.text('hs_sku', product.sku);
  draft.decimal('price', product.listPrice);
  draft.decimal('hs_cost_of_goods_sold', product.cost);
}

function catalogueOf(draft: Draft, product: ErpProduct): void {
  draft.put('erp_product_id', product.id);
  draft.text('erp_category', product.category);
  draft.text('erp_subcategory', product.subcategory);
  draft.text('erp_brand', product.brand);
  draft.text('erp_vendor_item_number', product.vendorItemNumber);
  draft.text('erp_upc', product.upc);
  draft.text('erp_unit_of_measure', product.unitOfMeasure);
  draft.text('erp_status', product.status);
  draft.decimal('erp_weight', product.weight);
  draft.decimal('erp_lead_time_days', product.leadTimeDays);
  draft.flag('erp_is_stocked', product.isStocked);
  draft.instant('erp_modified_at', product.modifiedAt);
}

function stockOf(draft: Draft, product: ErpProduct): void {
  draft.decimal('erp_quantity_on_hand', product.quantityOnHand);
  draft.decimal('erp_quantity_available', product.quantityAvailable);
  draft.decimal('erp_quantity_on_order', product.quantityOnOrder);
  if (product.stock === undefined) return;
  const stock = stockByLocation(product.stock ?? []);
  if (stock === undefined) draft.issue('stock', 'a quantity is not a decimal number');
  draft.text('erp_stock_by_location', stock);
}

function map(records: readonly ErpProduct[], facts: Facts): Mapped {
  const [product] = records;
  if (product === undefined || records.length > 1) return invalid('', 'a product is made of exactly one record');
  const { status } = product;
  if (status === undefined || status === null) return invalid('status', 'missing: nobody can say whether it is sold');
  const draft = new Draft();
  standardOf(draft, product);
  catalogueOf(draft, product);
  stockOf(draft, product);
  draft.put('erp_environment', facts.environment);
  const answer = mapped([draft], [{ object: 'products', key: product.id, properties: draft.properties }]);
  if (answer.kind !== 'upserts' || SOLD.has(status)) return answer;
  return { kind: 'excluded', rule: INACTIVE_PRODUCT, farewell: answer.upserts };
}

const products: Mapping<ErpProduct> = {
  schema: ErpProduct,
  scope: ({ status }) =>
    status === 'discontinued' || status === 'inactive'
      ? { in: false, rule: INACTIVE_PRODUCT, farewell: true }
      : { in: true },
  properties,
  map: (records, _joined, facts) => map(records, facts),
  deleted: () => ({ erp_status: 'inactive' }),
};

export default products;
