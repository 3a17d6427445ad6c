/**
 * All revisions of all quotes of one opportunity become one deal, which says what the latest quote says. The winner is
 * recomputed from all revisions each time, so it does not matter in which order they arrive.
 */
import { z } from 'zod';
import { compareIds, instant, text } from '../src/canonical.ts';
import { Draft, invalid, mapped } from '../src/draft.ts';
import type { Facts, Joined, JoinedRow, LeftObject, Mapped, Mapping, PipelineSpec, Upsert } from '../src/pipe.ts';
import { custom, dealPlace, ENVIRONMENT_OPTIONS, optionsOf, ownerAtCreation, standard } from '../src/property.ts';
import { ErpQuote } from '../src/sources/erp/model.ts';

const EXPIRED = 'expired';

const PIPELINE: PipelineSpec = {
  key: 'erp-quotes',
  label: 'ERP Quotes',
  stages: [
    { key: 'draft', label: 'Draft', probability: 0.2, closed: false },
    { key: 'sent', label: 'Sent', probability: 0.5, closed: false },
    { key: 'accepted', label: 'Accepted', probability: 1, closed: true },
    { key: 'declined', label: 'Declined', probability: 0, closed: true },
    { key: EXPIRED, label: 'Expired', probability: 0, closed: true },
    { key: 'converted', label: 'Converted to order', probability: 1, closed: true },
  ],
};

const erp = custom('deals', 'erp_sync');
const hubspot = standard('deals');

const properties = [
  hubspot('dealname', 'Deal name', 'string', 'Job or customer, and the quote number.'),
  hubspot('amount', 'Amount', 'number', 'Total of the quote, with tax and freight.'),
  hubspot('closedate', 'Close date', 'datetime', 'Day of the decision, else the day the quote expires.'),
  ...dealPlace,
  ownerAtCreation('deals'),
  erp('erp_opportunity_id', 'ERP opportunity ID', 'string', 'Id of the opportunity in the ERP; the key of the sync.', {
    unique: true,
  }),
  erp('erp_quote_number', 'ERP quote number', 'string', 'The number on the latest quote.'),
  erp('erp_quote_revision', 'ERP quote revision', 'number', 'Which revision of that quote counts.'),
  erp('erp_quote_revision_count', 'ERP quote revisions', 'number', 'Revisions of all quotes of the opportunity.'),
  erp('erp_quote_status', 'ERP quote status', 'enumeration', 'The status in the ERP.', {
    options: optionsOf(PIPELINE.stages.map(({ key }) => key)),
  }),
  erp('erp_quoted_on', 'ERP quoted on', 'date', 'Day of the quote.'),
  erp('erp_expires_on', 'ERP expires on', 'date', 'Last day of the quote.'),
  erp('erp_subtotal', 'ERP subtotal', 'number', 'Before tax and freight.'),
  erp('erp_tax', 'ERP tax', 'number', 'Tax.'),
  erp('erp_freight', 'ERP freight', 'number', 'Freight.'),
  erp('erp_margin_percent', 'ERP margin (%)', 'number', 'Margin in percent of the subtotal.'),
  erp('erp_sales_rep', 'ERP sales rep', 'string', 'Name of the rep who quoted.'),
  erp('erp_customer_number', 'ERP customer number', 'string', 'ERP id of the customer.'),
  erp('erp_customer_po', 'ERP customer PO', 'string', "The customer's purchase order number."),
  erp('erp_job_name', 'ERP job name', 'string', 'The job the quote is for.'),
  erp('erp_environment', 'ERP environment', 'enumeration', 'Which ERP system the values come from.', {
    options: ENVIRONMENT_OPTIONS,
  }),
];

