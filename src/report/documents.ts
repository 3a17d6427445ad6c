/**
 * What `--json` prints, as schemas. They are open: a later version may add fields; a field that goes, or means
 * something else, raises `schemaVersion`. Every test that runs a command with `--json` holds its output against them.
 */
import { z } from 'zod';

const count = z.int().nonnegative();
const instant = z.iso.datetime();
const atMs = z.int().nonnegative();
const exit = z.int().nonnegative().describe('exit code of the process');

/** The head of every document. */
const head = {
  schemaVersion: z.literal(1),
  runId: z.string().nullable().describe('the run it is about, if one'),
  status: z.enum(['ok', 'partial', 'failed']),
  counts: z.record(z.string(), z.unknown()).describe('numbers by name'),
};

const runCounts = z.looseObject({
  read: count,
  written: count,
  created: count.describe('of the written'),
  updated: count.describe('of the written'),
  unchanged: count,
  excluded: z.record(z.string(), count).describe('by rule'),
  held: count.describe('outcome not known yet'),
  deadLettered: count,
  accounted: count.describe('the sum of written, unchanged, excluded, held and dead-lettered: equal to read'),
});

const run = z.looseObject({
  ...head,
  runId: z.string(),
  pipe: z.string(),
  counts: runCounts,
  mode: z.looseObject({ dryRun: z.boolean(), full: z.boolean(), since: z.string().nullable() }),
  upserts: z.looseObject({ created: count, updated: count, unchanged: count, refused: count, unknown: count }),
  links: z.looseObject({ made: count, removed: count, refused: count, pending: count }),
  deadLettersAdded: count,
  partitions: z.looseObject({ total: count, complete: count.describe('proven complete') }),
  calls: count.describe('HubSpot calls'),
  writeCalls: count,
  rateLimited: count.describe('429 answers'),
  retries: count,
  seconds: z.number().nonnegative(),
  floorSeconds: z.number().nonnegative().describe("the least time HubSpot's limits allow for these calls"),
  reason: z.string().optional(),
  hint: z.string().optional().describe('the next command to type'),
  notes: z.array(z.string()),
});

const letter = z.looseObject({ id: count, pipe: z.string(), state: z.enum(['open', 'resolved', 'discarded']) });

const failure = z
  .looseObject({ ...head, status: z.literal('failed'), exit, reason: z.string(), hint: z.string() })
  .describe('what any command prints when it could not do its work');

const status = z.looseObject({
  ...head,
  environment: z.string(),
  portalId: z.string().nullable(),
  zone: z.string(),
  pipes: z.array(
    z.looseObject({
      pipe: z.string(),
      lastRun: z.looseObject({ id: z.string(), status: z.string(), startedAtMs: atMs }).nullable(),
      lastOkAtMs: atMs.nullable(),
      dataFromMs: atMs
        .nullable()
        .describe('every change made at the source before is in HubSpot, or an open dead letter'),
      openDeadLetters: count,
      waiting: count.describe('entities read and not settled'),
      pendingLinks: count,
      nextRunAtMs: atMs.nullable(),
    }),
  ),
  needs: z.array(
    z.looseObject({
      weight: z.enum(['red', 'yellow']),
      what: z.string(),
      advice: z.string().nullable(),
      command: z.string(),
    }),
  ),
});

const doctor = z.looseObject({
  ...head,
  exit,
  findings: z.array(
    z.looseObject({
      group: z.string(),
      name: z.string(),
      level: z.enum(['ok', 'warning', 'fault']),
      result: z.string(),
      meaning: z.string().nullable(),
      fix: z.string().nullable(),
      exit: exit.nullable(),
    }),
  ),
});

const proof = z.looseObject({ ...head, pipe: z.string(), startedAt: instant, runStatus: z.string() });
const budget = z.looseObject({
  ...head,
  portalId: z.string(),
  dayLeftMs: atMs,
  quotas: z.looseObject({ day: z.looseObject({ allowed: count, left: count }).nullable(), per10s: count.nullable() }),
  forecast: z.looseObject({ calls: count, seconds: z.number().nonnegative(), fits: z.boolean().nullable() }),
});
const slot = z.looseObject({ job: z.string(), date: z.iso.date(), state: z.string() });

