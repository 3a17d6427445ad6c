/** A log line as a person reads it: time, level, pipe, message, then what varies. */
import { type Paint, safe } from '../report/style.ts';

const INKS: Readonly<Record<string, 'gray' | 'cyan' | 'yellow' | 'red'>> = {
  ...{ trace: 'gray', debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' },
};

export function humanLine(
  entry: { readonly time: string; readonly level: string; readonly message: string },
  fields: Readonly<Record<string, unknown>>,
  paint: Paint,
): string {
  const { pipe, runId: _, ...rest } = fields;
  const ink = INKS[entry.level] ?? 'gray';
  const head = `${paint('gray', entry.time)} ${paint(ink, safe(entry.level).padEnd(5))} ${typeof pipe === 'string' ? `${safe(pipe)}: ` : ''}`;
  const tail = Object.entries(rest).map(
    ([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  return `${head}${safe(entry.message)}${paint('gray', safe(tail.join('')))}\n`;
}
