/** What is relied on, said to the vendor: the fixes of a finding speak to whoever runs this program. */
import type { Kind } from '../probe/finding.ts';

/** Kinds that are about the ERP; a portal's schema is none of its vendor's business. */
export type VendorKind = Exclude<Kind, 'hubspot-schema'>;

export interface Expectation {
  readonly expected: string;
  /** Which calls show it: those of its question, with the first listing to compare with, or the whole sample. */
  readonly shownBy: 'question' | 'question and first' | 'sample';
}

const inSample = (expected: string): Expectation => ({ expected, shownBy: 'sample' });
const asked = (expected: string): Expectation => ({ expected, shownBy: 'question' });
const compared = (expected: string): Expectation => ({ expected, shownBy: 'question and first' });

export const EXPECTED: Readonly<Record<VendorKind, Expectation>> = {
  'field-absent': inSample('every record carries this field, null or empty where it has no value, as it did before'),
  'field-emptied': inSample('the field holds values in some records, as it did in an earlier sample'),
  'records-rejected': inSample('the values of this field have the type and form that the interface has had so far'),
  'field-type': inSample('the values of a field keep their type from one release to the next'),
  'unknown-code': inSample('a field of codes holds values of the list agreed on; a new one is announced'),
  'filter-ignored': compared(
    'a listing with a lower bound on the date of change holds only records changed at or after it; for a bound that lies in the future it is empty',
  ),
  'filter-other-date': compared(
    'the bound is compared with the date of last change: a record changed at or after it is listed, whenever it was made, and one changed before it is not',
  ),
  'filter-zone': asked(
    'a bound that ends in Z is read as UTC: a record is listed when the bound is its own instant of change',
  ),
  'filter-exclusive': asked('a record changed exactly at the bound is listed'),
  'filter-coarse': asked('the bound is applied to the second: records changed earlier on the same day are not listed'),
  'filter-misspelt': asked('a bound that is no date is refused with status 400, not taken for none'),
  'page-capped': asked(
    'a page holds as many rows as were asked for while more match, or the answer says what it is cut to',
  ),
  'pages-overlap': asked('a row is on one page only: page 2 begins behind the last row of page 1'),
  'pages-shift': asked(
    'a row stays on its page while a client reads on, or there is an order in which changes do not move rows already read',
  ),
  'order-unstable': asked('the same query gives the same rows in the same order, with a second key that breaks ties'),
  'order-ignored': asked('rows come in the order asked for, ascending by date of change'),
  'end-repeats': asked('a page behind the last one is empty'),
  'total-wrong': asked('the total is the number of rows that can be read page by page'),
  'rows-twice': inSample('an id comes once in a listing'),
  'rows-unusable': inSample('every row has an id and a date of last change'),
  'clock-wrong': inSample('the Date header shows the right time, to the second'),
  'clock-missing': inSample('every answer carries a Date header (RFC 9110, 6.6.1)'),
  'dates-ahead': inSample('no record is dated later than the Date header of the answer that carries it'),
  'silent-change': inSample(
    'the date of last change moves whenever anything of the record changes, its lines and contacts included',
  ),
  'near-ceiling': asked('a page far behind the first takes about as long as the first'),
  'field-new': inSample('new fields are announced before they appear'),
  'field-lost': inSample('a field that was there stays until its removal has been announced'),
  'share-moved': inSample('a field is filled, and a code used, about as often as in an earlier sample'),
  'code-new': inSample('new values of a code are announced before they appear'),
};

export const isVendorKind = (kind: Kind): kind is VendorKind => kind !== 'hubspot-schema';
