import { describeConfig, loadConfig, type Setting } from '../config.ts';
import { safe, visibleWidth } from '../report/style.ts';

/**
 * `config show`: every variable, its value (secrets as a mark only) and where it comes from. Throws FatalError (exit 2)
 * with all faults when the configuration has any.
 */
export function configShow(input: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly json: boolean;
}): string {
  const settings = describeConfig(loadConfig({ ...input, needs: [] }));
  return input.json ? `${JSON.stringify(documentOf(settings), null, 2)}\n` : table(settings);
}

const documentOf = (settings: readonly Setting[]) => ({
  schemaVersion: 1,
  runId: null,
  status: 'ok',
  counts: { settings: settings.length, set: settings.filter(({ origin }) => origin !== 'default').length },
  settings,
});

function table(settings: readonly Setting[]): string {
  const rows = [
    ['variable', 'origin', 'value'],
    ...settings.map(({ name, value, origin }) => [name, origin, value === '' ? '-' : safe(value)]),
  ];
  const width = (column: number): number => Math.max(...rows.map((row) => visibleWidth(row[column] ?? '')));
  const [first, second] = [width(0), width(1)];
  return rows
    .map(([name = '', origin = '', value = '']) => `${name.padEnd(first)}  ${origin.padEnd(second)}  ${value}\n`)
    .join('');
}
