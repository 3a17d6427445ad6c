/** Whether a value read from HubSpot is the one that was sent: HubSpot re-spells numbers, dates and e-mails. */

/** `read` is null or undefined for a property without a value. */
export function sameValue(property: string, sent: string, read: unknown): boolean {
  if (read === null || read === undefined) return sent === '';
  const stored = String(read).trim();
  const ours = sent.normalize('NFC').trim();
  if (stored.normalize('NFC') === ours) return true;
  if (property === 'email') return stored.toLowerCase() === ours.toLowerCase();
  return sameCanonical(decimal(ours), decimal(stored)) || sameCanonical(epochMs(ours), epochMs(stored));
}

const sameCanonical = (a: string | number | null, b: string | number | null): boolean => a !== null && a === b;

/** Plain digits without trailing zeros; null for what is no number, or is a code with leading zeros. */
function decimal(text: string): string | null {
  const parts = /^(-?)(0|[1-9]\d*)(?:\.(\d*))?$/.exec(text);
  if (!parts) return null;
  const fraction = (parts[3] ?? '').replace(/0+$/, '');
  const digits = fraction === '' ? (parts[2] ?? '') : `${parts[2]}.${fraction}`;
  return digits === '0' ? '0' : `${parts[1]}${digits}`;
}

/** An ISO date (midnight UTC), an ISO datetime with its zone, or epoch milliseconds; null for anything else. */
function epochMs(text: string): number | null {
  if (/^\d{12,13}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2}))?$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
