/** The parts of a run, made and joined: reader and intake, mapper, dispatch, writer. */
import type { Ends, Pipe, RunOptions } from '../run-options.ts';
import { mapperOf } from '../state/runs.ts';
import { StreamState } from '../state/stream.ts';
import { Dispatch } from './dispatch.ts';
import type { OnEvent } from './events.ts';
import { FreshPage } from './fresh.ts';
import { Intake } from './intake.ts';
import { Ledger } from './ledger.ts';
import { EntityMapper } from './mapping.ts';
import { Reader, type ReaderOptions } from './reader.ts';
import { letterOf } from './refusal.ts';
import { Writer } from './writer.ts';

/** What the parts ask of the run they belong to. */
export interface Course<E> extends Pick<ReaderOptions<E>, 'decide' | 'onTaken'> {
  /** Starts nothing further. */
  readonly stop: AbortSignal;
  /** Cuts the requests in flight. */
  readonly kill: AbortSignal;
  readonly onDeadLetter: (added: boolean) => void;
  readonly onSettled: () => void;
}

export interface Parts<E> {
  readonly state: StreamState;
  readonly ledger: Ledger;
  readonly mapper: EntityMapper<E>;
  readonly writer: Writer;
  readonly dispatch: Dispatch<E>;
  readonly reader: Reader<E>;
  /** The mirror was mapped by another version of mapper, adapter or facts. */
  readonly changedMapper: boolean;
}

export function assemble<E>(pipe: Pipe<E>, ends: Ends, options: RunOptions, course: Course<E>): Parts<E> {
  const { source, facts, join, resolve, clock } = ends;
  const { mapping } = pipe;
  const { onDeadLetter } = course;
  const state = new StreamState(ends.db, ends.stream, options.id, pipe.version, clock.now);
  const onEvent: OnEvent = options.onEvent ?? (() => undefined);
  tellOfLetters(state, onEvent);
  const ledger = new Ledger();
  const changedMapper = mapperOf(ends.db, ends.stream) !== pipe.version;
  const fresh = new FreshPage(source);
  const mapper = new EntityMapper({ fresh, mapping, facts, state, join, resolve });
  const writer = new Writer({
    ...{ sink: ends.sink, state, ledger, now: clock.now, quarantineMs: options.quarantineMs, onEvent },
    ...{ stop: course.stop, kill: course.kill, onSettled: course.onSettled },
    exclusive: mapping.properties.filter((spec) => spec.exclusive),
    onRefused: (refused) => onDeadLetter(state.letters.open(letterOf(refused, state))),
  });
  const dispatch = new Dispatch({ mapper, state, ledger, writer, onDeadLetter });
  const reader = new Reader({
    ...{ pipe: pipe.name, source, state, ledger, reach: options, changedMapper, now: clock.now, onEvent },
    ...{ signal: course.stop, decide: course.decide, onTaken: course.onTaken },
    intake: new Intake({
      ...{ source, fresh, mapping, join, prepareJoins: ends.prepareJoins, changedMapper, state, ledger, onDeadLetter },
      ...{ run: options.id, version: pipe.version },
    }),
  });
  return { state, ledger, mapper, writer, dispatch, reader, changedMapper };
}

function tellOfLetters(state: StreamState, onEvent: OnEvent): void {
  state.letters.onNews = ({ subject, stage, category }) =>
    onEvent({
      kind: 'letter',
      record: subject.replace(/^(record|row|products|companies|contacts|deals) /, ''),
      stage,
      category,
    });
}
