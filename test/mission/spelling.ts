/**
 * How HubSpot is to spell a value, said a second time and from the published mapping alone: whoever computes what must
 * be in the portal uses nothing of the tool.
 */

/** One object that has to be in the portal. */
export interface Expected {
  readonly object: 'products' | 'companies' | 'contacts' | 'deals';
  /** Name of the unique property and its value, such as `erp_customer_id C-10007`. */
  readonly key: string;
  /** '' means that the property is empty. */
  readonly properties: Readonly<Record<string, string>>;
  /** E-mail of the rep who becomes its owner at creation. */
  readonly rep: string | null;
  readonly links: readonly ExpectedLink[];
}

export interface ExpectedLink {
  readonly to: string;
  /** https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide#association-type-id-values */
  readonly types: readonly number[];
}

/** Association types, from the record that names the other. */
export const TYPES = {
  contactOfPrimaryCompany: [1, 279],
  childOfParent: [14, 450],
  dealOfCompany: [341],
  dealOfContact: [3],
} as const;

export const text = (value: string | null): string => (value ?? '').normalize('NFC').trim();

/** Plain digits without idle zeros. */
export function digits(value: string | number): string {
  const written = String(value);
  return written.includes('.') ? written.replace(/0+$/, '').replace(/\.$/, '') : written;
}

export const yesNo = (value: boolean): string => (value ? 'true' : 'false');

export const instant = (value: string): string => new Date(value).toISOString();

/** In lower case; '' for what no mail can reach. */
export const mailbox = (value: string | null): string =>
  value !== null && /^[^\s@,]+@[^\s@,]+\.[a-z]+$/i.test(value) ? value.toLowerCase() : '';

/** The host a website is on, without `www.`; '' when there is none. */
export function hostOf(website: string | null): string {
  const [, host = ''] = /^(?:https?:\/\/)?(?:www\.)?([a-z0-9.-]+)/i.exec(website ?? '') ?? [];
  return host.includes('.') ? host.toLowerCase() : '';
}

const chicagoHour = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Chicago',
  hour: '2-digit',
  hourCycle: 'h23',
});

/** Noon of a day in Chicago, which is 17 or 18 o'clock UTC. */
export function noon(day: string): string {
  const summer = `${day}T17:00:00.000Z`;
  return chicagoHour.format(new Date(summer)) === '12' ? summer : `${day}T18:00:00.000Z`;
}

/** Amount in hundredths, exact. Throws for a third decimal. */
export function hundredths(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  if (fraction.length > 2) throw new RangeError(`${amount} has more than two decimals`);
  return BigInt(whole + fraction.padEnd(2, '0'));
}

/** Minor units as a decimal number; yen have none. */
export function fromMinor(amount: bigint, currency: string): string {
  if (currency === 'JPY') return String(amount);
  const sign = amount < 0n ? '-' : '';
  const padded = String(amount < 0n ? -amount : amount).padStart(3, '0');
  return digits(`${sign}${padded.slice(0, -2)}.${padded.slice(-2)}`);
}
