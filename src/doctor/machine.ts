/** This machine: its runtime, its files and its clock. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../bytes.ts';
import { asError, EXIT, FatalError } from '../errors.ts';
import { databasePath } from '../state/database.ts';
import { judgeFolder } from '../state/folder.ts';
import { generationPath } from '../state/generation.ts';
import { type Finding, failed, fault, fine, warning } from './finding.ts';
import { versionFindings } from './versions.ts';

/** Node runs TypeScript without a flag since then (nodejs.org/api/typescript.html). */
const NODE_MIN = [22, 18] as const;

export function runtimeFindings(): Finding[] {
  return [...versionFindings(), ...nodeFindings()];
}

function nodeFindings(): Finding[] {
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

/** `secretFiles`: the ones that `NAME_FILE` variables name. */
export function fileFindings(cwd: string, stateDir: string, secretFiles: readonly string[]): Finding[] {
  const findings: Finding[] = secretFiles
    .filter((path) => existsSync(path))
    .map((path) => modeFinding(dirname(path), basename(path)));
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
  return warning('files', label, shown, command, 'other users of this machine could read it');
}

function diskFindings(stateDir: string): Finding[] {
  try {
    const { refusal, warnings, freeBytes } = judgeFolder(stateDir);
    if (refusal) return [fault('files', 'disk', refusal.message, refusal.hint, EXIT.usage)];
    if (warnings.length > 0) return warnings.map((sentence) => warning('files', 'disk', sentence, null));
    return [fine('files', 'disk', freeBytes === null ? 'local' : `local, ${sizeOf(freeBytes)} free`)];
  } catch (thrown) {
    const known = thrown instanceof FatalError ? thrown : asError(thrown);
    return [failed('files', 'disk', known, EXIT.usage)];
  }
}

const SKEW_MS_MAX = 60_000;

/** `skews`: this clock less each vendor's, by the vendor's name; those that told no time are not in it. */
export function clockFindings(skews: ReadonlyMap<string, number>): Finding[] {
  return [localClock(skews), zoneFinding(), machineZone()];
}

function localClock(skews: ReadonlyMap<string, number>): Finding {
  if (skews.size === 0) {
    return warning('clock', 'local clock', 'could not be compared: no vendor told the time', null);
  }
  const far = [...skews].filter(([, skewMs]) => Math.abs(skewMs) > SKEW_MS_MAX);
  const seconds = (skewMs: number): number => Math.round(Math.abs(skewMs) / 1000);
  if (far.length === 0) {
    const most = Math.max(1, ...[...skews.values()].map(seconds));
    return fine('clock', 'local clock', `within ${most} s of the clocks of ${[...skews.keys()].join(', ')}`);
  }
  const told = far.map(([name, skewMs]) => `${seconds(skewMs)} s ${skewMs > 0 ? 'ahead of' : 'behind'} ${name}'s`);
  const isOurs = far.length === skews.size;
  return warning(
    'clock',
    'local clock',
    `is ${told.join(', ')}`,
    isOurs ? 'switch on time synchronisation of this machine' : `ask whoever runs ${far[0]?.[0]} to set its clock`,
    isOurs
      ? 'schedules and ages are wrong by that; cursors follow the vendors and lose nothing'
      : 'cursors follow that clock and lose nothing, but records may seem to come from the future',
  );
}

function machineZone(): Finding {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return fine('clock', 'machine zone', `${zone}; jobs run by America/Chicago whatever it is`);
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
