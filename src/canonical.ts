/**
 * One spelling per value, so that equal content gives equal bytes: in fingerprints, in comparisons and on the wire.
 * Pure functions, without a clock.
 */
export { domainOf, email, isSharedHost } from './canonical/address.ts';
export { add, compare, decimal, fromMinorUnits, subtract, sum } from './canonical/decimal.ts';
export { dateOnly, instant, noonInZone } from './canonical/moment.ts';
export { bool, compareIds, cut, HUBSPOT_TEXT_CHARS_MAX, stockByLocation, text } from './canonical/text.ts';
