/** The schedule as configured: the hours of the job files, and what `schedule.yaml` says otherwise. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { EXIT, FatalError } from '../errors.ts';
import { nearestOf } from '../nearest.ts';
import { isZone } from '../sources/erp/dates.ts';
import { yaml } from '../yaml.ts';
import { groupPipes, type Line, type PipeTimes, type Schedule, type ScheduledJob } from './plan.ts';
import { SCHEDULE_ZONE } from './zone.ts';

const HOUR_MS = 3_600_000;
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
/** A file of settings, not of data. */
const BYTES_MAX = 100_000;

/** Used where neither file nor job says anything. The weekly window ends before the next week's slot. */
const DEFAULTS = { zone: SCHEDULE_ZONE, windowHours: 20, maxRunMinutes: 120 } as const;
/** Before the first pipe of the day, on the quietest day. */
const RECONCILE = { at: '04:00', on: 'sunday', windowHours: 72 } as const;
/** After the runs of the day, when the machine is awake. */
const PRUNE_AT = '08:30';

const time = z
  .string({ error: 'is not a time as "06:00"' })
  .regex(/^([01]?\d|2[0-3]):[0-5]\d$/, 'is not a time as "06:00"')
  .transform((text) => text.padStart(5, '0'));
const upTo = (min: number, max: number, unit: string) => {
  const error = `is not a number of ${unit} from ${min} to ${max}`;
  return z.number({ error }).min(min, error).max(max, error);
};
const line = z.strictObject({
  at: time.optional(),
  off: z.boolean({ error: 'is neither true nor false' }).optional(),
  windowHours: upTo(1, 167, 'hours').optional(),
  jitterMinutes: upTo(0, 240, 'minutes').optional(),
});
const weekly = line.extend({ on: z.enum(DAYS, { error: `is not one of ${DAYS.join(', ')}` }).optional() });

const shapeFor = (pipes: readonly string[]) =>
  z.strictObject({
    zone: z.string().refine(isZone, 'is not a time zone such as America/Chicago').default(DEFAULTS.zone),
    windowHours: upTo(1, 23, 'hours').default(DEFAULTS.windowHours),
    jitterMinutes: upTo(0, 240, 'minutes').default(0),
    maxRunMinutes: upTo(1, 720, 'minutes').default(DEFAULTS.maxRunMinutes),
    jobs: z
      .strictObject({
        ...Object.fromEntries(pipes.map((pipe) => [pipe, line.optional()])),
        reconcile: weekly.optional(),
        prune: line.optional(),
      })
      .default({}),
  });

export interface ScheduleFile {
  readonly path: string;
  /** Somebody named it: then it has to be there. */
  readonly isNamed: boolean;
}

/** Throws FatalError (exit 2) with every fault of the file: line, name, what is wrong. */
export function loadSchedule(file: ScheduleFile, pipes: readonly PipeTimes[]): Schedule {
  const names = pipes.map(({ pipe }) => pipe);
  const shape = shapeFor(names);
  const settings = parse(file, shape, [...names, 'reconcile', 'prune']);
  const { zone, windowHours, jitterMinutes, maxRunMinutes } = settings;
  const entries: Readonly<Record<string, z.output<typeof line> | undefined>> = settings.jobs;
  const lineOf = (name: string, at: string, hours: number): Line => {
    const entry = entries[name];
    return {
      at: entry?.at ?? at,
      isOn: entry?.off !== true,
      windowMs: (entry?.windowHours ?? hours) * HOUR_MS,
      jitterMs: (entry?.jitterMinutes ?? jitterMinutes) * 60_000,
    };
  };
  const jobs: ScheduledJob[] = groupPipes(pipes, ({ pipe, daily }) => lineOf(pipe, daily, windowHours));
  const extra = { pipes: [], after: [] };
  const day = settings.jobs.reconcile?.on ?? RECONCILE.on;
  jobs.push({
    ...{ ...extra, name: 'reconcile', task: 'reconcile', weekday: DAYS.indexOf(day) },
    ...lineOf('reconcile', RECONCILE.at, RECONCILE.windowHours),
  });
  jobs.push({ ...extra, name: 'prune', task: 'prune', weekday: null, ...lineOf('prune', PRUNE_AT, windowHours) });
  return {
    zone,
    runMsMax: maxRunMinutes * 60_000,
    jobs: jobs.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

/** Only the zone, for showing times; one that is not valid is said by whoever uses the schedule. */
export function zoneOf({ path }: ScheduleFile): string {
  const text = readFileSync(path, 'utf8').slice(0, BYTES_MAX);
  const zone: unknown = yaml().parseDocument(text).get('zone');
  return typeof zone === 'string' && isZone(zone) ? zone : SCHEDULE_ZONE;
}

function parse<Shape extends z.ZodType>(
  { path, isNamed }: ScheduleFile,
  shape: Shape,
  names: readonly string[],
): z.output<Shape> {
  if (!existsSync(path)) {
    if (!isNamed) return shape.parse({});
    throw faulty(path, [`  is not there`]);
  }
  const text = readFileSync(path, 'utf8');
  if (text.length > BYTES_MAX) throw faulty(path, [`  is larger than ${BYTES_MAX} bytes`]);
  const { LineCounter, parseDocument } = yaml();
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const [broken] = document.errors;
  if (broken) throw faulty(path, [`  line ${counter.linePos(broken.pos[0]).line}: ${broken.message.split('\n')[0]}`]);
  const parsed = shape.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  const lineAt = (keys: readonly PropertyKey[]): string => {
    for (let depth = keys.length; depth > 0; depth--) {
      const node: unknown = document.getIn(keys.slice(0, depth), true);
      const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
      if (Array.isArray(range)) return `line ${counter.linePos(Number(range[0])).line}`;
    }
    return 'line 1';
  };
  throw faulty(
    path,
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKey(lineAt([...issue.path, key]), [...issue.path, key], names))
        : [`  ${lineAt(issue.path)}: ${issue.path.join('.') || 'the file'} ${issue.message}`],
    ),
  );
}

const SETTINGS = ['zone', 'windowHours', 'jitterMinutes', 'maxRunMinutes', 'jobs'];

function unknownKey(place: string, keys: readonly PropertyKey[], names: readonly string[]): string {
  const known =
    keys.length === 1 ? SETTINGS : keys.length === 2 ? names : ['at', 'off', 'windowHours', 'jitterMinutes', 'on'];
  const { word } = nearestOf(String(keys.at(-1)), known);
  return `  ${place}: ${keys.join('.')} is not known there: did you mean ${word}? There are: ${known.join(', ')}`;
}

const faulty = (path: string, lines: readonly string[]): FatalError =>
  new FatalError(
    EXIT.usage,
    [`The schedule ${path} has ${lines.length === 1 ? '1 fault' : `${lines.length} faults`}:`, ...lines].join('\n'),
    'correct it; docs/operations.md shows every setting, retail-sync jobs list what is in effect',
  );
