/** Which products must be in HubSpot, from the ERP's item file. */
import type { ItemRow } from '../../src/sandbox/data/items.ts';
import { digits, type Expected, instant, text, yesNo } from './spelling.ts';

const STATUS = { A: 'active', S: 'special-order', D: 'discontinued', I: 'inactive' } as const;

/** What is sold, and what was in HubSpot when it ceased to be. A weight that is no number keeps an item out. */
export function expectProducts(rows: readonly ItemRow[], farewells: ReadonlySet<string>): Expected[] {
  const wanted = rows.filter(
    ({ itemNo, statusCode }) => statusCode === 'A' || statusCode === 'S' || farewells.has(itemNo),
  );
  return wanted.filter(({ weightKg }) => typeof weightKg === 'number').map(productOf);
}

function productOf(row: ItemRow): Expected {
  const stock = row.bins.map(({ warehouse, qty }) => `${warehouse} ${qty}`).sort();
  return {
    object: 'products',
    key: `erp_product_id ${row.itemNo}`,
    rep: null,
    links: [],
    properties: {
      name: text(row.title),
      description: text(row.longText),
      hs_sku: row.sku,
      price: digits(row.unitPrice),
      hs_cost_of_goods_sold: digits(row.unitCost),
      erp_product_id: row.itemNo,
      erp_category: row.productGroup,
      erp_subcategory: row.productSubGroup,
      erp_brand: row.manufacturer,
      erp_vendor_item_number: row.vendorItem,
      erp_upc: row.ean,
      erp_unit_of_measure: row.uom,
      erp_status: STATUS[row.statusCode],
      erp_quantity_on_hand: digits(row.onHand),
      erp_quantity_available: digits(row.available),
      erp_quantity_on_order: digits(row.onOrder),
      erp_stock_by_location: stock.join('; '),
      erp_weight: digits(row.weightKg),
      erp_lead_time_days: digits(row.leadDays),
      erp_is_stocked: yesNo(row.stocked === 'Y'),
      erp_modified_at: instant(row.lastChanged),
      erp_environment: 'sandbox',
    },
  };
}
