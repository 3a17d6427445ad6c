/** What vendors call the parameter that asks for what changed since. */

const NAMES = [
  ...['modifiedSince', 'updated_since', 'modified_since', 'updatedSince', 'since', 'updated_after', 'changedSince'],
  ...['modifiedAfter', 'modified_after', 'updatedAfter', 'changed_since', 'updated_at_min', 'lastModifiedFrom'],
  ...['modifiedFrom', 'updatedFrom', 'updated_from', 'from_date', 'fromDate', 'last_modified_after', 'dateFrom'],
  ...['min_updated_at', 'start_date', 'if_modified_since', 'lastModifiedSince', 'filter[updatedSince]'],
];

/** Names in use, and those made of the name of the date itself, which stands at `path`. */
export function namesInUse(path: string): string[] {
  const own = path.replace(/^.*\./, '');
  return [...new Set([...NAMES, ...['Since', '_since', '_after', '_gte', '[gte]', '_from'].map((end) => own + end)])];
}
