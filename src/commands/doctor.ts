/** `doctor`: every precondition, its result, what it means and how to mend it. Reads only, and works half-configured. */
import { resolve } from 'node:path';
import { type Examination, examine } from '../doctor/examine.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { type Machine, thisMachine } from '../install/machine.ts';
import { renderDoctor } from '../report/doctor.ts';
import { writePrivately } from '../report/private-file.ts';
import { painter } from '../report/style.ts';
import type { Invocation } from './invocation.ts';

/** Returns 0 without faults, else the most telling of 5, 2, 7 and 6. Throws FatalError when `output` cannot be written. */
export async function doctor(
  flags: { readonly json?: boolean; readonly output?: string },
  { env, cwd, stdout, stop }: Invocation,
  machine: Machine = thisMachine(env),
): Promise<ExitCode> {
  const examination = await examine({ env, cwd, nowMs: Date.now(), stop, machine });
  const document = `${JSON.stringify(documentOf(examination), null, 2)}\n`;
  if (flags.output !== undefined) writePrivately(resolve(cwd, flags.output), document, '--output');
  stdout.write(flags.json ? document : renderDoctor(examination.findings, painter(stdout, env)));
  return examination.exit;
}

function documentOf({ findings, exit }: Examination) {
  const count = (level: string): number => findings.filter((one) => one.level === level).length;
  const counts = { checks: findings.length, ok: count('ok'), warnings: count('warning'), faults: count('fault') };
  return { schemaVersion: 1, runId: null, status: exit === EXIT.ok ? 'ok' : 'failed', exit, counts, findings };
}
