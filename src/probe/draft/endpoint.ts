/** One address of the vendor, asked with different parameters: its answers as pages of ids. */
import { idOf } from '../../sources/erp/canonical.ts';
import { valueAt } from '../../sources/erp/row.ts';
import type { Answer, Asker } from './ask.ts';
import { rowsAt } from './body.ts';
import type { Query, Row } from './model.ts';

/** A page that came, with whatever stands around its rows. */
export interface SeenPage {
  readonly rows: readonly Row[];
  /** By the id that was guessed; a row without one stands for itself. */
  readonly ids: readonly string[];
  readonly answer: Answer;
  readonly url: URL;
}

/** Parameters and headers of a question. */
export interface Asking {
  readonly query?: Query;
  readonly headers?: Query;
}

export class Endpoint {
  readonly url: URL;
  readonly asker: Asker;
  readonly records: string | null;
  readonly id: string | null;
  /** Every row of every answer by its id: at most 40 pages. */
  readonly rows = new Map<string, Row>();
  /** Parameters that the vendor was found to know, at this address and others. */
  readonly learned: Set<string>;

  constructor(
    url: URL,
    asker: Asker,
    shape: { readonly records: string | null; readonly id: string | null; readonly learned: Set<string> },
  ) {
    this.learned = shape.learned;
    this.url = url;
    this.asker = asker;
    this.records = shape.records;
    this.id = shape.id;
  }

  /** Null: refused, unreadable, or no call is left. */
  async page({ query = {}, headers = {} }: Asking): Promise<SeenPage | null> {
    const url = new URL(this.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return this.follow(url, headers);
  }

  async follow(url: URL, headers: Query = {}): Promise<SeenPage | null> {
    const answer = await this.asker.ask(url, headers);
    const rows = answer === null ? null : rowsAt(answer.json, this.records);
    return answer === null || rows === null ? null : this.seen(answer, rows, url);
  }

  seen(answer: Answer, rows: readonly Row[], url: URL): SeenPage {
    const ids = rows.map((row) => this.idOf(row));
    for (const [at, id] of ids.entries()) this.rows.set(id, rows[at] ?? {});
    return { answer, rows, url, ids };
  }

  /** By the id that was guessed; a row without one stands for itself. */
  idOf(row: Row): string {
    return (this.id === null ? null : idOf(valueAt(row, this.id))) ?? JSON.stringify(row);
  }
}
