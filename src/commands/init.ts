/** `init`: asks what is needed, tries each answer, and writes `.env`. Until its last question nothing is changed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDotenv } from '../config/dotenv.ts';
import { variableNames } from '../config/variables.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { liveChecks } from '../init/checks.ts';
import { withValues, writeEnv } from '../init/env-file.ts';
import { type Answers, interview } from '../init/interview.ts';
import { askOn, Cancelled, type Ends } from '../init/questions.ts';
import { loadJobs } from '../jobs.ts';
import { ROOT } from '../pipe-names.ts';
import { shippedProfiles } from '../sources/erp/profile.ts';
import type { Invocation } from './invocation.ts';

/** Throws FatalError (exit 2) where nobody can be asked, or `.env` is not ours to read. */
export async function init(invocation: Invocation, ends: Ends & { readonly isTerminal: boolean }): Promise<ExitCode> {
  const { env, cwd, stop } = invocation;
  if (!ends.isTerminal)
    throw new FatalError(
      EXIT.usage,
      'init asks questions, and here is nobody to answer: it needs a terminal',
      'run it in one, or copy .env.example to .env, fill it in and chmod 600 .env',
    );
  const path = join(cwd, '.env');
  const [broken] = readDotenv(cwd).faults.filter(({ name }) => name === '.env');
  if (broken) throw new FatalError(EXIT.usage, `${path} ${broken.wrong}`, broken.fix);
  const answers = answersFrom(env, readDotenv(cwd).values);
  const ask = await askOn(ends);
  const before = new Map(answers);
  try {
    ask.say(`retail-sync init: asks what it needs and tries each answer. Nothing is changed before the last question.`);
    const checks = liveChecks(cwd, await loadJobs(), stop);
    await interview({
      ask,
      checks,
      answers,
      profiles: shippedProfiles(),
      today: new Date().toISOString().slice(0, 10),
    });
    const changes = new Map([...answers].filter(([name, value]) => (before.get(name) ?? '') !== value || value !== ''));
    const isThere = existsSync(path);
    const aside = isThere ? '; the one that is there is kept as .env.before-init' : '';
    if (!(await ask.yes(`Write ${path}, readable only by you${aside}?`, true)))
      throw new Cancelled('nothing was changed');
    writeEnv(path, withValues(readFileSync(isThere ? path : join(ROOT, '.env.example'), 'utf8'), changes), changes);
    ask.say(`Written. Next:\n${NEXT}`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    ask.say('Stopped: nothing was changed.');
    return EXIT.usage;
  }
}

const NEXT = [
  '  retail-sync doctor',
  '  retail-sync setup --apply',
  '  retail-sync sync products --limit 20 --dry-run',
].join('\n');

/** What is set already, by the environment before `.env`, as everywhere. */
function answersFrom(env: Invocation['env'], dotenv: Readonly<Record<string, string>>): Answers {
  const named = variableNames.flatMap((name): [string, string][] => {
    const value = env[name] ?? dotenv[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  return new Map(named);
}
