/** Which deals the ERP's quotes must be: one for each opportunity, as its latest revision says. */
import type { AccountRow } from '../../src/sandbox/data/accounts.ts';
import type { QuoteRow } from '../../src/sandbox/data/quotes.ts';
import { digits, type Expected, instant, noon, TYPES, text } from './spelling.ts';

const STATUS = {
  DRAFT: ['draft', 'Draft'],
  SENT: ['sent', 'Sent'],
  WON: ['accepted', 'Accepted'],
  LOST: ['declined', 'Declined'],
  EXPIRED: ['expired', 'Expired'],
  ORDERED: ['converted', 'Converted to order'],
} as const;

export const opportunityOf = ({ oppId, quoteId }: QuoteRow): string => oppId ?? `quote:${quoteId}`;

/** `companies`: keys of the companies that are there. A quote for a walk-in stays in the ERP. */
export function expectQuotes(
  rows: readonly QuoteRow[],
  accounts: readonly AccountRow[],
  companies: ReadonlySet<string>,
): Expected[] {
  const known = new Map(accounts.map((account) => [account.accountId, account]));
  return [...Map.groupBy(rows, opportunityOf)].flatMap(([opportunity, revisions]) => {
    const winner = winnerOf(revisions);
    const customer = known.get(winner.accountId);
    return customer?.kind === 'RETAIL' ? [] : [dealOf(opportunity, winner, revisions.length, customer, companies)];
  });
}

const idNumber = ({ quoteId }: QuoteRow): number => Number(quoteId.slice('Q-'.length));

/** The quote of the latest day, then of the greatest id; of it the highest revision, then the latest change. */
export function winnerOf(revisions: readonly QuoteRow[]): QuoteRow {
  const quotes = [...Map.groupBy(revisions, ({ quoteNo }) => quoteNo).values()].map((quote) => ({
    day:
      quote
        .map(({ quoteDate }) => quoteDate)
        .sort()
        .at(-1) ?? '',
    id: Math.max(...quote.map(idNumber)),
    last: quote.toSorted((a, b) => a.rev - b.rev || Date.parse(a.lastChanged) - Date.parse(b.lastChanged)).at(-1),
  }));
  const latest = quotes.sort((a, b) => a.day.localeCompare(b.day) || a.id - b.id).at(-1)?.last;
  if (latest === undefined) throw new Error('an opportunity without a quote');
  return latest;
}

/** The day of the decision; of a closed quote without one its last change; of an open one the day it expires. */
function closeDate({ stage, decidedOn, lastChanged, validTo }: QuoteRow): string {
  if (decidedOn !== null) return noon(decidedOn);
  return stage === 'DRAFT' || stage === 'SENT' ? noon(validTo) : instant(lastChanged);
}

function dealOf(
  opportunity: string,
  winner: QuoteRow,
  revisions: number,
  customer: AccountRow | undefined,
  companies: ReadonlySet<string>,
): Expected {
  const [status, stage] = STATUS[winner.stage];
  // The name on a quote for an account that is not in the ERP any more may be a walk-in's: its id says enough.
  const name = text(winner.job) || (customer && text(winner.accountName)) || winner.accountId;
  const company = `erp_customer_id ${winner.accountId}`;
  return {
    object: 'deals',
    key: `erp_opportunity_id ${opportunity}`,
    rep: winner.rep?.email ?? null,
    links: companies.has(company) ? [{ to: company, types: TYPES.dealOfCompany }] : [],
    properties: {
      dealname: `${name} ${winner.quoteNo}`,
      amount: digits(winner.grandTotal),
      closedate: closeDate(winner),
      pipeline: 'ERP Quotes',
      dealstage: `ERP Quotes: ${stage}`,
      erp_opportunity_id: opportunity,
      erp_quote_number: winner.quoteNo,
      erp_quote_revision: String(winner.rev),
      erp_quote_revision_count: String(revisions),
      erp_quote_status: status,
      erp_quoted_on: winner.quoteDate,
      erp_expires_on: winner.validTo,
      erp_subtotal: digits(winner.subTotal),
      erp_tax: digits(winner.taxTotal),
      erp_freight: digits(winner.freightTotal),
      erp_margin_percent: digits(winner.marginPct),
      erp_sales_rep: winner.rep?.name ?? '',
      erp_customer_number: winner.accountId,
      erp_customer_po: winner.customerPo,
      erp_job_name: text(winner.job),
      erp_environment: 'sandbox',
    },
  };
}
