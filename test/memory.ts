/** Both ends of a pipe in memory: real implementations of the interfaces, small enough to be read in one go. */
import { z } from 'zod';
import type {
  KeyedObject,
  LinkOutcome,
  LinkWrite,
  Mapping,
  Outcome,
  Page,
  Partition,
  Since,
  Sink,
  Source,
  SourceRecord,
  Write,
} from '../src/pipe.ts';

export interface Row {
  readonly id: string;
  readonly modifiedAt: string;
  readonly name: string;
  readonly kind?: string;
}

export const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

/** A source over rows that tests change between and during runs. */
export class MemorySource implements Source {
  rows: Row[];
  pageSize = 3;
  asOf: string;
  /** Called before each page is served, with the number of the page. */
  beforePage: (page: number) => void = () => undefined;
  /** How a listing is ordered; by change unless a test says otherwise. */
  order: (rows: Row[]) => Row[] = (rows) =>
    rows.toSorted((a, b) => (a.modifiedAt + a.id < b.modifiedAt + b.id ? -1 : 1));
  sorted = true;
  total: ((rows: Row[]) => number | undefined) | null = (rows) => rows.length;
  reads = 0;

  constructor(rows: Row[], asOf: string) {
    this.rows = rows;
    this.asOf = asOf;
  }

  async *partitions(): AsyncIterable<Partition> {
    yield { key: 'all', label: 'all rows', filter: {} };
  }

  split(): readonly Partition[] {
    return [];
  }

  canonical(raw: unknown): unknown {
    return raw;
  }

  async get(ids: readonly string[]): Promise<readonly SourceRecord[]> {
    return this.rows.filter((row) => ids.includes(row.id)).map(toRecord);
  }

  async *pages(_partition: Partition, since: Since): AsyncIterable<Page> {
    for (let page = 0; ; page++) {
      this.beforePage(page);
      this.reads++;
      const rows = this.order(this.rows.filter((row) => since.kind === 'everything' || row.modifiedAt >= since.from));
      const slice = rows.slice(page * this.pageSize, (page + 1) * this.pageSize);
      const total = this.total?.(rows);
      yield {
        records: slice.map(toRecord),
        rejected: [],
        asOf: this.asOf,
        sorted: this.sorted,
        next: (page + 1) * this.pageSize < rows.length ? String(page + 1) : null,
        ...(total === undefined ? {} : { total }),
      };
      if ((page + 1) * this.pageSize >= rows.length) return;
    }
  }
}

const toRecord = (row: Row): SourceRecord => ({
  id: row.id,
  entities: [row.id],
  modifiedAt: row.modifiedAt,
  raw: row,
});

/** A HubSpot of one Map. `answer` lets a test decide what becomes of a write; the default applies it. */
export class MemorySink implements Sink {
  readonly batchSize = 4;
  readonly concurrency = 2;
  readonly objects = new Map<string, Readonly<Record<string, string>>>();
  readonly requests: (readonly Write[])[] = [];
  answer: (write: Write, apply: () => Outcome) => Outcome = (_write, apply) => apply();

  async write(writes: readonly Write[]): Promise<ReadonlyMap<string, Outcome>> {
    this.requests.push(writes);
    await Promise.resolve();
    return new Map(writes.map((write) => [write.key, this.answer(write, () => this.#apply(write))]));
  }

  /** Links by both ids and label. */
  readonly links = new Set<string>();

  async read(_object: string, ids: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    const found = [...this.objects].map(([name, properties]) => [`hs-${name.split(' ')[1]}`, properties] as const);
    return new Map(found.filter(([id]) => ids.includes(id)));
  }

  async update(
    object: string,
    updates: readonly { readonly id: string; readonly properties: Readonly<Record<string, string>> }[],
  ): Promise<ReadonlyMap<string, Outcome>> {
    return new Map(
      updates.map(({ id, properties }) => {
        const name = `${object} ${id.slice('hs-'.length)}`;
        this.objects.set(name, { ...this.objects.get(name), ...properties });
        return [id, { kind: 'written', hubspotId: id, created: false, ambiguous: false }];
      }),
    );
  }

  async *keyed(object: string): AsyncIterable<readonly KeyedObject[]> {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(`${object} `));
    yield names.map((name) => name.slice(object.length + 1)).map((key) => ({ key, hubspotId: `hs-${key}` }));
  }

  async link(links: readonly LinkWrite[]): Promise<readonly LinkOutcome[]> {
    for (const link of links) this.links.add(linkName(link));
    return links.map(() => ({ kind: 'done' }));
  }

  async unlink(links: readonly LinkWrite[]): Promise<readonly LinkOutcome[]> {
    for (const link of links) this.links.delete(linkName(link));
    return links.map(() => ({ kind: 'done' }));
  }

  #apply(write: Write): Outcome {
    const name = `${write.object} ${write.key}`;
    const created = !this.objects.has(name);
    this.objects.set(name, { ...this.objects.get(name), ...write.properties });
    return { kind: 'written', hubspotId: `hs-${write.key}`, created, ambiguous: false };
  }

  get writes(): number {
    return this.requests.reduce((sum, request) => sum + request.length, 0);
  }
}

const linkName = ({ from, to, label }: LinkWrite): string => `${from.hubspotId} ${label} ${to.hubspotId}`;

const RowSchema = z.object({ id: z.string(), modifiedAt: z.string(), name: z.string(), kind: z.string().optional() });

/** Kinds 'retail' and 'left' are out of scope, 'left' with a farewell; 'gone' is excluded by the mapping with a farewell, 'bad' names are invalid. */
export const rowMapping: Mapping<z.infer<typeof RowSchema>> = {
  schema: RowSchema,
  scope: ({ kind }) =>
    kind === 'retail' || kind === 'left' ? { in: false, rule: kind, farewell: kind === 'left' } : { in: true },
  properties: [
    { object: 'products', name: 'erp_product_id', label: 'Id', type: 'string', owner: 'source', unique: true },
    { object: 'products', name: 'name', label: 'Name', type: 'string', owner: 'source' },
    { object: 'products', name: 'status', label: 'Status', type: 'string', owner: 'source' },
  ],
  map: ([row]) => {
    if (!row || row.name === 'bad') return { kind: 'invalid', issues: [{ path: 'name', message: 'is bad' }] };
    const left = row.kind === 'gone' || row.kind === 'left' ? row.kind : null;
    const status = left ?? 'live';
    const upsert = { object: 'products', key: row.id, properties: { name: row.name, status } } as const;
    if (left !== null) return { kind: 'excluded', rule: left, farewell: [upsert] };
    return { kind: 'upserts', upserts: [upsert] };
  },
};
