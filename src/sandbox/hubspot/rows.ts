/**
 * One row of a write, and the rule of batches: an invalid row refuses all of them, unless every row carries its own
 * `objectWriteTraceId`; then the valid ones are written and the others reported.
 * Source: developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide (multi-status errors of batch create)
 */
import type { VendorReply } from '../http.ts';
import { type BatchAction, batchReply, batchStatus } from './answers.ts';
import type { Checked } from './checks.ts';
import { conflict, Refusal, valuesBody } from './errors.ts';
import { textOf } from './json.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import { present, shownNames } from './present.ts';
import type { ObjectRecord } from './store.ts';
import { type Call, type RowError, shuffled, type World } from './world.ts';

export interface Row extends Checked {
  readonly traceId: string | null;
  /** The record to change; null to create one. */
  readonly target: ObjectRecord | null;
  /** The row names a record that does not exist. */
  readonly missingId: string | null;
}

/** Every row has a trace id of its own. */
function fullyTraced(rows: readonly Row[]): boolean {
  const ids = new Set(rows.map((row) => row.traceId));
  return ids.size === rows.length && !ids.has(null);
}

export const traceIdOf = (input: Readonly<Record<string, unknown>>): string | null =>
  textOf(input.objectWriteTraceId) || null;

/**
 * Writes the rows of a batch, or none of them.
 * @param commit writes one row and returns its record. @throws Refusal 400 or 409 for the whole batch.
 */
export function settleBatch(
  world: World,
  call: Call,
  object: ObjectName,
  action: Exclude<BatchAction, 'read'>,
  rows: readonly Row[],
  commit: (row: Row) => ObjectRecord,
): VendorReply {
  const startedAtMs = world.now();
  const traced = fullyTraced(rows);
  const errors = rowErrors(world, rows, traced);
  const valid = rows.filter((row) => row.problems.length === 0 && row.missingId === null);
  const clashing = findClashes(world, object, valid);
  const [first] = clashing.values();
  if (first && !(traced && world.switches.conflictAs207)) throw first;
  world.locks.check(object, valid.length, world.switches.lock423AfterWrites, world.now());
  for (const [row, refusal] of clashing) {
    errors.push({ status: 'error', category: 'CONFLICT', message: refusal.message, context: traceContext(row) });
  }
  const results = valid
    .filter((row) => !clashing.has(row))
    .map((row) => shownWrite(world, object, action, row, commit(row)));
  const status = batchStatus(world, call.route.version, action, errors.length > 0);
  return batchReply(world, status, startedAtMs, shuffled(results, world.random), errors);
}

function rowErrors(world: World, rows: readonly Row[], traced: boolean): RowError[] {
  const bad = rows.filter((row) => row.problems.length > 0);
  const problems = bad.flatMap((row) => row.problems);
  const unknown = problems.some((problem) => problem.code === 'PROPERTY_DOESNT_EXIST');
  if (bad.length > 0 && (!traced || (unknown && world.switches.unknownPropertyRefusesBatch))) {
    throw new Refusal(400, valuesBody(problems, world.portal.id));
  }
  const errors: RowError[] = bad.map((row) => {
    const { message, errors: details = [] } = valuesBody(row.problems, world.portal.id);
    return { status: 'error', category: 'VALIDATION_ERROR', message, context: traceContext(row), errors: details };
  });
  for (const row of rows) if (row.missingId !== null) errors.push(missingRow(row, row.missingId));
  return errors;
}

const missingRow = (row: Row, id: string): RowError => ({
  status: 'error',
  category: 'OBJECT_NOT_FOUND',
  message: 'Could not get some objects, they may be deleted or not exist. Check that ids are valid.',
  context: { ids: [id], ...traceContext(row) },
});

const traceContext = (row: Row): Readonly<Record<string, readonly string[]>> =>
  row.traceId === null ? {} : { objectWriteTraceId: [row.traceId] };

/** Rows that claim a unique value of another record, or one that an earlier row of the batch claims. */
export function findClashes(world: World, object: ObjectName, rows: readonly Row[]): ReadonlyMap<Row, Refusal> {
  const clashes = new Map<Row, Refusal>();
  const { keys } = world.store;
  for (const property of world.schema.uniqueNames(object)) {
    const claimed = new Map<string, Row>();
    for (const row of rows) {
      for (const value of keys.claims(object, property, row.changes)) {
        const holder = keys.holder(object, property, value) ?? refusingArchive(world, object, property, value);
        const taken = holder !== undefined && holder !== row.target?.id;
        const repeated = claimed.has(value) && claimed.get(value) !== row;
        if (taken || repeated) clashes.set(row, clash(object, property, holder));
        else claimed.set(value, row);
      }
    }
  }
  return clashes;
}

function refusingArchive(world: World, object: ObjectName, property: string, value: string): string | undefined {
  return world.switches.archivedKey === 'conflict'
    ? world.store.keys.archivedHolder(object, property, value)
    : undefined;
}

function clash(object: ObjectName, property: string, holder: string | undefined): Refusal {
  const existing = holder === undefined ? 'another input' : `Existing ID: ${holder}`;
  const label = KINDS[object].singularLabel;
  return conflict(`${label} already exists. ${existing}`, {
    errors: [
      {
        message: `${property} must be unique`,
        code: 'CONFLICTING_UNIQUE_VALUE',
        context: { propertyName: [property] },
      },
    ],
  });
}

/** A written row: what was written, ids and times. @param record as committed. */
function shownWrite(world: World, object: ObjectName, action: BatchAction, row: Row, record: ObjectRecord): unknown {
  const names = shownNames(world, object, Object.keys(row.changes));
  return {
    ...present(world, record, record, names),
    ...(action === 'upsert' ? { new: row.target === null } : {}),
    ...(row.traceId !== null && world.switches.echoTraceId ? { objectWriteTraceId: row.traceId } : {}),
    ...(row.warnings.length > 0 ? { warnings: row.warnings } : {}),
  };
}

/** Creates the record of a row through the API, with what HubSpot sets by itself. */
export function createFromRow(
  world: World,
  call: Call,
  object: ObjectName,
  changes: Record<string, string>,
): ObjectRecord {
  const own = { ...changes };
  if (object === 'contacts') {
    const marketing = world.switches.marketableToggle;
    own.hs_marketable_status = String(marketing);
    if (marketing) own.hs_marketable_reason_type = 'INTEGRATION_SYNC';
  }
  if (object === 'deals') own.pipeline ||= 'default';
  if (object === 'line_items') copyFromProduct(world, own);
  return world.store.create(object, own, call.request.number);
}

/** A line item takes the product's name and price where it has none of its own. */
function copyFromProduct(world: World, own: Record<string, string>): void {
  const product = world.store.findLive('products', own.hs_product_id ?? '');
  for (const name of ['name', 'price']) {
    const value = product?.properties[name];
    if (value !== undefined && !own[name]) own[name] = value;
  }
}
