/** This machine: its runtime, its files and its clock. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asError, EXIT, FatalError } from '../errors.ts';
import { databasePath } from '../state/database.ts';
import { judgeFolder, megabytes } from '../state/folder.ts';
import { generationPath } from '../state/generation.ts';
import { type Finding, failed, fault, fine, warning } from './finding.ts';

/** Node runs TypeScript without a flag since then (nodejs.org/api/typescript.html). */
const NODE_MIN = [22, 18] as const;

export function runtimeFindings(): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  const node = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  const locked = fileURLToPath(new URL(`../../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url));
  return [
    isNew
      ? fine('runtime', 'node', node)
      : fault('runtime', 'node', `${node} is too old`, `install Node ${NODE_MIN.join('.')} or newer`, EXIT.usage),
    existsSync(locked)
      ? fine('runtime', 'locked runtime', 'installed with the packages: an older Node on this machine does no harm')
      : fine('runtime', 'locked runtime', 'none for this platform: the Node above is used'),
  ];
}

export function fileFindings(cwd: string, stateDir: string): Finding[] {
  const findings: Finding[] = [];
  const dotenv = statSync(join(cwd, '.env'), { throwIfNoEntry: false });
  if (!dotenv) findings.push(fine('files', '.env', 'not there: variables come from the environment'));
  else findings.push(modeFinding(cwd, '.env'));
  if (!existsSync(stateDir)) {
    return [...findings, fine('files', 'state folder', `${stateDir} is not there yet: the first sync makes it`)];
  }
  findings.push(modeFinding(stateDir, '.'));
  for (const path of [databasePath(stateDir), generationPath(stateDir)]) {
    if (existsSync(path)) findings.push(modeFinding(stateDir, path.slice(stateDir.length + 1)));
  }
  return [...findings, ...diskFindings(stateDir)];
}

function modeFinding(folder: string, name: string): Finding {
  const path = name === '.' ? folder : join(folder, name);
  const mode = statSync(path).mode & 0o777;
  const label = name === '.' ? 'state folder' : name;
  const shown = `${path} has mode ${mode.toString(8).padStart(3, '0')}`;
  if ((mode & 0o077) === 0) return fine('files', label, shown);
  const command = `chmod ${name === '.' ? '700' : '600'} ${path}`;
  return warning('files', label, `${shown}: other users of this machine could read it`, command);
}

function diskFindings(stateDir: string): Finding[] {
  try {
    const { refusal, warnings, freeBytes } = judgeFolder(stateDir);
    if (refusal) return [fault('files', 'disk', refusal.message, refusal.hint, EXIT.usage)];
    if (warnings.length > 0) return warnings.map((sentence) => warning('files', 'disk', sentence, null));
    return [fine('files', 'disk', freeBytes === null ? 'local' : `local, ${megabytes(freeBytes)} free`)];
  } catch (thrown) {
    const known = thrown instanceof FatalError ? thrown : asError(thrown);
    return [failed('files', 'disk', known, EXIT.usage)];
  }
}

const SKEW_MS_MAX = 60_000;

/** `skewMs`: this clock less HubSpot's; null when HubSpot told no time. */
export function clockFindings(skewMs: number | null): Finding[] {
  const seconds = Math.round(Math.abs(skewMs ?? 0) / 1000);
  const clock =
    skewMs === null
      ? warning('clock', 'local clock', 'could not be compared: HubSpot told no time', null)
      : Math.abs(skewMs) > SKEW_MS_MAX
        ? warning(
            'clock',
            'local clock',
            `is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} HubSpot's: schedules and ages are wrong by that`,
            'switch on time synchronisation of this machine',
          )
        : fine('clock', 'local clock', `within ${Math.max(1, seconds)} s of HubSpot's`);
  return [clock, zoneFinding()];
}

/** 12:00 UTC on 1 July is 7:00 in Chicago for whoever knows its summer time. */
function zoneFinding(): Finding {
  try {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Chicago', hour: '2-digit', hour12: false });
    if (format.format(Date.UTC(2026, 6, 1, 12)) === '07') {
      return fine('clock', 'time zone', 'America/Chicago is known, with its summer time');
    }
  } catch {
    // falls through: this Node was built without the zones
  }
  return fault(
    'clock',
    'time zone',
    'this Node does not know America/Chicago',
    'use a Node with full ICU (nodejs.org builds have it)',
    EXIT.usage,
  );
}
