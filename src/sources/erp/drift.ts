/** A field that a whole page of records lacks was renamed or dropped by the vendor: nobody's value is empty by accident. */
import { EXIT, FatalError } from '../../errors.ts';
import type { RowReader } from './canonical.ts';
import type { ListingPage } from './listing.ts';
import type { Resource } from './profile-schema.ts';

/** Fewer rows may lack a field by chance, however full their page. */
const ROWS_MIN = 20;
/** Fields that one sentence names. */
const NAMED_MAX = 5;

/**
 * Looks at full pages only: a few records may happen to lack a field. Throws FatalError (exit 4) naming the fields and
 * their paths; reading on would clear or leave them in HubSpot for every record, silently.
 */
export function refuseDrift(page: ListingPage, resource: Resource, rows: RowReader, what: string): void {
  if (page.rows < Math.max(resource.paging.size, ROWS_MIN)) return;
  const raws = page.placed.map(({ record }) => record.raw);
  const absent = Object.entries(resource.fields).filter(
    ([name, { path = '' }]) => !isOfChild(path, resource) && !raws.some((raw) => rows.field(raw, name) !== undefined),
  );
  if (raws.length > 0 && absent.length === 0) return;
  const fields = absent.map(([name, { path }]) =>
    path === undefined || path === name ? name : `${name} (at ${path})`,
  );
  const more = fields.length > NAMED_MAX ? ` and ${fields.length - NAMED_MAX} more` : '';
  const lacking = raws.length > 0 ? `carries ${fields.slice(0, NAMED_MAX).join(', ')}${more}` : 'has an id and a date';
  throw new FatalError(
    EXIT.gate,
    `${what}: not one of ${page.rows} records of a full page ${lacking}: the ERP has renamed or dropped it`,
    'correct the path in the ERP profile (ERP_PROFILE), or remove the field from it if the ERP no longer has it',
    { code: 'drift.field-absent' },
  );
}

/** Rows of another resource are put in later. */
const isOfChild = (path: string, { children = {} }: Resource): boolean =>
  Object.hasOwn(children, path.split('.', 1)[0] ?? '');
