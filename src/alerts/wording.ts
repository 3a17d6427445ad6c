/** What a message says: words of ours, numbers and codes, never a value of a record, so that no data and no markup can be in it. */
import type { Incident, Kind } from './incident.ts';

export interface Wording {
  readonly what: string;
  readonly effect: string;
  /** The command to type. */
  readonly command: string;
}

/** Longer texts are cut: a chat shows no more. */
const TEXT_MAX = 200;
/** What is none of ours is not shown: names of pipes, jobs, channels and codes have no other characters. */
const NAME = /^[\w.+-]{1,60}$/;

const LATER = 'HubSpot keeps the state of the last good run; nothing is lost, later runs go on from there';

interface Stop {
  readonly what: string;
  readonly command: (pipe: string) => string;
}

const STOPS: Readonly<Record<string, Stop>> = {
  creates: { what: 'it would create far more objects than usual', command: (pipe) => `sync ${pipe} --dry-run` },
  changes: { what: 'it would change far more objects than usual', command: (pipe) => `sync ${pipe} --dry-run` },
  blanked: { what: 'it would empty one property on many objects', command: (pipe) => `sync ${pipe} --dry-run` },
  gone: { what: 'far more records than usual would count as deleted', command: (pipe) => `reconcile ${pipe}` },
  'too-many-letters': {
    what: 'too many records could not be synced',
    command: (pipe) => `dead-letters list --pipe ${pipe}`,
  },
  crashed: { what: 'its process died', command: (pipe) => `sync ${pipe}` },
  'exit-1': { what: 'a fault of retail-sync, or the disk is full (exit 1)', command: () => 'logs --level warn' },
  'exit-2': { what: 'configuration, state or portal set-up (exit 2)', command: () => 'doctor' },
  'exit-4': { what: 'a gate stopped it (exit 4)', command: () => 'status' },
  'exit-5': { what: 'a token, a scope or the wrong portal (exit 5)', command: () => 'doctor' },
  'exit-6': { what: 'the source could not be read (exit 6)', command: () => 'doctor' },
  'exit-7': { what: 'HubSpot could not be reached (exit 7)', command: () => 'doctor' },
  'exit-75': { what: 'another run held the portal for too long (exit 75)', command: () => 'status' },
};

const stopOf = (cause: string): Stop => STOPS[cause] ?? { what: `stopped (${cause})`, command: () => 'status' };
const grouped = (count: number | undefined): string => (count ?? 0).toLocaleString('en-US');
const many = (count: number | undefined, thing: string): string =>
  `${grouped(count)} ${thing}${count === 1 ? '' : 's'}`;
const times = (count: number | undefined): string =>
  count !== undefined && count > 1 ? `, ${grouped(count)} runs in a row` : '';

type Say = (incident: Incident) => Wording;

const TEXTS: Readonly<Record<Kind, Say>> = {
  'run-failed': ({ subject, cause, figures }) => ({
    what: `${subject} failed: ${stopOf(cause).what}${times(figures.times)}`,
    effect: LATER,
    command: stopOf(cause).command(subject),
  }),
  drift: ({ subject, cause }) => ({
    what: `${subject} stopped: what the source sends has changed (${cause})`,
    effect: `nothing was written; ${LATER}`,
    command: subject === 'pos-orders' ? 'probe square' : `probe erp ${subject} --against mapper`,
  }),
  'billable-contact': ({ subject }) => ({
    what: `${subject} stopped: a contact that it created is a billable marketing contact`,
    effect: 'HubSpot may bill it from the next billing date on; no further contact is created',
    command: 'doctor',
  }),
  incomplete: ({ subject, figures }) => ({
    what: `${subject} is not proven complete${times(figures.times)}`,
    effect: 'some records may be missing in HubSpot until a run is ok; no cursor passes them',
    command: `proof ${subject}`,
  }),
  'dead-letters': ({ subject, cause, figures }) => ({
    what: `${subject} has ${many(figures.open, 'open dead letter')}${cause === 'old' ? ', some older than 7 days' : ''}`,
    effect: 'these records are not up to date in HubSpot; all others are',
    command: `dead-letters list --pipe ${subject}`,
  }),
  rejects: ({ subject, figures }) => ({
    what: `${subject}: ${grouped(figures.rejected)} of ${many(figures.read, 'record')} of a run could not be synced`,
    effect: 'they wait as dead letters; so many at once have one cause, in the source or in the mapper',
    command: `dead-letters list --pipe ${subject}`,
  }),
  'no-records': ({ subject, figures }) => ({
    what: `${subject} read no record, where ${figures.runs} runs like it read ${grouped(figures.least)} to ${grouped(figures.most)}`,
    effect: 'either nothing happened at the source, or it no longer shows what did; then HubSpot grows old',
    command: `sync ${subject} --full --dry-run`,
  }),
  'nothing-ran': ({ subject }) => ({
    what: `${subject} has not run for more than 30 hours`,
    effect: 'HubSpot grows old; the next run catches up',
    command: 'jobs history',
  }),
  'cursor-old': ({ subject, figures }) => ({
    what: `${subject}: runs are ok, but its cursor has stood still for ${many(figures.hours, 'hour')}`,
    effect: 'nothing is lost; each run reads more of the same again',
    command: 'cursor show',
  }),
  'job-failed': ({ subject, cause }) => ({
    what: `the job ${subject} ended before it began: ${stopOf(cause).what}`,
    effect: LATER,
    command: cause === 'exit-2' || cause === 'exit-5' ? 'doctor' : 'jobs history',
  }),
  'slot-missed': ({ subject }) => ({
    what: `the job ${subject} was missed: its window closed before anything could run it`,
    effect: 'its data is a day older; the next run catches up',
    command: `jobs run ${subject}`,
  }),
  differs: ({ subject, figures }) => ({
    what: `${subject}: HubSpot differs from what was written there in ${many(figures.count, 'object')}`,
    effect: 'people or other apps changed, merged or archived them; nothing is repaired by itself',
    command: `reconcile ${subject}`,
  }),
  quota: ({ cause, figures }) => ({
    what:
      cause === 'spent'
        ? "the day's HubSpot calls are spent"
        : `${grouped(figures.left)} of ${grouped(figures.limit)} HubSpot calls of the day are left`,
    effect: 'without calls no app reaches this portal until its midnight; runs lose nothing and go on then',
    command: 'doctor',
  }),
  disk: ({ cause, figures }) => ({
    what: `${grouped(figures.freeMegabytes)} MB are free on the disk of the state folder`,
    effect: cause === 'full' ? 'no run starts; nothing is lost' : 'below 20 MB no run starts',
    command: 'prune --dry-run',
  }),
  cutover: ({ subject, figures }) => ({
    what: `${subject} is fed from the production ERP from now on`,
    effect: `everything is read and sent once, ${many(figures.count, 'record')} by the last look; it never changes back`,
    command: 'cutover status',
  }),
  channel: ({ subject }) => ({
    what: `alerts no longer get through by ${subject}`,
    effect: 'whoever relies on this channel hears nothing',
    command: `alerts test --channel ${subject}`,
  }),
};

export function wordingOf(incident: Incident): Wording {
  const named = (text: string): string => (NAME.test(text) ? text : '(unnamed)');
  const safe = { ...incident, subject: named(incident.subject), cause: named(incident.cause) };
  const { what, effect, command } = TEXTS[incident.kind](safe);
  return {
    what: what.slice(0, TEXT_MAX),
    effect: effect.slice(0, TEXT_MAX),
    command: `retail-sync ${command}`.slice(0, TEXT_MAX),
  };
}
