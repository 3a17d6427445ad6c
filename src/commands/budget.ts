/** `budget`: API calls and billable contacts, used and left. Reads the state, and asks HubSpot five times at most. */
import { systemClock } from '../clock.ts';
import { type Config, loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { pipeNames } from '../pipe-names.ts';
import { type Budget, daysToLimit, forecastOf, type Marketing, RESERVE_SHARE, renderBudget } from '../report/budget.ts';
import { painter } from '../report/style.ts';
import { dateIn, daysAfter, instantIn } from '../schedule/zone.ts';
import { accountDetails, checkPortal } from '../sinks/hubspot/account.ts';
import { countObjects, type Filter } from '../sinks/hubspot/count.ts';
import { quotaListener } from '../sinks/hubspot/day-quota.ts';
import { MARKETABLE } from '../sinks/hubspot/marketing.ts';
import { createTransport, type Transport } from '../sinks/hubspot/transport.ts';
import { openReadOnly } from '../state/database.ts';
import { keptOut, keyPropertyOf, pipeUsage } from '../state/usage.ts';
import type { Invocation } from './invocation.ts';

const DAY_MS = 86_400_000;
/** Where HubSpot does not say which zone its day is in. */
const ZONE_UNKNOWN = 'UTC';

export async function budget(flags: { readonly json?: boolean }, invocation: Invocation): Promise<ExitCode> {
  const { stdout, env, cwd, stop } = invocation;
  const config = loadConfig({ env, cwd, needs: ['hubspot'] });
  const found = await collect(config, stop);
  if (flags.json) stdout.write(`${JSON.stringify(documentOf(found), null, 2)}\n`);
  else stdout.write(renderBudget(found, painter(stdout, env)));
  const isBilling = 'billableOurs' in found.marketing && found.marketing.billableOurs > 0;
  return isBilling ? EXIT.gate : EXIT.ok;
}

async function collect(config: Config<'hubspot'>, signal: AbortSignal): Promise<Budget> {
  const { hubspot, environment } = config;
  const listener = quotaListener();
  const transport = createTransport({
    ...{ token: hubspot.token, baseUrl: hubspot.baseUrl, version: hubspot.apiVersion },
    ...{ clock: systemClock, random: Math.random, fetch: listener.fetch },
  });
  const account = await accountDetails(transport, signal);
  checkPortal(account, { portalIdExpected: hubspot.portalId, environment });
  const nowMs = Date.now();
  const zone = account.timeZone || ZONE_UNKNOWN;
  const today = dateIn(zone, nowMs);
  const db = openReadOnly(config.stateDir);
  try {
    const key = db && keyPropertyOf(db, 'contacts');
    const dayBeganMs = instantIn(zone, today, '00:00');
    return {
      portalId: account.portalId,
      timeZone: account.timeZone,
      dayLeftMs: instantIn(zone, daysAfter(today, 1), '00:00') - nowMs,
      pipes: db ? pipeNames().map((pipe) => pipeUsage(db, pipe, dayBeganMs, nowMs)) : [],
      marketing: await marketingOf(transport, key, config.marketingContactsIncluded, nowMs, signal),
      keptOut: db ? keptOut(db, 'customers') : {},
      quotas: listener.read(),
    };
  } finally {
    db?.close();
  }
}

/** Side by side; the limiter of searches spaces them. */
async function marketingOf(
  transport: Transport,
  key: string | null,
  included: number | null,
  nowMs: number,
  signal: AbortSignal,
): Promise<Budget['marketing']> {
  const isBillable: Filter = { propertyName: MARKETABLE, operator: 'EQ', value: 'true' };
  const isNew: Filter = { propertyName: 'createdate', operator: 'GTE', value: String(nowMs - 30 * DAY_MS) };
  const count = (...filters: Filter[]): Promise<number> => countObjects(transport, 'contacts', filters, signal);
  try {
    const [contacts, billable, billableNew, billableOurs] = await Promise.all([
      count(),
      count(isBillable),
      count(isBillable, isNew),
      key === null ? 0 : count(isBillable, { propertyName: key, operator: 'HAS_PROPERTY' }),
    ]);
    return { contacts, billable, billableNew, billableOurs, included } satisfies Marketing;
  } catch (error) {
    signal.throwIfAborted();
    // A key that may not see contacts still has a budget of calls.
    if (error instanceof FatalError && error.exit !== EXIT.access) throw error;
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
}

function documentOf(found: Budget) {
  const { quotas, pipes, marketing, dayLeftMs } = found;
  const used = quotas.day && quotas.day.allowed - quotas.day.left;
  return {
    ...{ schemaVersion: 1, runId: null, status: 'ok', portalId: found.portalId, timeZone: found.timeZone },
    counts: { callsToday: pipes.reduce((sum, { callsToday }) => sum + callsToday, 0), usedByAllApps: used },
    ...{ dayLeftMs, quotas, reserveShare: RESERVE_SHARE, pipes, forecast: forecastOf(found) },
    marketing: 'unreadable' in marketing ? marketing : { ...marketing, daysToLimit: daysToLimit(marketing) },
    keptOut: found.keptOut,
  };
}
