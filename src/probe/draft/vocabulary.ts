/** What vendors call the fields of a canonical record, and what each must hold. The names before others fit better. */
import type { ResourceName } from './model.ts';

export type Want = 'text' | 'decimal' | 'integer' | 'flag' | 'day' | 'enum';

export interface FieldWords {
  readonly want: Want;
  /** In small letters, without separators. */
  readonly names: readonly string[];
  /** Of an enum, ours. */
  readonly values?: readonly string[];
}

/** An object or a list of objects: the words for the whole, and for its parts. */
export interface GroupWords {
  readonly kind: 'object' | 'each';
  readonly names: readonly string[];
  readonly parts: Readonly<Record<string, FieldWords>>;
}

const of = (want: Want, names: string): FieldWords => ({ want, names: names.split(' ') });
const code = (values: readonly string[], names: string): FieldWords => ({ ...of('enum', names), values });

const SALES_REP: GroupWords = {
  kind: 'object',
  names: 'salesrep rep salesperson salesman accountmanager salesrepresentative salesagent'.split(' '),
  parts: {
    id: of(
      'text',
      'salesrepid repid salespersoncode salesperson salespersonid accountmanagerid accountmanager salesrep salesmanid id code number',
    ),
    name: of('text', 'salesrepname repname salespersonname accountmanagername salesmanname name displayname fullname'),
    email: of('text', 'salesrepemail repemail salespersonemail email emailaddress mail'),
  },
};

/** The words that stand in names only to say whose field it is: `itemNo` is the number of an item. */
export const OWN_WORDS: Readonly<Record<ResourceName, readonly string[]>> = {
  products: ['product', 'item', 'part', 'article', 'material', 'sku', 'stock'],
  customers: ['customer', 'account', 'client', 'company', 'party', 'debtor'],
  quotes: ['salesquote', 'quote', 'quotation', 'offer', 'estimate', 'proposal', 'doc', 'document'],
};

