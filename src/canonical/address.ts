/** Addresses of the internet kind: e-mail and web. What is not plausible is not sent, because HubSpot would refuse it. */

const ASCII = /^[!-~]+$/;
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const TOP_LEVEL = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})$/;

/** Longest address, and longest part before the @ (RFC 5321, 4.5.3.1). */
const EMAIL_CHARS_MAX = 254;
const LOCAL_CHARS_MAX = 64;
const HOST_CHARS_MAX = 253;

/** Names that mean something only inside a network. */
const PRIVATE_TOP_LEVELS = new Set(['local', 'localhost', 'lan', 'internal', 'invalid', 'home', 'corp']);

/** Hosts that many firms have pages on: the domain of none of them. */
const SHARED_HOSTS = [
  'business.site',
  'etsy.com',
  'facebook.com',
  'fb.com',
  'g.page',
  'github.com',
  'gmail.com',
  'google.com',
  'goo.gl',
  'hotmail.com',
  'houzz.com',
  'instagram.com',
  'linkedin.com',
  'linktr.ee',
  'outlook.com',
  'pinterest.com',
  'tiktok.com',
  'twitter.com',
  'x.com',
  'yahoo.com',
  'yelp.com',
  'youtube.com',
];

/** Whether many firms have pages or mailboxes there; `host` in lower case. */
export const isSharedHost = (host: string): boolean =>
  SHARED_HOSTS.some((shared) => host === shared || host.endsWith(`.${shared}`));

function isHost(host: string): boolean {
  const labels = host.split('.');
  const top = labels.at(-1) ?? '';
  return (
    host.length <= HOST_CHARS_MAX &&
    labels.length >= 2 &&
    labels.every((label) => LABEL.test(label)) &&
    TOP_LEVEL.test(top) &&
    !PRIVATE_TOP_LEVELS.has(top)
  );
}

/** The address in lower case, as HubSpot stores it; undefined when it is not one plain ASCII address. */
export function email(value: string): string | undefined {
  const trimmed = value.trim();
  // Before lower-casing, which turns some foreign letters (the Kelvin sign) into ASCII ones.
  if (!ASCII.test(trimmed)) return undefined;
  const address = trimmed.toLowerCase();
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(at, 0));
  const valid =
    address.length <= EMAIL_CHARS_MAX &&
    local.length <= LOCAL_CHARS_MAX &&
    LOCAL.test(local) &&
    isHost(address.slice(at + 1));
  return valid ? address : undefined;
}

/**
 * The host of a website without `www.`, in lower case, international names in their ASCII form. Undefined when it does
 * not identify a firm: no dot, an IP address, an e-mail address, a page on somebody else's site.
 */
export function domainOf(website: string): string | undefined {
  const trimmed = website.trim();
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (!['http:', 'https:'].includes(url.protocol) || url.username !== '') return undefined;
  const host = url.hostname.replace(/\.$/, '');
  const bare = host.replace(/^www\./, '');
  return isHost(bare) && !isSharedHost(bare) ? bare : undefined;
}
