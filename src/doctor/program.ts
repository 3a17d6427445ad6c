/** The program's own files and how Node was told to run it: what others can write, a scheduled job runs as this user. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Finding, fine, warning } from './finding.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Folders whose files are run; whoever may write into one may put a file there. */
const PARTS = ['.', 'bin', 'src', 'jobs', 'mappers', 'node_modules', 'package.json', 'bin/retail-sync.js'];
/** Of Node: write memory, with every token in it, to disk, or open it to a debugger. */
const REVEALING =
  /--(heapsnapshot|heap-prof|diagnostic-dir|report-|inspect|abort-on-uncaught|trace-tls|tls-keylog)[\w-]*/;

export function programFindings(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[] = process.execArgv,
  root: string = ROOT,
): Finding[] {
  return [ownFiles(root), revealing([env.NODE_OPTIONS ?? '', ...execArgv].join(' '))];
}

function ownFiles(root: string): Finding {
  const own = process.getuid?.() ?? 0;
  const open = PARTS.filter((part) => {
    const stat = lstatSync(join(root, part), { throwIfNoEntry: false });
    return stat !== undefined && !stat.isSymbolicLink() && ((stat.mode & 0o022) !== 0 || ![0, own].includes(stat.uid));
  });
  if (open.length === 0) return fine('files', 'program', 'only this user may change it');
  const result = `others may change ${open.map((part) => (part === '.' ? root : part)).join(', ')}`;
  const meaning = 'a scheduled job runs whatever they write there';
  return warning('files', 'program', result, `chmod -R go-w ${root}, owned by you or root`, meaning);
}

function revealing(options: string): Finding {
  const found = REVEALING.exec(options)?.[0];
  if (found === undefined) return fine('runtime', 'node options', 'none that write memory down or open it');
  const meaning = 'memory holds the tokens and what was read';
  return warning('runtime', 'node options', `${found} is set`, 'leave it out where real tokens are used', meaning);
}
