/** How a vendor answers, measured with a few questions: filter, pages, order, total, clock. About fifteen calls. */
import type { Inquiry, NoSight, Question, Sight } from '../inquiry.ts';
import type { SourceRecord } from '../pipe.ts';
import { measureFilter } from './date-filter.ts';
import { type Answer, type AskSpan, type Behaviour, type Finding, percent } from './finding.ts';
import type { Sample } from './sample.ts';

export interface BehaviourOptions {
  readonly inquiry: Inquiry;
  readonly sample: Sample;
  /** Our own clock, against the vendor's. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly onCall?: () => void;
}

/** Rows of a page that is read only to be compared: small, to be cheap. */
const SMALL = 100;
const SKEW_MS_MAX = 60_000;
/** A page so many rows deep tells what depth costs; a query that deep is far from any ceiling seen. */
const DEEP_ROWS = 2_000;
/** A projection below so many rows means that the ceiling will be met. */
const NEAR_ROWS = 20_000;

/** Collects answers and findings; each measurement adds its own. */
export class Notes implements Behaviour {
  readonly answers: Answer[] = [];
  readonly findings: Finding[] = [];
  readonly basis = new Map<Finding, AskSpan>();
  #asked = 0;
  #noted = 0;
  #span: AskSpan = { from: 1, to: 0 };

  /** One more question went out: what is noted next was concluded from it. */
  ask(): void {
    this.#asked++;
  }

  fine(question: string, answer: string, evidence: string): undefined {
    this.#since();
    this.answers.push({ question, answer, evidence, isFine: true });
  }

  drift(question: string, answer: string, finding: Omit<Finding, 'field'> & { readonly field?: string }): undefined {
    this.answers.push({ question, answer, evidence: finding.evidence, isFine: false });
    const found = { field: null, ...finding };
    this.findings.push(found);
    this.basis.set(found, this.#since());
  }

  unknown(question: string, why: string): undefined {
    this.#since();
    this.answers.push({ question, answer: 'not measured', evidence: why, isFine: null });
  }

  /** The questions since the last note; where none was asked, those that the last note was concluded from, too. */
  #since(): AskSpan {
    if (this.#asked > this.#noted) this.#span = { from: this.#noted + 1, to: this.#asked };
    this.#noted = this.#asked;
    return this.#span;
  }
}

export type Ask = (question: Question) => Promise<Sight | NoSight>;

export async function measureBehaviour(options: BehaviourOptions): Promise<Behaviour> {
  const { inquiry, sample, signal, onCall } = options;
  const notes = new Notes();
  const ask: Ask = async (question) => {
    onCall?.();
    notes.ask();
    return inquiry.ask(question, signal);
  };
  const scope: Question = {};
  if (inquiry.tellsTime) clockOf(sample, options.nowMs, notes);
  rowsOf(sample, notes);
  const whole = await ask(scope);
  if (whole.kind !== 'page') {
    notes.unknown('date filter, pages, order, total', `${whole.request}: ${whole.reason}`);
    return notes;
  }
  sizeOf(whole, inquiry, notes);
  orderOf(whole, inquiry, notes);
  await measureFilter({ whole, inquiry, sample, ask, notes, nowMs: options.nowMs });
  await repeatsOf(ask, scope, notes);
  await endOf(whole, ask, inquiry, sample, notes);
  await ceilingOf(whole, ask, inquiry, notes);
  return notes;
}

function clockOf({ asOf, records }: Sample, nowMs: number, notes: Notes): undefined {
  const question = "vendor's clock";
  if (asOf === null) {
    const fix = 'ask the vendor to send its Date header; until then no cursor moves past what was read';
    notes.drift(question, 'not told', {
      kind: 'clock-missing',
      message: 'the vendor does not say what time it is',
      evidence: 'no answer carried a readable Date header',
      fix,
    });
    return;
  }
  const skewMs = Date.parse(asOf) - nowMs;
  const said = `${Math.abs(Math.round(skewMs / 1000))} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  if (Math.abs(skewMs) <= SKEW_MS_MAX) notes.fine(question, 'right', said);
  else {
    notes.drift(question, said, {
      kind: 'clock-wrong',
      message: `the vendor's clock is ${said}`,
      evidence: `Date header ${asOf}, here it is ${new Date(nowMs).toISOString()}`,
      fix: 'have both clocks set by NTP; retail-sync itself goes by the vendor’s',
    });
  }
  const ahead = records.filter(({ modifiedAt }) => Date.parse(modifiedAt) > Date.parse(asOf) + SKEW_MS_MAX);
  if (ahead.length === 0) return;
  notes.drift('dates ahead', `${ahead.length} records`, {
    kind: 'dates-ahead',
    message: `${ahead.length} of ${records.length} records are dated ahead of the vendor's own clock`,
    evidence: `the latest says ${ahead
      .map((one) => one.modifiedAt)
      .sort()
      .at(-1)}, the Date header ${asOf}`,
    fix: 'correct these records in the ERP; they are read by id, and move no cursor',
  });
}

