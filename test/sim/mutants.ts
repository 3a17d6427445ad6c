/**
 * The rules of the engine, each broken by one replacement in a copy of the source: a rule whose breaking is not noticed
 * is either kept twice or not tested.
 */
import { LINK_MUTANTS } from './link-mutants.ts';
import { one, type Replacement } from './plant.ts';
import type { WorldName } from './worlds.ts';

export interface Mutant {
  readonly name: string;
  /** What the unbroken code keeps to. */
  readonly rule: string;
  readonly replacements: readonly Replacement[];
  /** The world in which it shows soonest. */
  readonly world: WorldName;
  /** What hides it in the plain world: another defence, which its own world does without. */
  readonly hiddenBy?: string;
}

/** Nothing is owed by a reading that was not proven: else what a cursor has passed too early is read again. */
const NOTHING_OWED: Replacement = {
  file: 'engine/reader.ts',
  old: 'if (this.isWhole && number === 1) this.#debt.begin(of.key, since);',
  fresh: '',
};

/** A listing without an order is believed at its first reading. */
const ONE_READING = one('sources/erp/sweep.ts', 'if (pages <= 1 || (this.#before', 'if (pages > 0 || (this.#before');

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'strict cursor',
    rule: 'a listing is asked for inclusively from the last instant read',
    replacements: one('sources/erp/since.ts', 'inclusive ? instantMs : instantMs - unitMs', 'instantMs + 1'),
    world: 'tied',
  },
  {
    name: 'offset paging',
    rule: 'pages are keyed by date, so that an edit cannot shift a row out of sight',
    replacements: [
      ...one(
        'sources/erp/rest.ts',
        'return new Keyset({ paging, queryOf, param, boundOf: this.#boundOf, from, what });',
        'return new Sweep(paging, this.#fixed(partition, since), what);',
      ),
      ...ONE_READING,
    ],
    world: 'tied',
    hiddenBy: 'the second reading of a listing, which is switched off here too',
  },
  {
    name: 'one reading of an instant',
    rule: 'pages of one instant are read until two readings agree',
    replacements: one('sources/erp/keyset.ts', 'if (harvest.pages === 1) return', 'if (true) return'),
    world: 'tied',
  },
  {
    name: 'one reading of a listing',
    rule: 'a listing without an order is read until two readings agree; a total that fits proves nothing',
    replacements: ONE_READING,
    world: 'shifting',
  },
  {
    name: 'own clock',
    rule: 'a cursor is an instant of the clock of the source',
    replacements: one(
      'engine/reader.ts',
      "if (verdict === 'complete' && asOf !== null) this.#options.state.cursors.advance(partition, lessMargin(asOf));",
      'this.#options.state.cursors.advance(partition, new Date(this.#options.now()).toISOString());',
    ),
    world: 'bare',
  },
  {
    name: 'clock of the last page',
    rule: 'a cursor is bounded by the clock at the first page',
    replacements: one('engine/read.ts', 'asOf ??= page.asOf;', 'asOf = page.asOf;'),
    world: 'unordered',
    hiddenBy: 'the margin of a minute and the look-back',
  },
  {
    name: 'no margin',
    rule: 'a cursor stays a minute behind the clock of the source',
    replacements: one('engine/reader.ts', 'const CURSOR_MARGIN_MS = 60_000;', 'const CURSOR_MARGIN_MS = 0;'),
    world: 'edge',
    hiddenBy: 'the look-back',
  },
  {
    name: 'cursor into the future',
    rule: 'a date ahead of the clock of the source moves no cursor past it',
    replacements: one('engine/reader.ts', 'lastOfSorted < horizon ? lastOfSorted : horizon', 'lastOfSorted'),
    world: 'behind',
  },
  {
    name: 'no look-back',
    rule: 'a run reads from the cursor less the look-back',
    replacements: one('engine/reader.ts', 'Date.parse(cursor) - reach.lookBackMs', 'Date.parse(cursor)'),
    world: 'behind',
  },
  {
    name: 'cursor before the page',
    rule: 'a cursor moves after what lies behind it is in the state',
    replacements: [
      ...one(
        'engine/reader.ts',
        'const taken = await intake.take(page, signal, (touched) => {',
        'this.#moveCursor(of, lastOfSorted, page);\n        const taken = await intake.take(page, signal, (touched) => {',
      ),
      NOTHING_OWED,
    ],
    world: 'killed',
    hiddenBy: 'the reading that is owed until it is proven, which is switched off here too',
  },
  {
    name: 'cursor past what waits',
    rule: 'a cursor never passes a change that is not settled',
    replacements: one('state/cursors.ts', 'oldest !== null && oldest < candidate ? oldest : candidate', 'candidate'),
    world: 'killed',
    hiddenBy: 'the mirror: what was read is in the state and is sent from there, wherever the cursor is',
  },
  {
    name: 'unproven sweep moves the cursor',
    rule: 'only a listing read to its proven end moves the cursor to its horizon',
    replacements: [
      ...one('engine/reader.ts', "if (verdict === 'complete' && asOf !== null)", 'if (asOf !== null)'),
      ...ONE_READING,
      NOTHING_OWED,
    ],
    world: 'unordered',
    hiddenBy: 'the look-back, and the second reading of a listing, which is switched off here too',
  },
  {
    name: 'unproven reading forgotten',
    rule: 'a reading that was not proven is read again as far back, wherever the cursor is',
    replacements: [NOTHING_OWED],
    world: 'hiding',
  },
  {
    name: 'no point read',
    rule: 'what a listing contradicts itself about is read by id',
    replacements: one('engine/intake.ts', 'if (doubtful.size === 0) return', 'if (true) return'),
    world: 'tied',
  },
  {
    name: 'no intent',
    rule: 'the intention to send is durable before the request leaves, and an open one proves that nothing is known',
    replacements: one('decide.ts', 'known.intent === null && (known.late', '(known.late'),
    world: 'killed',
  },
  {
    name: 'no quarantine',
    rule: 'after an outcome nobody heard, the content is sent again when nothing older can land any more',
    replacements: [
      {
        file: 'engine/late-copies.ts',
        old: 'return mergeLate(stillOpen(late, nowMs), stillOpen(intent, nowMs));',
        fresh: 'return null;',
      },
      {
        file: 'engine/settlement.ts',
        old: 'outcome.ambiguous ? { print: item.fingerprint, untilMs: now() + quarantineMs } : null',
        fresh: 'null',
      },
    ],
    world: 'late',
  },
  {
    name: 'ambiguity forgotten',
    rule: 'a write that was answered at its second attempt may still land by its first',
    replacements: one(
      'sinks/hubspot/transport.ts',
      "if (verdict.landed === 'maybe' && this.#kind === 'write') this.ambiguous = true;",
      '',
    ),
    world: 'late',
  },
  {
    name: 'unknown is written',
    rule: 'an outcome nobody heard settles nothing',
    replacements: one(
      'engine/settlement.ts',
      ", outcome.reason, proof);\n      return 'held';",
      ", outcome.reason, proof);\n      return 'written';",
    ),
    world: 'deaf',
  },
  {
    name: 'a dead process is forgotten',
    rule: 'what a process had queued when it died waits again',
    replacements: one('run.ts', 'this.#state.entities.reopenSending();', ''),
    world: 'killed',
  },
  {
    name: 'settled although touched',
    rule: 'an entity that changed while it was sent is not settled by that answer',
    replacements: [
      ...one(
        'state/entities.ts',
        "AND id IN (SELECT value FROM json_each(?2)) AND state = 'sending' RETURNING id",
        'AND id IN (SELECT value FROM json_each(?2)) RETURNING id',
      ),
      // The defence that hides it: what is read again while it is sent is decided again at once.
      ...one(
        'run.ts',
        'await this.#dispatch.send(touched);',
        'await this.#dispatch.send(touched.filter((entity) => !this.#writer.isBusy(entity)));',
      ),
    ],
    world: 'rushed',
    hiddenBy: 'what is read again while it is sent is decided again at once; switched off here',
  },
  {
    name: 'settle in pieces',
    rule: 'the outcomes of a batch and the states of its entities are one transaction',
    replacements: one(
      'engine/writer.ts',
      'const ended = await this.#commits.run(() => this.#settlement.settle(batch, outcomes, lates, number));',
      'const ended = this.#settlement.settle(batch, outcomes, lates, number);',
    ),
    world: 'killed',
    hiddenBy:
      'the order: the object is acknowledged first, and an entity left `sending` is decided again by the next run',
  },
  {
    name: 'match by index',
    rule: 'a result belongs to the input that its trace id or key names',
    replacements: one(
      'sinks/hubspot/match.ts',
      'for (const result of reply.results) {\n    const key = whose.ofResult(result, idProperty);',
      'for (const [index, result] of reply.results.entries()) {\n    const key = inputs[index]?.key ?? null;',
    ),
    world: 'poisoned',
  },
  {
    name: '207 is success',
    rule: 'an error inside a good answer refuses its record',
    replacements: one(
      'sinks/hubspot/batch-write.ts',
      'if (error) outcomes.set(input.key, refusedOutcome(answer.status, error, input));',
      "if (error) outcomes.set(input.key, { kind: 'written', hubspotId: '1', created: false, ambiguous: false });",
    ),
    world: 'poisoned',
  },
  {
    name: 'half of a refused batch',
    rule: 'a batch that is refused whole is cut until the bad rows stand alone, and all the others are sent',
    replacements: one('sinks/hubspot/batch-write.ts', 'items.slice(middle)', 'items.slice(middle + 1)'),
    world: 'poisoned',
  },
  {
    name: 'refusals swallowed',
    rule: 'every refused record is a dead letter',
    replacements: one(
      'engine/settlement.ts',
      'this.#options.onRefused({ object, key, entity: item.task.entity, ...outcome });',
      '',
    ),
    world: 'poisoned',
  },
  {
    name: 'letters stay open',
    rule: 'a record that arrives healthy clears its dead letter',
    replacements: one(
      'engine/settlement.ts',
      "if (worst === 'written' && !isOvertaken) state.letters.resolve(entity);",
      '',
    ),
    world: 'poisoned',
  },
  {
    name: 'duplicate keys in a batch',
    rule: 'an entity waits for the outcome of its last write before the next one is queued',
    replacements: [
      {
        file: 'engine/dispatch.ts',
        old: 'if (chunk.some((entity) => writer.isBusy(entity))) await writer.flush();',
        fresh: '',
      },
      {
        file: 'sinks/hubspot/upsert.ts',
        old: 'items.set(key, { key, properties });',
        fresh: 'items.set(String(items.size), { key, properties });',
      },
    ],
    world: 'tied',
  },
  {
    name: 'late attempts forgotten',
    rule: 'what a run had on its way when it ended may have left as late as its end',
    replacements: one('run.ts', 'this.#state.objects.stampOpenIntents();', ''),
    world: 'givenUp',
  },
  {
    name: 'left while it was queued',
    rule: 'what was read while a batch was filled counts for that batch',
    replacements: one('engine/settlement.ts', 'queued.filter((item) => still.has(item.task.entity))', '[...queued]'),
    world: 'leaving',
  },
  {
    name: 'older state is trusted',
    rule: 'a database that is older than what was sent proves nothing',
    replacements: one(
      'state/generation.ts',
      'if (check.restored) distrust(',
      'if (check.restored && nowMs < 0) distrust(',
    ),
    world: 'restored',
  },
  {
    name: 'nothing is rediscovered',
    rule: 'after an older state was put back, HubSpot is asked for what was made since',
    replacements: one('engine/rediscover.ts', 'if (!unique) continue;', 'continue;'),
    world: 'restored',
  },
  {
    name: 'no lock',
    rule: 'one process at a time writes to a portal',
    replacements: one('state/lock.ts', "db.exec('BEGIN EXCLUSIVE');", "db.exec('BEGIN');"),
    world: 'restored',
  },
  {
    name: 'blind to strangers',
    rule: 'reconcile tells of objects under our keys that no record explains',
    replacements: one('reconcile/strangers.ts', 'if (!known.has(object.key)) this.#orphans.push(object);', ''),
    world: 'killed',
  },
  ...LINK_MUTANTS,
];
