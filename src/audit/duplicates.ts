/** Records of a sample that are probably one: the same e-mail, domain or name once case, signs and legal forms are gone. */
import type { ObjectType } from '../pipe.ts';
import type { Twins } from './model.ts';
import type { Sampled } from './search.ts';

const EXAMPLES_MAX = 5;
const IDS_MAX = 6;
const LEGAL_FORMS = /\b(?:inc|incorporated|llc|l l c|ltd|limited|co|corp|corporation|company|gmbh|lp|llp)\b/g;

type Key = (properties: Readonly<Record<string, unknown>>) => string;

const text = (value: unknown): string =>
  typeof value === 'string' ? value.normalize('NFKC').trim().toLowerCase() : '';

const plain = (value: string): string =>
  value
    .replace(/&/g, ' and ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .replace(LEGAL_FORMS, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** What a mailbox receives: without the part after a plus. */
const mailbox = (value: string): string => value.replace(/\+[^@]*(?=@)/, '');

/** Both names, since half a name says nothing. */
const fullName: Key = ({ firstname, lastname }) => {
  const [first, last] = [plain(text(firstname)), plain(text(lastname))];
  return first === '' || last === '' ? '' : `${first} ${last}`;
};

const RULES: readonly { readonly object: ObjectType; readonly by: string; readonly key: Key }[] = [
  { object: 'contacts', by: 'e-mail', key: ({ email }) => mailbox(text(email)) },
  { object: 'contacts', by: 'name', key: fullName },
  { object: 'companies', by: 'domain', key: ({ domain }) => text(domain).replace(/^www\./, '') },
  { object: 'companies', by: 'name', key: ({ name }) => plain(text(name)) },
  { object: 'products', by: 'SKU', key: ({ hs_sku }) => text(hs_sku) },
];

/** What is looked at of each object type that has a rule. */
export const SAMPLED: readonly { readonly object: ObjectType; readonly properties: readonly string[] }[] = [
  { object: 'contacts', properties: ['email', 'firstname', 'lastname'] },
  { object: 'companies', properties: ['domain', 'name'] },
  { object: 'products', properties: ['hs_sku'] },
];

export function twinsAmong(object: ObjectType, sample: readonly Sampled[]): Twins[] {
  return RULES.filter((rule) => rule.object === object).map(({ by, key }) => {
    const groups = Map.groupBy(sample, ({ properties }) => key(properties));
    groups.delete('');
    const twins = [...groups.values()].filter((group) => group.length > 1).sort((a, b) => b.length - a.length);
    return {
      object,
      by,
      sampled: sample.length,
      groups: twins.length,
      records: twins.reduce((sum, group) => sum + group.length, 0),
      examples: twins.slice(0, EXAMPLES_MAX).map((group) => group.slice(0, IDS_MAX).map(({ id }) => id)),
    };
  });
}
