/** Gathers evidence of the sandbox's ERP over real HTTP, in a folder of its own. */
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { type EvidenceFlags, evidence } from '../src/commands/evidence.ts';
import type { ErpDrift } from '../src/sandbox/erp/drift.ts';
import { startErp } from '../src/sandbox/erp/server.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { closeLater, temporaryFolder } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN } from './cli-shop.ts';

export type Env = Readonly<Record<string, string>>;
const PRODUCTS: Partial<EvidenceFlags> = { resource: 'products' };

const world = generateErp({ seed: 1, asOfMs: Date.now(), items: 150, accounts: 60, quotes: 40, flaws: false });

export async function openErp(drift: Partial<ErpDrift> = {}) {
  const erp = await startErp({ world, seed: 1, timeScale: 0, drift });
  closeLater(() => erp.close());
  return erp;
}

/** A folder to gather evidence in, of products unless told otherwise. */
export function workplace(env: Env) {
  const folder = temporaryFolder();
  const own = { RETAIL_SYNC_STATE_DIR: `${folder}/state`, XDG_STATE_HOME: `${folder}/locks`, ERP_PROFILE: 'sandbox' };
  const gather = async (
    flags: Partial<EvidenceFlags> = {},
    more: Env = {},
    base: Partial<EvidenceFlags> = PRODUCTS,
  ) => {
    const parts: string[] = [];
    const exit = await evidence(
      'erp',
      { issue: 'it answers wrongly', out: 'case.zip', ...base, ...flags },
      {
        ...{ env: { ...own, ...env, ...more }, cwd: folder, trigger: 'test', stop: new AbortController().signal },
        ...{ stdout: { write: (part: string) => parts.push(part) }, stderr: { write: () => undefined } },
      },
    );
    return { exit, said: parts.join('') };
  };
  return { folder, gather };
}

export const envOf = (erp: { readonly stagingUrl: string }): Env => ({
  ERP_STAGING_URL: erp.stagingUrl,
  ERP_TOKEN: ERP_SANDBOX_TOKEN,
});

/** Files of the archive by their path below its folder. */
export function unpacked(path: string): Map<string, string> {
  const files = Object.entries(unzipSync(readFileSync(path)));
  return new Map(files.map(([name, bytes]) => [name.slice(name.indexOf('/') + 1), new TextDecoder().decode(bytes)]));
}
