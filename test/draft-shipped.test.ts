/** Drafts of the servers that are shaped after the vendors' documents: what a stranger's API gives without a word of ours. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { localIso } from '../src/sources/erp/dates.ts';
import { ErpCustomer, ErpProduct, ErpQuote } from '../src/sources/erp/model.ts';
import { Desk, faultLines, readThrough, todoLines } from './draft-vendor.ts';
import { BusinessCentral } from './erp-business-central.ts';
import { ErpNext } from './erp-erpnext.ts';

const desk = new Desk();
afterAll(() => desk.forget());
const T0 = Date.UTC(2026, 0, 5, 12);
const hoursBefore = (hours: number): number => T0 - hours * 3_600_000;
const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

describe('Business Central', () => {
  const login = { user: 'client', password: 'secret-2', database: 'acme' };
  const env = { ERP_USER: 'client', ERP_PASSWORD: 'secret-2', ERP_DATABASE: 'acme', ERP_PROFILE: 'sign-in.yaml' };
  /** Nothing but the way in: how one says how this vendor signs in. */
  const signIn = (vendor: BusinessCentral): void =>
    writeFileSync(
      join(desk.folder, 'sign-in.yaml'),
      `name: sign-in\nzone: America/Chicago\nresources: {}\nauth:\n  scheme: oauth2\n  tokenUrl: ${vendor.tokenUrl}\n  scope: https://api.businesscentral.dynamics.com/.default\n`,
    );

  test('items and quotes are drafted through its OData rules, and all are read', async () => {
    const vendor = new BusinessCentral();
    await vendor.start();
    vendor.tables.items = many(40, (at) => ({
      ...{ id: `i-${at}`, number: `N${at}`, displayName: `Chair ${at}`, type: 'Inventory', itemCategoryCode: 'CHAIR' },
      ...{
        blocked: at % 9 === 0,
        gtin: '',
        inventory: at,
        unitPrice: 10.5 + at,
        unitCost: 7,
        baseUnitOfMeasureCode: 'PCS',
      },
      lastModifiedDateTime: new Date(hoursBefore((at * 7) % 40)).toISOString(),
    }));
    const line = { itemId: 'i-1', lineObjectNumber: 'N1', description: 'Chair', quantity: 2, unitPrice: 10.25 };
    vendor.tables.salesQuotes = many(12, (at) => ({
      ...{
        id: `q-${at}`,
        number: `10${at}`,
        documentDate: '2026-01-02',
        acceptedDate: '0001-01-01',
        validUntilDate: '2026-02-01',
      },
      ...{ customerId: `c-${at % 4}`, customerName: 'Coho', status: at % 2 ? 'Sent' : 'Draft', salesperson: 'JO' },
      ...{ totalAmountExcludingTax: 20.5, totalTaxAmount: 1.5, totalAmountIncludingTax: 22, salesQuoteLines: [line] },
      lastModifiedDateTime: new Date(hoursBefore((at * 5) % 12)).toISOString(),
    }));
    signIn(vendor);
    const urls = [`products=${vendor.url}/items`, `quotes=${vendor.url}/salesQuotes?$expand=salesQuoteLines`];
    const { yaml, told } = await desk.draft(urls, env);
    expect(['total', 'paging', 'since'].map((setting) => told(setting)?.standing)).toEqual([
      'proven',
      'proven',
      'proven',
    ]);
    expect(faultLines(yaml)).toEqual([]);
    expect(yaml).not.toContain('secret-2');
    const products = await readThrough(yaml, 'products', login);
    expect(products.ids).toHaveLength(40);
    expect(products.canonicals.map((one) => ErpProduct.parse(one)).find(({ id }) => id === 'i-9')).toMatchObject({
      ...{ sku: 'N9', name: 'Chair 9', listPrice: '19.5', cost: '7', status: 'inactive', quantityOnHand: '9' },
    });
    const quotes = (await readThrough(yaml, 'quotes', login)).canonicals.map((one) => ErpQuote.parse(one));
    expect(quotes).toHaveLength(12);
    expect(quotes[0]).toMatchObject({
      ...{ quotedOn: '2026-01-02', decidedOn: null, total: '22', tax: '1.5', customerName: 'Coho' },
      lines: [{ productId: 'i-1', sku: 'N1', description: 'Chair', quantity: '2', unitPrice: '10.25' }],
    });
    vendor.stop();
  });
});

describe('ERPNext', () => {
  const login = { user: 'key-1', password: 'secret-2' };
  const env = { ERP_USER: 'key-1', ERP_PASSWORD: 'secret-2', ERP_PROFILE: 'erpnext' };
  const modified = (at: number): string => `${localIso(hoursBefore(at), 'America/Chicago').replace('T', ' ')}000`;
  const listed = (vendor: ErpNext, doctype: string, fields: readonly string[]): string =>
    `${vendor.url}/api/resource/${doctype}?fields=${encodeURIComponent(JSON.stringify(fields))}&order_by=${encodeURIComponent('creation asc')}`;

  test('items and customers are drafted through its filters, and all are read', async () => {
    const vendor = new ErpNext();
    await vendor.start();
    vendor.tables.Item = many(50, (at) => ({
      ...{
        name: `ITM-${at}`,
        item_code: `N${at}`,
        item_name: `Tile ${at}`,
        item_group: 'Tiles',
        stock_uom: 'Nos',
        brand: null,
      },
      ...{
        standard_rate: 12.5,
        is_stock_item: at % 2,
        disabled: at % 7 === 0 ? 1 : 0,
        modified: modified((at * 3) % 50),
      },
    }));
    vendor.tables.Customer = many(30, (at) => ({
      ...{
        name: `CUST-${at}`,
        customer_name: `Firm ${at}`,
        customer_type: at % 3 ? 'Company' : 'Individual',
        disabled: 0,
      },
      modified: modified((at * 7) % 30),
    }));
    const items = [
      'name',
      'item_code',
      'item_name',
      'item_group',
      'stock_uom',
      'brand',
      'standard_rate',
      'is_stock_item',
    ];
    const urls = [
      `products=${listed(vendor, 'Item', [...items, 'disabled', 'modified'])}`,
      `customers=${listed(vendor, 'Customer', ['name', 'customer_name', 'customer_type', 'disabled', 'modified'])}`,
    ];
    const { yaml, told, calls } = await desk.draft(urls, env);
    expect(told('paging')).toMatchObject({ standing: 'proven', value: { kind: 'offset', param: 'limit_start' } });
    expect(told('since')?.standing).toBe('proven');
    expect(calls).toBeLessThanOrEqual(80);
    expect(faultLines(yaml)).toEqual(todoLines(yaml));
    expect(faultLines(yaml)).toEqual([]);
    const products = (await readThrough(yaml, 'products', login)).canonicals.map((one) => ErpProduct.parse(one));
    expect(products).toHaveLength(50);
    expect(products.find(({ id }) => id === 'ITM-7')).toMatchObject({
      ...{ sku: 'N7', name: 'Tile 7', listPrice: '12.5', isStocked: true, status: 'inactive', unitOfMeasure: 'Nos' },
    });
    const customers = (await readThrough(yaml, 'customers', login)).canonicals.map((one) => ErpCustomer.parse(one));
    expect(customers).toHaveLength(30);
    expect(new Set(customers.map(({ type }) => type))).toEqual(new Set(['other', 'retail']));
    vendor.stop();
  });
});
