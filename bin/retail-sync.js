#!/usr/bin/env node
// Plain JavaScript that Node 12 can parse: the sources are TypeScript and need a Node that runs them.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
/** Set for a run that this file started on the locked runtime: it dies with its parent. */
const MARK = 'RETAIL_SYNC_RERUN';

/** Types are stripped without a flag since 22.18 and 23.6 (nodejs.org/api/typescript.html). */
function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/** Node 22 and early 24 call type stripping an experiment on every start. Other warnings stay. */
function quietTypeStripping() {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith('Type Stripping')) emitWarning.call(process, warning, ...rest);
  };
}

/**
 * Ctrl-C reaches parent and child alike, `kill` only the parent. So the parent tells which signal it got, and the
 * child raises it unless it got the same one within a second. A parent killed with -9 takes the child with it: a run
 * that nobody watches must not keep the lock.
 */
function followParent() {
  delete process.env[MARK];
  const heardAt = {};
  for (const signal of Object.keys(SIGNALS)) {
    process.on(signal, () => {
      heardAt[signal] = Date.now();
      if (process.listenerCount(signal) === 1) process.exit(128 + SIGNALS[signal]);
    });
  }
  process.on('message', (signal) => {
    const raise = () => Date.now() - (heardAt[signal] || 0) > 1000 && process.kill(process.pid, signal);
    setTimeout(raise, 50);
  });
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

/** The same command on the runtime that `npm ci` installed beside this file. */
async function rerun(node) {
  const { spawn } = await import('node:child_process');
  const args = process.execArgv.concat(fileURLToPath(import.meta.url), process.argv.slice(2));
  const env = Object.assign({}, process.env, { [MARK]: '1' });
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env });
  for (const signal of Object.keys(SIGNALS)) process.on(signal, () => child.connected && child.send(signal));
  child.on('error', (error) => refuse(`${node} does not start (${error.code}).`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/**
 * A third of the memory for a fifth more work: what a run allocates is short-lived, and V8 would rather let the heap grow
 * than clean up. `--optimize-for-size` saves as much and doubles the work: it keeps hot code from being compiled. The
 * compiled sources are kept in the user's own cache, so that only the first start strips their types.
 */
function startLean() {
  for (const flag of ['--semi-space-growth-factor=1', '--heap-growing-percent=20']) setFlagsFromString(flag);
  const caches = process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache'];
  if (module.enableCompileCache) module.enableCompileCache(join(homedir(), ...caches, 'retail-sync'));
}

/**
 * Less to find and to read: a relative import of ours names the very file, so there is nothing to search for; and of
 * zod's languages, a file each, only English is ever shown. `test/start.test.ts` notices when zod files them elsewhere.
 */
function resolveQuickly() {
  if (!module.registerHooks) return;
  const ours = new URL('../', import.meta.url).href;
  // What people write themselves is left to Node, which says of a misspelt import who asks for it.
  const isOurs = (parent) =>
    parent.startsWith(ours) && !/^(?:node_modules|jobs|mappers)\//.test(parent.slice(ours.length));
  module.registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL || '';
      if (specifier.startsWith('.') && specifier.endsWith('.ts') && isOurs(parent)) {
        return { url: new URL(specifier, parent).href, format: 'module-typescript', shortCircuit: true };
      }
      return next(parent.endsWith('/zod/v4/locales/index.js') ? './en.js' : specifier, context);
    },
  });
}

function refuse(cause) {
  process.stderr.write(`${cause} Install Node 22.18 or newer, or on Linux run \`npm ci\`, which brings its own.\n`);
  process.exit(2);
}

const locked = fileURLToPath(new URL(`../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url));
if (runsTypeScript(process.versions.node)) {
  if (process.env[MARK] && process.channel) followParent();
  quietTypeStripping();
  startLean();
  resolveQuickly();
  import('../src/cli.ts');
} else if (process.platform === 'linux' && existsSync(locked) && !process.env[MARK]) {
  rerun(locked);
} else {
  refuse(`retail-sync needs Node 22.18 or newer; this is ${process.versions.node}.`);
}
