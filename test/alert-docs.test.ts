/** Each alert has its section in docs/operations.md, and each command that a message names is there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type Incident, KINDS } from '../src/alerts/incident.ts';
import { wordingOf } from '../src/alerts/wording.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OPERATIONS = readFileSync(`${ROOT}docs/operations.md`, 'utf8');

/** Every code that can stand behind a kind, as far as messages differ by it. */
const CAUSES: Readonly<Record<string, readonly string[]>> = {
  'run-failed': [
    ...['creates', 'changes', 'blanked', 'gone', 'too-many-letters', 'crashed', 'exit-1', 'exit-2', 'exit-4', 'exit-5'],
    ...['exit-6', 'exit-7', 'exit-75', 'a-code-of-later'],
  ],
  'job-failed': ['exit-1', 'exit-2'],
  'dead-letters': ['open', 'old', 'many'],
  quota: ['low', 'spent'],
};

const incidents: readonly Incident[] = KINDS.flatMap((kind) =>
  (CAUSES[kind] ?? ['x']).map((cause) => ({
    ...{ kind, subject: kind === 'channel' ? 'slack' : 'products', cause, sinceMs: 0, figures: {}, run: null },
  })),
);

const sectionOf = (kind: string): string => OPERATIONS.split(`\n### ${kind}\n`)[1]?.split(/\n#{2,3} /)[0] ?? '';

test('each alert has a section that says what to type, and no section is about none', () => {
  const sections = [
    ...(OPERATIONS.split('\n## Alerts\n')[1]
      ?.split('\n## ')[0]
      ?.matchAll(/^### (.+)$/gm) ?? []),
  ];
  expect(sections.map(([, kind]) => kind).sort()).toEqual([...KINDS, 'state'].sort());
  expect(KINDS.filter((kind) => !sectionOf(kind).includes('`retail-sync '))).toEqual([]);
});

test('each message fits a chat, and its command, flags included, is one that there is', async () => {
  const helps = new Map<string, string>();
  for (const { command } of incidents.map(wordingOf)) {
    const path = [...(/^retail-sync ((?:[a-z][a-z-]*)(?: (?!products|slack|erp)[a-z][a-z-]*)*)/.exec(command) ?? [])];
    const words = path[1] ?? '';
    if (!helps.has(words)) {
      const args = [`${ROOT}bin/retail-sync.js`, ...words.split(' '), '--help'];
      helps.set(words, (await promisify(execFile)(process.execPath, args)).stdout);
    }
    const help = helps.get(words) ?? '';
    expect(help).toContain(`Usage: retail-sync ${words}`);
    for (const [flag] of command.matchAll(/--[a-z-]+/g))
      expect(`${command}\n${help}`).toMatch(new RegExp(`^ +${flag}\\b`, 'm'));
  }
  for (const { what, effect, command } of incidents.map(wordingOf)) {
    expect([what.length < 200, effect.length < 200, command.length < 100]).toEqual([true, true, true]);
  }
}, 60_000);

test('a name that is none of ours is not shown', () => {
  const planted = {
    kind: 'run-failed',
    subject: 'Jane <!channel>',
    cause: 'pat-na1 x',
    sinceMs: 0,
    figures: {},
  } as const;
  const { what, command } = wordingOf({ ...planted, run: null });
  expect(`${what} ${command}`).not.toMatch(/Jane|<!|pat-/);
});
