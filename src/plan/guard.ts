/** Stands before HubSpot while a plan is applied: what the plan does not say is not sent. */
import { EXIT, FatalError } from '../errors.ts';
import { canonicalJson } from '../fingerprint.ts';
import type { Sink, Write } from '../pipe.ts';
import { entryName, type PlanEntry } from './document.ts';

/** Throws FatalError (exit 4) for a write that is not in the plan, before anything of its batch is sent. */
export function guardPlan(sink: Sink, entries: readonly PlanEntry[]): Sink {
  const allowed = new Map(entries.map((entry) => [entryName(entry), canonicalJson(entry.after)]));
  const doubtful = new Set(entries.filter(({ action }) => action === 'unclear').map(entryName));
  const check = (write: Write): void => {
    if (allowed.get(entryName(write)) === canonicalJson(write.properties)) return;
    throw new FatalError(
      EXIT.gate,
      `${entryName(write)} is not in the plan as it would be written: it was not sent`,
      'make a new plan: retail-sync plan <pipe> --out plan.json',
    );
  };
  const { adopt } = sink;
  return {
    batchSize: sink.batchSize,
    concurrency: sink.concurrency,
    write(writes, signal) {
      for (const write of writes) check(write);
      return sink.write(writes, signal);
    },
    read: (object, ids, properties, signal) => sink.read(object, ids, properties, signal),
    update: (object, updates, signal) => sink.update(object, updates, signal),
    link: (links, signal) => sink.link(links, signal),
    unlink: (links, signal) => sink.unlink(links, signal),
    keyed: (object, keyProperty, signal) => sink.keyed(object, keyProperty, signal),
    ...(adopt && {
      async adopt(writes, signal, onFound) {
        for (const write of writes) check(write);
        // Several objects may be it, as the plan says: a second look by batches must not find one of them free.
        const unclear = writes.filter((write) => doubtful.has(entryName(write)));
        const found = await adopt.call(
          sink,
          writes.filter((write) => !unclear.includes(write)),
          signal,
          onFound,
        );
        const reason = 'several objects in HubSpot may be it';
        return new Map([...found, ...unclear.map(({ key }) => [key, { kind: 'ambiguous', reason } as const] as const)]);
      },
    }),
  };
}
