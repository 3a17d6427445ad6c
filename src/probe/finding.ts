/** What a probe found out: an answer that is as it should be, or a drift with its evidence and its cure. */

/** Kinds have stable names: configuration and alerts refer to them. */
export const KINDS = {
  'field-absent': 'stop',
  'field-emptied': 'stop',
  'records-rejected': 'stop',
  'field-type': 'warn',
  'unknown-code': 'warn',
  'hubspot-schema': 'stop',
  'filter-ignored': 'warn',
  'filter-other-date': 'stop',
  'filter-zone': 'stop',
  'filter-exclusive': 'warn',
  'filter-coarse': 'ignore',
  'filter-misspelt': 'ignore',
  'page-capped': 'ignore',
  'pages-overlap': 'warn',
  'pages-shift': 'ignore',
  'order-unstable': 'warn',
  'order-ignored': 'warn',
  'end-repeats': 'warn',
  'total-wrong': 'warn',
  'rows-twice': 'warn',
  'rows-unusable': 'warn',
  'clock-wrong': 'warn',
  'clock-missing': 'warn',
  'dates-ahead': 'warn',
  'silent-change': 'warn',
  'near-ceiling': 'warn',
  'field-new': 'ignore',
  'field-lost': 'warn',
  'share-moved': 'warn',
  'code-new': 'warn',
} as const satisfies Record<string, Policy>;

/** `stop`: a pipe that relies on it must not run. `warn`: said, and the run goes on. `ignore`: said by `probe` only. */
export type Policy = 'stop' | 'warn' | 'ignore';
export type Kind = keyof typeof KINDS;
export type Policies = Readonly<Record<Kind, Policy>>;

export const isKind = (name: string): name is Kind => Object.hasOwn(KINDS, name);

export interface Finding {
  readonly kind: Kind;
  /** The vendor's field, where it is about one. */
  readonly field: string | null;
  /** What is so, as a sentence. */
  readonly message: string;
  /** What was seen, with numbers. */
  readonly evidence: string;
  /** What to change. */
  readonly fix: string;
}

/** A question about behaviour and its answer. `isFine` null: not measured, and `answer` says why. */
export interface Answer {
  readonly question: string;
  readonly answer: string;
  readonly evidence: string;
  readonly isFine: boolean | null;
}

/** Questions by number, the first is 1; `to` before `from`: none, so that the sample itself shows it. */
export interface AskSpan {
  readonly from: number;
  readonly to: number;
}

export interface Behaviour {
  readonly answers: readonly Answer[];
  readonly findings: readonly Finding[];
  /** Which of the questions about behaviour each finding was concluded from. */
  readonly basis: ReadonlyMap<Finding, AskSpan>;
}

/** The gravest first; among equals in the order of `KINDS`. */
export function byGravity(findings: readonly Finding[], policies: Policies): Finding[] {
  const rank = { stop: 0, warn: 1, ignore: 2 } as const;
  const order = Object.keys(KINDS);
  return findings.toSorted(
    (a, b) => rank[policies[a.kind]] - rank[policies[b.kind]] || order.indexOf(a.kind) - order.indexOf(b.kind),
  );
}

/** `12.5%`, `100%`, `<0.1%`. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '-';
  const share = (100 * part) / whole;
  if (share === 0 || share === 100) return `${share}%`;
  if (share < 0.1) return '<0.1%';
  return `${share >= 99.95 ? 99.9 : Number(share.toFixed(1))}%`;
}

/** What an ERP profile can put right; of a source without one, such as Tryton, only its adapter can. */
const IN_THE_PROFILE: ReadonlySet<Kind> = new Set<Kind>([
  'filter-ignored',
  'filter-misspelt',
  'filter-exclusive',
  'filter-zone',
  'filter-other-date',
  'rows-unusable',
  'page-capped',
  'order-ignored',
  'pages-overlap',
  'near-ceiling',
]);

/** Cures that speak of a profile, and what else there is to say without one. */
const WITHOUT: Partial<Record<Kind, string>> = {
  'filter-coarse': 'nothing: no change is missed',
  'pages-shift': 'nothing, where pages are asked by id or date; else read at night',
  'total-wrong': 'tell the vendor; until it is right no run can be proven complete',
};

/** `where`: the code that reads a source without a profile. */
export function withoutProfile(finding: Finding, where: string): Finding {
  const { kind } = finding;
  const other = WITHOUT[kind];
  if (other !== undefined) return { ...finding, fix: other };
  if (!IN_THE_PROFILE.has(kind)) return finding;
  return { ...finding, fix: `no setting mends this: report it with this evidence, to be mended in ${where}` };
}
