/** A script of curl lines: all of them, or those whose numbers it is given. */
import type { Reported } from './archive-files.ts';
import type { ShownCall } from './calls.ts';
import { type SignIn, scriptLine, shellWord } from './request.ts';
import { reference, type Secrets, type Variable } from './secrets.ts';

const ASKED: Readonly<Record<Variable, string>> = {
  ERP_TOKEN: 'the token to call with',
  ERP_USER: 'the user, or client id, to call as',
  ERP_PASSWORD: 'the password, or client secret',
  ERP_SESSION: 'what the sign-in answered',
};

export function repeatScript(calls: readonly ShownCall[], reported: readonly Reported[], secrets: Secrets): string {
  const kept = calls.filter(({ isKept }) => isKept);
  const signIns = kept.filter(({ request }) => request.signIn !== null);
  const listed = kept.filter(({ request }) => request.signIn === null);
  return `${[
    ...HEAD,
    ...secrets.names.map((name) => `: "\${${name}:?is not set: ${ASKED[name]}}"`),
    ...WANTED,
    ...signIns.slice(0, 1).flatMap(({ request }) => signInLines(scriptLine(request, []), request.signIn)),
    ...listed.flatMap((call) => callLines(call, reported)),
  ].join('\n')}\n`;
}

const HEAD = [
  '#!/bin/sh',
  '# Repeats the calls of this archive with curl. They only read.',
  '#   sh repeat.sh            all of them',
  '#   sh repeat.sh 021 022    only these',
  '# Answers go to repeated/NNN.json as they come: not masked, so keep them where they belong.',
  'set -eu',
  'umask 077',
];

const WANTED = [
  'mkdir -p repeated',
  'wanted() {',
  '  [ -z "$all" ] || return 0',
  '  case " $numbers " in *" $1 "*) return 0 ;; esac',
  '  return 1',
  '}',
  '# A text as it stands within JSON.',
  `json() { printf '%s' "$1" | sed 's/[\\\\"]/\\\\&/g'; }`,
  'all=; [ $# -gt 0 ] || all=yes',
  'numbers=" $* "',
  '',
];

function signInLines(curl: string, signIn: SignIn | null): string[] {
  if (signIn === null) return [];
  const session = (filter: string): string[] => ['# Sign in first.', `ERP_SESSION=$(${curl} | ${filter})`, ''];
  if (signIn.kind === 'cookie') return ['# Sign in first.', `${curl} -c cookies.txt -o /dev/null`, ''];
  if (signIn.kind === 'field')
    return session(`sed -n ${shellWord(`s/.*"${signIn.name}" *: *"\\{0,1\\}\\([^",}]*\\).*/\\1/p`)}`);
  if (signIn.kind === 'tryton')
    return [
      '# Sign in first: the session is user:id:key in base64, of the two values of the result.',
      `pair=$(${curl} | sed -n ${shellWord('s/.*\\[ *\\([0-9]*\\), *"\\([^"]*\\)".*/\\1:\\2/p')})`,
      `ERP_SESSION=$(printf '%s' ${shellWord(`${reference('ERP_USER')}:`).replace(/"$/, '$pair"')} | base64 | tr -d '\\n')`,
      '',
    ];
  return [`: "\${ERP_SESSION:?is not set: sign in as your interface is told to, and set what it answered}"`, ''];
}

function callLines({ request, status, ms, rows }: ShownCall, reported: readonly Reported[]): string[] {
  const number = String(request.call).padStart(3, '0');
  const shows = reported.filter(({ calls }) => calls.includes(request.call)).map(({ kind }) => kind);
  const answered =
    status === null ? 'no answer' : `${status}, ${rows === null ? '' : `${rows} rows, `}${Math.round(ms ?? 0)} ms`;
  const options = ['-o', `repeated/${number}.json`, '-w', `'${number} %{http_code} %{time_total} s\\n'`];
  return [
    `# ${number}: ${answered}${shows.length > 0 ? `; ${[...new Set(shows)].join(', ')}` : ''}`,
    ...(request.isWhole
      ? []
      : ["# A part of this call was removed since it is somebody's data: put it in before you run it."]),
    `if wanted ${number}; then`,
    `  ${scriptLine(request, options)}`,
    'fi',
    '',
  ];
}