export const FIELDS: Readonly<Record<ResourceName, Readonly<Record<string, FieldWords>>>> = {
  products: {
    sku: of(
      'text',
      'sku itemcode itemnumber itemno partnumber partno productcode articlenumber articleno stockcode number code no',
    ),
    name: of('text', 'name title displayname itemname productname shortdescription webtitle label caption'),
    description: of(
      'text',
      'description longdescription longtext fulldescription extendeddescription details desc text',
    ),
    category: of(
      'text',
      'category productcategory productgroup itemgroup itemcategorycode categoryname categorycode group class department family',
    ),
    subcategory: of('text', 'subcategory productsubgroup subgroup itemsubgroup subclass subcategoryname'),
    brand: of('text', 'brand manufacturer brandname manufacturername make maker'),
    vendorItemNumber: of(
      'text',
      'vendoritemnumber vendoritem vendoritemno vendorpartnumber supplierpartnumber supplieritem manufacturerpartnumber mpn vendorsku suppliersku',
    ),
    upc: of('text', 'upc gtin ean barcode upccode eancode gtin13 ean13'),
    unitOfMeasure: of(
      'text',
      'unitofmeasure uom baseunitofmeasurecode baseunitofmeasure stockuom salesuom unit salesunit unitcode',
    ),
    listPrice: of(
      'decimal',
      'listprice unitprice price salesprice standardrate retailprice sellingprice msrp baseprice priceamount',
    ),
    cost: of(
      'decimal',
      'cost unitcost standardcost averagecost avgcost valuationrate lastcost purchaseprice costprice',
    ),
    quantityOnHand: of(
      'decimal',
      'quantityonhand onhand qtyonhand onhandqty inventory qoh stockquantity stockqty instock stock',
    ),
    quantityAvailable: of(
      'decimal',
      'quantityavailable available qtyavailable availablequantity availableqty freestock availablestock',
    ),
    quantityOnOrder: of('decimal', 'quantityonorder onorder qtyonorder onorderqty incomingqty openpurchaseqty'),
    weight: of('decimal', 'weight grossweight weightkg weightlb weightlbs netweight weightperunit unitweight'),
    leadTimeDays: of('integer', 'leadtimedays leadtime leaddays leadtimeindays deliverydays'),
    isStocked: of('flag', 'isstocked stocked isstockitem stockitem isinventoryitem trackinventory inventoried'),
    status: code(
      ['active', 'discontinued', 'special-order', 'inactive'],
      'status statuscode itemstatus productstatus lifecycle state blocked disabled active isactive enabled discontinued inactive',
    ),
  },
  customers: {
    accountNumber: of(
      'text',
      'accountnumber accountno customernumber customerno customercode accountcode number code no',
    ),
    name: of('text', 'name companyname customername accountname displayname legalname company title'),
    type: code(
      ['contractor', 'architect', 'builder', 'designer', 'dealer', 'government', 'retail', 'other'],
      'type customertype kind accounttype customerclass customercategory segment class customergroup group',
    ),
    status: code(
      ['active', 'hold', 'inactive'],
      'status statuscode customerstatus accountstatus blocked disabled state creditstatus active isactive enabled onhold inactive',
    ),
    creditLimit: of('decimal', 'creditlimit creditlimitamount maxcredit'),
    balance: of('decimal', 'balance balancedue accountbalance outstandingbalance outstanding amountdue openbalance'),
    paymentTerms: of('text', 'paymentterms terms paymenttermscode paymenttermsid termscode paymentterm'),
    priceLevel: of('text', 'pricelevel pricelist pricegroup defaultpricelist pricetier pricecode customerpricegroup'),
    taxExempt: of('flag', 'taxexempt istaxexempt exempt taxexemption'),
    ytdSales: of('decimal', 'ytdsales salesytd yeartodatesales totalsalesytd'),
    lastOrderOn: of('day', 'lastorderon lastorderdate lastorder lastordered dateoflastorder lastsaledate'),
    phone: of('text', 'phone phonenumber telephone tel phone1 mainphone'),
    website: of('text', 'website web url homepage webaddress'),
    parentId: of(
      'text',
      'parentid parentaccount parent parentcustomer parentcustomerid parentaccountid billtocustomer',
    ),
  },
  quotes: {
    opportunityId: of('text', 'opportunityid oppid opportunity opportunityno opportunitynumber dealid'),
    quoteNumber: of('text', 'quotenumber quoteno quotationnumber quotationno docnumber documentnumber number code no'),
    revision: of('integer', 'revision rev revisionnumber revisionno version versionno'),
    status: code(
      ['draft', 'sent', 'accepted', 'declined', 'expired', 'converted'],
      'status quotestatus state stage statuscode docstatus',
    ),
    quotedOn: of('day', 'quotedon quotedate documentdate transactiondate docdate date issuedate issuedon'),
    expiresOn: of(
      'day',
      'expireson validuntildate validuntil validtill validto expirydate expirationdate expiresat expires duedate',
    ),
    decidedOn: of('day', 'decidedon accepteddate acceptedon decisiondate closedon wonon'),
    subtotal: of('decimal', 'subtotal nettotal totalamountexcludingtax netamount totalexcludingtax net'),
    tax: of('decimal', 'tax taxtotal totaltaxamount taxamount totaltaxesandcharges totaltax vat'),
    freight: of('decimal', 'freight freighttotal shipping shippingtotal freightamount shippingamount delivery'),
    total: of(
      'decimal',
      'total grandtotal totalamountincludingtax totalamount totalincludingtax grossamount amount gross',
    ),
    marginPercent: of('decimal', 'marginpercent marginpct margin grossmarginpercent profitpercent'),
    customerId: of('text', 'customerid customer accountid customernumber customerno partyname party clientid account'),
    customerName: of('text', 'customername accountname companyname clientname customerdisplayname'),
    customerPo: of(
      'text',
      'customerpo ponumber externaldocumentnumber purchaseorder po customerreference customerpono',
    ),
    jobName: of('text', 'jobname job projectname project'),
  },
};

