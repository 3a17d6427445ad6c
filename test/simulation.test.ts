/**
 * The real engine, state, source and sink in a simulated world: a thousand histories of faults, a process killed at every
 * edge, and the rules of the engine broken one by one. docs/simulation.md tells how to replay what fails here.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const SIMULATE = join(import.meta.dirname, 'sim', 'simulate.ts');
const LONG_MS = 600_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  /** Failing seeds, as soon as they fail. */
  readonly errors: string;
}

/** The simulation replaces the clocks of its process: it gets one of its own. */
function simulate(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SIMULATE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, errors }));
  });
}

/** What a green run must have been through: without it, it would prove nothing. */
const HAPPENED = [
  // what the source did
  'tie group over a page',
  'two versions of a row',
  'short page',
  'query without an answer',
  'point read',
  'point read with another content',
  'changed and back again',
  // what HubSpot did, and people in it
  '207 or 200 with errors inside',
  'refused whole',
  'halved three times or more',
  'result left out of an answer',
  'link made',
  'link removed',
  'link refused',
  'link left out of an answer',
  'answer unreadable',
  'write landed late',
  '429',
  'quota of the day spent',
  'people archive in HubSpot',
  'people edit in HubSpot',
  'people merge in HubSpot',
  'people move a record',
  'people link in HubSpot',
  // what became of the process
  'killed before the answer to upsert',
  'killed before a commit',
  'killed after a commit',
  'killed while waiting',
  'asleep',
  'asleep over a deadline',
  'asked to stop',
  'refused by the lock',
  'disk full',
  'noticed an older state',
  // what the engine made of it
  'records held',
  'cursor held back by what is not settled',
  'link waits for its other end',
  'wanted link checked',
  'links of an object made anew',
  'dead letter healed',
  'reconcile agreed',
  'difference to be reported',
];
const AT_LEAST = 20;
/** Conjunctions of several faults. */
const HAPPENED_RARELY = [
  'late write over a newer one',
  'links unknown to the end of a run',
  'killed between answer and commit',
  'outcome unknown to the end of a call',
];
const AT_LEAST_RARELY = 5;

describe('the simulated engine', () => {
  test(
    'keeps its promises in a thousand histories, and much has happened in them',
    async () => {
      const { code, out, errors } = await simulate('--seeds', '1000', '--json');
      expect(errors).toBe('');
      const summary: { failures: unknown[]; counts: Record<string, number> } = JSON.parse(out);
      expect(summary.failures).toEqual([]);
      const counted = (what: string): number => summary.counts[what] ?? 0;
      expect(HAPPENED.filter((what) => counted(what) < AT_LEAST)).toEqual([]);
      expect(HAPPENED_RARELY.filter((what) => counted(what) < AT_LEAST_RARELY)).toEqual([]);
      expect(code).toBe(0);
    },
    LONG_MS,
  );

  test.each(['calm, one record each', 'records leave'])(
    'survives being killed at every edge of a history: %s',
    async (scenario) => {
      const { code, out } = await simulate('--exhaustive', '--scenario', scenario);
      expect(out).toContain('all held');
      expect(code).toBe(0);
    },
    LONG_MS,
  );

  test(
    'lives through the same seed in the same way',
    async () => {
      const [first, second] = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7')]);
      expect(first.out.length).toBeGreaterThan(1_000);
      expect(second.out).toBe(first.out);
    },
    LONG_MS,
  );

  test(
    'does not survive the breaking of a rule',
    async () => {
      const { out } = await simulate('--mutants', '--part', '--json', '--seeds', '60', ...FAST.flatMap(named));
      const rows: { name: string; isFound: boolean }[] = JSON.parse(out);
      expect(rows.filter(({ isFound }) => !isFound)).toEqual([]);
      expect(rows.length).toBe(FAST.length);
    },
    LONG_MS,
  );
});

const named = (name: string): string[] => ['--mutant', name];

/** Those that show within a few histories; `npm run simulate -- --mutants` tries them all. */
const FAST = [
  'strict cursor',
  'own clock',
  'no look-back',
  'cursor before the page',
  'a dead process is forgotten',
  'unknown is written',
  'match by index',
  '207 is success',
  'half of a refused batch',
  'refusals swallowed',
  'letters stay open',
  'duplicate keys in a batch',
  'no quarantine',
  'no margin',
  'cursor past what waits',
  'unproven reading forgotten',
  'older state is trusted',
  'nothing is rediscovered',
  'no lock',
  'links asked for are forgotten',
  'removals asked for are forgotten',
  'unknown is linked',
  'old links stay',
  'made anew without links',
];
