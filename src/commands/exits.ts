import { EXIT, type ExitCode } from '../errors.ts';

/** The first of these that occurred in any pipe is the exit code of the whole command. */
const WORST_FIRST: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.terminated,
  EXIT.internal,
  EXIT.access,
  EXIT.gate,
  EXIT.hubspot,
  EXIT.source,
  EXIT.usage,
  EXIT.deadLetters,
];

/** The exit code of a command that ran several pipes. */
export const worstOf = (exits: readonly ExitCode[]): ExitCode =>
  WORST_FIRST.find((code) => exits.includes(code)) ?? EXIT.ok;
