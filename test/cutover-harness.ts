/** An ERP with staging and production on loopback, a state with some of staging in it, and a clock that tests turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../src/config.ts';
import {
  type Answer,
  type CutoverJob,
  considerFlip,
  erpJobs,
  type ShadowReader,
  shadowReader,
} from '../src/cutover.ts';
import { ERP_SANDBOX_TOKEN, type ErpOptions, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import { type ErpWorld, generateErp } from '../src/sandbox/world.ts';
import { loadProfile } from '../src/sources/erp/profile.ts';
import { restSource } from '../src/sources/erp/rest.ts';
import { type Db, openDatabase } from '../src/state/database.ts';
import { openStream } from '../src/state/runs.ts';
import { instanceOf, type Systems } from '../src/systems.ts';

export const HOUR_MS = 3_600_000;
const AS_OF_MS = Date.parse('2026-11-20T12:00:00.000Z');
const NEVER = new AbortController().signal;

export const world: ErpWorld = generateErp({ seed: 7, asOfMs: AS_OF_MS, scale: 0.02 });

/** One shop before its cut-over. */
export class Shop {
  readonly erp: ErpSandbox;
  readonly env: Record<string, string>;
  readonly db: Db;
  readonly jobs: readonly CutoverJob[];
  readonly cwd: string;
  nowMs = AS_OF_MS + HOUR_MS;

  private constructor(erp: ErpSandbox, jobs: readonly CutoverJob[]) {
    this.erp = erp;
    this.jobs = jobs;
    this.cwd = mkdtempSync(join(tmpdir(), 'retail-sync-cutover-'));
    this.env = {
      HUBSPOT_TOKEN: 'token',
      HUBSPOT_PORTAL_ID: '1',
      ERP_STAGING_URL: erp.stagingUrl,
      ERP_PRODUCTION_URL: erp.productionUrl,
      ERP_TOKEN: ERP_SANDBOX_TOKEN,
      RETAIL_SYNC_STATE_DIR: this.cwd,
      XDG_STATE_HOME: this.cwd,
    };
    this.db = openDatabase(this.cwd, { environment: 'sandbox', portalId: '1' });
  }

  static async open(options: Partial<ErpOptions> = {}): Promise<Shop> {
    const erp = await startErp({ world, timeScale: 0, now: () => AS_OF_MS, production: 'live', ...options });
    return new Shop(erp, await erpJobs());
  }

  get config(): Config<'hubspot' | 'erp'> {
    return loadConfig({ env: this.env, cwd: this.cwd, needs: ['hubspot', 'erp'] });
  }

  job(pipe: string): CutoverJob {
    const found = this.jobs.find((job) => job.pipe === pipe);
    if (!found) throw new Error(`no ERP pipe ${pipe}`);
    return found;
  }

  /** Looks through the pipe's own source; only its pauses take no time. */
  readonly reader = (job: CutoverJob, config: Config<'erp'>, stop: AbortSignal = NEVER): ShadowReader =>
    shadowReader({ job, config, stop, open: () => withoutPauses(config) });

  consider(pipe: string, stop: AbortSignal = NEVER): Promise<Answer> {
    const { db, jobs, nowMs, config } = this;
    const job = this.job(pipe);
    return considerFlip({ db, job, jobs, config, nowMs, read: this.reader(job, config, stop) });
  }

  /** Considers a pipe so many times, 12 h apart. */
  async considerTimes(pipe: string, times: number): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let nth = 0; nth < times; nth++) {
      answers.push(await this.consider(pipe));
      this.later(12);
    }
    return answers;
  }

  later(hours: number): void {
    this.nowMs += hours * HOUR_MS;
  }

  async production(mode: 'dark' | 'live' | 'login-page' | 'empty' | 'refused'): Promise<void> {
    await this.#admin('production', { mode });
  }

  async drift(drift: object): Promise<void> {
    await this.#admin('drift', drift);
  }

  async #admin(path: string, body: object): Promise<void> {
    const reply = await fetch(`${this.erp.url}/_sandbox/${path}`, { method: 'PUT', body: JSON.stringify(body) });
    if (reply.status !== 200) throw new Error(`the sandbox answered ${reply.status}`);
  }

  /** The stream of an instance as a run opens it. */
  stream(pipe: string, kind: 'staging' | 'production'): number {
    const instance = instanceOf(this.job(pipe), this.config, kind, () => {});
    return openStream(this.db, pipe, instance.id, instance.environment, this.nowMs);
  }

  /** What a sync of staging leaves: records in the mirror. */
  knowsFromStaging(pipe: string, records: number, ids: readonly string[] = []): void {
    const stream = this.stream(pipe, 'staging');
    const insert = this.db.prepare(
      "INSERT INTO records (stream, id, modified_at, content, raw, rule, run) VALUES (?, ?, '', '', NULL, NULL, 'r')",
    );
    this.db.transaction(() => {
      for (let nth = 0; nth < records; nth++) insert.run(stream, ids[nth] ?? `S${nth}`);
    })();
  }

  /** What a run leaves of an object that HubSpot acknowledged. */
  wrote(stream: number, object: string, keyProperty: string, key: string): void {
    const fields = { stream, object, key, entity: key };
    this.db
      .prepare(
        "INSERT INTO objects (stream, object, key, entity, fingerprint) VALUES (@stream, @object, @key, @entity, 'f')",
      )
      .run(fields);
    this.db
      .prepare('INSERT OR IGNORE INTO hubspot_ids (object, key_property, key, hubspot_id) VALUES (?, ?, ?, ?)')
      .run(object, keyProperty, key, `hs-${key}`);
  }

  async close(): Promise<void> {
    this.db.close();
    await this.erp.close();
    rmSync(this.cwd, { recursive: true, force: true });
  }
}

function withoutPauses({ erp }: Config<'erp'>): Systems {
  const profile = loadProfile(erp.profile);
  return {
    square: () => {
      throw new Error('no pipe of the ERP asks for Square');
    },
    erp: (resource) =>
      restSource({
        profile,
        resource,
        baseUrl: erp.productionUrl ?? '',
        credentials: { token: ERP_SANDBOX_TOKEN },
        clock: { now: () => 0, sleep: () => Promise.resolve() },
        random: () => 0,
      }),
  };
}
