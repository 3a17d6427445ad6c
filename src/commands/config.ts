import { describeConfig, loadConfig, type Setting } from '../config.ts';
import { safe, visibleWidth } from '../report/style.ts';

/** One property that the source does not decide at each change. */
export interface FieldOwner {
  readonly pipe: string;
  readonly object: string;
  readonly property: string;
  readonly owner: 'create-only' | 'crm';
}

/**
 * `config show`: every variable, its value (secrets as a mark only) and where it comes from. Throws FatalError (exit 2)
 * with all faults when the configuration has any.
 */
export function configShow(input: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly json: boolean;
  /** What is not decided by the source; left away, nothing is said of it. */
  readonly fields?: (stageOwner: 'erp' | 'crm') => readonly FieldOwner[];
}): string {
  const config = loadConfig({ ...input, needs: [] });
  const settings = describeConfig(config);
  const fields = input.fields?.(config.quoteStageOwner) ?? [];
  if (input.json) return `${JSON.stringify({ ...documentOf(settings), fields }, null, 2)}\n`;
  return `${table(settings)}${fields.length > 0 ? owners(fields) : ''}`;
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

const OWNERS = { 'create-only': 'the source, at creation only', crm: 'people in HubSpot' } as const;

function owners(fields: readonly FieldOwner[]): string {
  const lines = fields.map(
    ({ pipe, object, property, owner }) =>
      `  ${pipe.padEnd(11)} ${`${object}.${property}`.padEnd(28)} ${OWNERS[owner]}\n`,
  );
  return `\nfields: the source decides at each change, but for\n${lines.join('')}`;
}
