/** `completion`: what Tab offers, written from the commands themselves. The scripts start no process of this tool. */
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../errors.ts';
import { pipeNames } from '../pipe-names.ts';
import { clip } from '../report/style.ts';
import type { Invocation } from './invocation.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

interface Word {
  readonly word: string;
  readonly about: string;
}

/** What may follow one command: its subcommands, the choices of its arguments, and its flags. */
interface Place {
  /** The words that lead there, without the program's name. */
  readonly path: readonly string[];
  /** It has commands of its own. */
  readonly isBranch: boolean;
  readonly words: readonly Word[];
}

export async function completion(shell: Shell, program: Command, { stdout }: Invocation): Promise<ExitCode> {
  stdout.write(SCRIPTS[shell](program.name(), placesOf(program)));
  return EXIT.ok;
}

function placesOf(command: Command, path: readonly string[] = []): Place[] {
  const subcommands = command.commands.filter((sub) => sub.name() !== 'help');
  const more = (MORE[path.join(' ')] ?? []).map((word) => ({ word, about: '' }));
  const choices = command.registeredArguments.flatMap((argument) =>
    (argument.argChoices ?? (argument.name() === 'pipe' ? pipeNames() : [])).map((word) => ({
      ...{ word, about: argument.description },
    })),
  );
  const flags = [
    ...command.options,
    ...(command.parent ? command.parent.options.filter(({ long }) => long === '--json') : []),
  ]
    .filter(({ hidden, long }) => !hidden && long)
    .map(({ long, description }) => ({ word: long ?? '', about: description }));
  const words = [
    ...subcommands.map((sub) => ({ word: sub.name(), about: sub.description() })),
    ...choices,
    ...more,
    ...flags,
    { word: '--help', about: 'what it does, with examples' },
  ];
  const once = [...new Map(words.map((word) => [word.word, word])).values()];
  return [
    { path, isBranch: subcommands.length > 0, words: once },
    ...subcommands.flatMap((sub) => placesOf(sub, [...path, sub.name()])),
  ];
}

/** Words that an argument takes beside the names of pipes, by command. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  sync: ['all'],
  reconcile: ['weekly'],
  probe: ['erp', 'square', 'hubspot'],
};

/** In single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** The first clause of a description; the rest is for --help. */
const brief = (text: string): string => clip(text.split(/[;:.]\s/)[0] ?? '', 60);

/** Walks back over words that are no command, such as a file or a record, to the command they belong to. */
const bash = (name: string, places: readonly Place[]): string => `# ${name}: completion for bash
_${functionOf(name)}() {
  local current=\${COMP_WORDS[COMP_CWORD]} place="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -* ]] || place+="$word "; done
  while :; do
    case "\${place% }" in
${places.map(({ path, words }) => `      ${quoted(path.join(' '))}) words=${quoted(words.map(({ word }) => word).join(' '))}; break ;;`).join('\n')}
      *) place=\${place% }; [[ $place == *" "* ]] && place="\${place% *} " || place="" ;;
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ \${#COMPREPLY[@]} -gt 0 || $current == -* ]] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _${functionOf(name)} ${name}
`;

const zsh = (name: string, places: readonly Place[]): string => `#compdef ${name}
# ${name}: completion for zsh
_${name}() {
  local place="" word; local -a offered
  for word in \${words[2,CURRENT-1]}; do [[ $word == -* ]] || place+="$word "; done
  while true; do
    case "\${place% }" in
${places.map(({ path, words }) => `      ${quoted(path.join(' '))}) offered=(${words.map(described).join(' ')}); break ;;`).join('\n')}
      *) place=\${place% }; [[ $place == *" "* ]] && place="\${place% *} " || place="" ;;
    esac
  done
  _describe ${quoted(name)} offered || _files
}
if [ "$funcstack[1]" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;

const functionOf = (name: string): string => name.replaceAll('-', '_');
const described = ({ word, about }: Word): string => quoted(`${word.replaceAll(':', '\\:')}:${brief(about)}`);

/** A command with commands of its own is asked by its exact words; behind another anything may stand. */
const fish = (name: string, places: readonly Place[]): string => `# ${name}: completion for fish
function __${functionOf(name)}_at
  set -l words (commandline -opc | string match -v -- '-*')
  set -e words[1]
  test "$words" = "$argv"
end
function __${functionOf(name)}_behind
  set -l words (commandline -opc | string match -v -- '-*')
  set -e words[1]
  test "$words[1..$(count $argv)]" = "$argv"
end
${places.flatMap((place) => place.words.map((word) => fishLine(name, place, word))).join('\n')}
`;

function fishLine(name: string, { path, isBranch }: Place, { word, about }: Word): string {
  const when = [`__${functionOf(name)}_${isBranch ? 'at' : 'behind'}`, ...path].join(' ');
  const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${quoted(word)}`;
  return `complete -c ${name} -n ${quoted(when)} ${what} -d ${quoted(brief(about))}`;
}

const SCRIPTS: Readonly<Record<Shell, (name: string, places: readonly Place[]) => string>> = { bash, zsh, fish };