export const GROUPS: Readonly<Record<ResourceName, Readonly<Record<string, GroupWords>>>> = {
  products: {
    stock: {
      kind: 'each',
      names: 'stock bins warehouses locations stocklevels inventory inventorylevels stockbylocation'.split(' '),
      parts: {
        location: of('text', 'location warehouse locationcode warehousecode bin site branch locationname name code'),
        quantity: of('decimal', 'quantity qty onhand quantityonhand count available stock actualqty'),
      },
    },
  },
  customers: {
    salesRep: SALES_REP,
    address: {
      kind: 'object',
      names: 'address addr mainaddress billingaddress postaladdress primaryaddress'.split(' '),
      parts: {
        street: of('text', 'street addressline1 address1 street1 line1 streetaddress address'),
        city: of('text', 'city town locality'),
        state: of('text', 'state region province statecode stateprovince county'),
        zip: of('text', 'zip postalcode zipcode postcode'),
        country: of('text', 'country countrycode countryregion countryregioncode'),
      },
    },
    contacts: {
      kind: 'each',
      names: 'contacts people persons contactpersons contactlist'.split(' '),
      parts: {
        id: of('text', 'id contactid personid name number code'),
        firstName: of('text', 'firstname first givenname forename'),
        lastName: of('text', 'lastname last surname familyname'),
        email: of('text', 'email mail emailaddress emailid email1'),
        phone: of('text', 'phone tel phonenumber telephone workphone businessphone'),
        extension: of('text', 'extension ext phoneextension'),
        mobile: of('text', 'mobile cell mobilephone mobileno mobilephonenumber cellphone'),
        role: of('text', 'role function jobtitle title designation position'),
        isPrimary: of('flag', 'isprimary main primary isprimarycontact ismain default isdefault'),
      },
    },
  },
  quotes: {
    salesRep: SALES_REP,
    lines: {
      kind: 'each',
      names: 'lines items lineitems quotelines salesquotelines rows details positions products'.split(' '),
      parts: {
        productId: of('text', 'productid itemid itemno product item productno'),
        sku: of('text', 'sku itemcode itemnumber partnumber lineobjectnumber productcode code'),
        description: of('text', 'description text name itemname title desc'),
        quantity: of('decimal', 'quantity qty count orderedquantity'),
        unitPrice: of('decimal', 'unitprice price rate netprice'),
      },
    },
  },
};

/** Codes that mean one of ours under whatever name the field has; in small letters without separators. */
export const CODE_WORDS: Readonly<Record<string, string>> = {
  ...{ active: 'active', enabled: 'active', ok: 'active', current: 'active', live: 'active' },
  ...{ inactive: 'inactive', disabled: 'inactive', closed: 'inactive', archived: 'inactive', obsolete: 'inactive' },
  ...{ discontinued: 'discontinued', phasedout: 'discontinued', endoflife: 'discontinued' },
  ...{ specialorder: 'special-order', madetoorder: 'special-order' },
  ...{ hold: 'hold', onhold: 'hold', credithold: 'hold', blocked: 'hold', suspended: 'hold' },
  ...{ contractor: 'contractor', contr: 'contractor', architect: 'architect', arch: 'architect' },
  ...{ builder: 'builder', build: 'builder', designer: 'designer', design: 'designer', dealer: 'dealer' },
  ...{ reseller: 'dealer', government: 'government', gov: 'government', retail: 'retail', consumer: 'retail' },
  ...{ individual: 'retail', person: 'retail', other: 'other', company: 'other', partnership: 'other' },
  ...{ draft: 'draft', sent: 'sent', submitted: 'sent', issued: 'sent', accepted: 'accepted', won: 'accepted' },
  ...{ approved: 'accepted', declined: 'declined', lost: 'declined', rejected: 'declined', expired: 'expired' },
  ...{ cancelled: 'declined', canceled: 'declined', converted: 'converted', ordered: 'converted' },
};

/** What `true` means for a field of this name; `false` is the other. */
export const FLAG_WORDS: Readonly<Record<string, readonly [whenTrue: string, whenFalse: string]>> = {
  ...{ active: ['active', 'inactive'], isactive: ['active', 'inactive'], enabled: ['active', 'inactive'] },
  ...{ blocked: ['inactive', 'active'], disabled: ['inactive', 'active'], inactive: ['inactive', 'active'] },
  ...{ discontinued: ['discontinued', 'active'], onhold: ['hold', 'active'] },
};