/** The same id twice on one page, and rows that cannot be remembered. */
function rowsOf({ sights, unusable, seen }: Sample, notes: Notes): undefined {
  const twice = sights.map(({ records }) => records.length - new Set(records.map(({ id }) => id)).size);
  const repeats = twice.reduce((sum, count) => sum + count, 0);
  if (repeats === 0) notes.fine('ids on a page', 'each once', `${sights.length} pages`);
  else {
    notes.drift('ids on a page', 'some twice', {
      kind: 'rows-twice',
      message: 'an id comes twice on one page, in two versions',
      evidence: `${repeats} times on ${twice.filter((count) => count > 0).length} of ${sights.length} pages`,
      fix: 'tell the vendor (a join that fans out); retail-sync reads such records by id and takes that answer',
    });
  }
  if (unusable.length === 0) return;
  notes.drift('usable rows', `${unusable.length} are not`, {
    kind: 'rows-unusable',
    message: 'rows come without a usable id or date',
    evidence: `${unusable.length} beside ${seen} good ones (${percent(unusable.length, unusable.length + seen)})`,
    fix: 'correct id and modifiedAt in the ERP profile, or the rows in the ERP; each is kept as a dead letter',
  });
}

function sizeOf({ records, unusable, total, request }: Sight, { pageSize }: Inquiry, notes: Notes): undefined {
  const question = 'page size';
  const rows = records.length + unusable.length;
  if (pageSize === null) return notes.unknown(question, 'the adapter leaves it to the vendor');
  if (total === null && rows < pageSize)
    return notes.unknown(question, `${rows} rows came, and no total says whether there are more`);
  if (rows >= pageSize || rows >= (total ?? 0))
    return notes.fine(question, 'honoured', `asked ${pageSize}, got ${rows} of ${total ?? '?'}`);
  notes.drift(question, `capped at ${rows}`, {
    kind: 'page-capped',
    message: `pages are silently capped at ${rows} rows`,
    evidence: `${request}: ${rows} rows, though ${total} match`,
    fix: `set paging.size to ${rows} in the ERP profile: the same rows, and no page is taken for the last`,
  });
}

function orderOf({ records, request }: Sight, { isSorted }: Inquiry, notes: Notes): undefined {
  if (!isSorted) return;
  const wrong = records.findIndex((one, at) => at > 0 && one.modifiedAt < (records[at - 1]?.modifiedAt ?? ''));
  if (wrong < 0) return notes.fine('order asked for', 'kept', `${records.length} rows ascend by date`);
  notes.drift('order asked for', 'ignored', {
    kind: 'order-ignored',
    message: 'rows do not ascend by date, though the query asks for it',
    evidence: `${request}: row ${wrong + 1} is older than row ${wrong}`,
    fix: 'correct sort in the ERP profile, or leave it out: then every sweep reads all pages before a cursor moves',
  });
}

const idsOf = (records: readonly SourceRecord[]): string[] => records.map(({ id }) => id);

/** The first page twice, the second, and the first once more. */
async function repeatsOf(ask: Ask, scope: Question, notes: Notes): Promise<undefined> {
  const [first, again, second, last] = [
    await ask({ ...scope, size: SMALL }),
    await ask({ ...scope, size: SMALL }),
    await ask({ ...scope, size: SMALL, page: 1 }),
    await ask({ ...scope, size: SMALL }),
  ];
  if (first.kind !== 'page' || again.kind !== 'page') {
    notes.unknown('order from request to request', first.kind === 'page' ? 'no second answer' : first.reason);
    return;
  }
  const [before, after] = [idsOf(first.records), idsOf(again.records)];
  const moved = before.filter((id, at) => id !== after[at]).length;
  if (moved === 0) notes.fine('order from request to request', 'the same', `${before.length} rows, asked twice`);
  else {
    notes.drift('order from request to request', 'changes', {
      kind: 'order-unstable',
      message: 'the same query answers in another order each time',
      evidence: `${first.request}: ${moved} of ${before.length} rows stood elsewhere the second time`,
      fix: 'ask the vendor for a sort with a tie-breaker (date, then id); without it pages miss rows: keep slices below one page',
    });
  }
  if (second.kind !== 'page' || last.kind !== 'page') return notes.unknown('pages', 'second page not to be had');
  overlapOf(again, second, moved > 0, notes);
  shiftOf(again, last, moved > 0, notes);
}

function overlapOf(first: Sight, second: Sight, isUnstable: boolean, notes: Notes): undefined {
  const known = new Set(idsOf(first.records));
  const both = idsOf(second.records).filter((id) => known.has(id)).length;
  if (both === 0)
    return notes.fine('pages', 'do not overlap', `${second.records.length} rows of page 2 are not on page 1`);
  if (isUnstable) return;
  notes.drift('pages', 'overlap', {
    kind: 'pages-overlap',
    message: 'page 2 repeats rows of page 1',
    evidence: `${both} of ${second.records.length} rows (${second.request})`,
    fix: 'compare paging (first, kind, size) in the ERP profile with the vendor: where rows come twice, others are missed',
  });
}