const fixtureFile = z.looseObject({
  file: z.string(),
  expected: z.string().describe('the file with what the mapper makes of it'),
  outcome: z.string(),
  records: count,
  chosenFor: z.array(z.string()),
});

const recording = z.looseObject({
  folder: z.string(),
  pipe: z.string(),
  recordedAt: instant,
  entities: count.describe('looked at, to choose from'),
  valuesReplaced: count.describe('values of people in the sample; none is in a fixture'),
  fixtures: z.array(fixtureFile),
  leftOut: z
    .array(z.looseObject({ chosenFor: z.string(), reason: z.string() }))
    .describe('chosen, and not written: redacted they would mean something else'),
});

const probe = z.looseObject({
  ...head,
  exit,
  probes: z.array(
    z.looseObject({
      system: z.string(),
      resource: z.string(),
      at: instant,
      calls: count,
      findings: z.array(
        z.looseObject({
          kind: z.string(),
          field: z.string().nullable(),
          message: z.string(),
          evidence: z.string(),
          fix: z.string(),
          policy: z.enum(['stop', 'warn', 'ignore']),
        }),
      ),
      mapper: z.looseObject({ mapped: count, excluded: count, rejected: count }).nullable(),
      recording: recording.nullable().describe('fixtures of this sample, with --record'),
    }),
  ),
});

const evidence = z.looseObject({
  ...head,
  exit,
  file: z.string().describe('path of the zip'),
  bytes: count,
  masked: count.describe('distinct values that are shown by their shape'),
  findings: z.array(
    z.looseObject({
      number: count,
      resource: z.string(),
      kind: z.string(),
      field: z.string().nullable(),
      expected: z.string(),
      observed: z.string(),
      evidence: z.string(),
      calls: z.array(count).describe('numbers of the calls in the zip that show it'),
    }),
  ),
  stopped: z
    .array(z.looseObject({ resource: z.string(), reason: z.string(), hint: z.string() }))
    .describe('resources whose calls ended early'),
});

const drafted = z.looseObject({
  setting: z.string().describe('where it stands in the profile'),
  standing: z.enum(['proven', 'guessed', 'todo', 'open']),
  value: z.unknown(),
  confidence: z.number().min(0).max(1).nullable(),
  evidence: z.string(),
  candidates: z.array(z.string()),
});

/** `probe erp --draft`. */
const draft = z.looseObject({
  ...head,
  exit,
  draft: z.looseObject({
    file: z.string(),
    faults: count.describe('lines that have to be filled in'),
    common: z.array(drafted),
    resources: z.array(
      z.looseObject({
        resource: z.enum(['products', 'customers', 'quotes']),
        url: z.string(),
        calls: count,
        records: count,
        fits: z.looseObject({ fit: count, of: count, misfit: z.string().nullable() }).nullable(),
        settings: z.array(drafted),
      }),
    ),
    notes: z.array(z.string()),
  }),
  next: z.array(z.string()),
});

/** By the words of the command; one that is not named has the head and fields of its own. */
const DOCUMENTS: Readonly<Record<string, z.ZodType>> = {
  sync: z.union([
    run,
    z.looseObject({ schemaVersion: head.schemaVersion, status: head.status, exit, runs: z.array(run) }),
  ]),
  status,
  doctor,
  evidence,
  probe: z.union([probe, draft]),
  proof,
  budget,
  'dead-letters list': z.looseObject({ ...head, letters: z.array(letter) }),
  'jobs list': z.looseObject({ ...head, zone: z.string(), jobs: z.array(z.looseObject({ name: z.string() })) }),
  'jobs history': z.looseObject({ ...head, zone: z.string(), slots: z.array(slot) }),
};

export const documentNames = (): readonly string[] => Object.keys(DOCUMENTS);

/** What a command with these words prints on success, or on failure. */
export function documentOf(words: readonly string[]): z.ZodType {
  const named = [2, 1]
    .map((length) => DOCUMENTS[words.slice(0, length).join(' ')])
    .find((schema) => schema !== undefined);
  return z.union([named ?? z.looseObject(head), failure]);
}
