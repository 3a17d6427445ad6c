/** What is somebody's data, and what may be shown of it: its shape. */
import type { FormatName } from './formats.ts';

/** Names under which systems keep what identifies a person or tells where to reach one. */
const PERSONAL_NAME =
  /(?:name|^(?:first|last|given|family)$|mail|phone|tel|mobile|cell|fax|addr|street|city|zip|postal|contact|person|people|owner|buyer|recipient|attention|birth|gender|note|comment|remark|memo|message|website|domain|tax_?id|vat|ssn|iban|bank|routing|\bdob\b|born|account_?no|card|\bip\b|user|login|latitude|longitude|nick|reference_id|company_?name|job\b|jobtitle|twitter|linkedin|facebook|photo|url|path|query|referrer)/i;

/** Parts of a name that look personal and are not: codes and flags about the thing. */
const NOT_PERSONAL_NAME =
  /(?:email_?(?:valid|opt|status|subscri)|phone_?type|country(?:_?code)?$|currency|tax_?(?:exempt|rate|total))/i;

const PERSONAL_FORMATS: ReadonlySet<FormatName> = new Set(['e-mail', 'phone', 'URL', 'HTML']);

/** By the whole path: everything under `contacts[]` is about people. */
export const isPersonalName = (path: string): boolean =>
  path.split('.').some((part) => PERSONAL_NAME.test(part) && !NOT_PERSONAL_NAME.test(part));

export const isPersonalFormat = (format: FormatName | null): boolean => format !== null && PERSONAL_FORMATS.has(format);

const SHOWN_MAX = 40;

/** The shape of a value: letters become a or A, digits 9, everything else stays. */
export function maskOf(value: string): string {
  const shape = value
    .slice(0, SHOWN_MAX)
    .replace(/[\p{L}\p{M}\p{N}]/gu, (sign) => (/\p{N}/u.test(sign) ? '9' : /\p{Lu}/u.test(sign) ? 'A' : 'a'));
  return value.length > SHOWN_MAX ? `${shape}…` : shape;
}
