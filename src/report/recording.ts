/** A recording as files, as lines for a person and as a part of the probe's JSON document. */
import type { Fixture } from '../probe/record/fixture.ts';
import type { Recording } from '../probe/record/record.ts';
import { grouped, type Paint, safe } from './style.ts';
import { paragraph } from './table.ts';

export interface RecordingReport {
  /** As given on the command line. */
  readonly folder: string;
  readonly pipe: string;
  readonly atMs: number;
  /** Entities that were there to choose from. */
  readonly entities: number;
  readonly recording: Recording;
}

export interface RecordingDocument {
  readonly folder: string;
  readonly pipe: string;
  readonly recordedAt: string;
  readonly entities: number;
  readonly valuesReplaced: number;
  readonly fixtures: readonly {
    readonly file: string;
    readonly expected: string;
    readonly outcome: string;
    readonly records: number;
    readonly chosenFor: readonly string[];
  }[];
  readonly leftOut: readonly { readonly chosenFor: string; readonly reason: string }[];
}

const outcomeOf = ({ expected }: Fixture): string =>
  'rule' in expected ? `${expected.kind}, rule ${expected.rule}` : expected.kind;

export const recordingDocument = ({ folder, pipe, atMs, entities, recording }: RecordingReport): RecordingDocument => ({
  ...{ folder, pipe, entities },
  recordedAt: new Date(atMs).toISOString(),
  valuesReplaced: recording.values,
  fixtures: recording.fixtures.map((fixture) => ({
    file: `${fixture.name}.json`,
    expected: `${fixture.name}.expected.json`,
    outcome: outcomeOf(fixture),
    records: fixture.case.records.length,
    chosenFor: fixture.why,
  })),
  leftOut: recording.leftOut.map(({ why, reason }) => ({ chosenFor: why, reason })),
});

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** By name: two files a fixture, as the tests of the mappers read them, the index and what to do with them. */
export function filesOf(report: RecordingReport): ReadonlyMap<string, string> {
  const { folder: _, ...index } = recordingDocument(report);
  const files = new Map<string, string>();
  for (const { name, facts, case: one, expected } of report.recording.fixtures) {
    files.set(`${name}.json`, json({ facts, cases: [one] }));
    files.set(`${name}.expected.json`, json([{ case: one.case, ...expected }]));
  }
  files.set('index.json', json({ schemaVersion: 1, ...index }));
  files.set('README.md', readmeOf(report));
  return files;
}

function readmeOf({ pipe, atMs, entities, recording: { fixtures, leftOut } }: RecordingReport): string {
  const rows = fixtures.map(
    (fixture) =>
      `| \`${fixture.name}.json\` | ${outcomeOf(fixture)} | ${fixture.why.slice(0, 6).join(', ')}${fixture.why.length > 6 ? ', …' : ''} |`,
  );
  const out = leftOut.map(({ why, reason }) => `- ${why}: ${reason}`);
  return [
    `# Recorded fixtures of ${pipe}`,
    '',
    `${fixtures.length} fixtures out of ${grouped(entities)} entities looked at on ${new Date(atMs).toISOString().slice(0, 10)}, with other words in`,
    "place of everything that is somebody's: names, e-mails, telephones, addresses, texts. One word",
    'became the same other word everywhere here, so that what joined still joins. The key to that',
    'was made for this recording and is not kept.',
    '',
    '**As they came:** ids, codes, amounts, dates and flags. Whoever has the source can look them up:',
    'read the files before they leave your machine.',
    '',
    '## Use',
    '',
    '1. Read each fixture and what the mapper makes of it, `….expected.json`.',
    "2. Copy both files into `fixtures/`. Their names begin with the mapper's: keep that.",
    '3. `npx vitest run test/mappers.test.ts`',
    '',
    '## What each is here for',
    '',
    '| fixture | becomes | shows, as the first |',
    '|---|---|---|',
    ...rows,
    ...(out.length > 0
      ? [
          '',
          '## Left out',
          '',
          'Chosen and not written: redacted, they would mean something else to the mapper.',
          '',
          ...out,
        ]
      : []),
    '',
  ].join('\n');
}

export function renderRecording({ folder, recording, entities }: RecordingReport, paint: Paint): string {
  const { fixtures, leftOut, values } = recording;
  const lines = [
    paint('bold', `${fixtures.length} fixture${fixtures.length === 1 ? '' : 's'} in ${safe(folder)}`),
    ...fixtures.flatMap((fixture) => [`  ${fixture.name}`]),
    ...paragraph(
      `chosen of ${grouped(entities)} for what none before shows; ${grouped(values)} values of people were seen, and none of them is in a file. Read the files, then copy them into fixtures/ (README.md there says how).`,
      '  ',
    ),
    ...leftOut.flatMap(({ why, reason }) =>
      paragraph(`left out: ${why}: ${reason}`, '  ').map((line) => paint('yellow', line)),
    ),
  ];
  return `${lines.join('\n')}\n\n`;
}