/** A revision with the rows joined to it. */
interface Revision {
  readonly quote: ErpQuote;
  readonly customer: JoinedRow | undefined;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Within one quote: the higher revision, then the later change; ids last, so that no two revisions are equal. */
const byRevision = (a: ErpQuote, b: ErpQuote): number =>
  (a.revision ?? -1) - (b.revision ?? -1) ||
  byText(instant(a.modifiedAt) ?? '', instant(b.modifiedAt) ?? '') ||
  compareIds(a.id, b.id);

/** Between quotes: the later day, then the greater id. A quote's day is the latest that its revisions name. */
function byQuote(a: readonly Revision[], b: readonly Revision[]): number {
  const day = (quote: readonly Revision[]): string =>
    quote
      .map(({ quote: { quotedOn } }) => quotedOn ?? '')
      .sort()
      .at(-1) ?? '';
  const id = (quote: readonly Revision[]): string =>
    quote
      .map(({ quote: { id } }) => id)
      .sort(compareIds)
      .at(-1) ?? '';
  return byText(day(a), day(b)) || compareIds(id(a), id(b));
}

/** Revisions of one quote carry one quote number; a revision without a number is a quote of its own. */
function winnerOf(revisions: readonly Revision[]): Revision | undefined {
  const quotes = Map.groupBy(revisions, ({ quote }) =>
    JSON.stringify([quote.quoteNumber ?? null, quote.quoteNumber ? '' : quote.id]),
  );
  const latest = [...quotes.values()].sort(byQuote).at(-1) ?? [];
  return latest.toSorted((a, b) => byRevision(a.quote, b.quote)).at(-1);
}

const Named = z.object({ name: z.string() });

/**
 * The customer's name where the customer is known to be a business. A customer that nobody has seen yet may be a
 * walk-in: the quote's own copy of the name is used only once that is settled, until then the id stands for it.
 */
function customerOf({ quote, customer }: Revision): string {
  if (customer?.kind === 'gone') return text(quote.customerName) || text(quote.customerId) || '';
  if (customer?.kind !== 'record') return text(quote.customerId) || '';
  const joined = Named.safeParse(customer.record);
  const names = [quote.customerName, joined.success ? joined.data.name : '', quote.customerId];
  return names.map((name) => text(name)).find((name) => name) ?? '';
}

function dealNameOf(revision: Revision): string {
  const { quote } = revision;
  const subject = text(quote.jobName) || customerOf(revision);
  return `${subject} ${text(quote.quoteNumber) || quote.id}`.trim();
}

const isClosed = (status: string): boolean => PIPELINE.stages.some(({ key, closed }) => closed && key === status);

/** When it was decided, as well as the source can tell; while it is open, when it expires. */
function closeDateOf(draft: Draft, quote: ErpQuote, status: string, zone: string): void {
  if (quote.decidedOn) draft.noon('closedate', quote.decidedOn, zone);
  else if (isClosed(status)) draft.instant('closedate', quote.modifiedAt);
  else draft.noon('closedate', quote.expiresOn, zone);
}

function moneyOf(draft: Draft, quote: ErpQuote): void {
  draft.decimal('amount', quote.total);
  draft.decimal('erp_subtotal', quote.subtotal);
  draft.decimal('erp_tax', quote.tax);
  draft.decimal('erp_freight', quote.freight);
  draft.decimal('erp_margin_percent', quote.marginPercent);
}

function quoteOf(draft: Draft, quote: ErpQuote, status: string): void {
  draft.text('erp_quote_number', quote.quoteNumber);
  draft.decimal('erp_quote_revision', quote.revision);
  draft.put('erp_quote_status', status);
  draft.date('erp_quoted_on', quote.quotedOn);
  draft.date('erp_expires_on', quote.expiresOn);
  draft.salesRep(quote.salesRep);
  draft.text('erp_customer_number', quote.customerId);
  draft.text('erp_customer_po', quote.customerPo);
  draft.text('erp_job_name', quote.jobName);
}

/** A customer that is not there yet gets its link when it comes. Absent leaves links alone. */
function linksOf({ customerId }: ErpQuote): Pick<Upsert, 'links'> {
  if (customerId === undefined) return {};
  if (customerId === null) return { links: [] };
  return { links: [{ to: 'companies', by: 'erp_customer_id', value: customerId, label: 'default' }] };
}

function dealOf(winner: Revision, status: string, revisions: number, facts: Facts): Mapped {
  const { quote } = winner;
  const key = quote.opportunityId || `quote:${quote.id}`;
  const draft = new Draft();
  draft.put('erp_opportunity_id', key);
  draft.text('dealname', dealNameOf(winner));
  draft.put('pipeline', PIPELINE.key);
  draft.put('dealstage', status);
  closeDateOf(draft, quote, status, facts.zone);
  moneyOf(draft, quote);
  quoteOf(draft, quote, status);
  draft.put('erp_quote_revision_count', String(revisions));
  draft.put('erp_environment', facts.environment);
  return mapped([draft], [{ object: 'deals', key, properties: draft.properties, ...linksOf(quote) }]);
}

function map(records: readonly ErpQuote[], joined: Joined, facts: Facts): Mapped {
  const winner = winnerOf(records.map((quote, position) => ({ quote, customer: joined[position]?.customer })));
  if (winner === undefined) return invalid('', 'an opportunity needs at least one quote');
  if (winner.customer?.kind === 'excluded') return { kind: 'excluded', rule: winner.customer.rule };
  const { status } = winner.quote;
  if (status === undefined || status === null) return invalid('status', 'missing: nobody can say which stage it is');
  return dealOf(winner, status, new Set(records.map(({ id }) => id)).size, facts);
}

/** An open quote can no longer be accepted; what was decided stays decided. */
function deleted({ properties }: LeftObject): Readonly<Record<string, string>> | null {
  const status = properties?.erp_quote_status;
  if (status === undefined || status === '' || isClosed(status)) return null;
  return { pipeline: PIPELINE.key, dealstage: EXPIRED, erp_quote_status: EXPIRED };
}

const quotes: Mapping<ErpQuote> = {
  schema: ErpQuote,
  // A quote of an excluded customer is that person's data: it is not remembered either.
  scope: (_quote, { customer }) => (customer?.kind === 'excluded' ? { in: false, rule: customer.rule } : { in: true }),
  joins: { customer: { pipe: 'customers', by: 'customerId' } },
  properties,
  pipeline: PIPELINE,
  map,
  deleted,
};

export default quotes;