function shiftOf(before: Sight, after: Sight, isUnstable: boolean, notes: Notes): undefined {
  const there = new Set(idsOf(after.records));
  const gone = idsOf(before.records).filter((id) => !there.has(id)).length;
  if (gone === 0 || isUnstable) return;
  notes.drift('rows while reading', 'move', {
    kind: 'pages-shift',
    message: 'rows leave the page while others are read: people are at work',
    evidence: `${gone} of ${before.records.length} rows of page 1 were gone after page 2`,
    fix: 'nothing, where the profile has since and sort (pages are then asked by date); else read at night',
  });
}

/** Pages that a small set may take. */
const SET_PAGES_MAX = 5;

/** A small set, read to its end and beyond: does the total agree, and is there an end. */
async function endOf(
  whole: Sight,
  ask: Ask,
  { pageSize, canFilter }: Inquiry,
  { records }: Sample,
  notes: Notes,
): Promise<undefined> {
  const newest = records.map(({ modifiedAt }) => modifiedAt).sort();
  const since = canFilter ? newest.at(-Math.min(20, newest.length)) : undefined;
  const scope: Question = since === undefined || (whole.total ?? 0) < SMALL ? {} : { since };
  const ids = new Set<string>();
  let rows = 0;
  let total: number | null = null;
  let pages = 0;
  for (; pages < SET_PAGES_MAX; pages++) {
    const sight = await ask({ ...scope, page: pages });
    if (sight.kind !== 'page') return notes.unknown('total', sight.reason);
    total = pages === 0 ? sight.total : total;
    const fresh = sight.records.filter(({ id }) => !ids.has(id));
    for (const { id } of fresh) ids.add(id);
    rows += sight.unusable.length;
    const isEnd = fresh.length === 0 && sight.unusable.length === 0;
    if (!isEnd) continue;
    pastEnd(sight, pages, notes);
    break;
  }
  if (total === null) return notes.unknown('total', 'the vendor names none');
  if (pages === SET_PAGES_MAX && pageSize !== null)
    return notes.unknown('total', `no set smaller than ${SET_PAGES_MAX} pages was found`);
  if (ids.size + rows === total) return notes.fine('total', 'agrees', `${total} announced, ${total} read`);
  notes.drift('total', 'disagrees', {
    kind: 'total-wrong',
    message: 'the total that is announced is not what can be read',
    evidence: `${total} announced, ${ids.size + rows} read to the end`,
    fix: 'tell the vendor; until it is right no run can be proven complete. Without a usable total, leave total out of the profile',
  });
}

function pastEnd(sight: Sight, page: number, notes: Notes): undefined {
  const count = sight.records.length;
  if (count === 0) return notes.fine('behind the end', 'an empty page', `page ${page + 1}, behind the last row`);
  notes.drift('behind the end', 'rows again', {
    kind: 'end-repeats',
    message: 'a page behind the end repeats the last one',
    evidence: `page ${page + 1} holds ${count} rows, all of them known (${sight.request})`,
    fix: 'tell the vendor; retail-sync stops at the total, or at two pages without anything new',
  });
}

async function ceilingOf(whole: Sight, ask: Ask, { ceilingMs, pageSize }: Inquiry, notes: Notes): Promise<undefined> {
  const question = 'time to the ceiling';
  if (whole.total === null || pageSize === null || whole.total < DEEP_ROWS + SMALL)
    return notes.unknown(question, `needs more than ${DEEP_ROWS + SMALL} records`);
  const near = await ask({ size: SMALL });
  const deep = await ask({ size: SMALL, page: DEEP_ROWS / SMALL });
  if (near.kind !== 'page' || deep.kind !== 'page') return notes.unknown(question, 'a deep page is not to be had');
  const perRowMs = Math.max(0, (deep.ms - near.ms) / DEEP_ROWS);
  const evidence = `page 1 took ${Math.round(near.ms)} ms, a page ${DEEP_ROWS} rows deep ${Math.round(deep.ms)} ms`;
  if (ceilingMs === null) return notes.fine(question, 'no ceiling in the profile', evidence);
  const rows = perRowMs === 0 ? Number.POSITIVE_INFINITY : Math.floor((ceilingMs - near.ms) / perRowMs);
  const reach = Number.isFinite(rows) ? `met about ${rows.toLocaleString('en-US')} rows deep` : 'depth costs nothing';
  if (rows > Math.max(NEAR_ROWS, whole.total)) return notes.fine(question, reach, evidence);
  notes.drift(question, reach, {
    kind: 'near-ceiling',
    message: `a query is killed about ${rows.toLocaleString('en-US')} rows deep, and there are ${whole.total.toLocaleString('en-US')}`,
    evidence,
    fix: 'read in slices (partitions, split) or by date (since and sort) in the ERP profile',
  });
}
