/** What Tab offers, asked of a real bash. */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { pipeNames } from '../src/pipe-names.ts';
import { run } from './cli-harness.ts';

let script = '';
beforeAll(async () => {
  script = (await run(['completion', 'bash'])).stdout;
});

/** The words offered after a line was typed up to its end. */
function offered(line: string): string[] {
  const words = line.split(' ');
  const typed = words.map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _retail_sync; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe('Tab in bash', () => {
  test('offers commands, and after one of them its own', () => {
    expect(offered('retail-sync st')).toEqual(['status']);
    expect(offered('retail-sync dead-letters ')).toEqual(
      expect.arrayContaining(['list', 'show', 'retry', 'discard', '--help']),
    );
  });

  test('offers the pipes, and all of them at once', () => {
    expect(offered('retail-sync sync ')).toEqual(expect.arrayContaining([...pipeNames(), 'all', '--dry-run']));
  });

  test('offers flags also behind an argument that is no command', () => {
    expect(offered('retail-sync sync products --dr')).toEqual(['--dry-run']);
    expect(offered('retail-sync dead-letters show 12 --r')).toEqual(['--raw']);
  });

  test('offers what --help of every command names', async () => {
    const { stdout } = await run(['sync', '--help']);
    const flags = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
    expect(flags.length).toBeGreaterThan(5);
    expect(offered('retail-sync sync --')).toEqual(expect.arrayContaining(flags));
  });
});

describe('the scripts for other shells', () => {
  test.each([
    ['zsh', /^#compdef retail-sync\n[\s\S]*'status:the morning screen/],
    ['fish', /complete -c retail-sync -n '__retail_sync_behind sync' -l dry-run -d /],
  ])('%s names commands and flags with what they do', async (shell, wanted) => {
    const { code, stdout } = await run(['completion', shell]);
    expect(code).toBe(0);
    expect(stdout).toMatch(wanted);
  });

  test('an unknown shell is refused with those there are', async () => {
    const { code, stderr } = await run(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bash, zsh, fish/);
  });
});
