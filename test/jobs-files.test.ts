/** What loading a job does with the files of people: their folder, their slips. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadJobs } from '../src/jobs.ts';
import { temporaryFolder } from './cli-harness.ts';

const JOB = `export default { pipe: 'prices', from: () => [], mapping: {}, after: [], daily: '02:00' };`;

function programIn(name: string, job: string): string {
  const root = join(temporaryFolder(), name);
  for (const folder of ['jobs', 'mappers']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'jobs/prices.ts'), job);
  writeFileSync(join(root, 'mappers/prices.ts'), '');
  return root;
}

test('a job is found in a folder whose name means something in an address', () => {
  const roots = ['shop #2', '100%41 sure?'].map((name) => programIn(name, JOB));
  // Node itself: the loader of these tests reads such addresses in its own way.
  const script = `import { loadJobs } from ${JSON.stringify(new URL('../src/jobs.ts', import.meta.url).href)};
    for (const root of process.argv.slice(1)) for (const { pipe } of await loadJobs(root)) console.log(pipe);`;
  const args = ['--input-type=module', '--eval', script, '--', ...roots];
  expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stdout: 'prices\nprices\n',
  });
});

test('a misspelt import is told as a fault of the job, with the file that asks for it', async () => {
  const root = programIn('shop', `import '../src/mision.ts';\n${JOB}`);
  await expect(loadJobs(root)).rejects.toMatchObject({
    exit: 2,
    message: expect.stringMatching(
      /jobs\/prices\.ts is no usable job: .*mision\.ts.* imported from .*jobs\/prices\.ts/,
    ),
  });
});
