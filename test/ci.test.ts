/** The workflow of the hosted checks: whole, pinned, and with no more rights than it needs. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');

const step = z.strictObject({
  name: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  if: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const job = z.strictObject({
  'runs-on': z.string(),
  'timeout-minutes': z.number().max(60),
  container: z.string().optional(),
  steps: z.array(step),
});
const workflow = z.strictObject({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.strictObject({ contents: z.literal('read') }),
  concurrency: z.record(z.string(), z.unknown()),
  jobs: z.record(z.string(), job),
});

const document = parseDocument(readFileSync(join(ROOT, '.github/workflows/ci.yml'), 'utf8'), { strict: true });
const ci = workflow.parse(document.toJS());
const steps = Object.values(ci.jobs).flatMap((one) => one.steps);
const typed = (pattern: RegExp) => steps.filter(({ run = '' }) => pattern.test(run));

describe('the workflow', () => {
  test('is YAML without a fault', () => {
    expect([document.errors, document.warnings]).toEqual([[], []]);
  });

  test('runs everything on Linux, and on macOS all that needs no package of Debian', () => {
    const of = (name: string) => ci.jobs[name]?.steps.flatMap(({ run }) => run ?? []);
    expect([ci.jobs.linux?.['runs-on'], of('linux')]).toEqual(['ubuntu-latest', ['.ci/run']]);
    expect(ci.jobs.macos?.['runs-on']).toBe('macos-latest');
    const parts = [...readFileSync(join(ROOT, '.ci/run'), 'utf8').matchAll(/^step (.+?)(?: \|\|.*)?$/gm)];
    const wanted = parts.map(([, command]) => command).filter((command) => command !== 'npm run test:erp');
    expect(wanted.length).toBeGreaterThan(2);
    expect(of('macos')).toEqual(expect.arrayContaining(wanted));
  });

  test('lets macOS check the templates, and load and unload the agents; and systemd the units', () => {
    expect(ci.jobs.macos?.steps.map(({ run }) => run)).toContain('plutil -lint launchd/*.plist');
    for (const name of ['macos', 'systemd']) {
      expect(ci.jobs[name]?.steps.filter(({ run }) => run?.includes('.ci/agent'))).toHaveLength(1);
    }
    for (const script of ['.ci/run', '.ci/agent']) accessSync(join(ROOT, script), constants.X_OK);
  });

  test('uses actions of their makers, each by its major version, and hands them no credentials', () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.filter((name) => !/^actions\/[\w-]+@v\d+$/.test(name))).toEqual([]);
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.map((one) => one.with)).toEqual(checkouts.map(() => ({ 'persist-credentials': false })));
    expect(readFileSync(join(ROOT, '.github/workflows/ci.yml'), 'utf8')).not.toMatch(/secrets\.|pull_request_target/);
  });

  test('looks for known holes in the dependencies', () => {
    expect(typed(/^npm audit --omit=dev/)).toHaveLength(1);
  });
});
