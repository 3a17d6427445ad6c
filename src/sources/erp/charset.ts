/** Text of an answer in the character set that its content type names. */

/** UTF-8 where none is named, as RFC 8259 wants it of JSON. */
export const charsetOf = (type: string | null): string => /charset="?([\w-]+)/i.exec(type ?? '')?.[1] ?? 'utf-8';

/** Throws for bytes that are no text in it, and for a set that nobody knows. */
export const decoded = (bytes: Uint8Array, charset: string): string =>
  new TextDecoder(charset, { fatal: true }).decode(bytes);
