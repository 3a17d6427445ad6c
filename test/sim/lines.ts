/** The lines between the program and both vendors, and what goes wrong on them. */
import type { PortalAnswers } from './portal-answers.ts';
import type { Process } from './process.ts';
import type { Vendor } from './vendor.ts';
import type { Told, Wire } from './wire.ts';

/** Secrets that must turn up nowhere; vendors and proxies repeat what they were sent. */
export const ERP_TOKEN = 'canary-erp-token';
export const HUBSPOT_TOKEN = 'pat-na1-canary-token';

/** HubSpot applies no request later than this after it was sent, whatever became of its client. */
export const LATEST_MS = 290_000;

const json = { 'content-type': 'application/json' };
const told = (status: number, body: unknown, headers: Record<string, string> = {}): Told => ({
  status,
  text: JSON.stringify(body) ?? '',
  headers: { ...json, ...headers },
});

type Answer = (told: Told | 'reset') => void;

const addressOf = (input: string | URL | Request): URL => new URL(input instanceof Request ? input.url : input);

/** `fetch` to the ERP. */
export function erpLine(wire: Wire, vendor: Vendor, process: Process): typeof fetch {
  const { chance, rates, time } = wire;
  return (input, init) => {
    const url = addressOf(input);
    return process.request('a query', init?.signal, (answer) => {
      if (chance.hits(rates.erpStatus)) {
        const retry: Record<string, string> = chance.hits(0.5)
          ? { 'retry-after': chance.pick(['2', '0', '999999']) }
          : {};
        return answer(told(chance.pick([429, 500, 503]), {}, retry));
      }
      if (chance.hits(rates.erpReset)) return answer('reset');
      if (chance.hits(rates.erpStall)) return wire.count('query without an answer');
      const good = vendor.answer(url);
      wire.trace(`erp ${url.search} ${good.text}`);
      const bad = chance.hits(rates.erpBody);
      const html = { ...good, text: `<html>sign in as ${ERP_TOKEN}</html>` };
      time.at(time.nowMs + chance.between(5, 400), () =>
        answer(bad ? (chance.hits(0.5) ? { ...good, cutAt: chance.next() } : html) : good),
      );
    });
  };
}

/** What became of the token and the quota; a new day or a person mends both. */
export interface Access {
  expired: boolean;
  spent: boolean;
  /** Sent so far. */
  requests: number;
}

/** What a request to HubSpot is about. */
export interface Asked {
  readonly object: string;
  /** The other end, where it is about links. */
  readonly to: string | null;
  readonly action: string;
  readonly text: string;
}

/** Sees every request of the program before HubSpot does. */
export type Watch = (asked: Asked) => void;

function askedIn(path: string, text: string): Asked & { readonly name: string; readonly writes: boolean } {
  const [, from, to, about] = /associations\/(\w+)\/(\w+)\/batch\/([\w/]+)$/.exec(path) ?? [];
  if (from !== undefined && to !== undefined && about !== undefined) {
    const name = about === 'read' ? 'links read' : about.endsWith('archive') ? 'unlink' : 'link';
    return { object: from, to, action: about, text, name, writes: about !== 'read' };
  }
  const [, object = '', batch] = /objects\/(\w+)(?:\/batch\/(\w+))?$/.exec(path) ?? [];
  const action = batch ?? 'list';
  return { object, to: null, action, text, name: action, writes: action !== 'read' && action !== 'list' };
}

/** `fetch` to HubSpot. */
export function hubspotLine(
  wire: Wire,
  answers: PortalAnswers,
  process: Process,
  access: Access,
  watch: Watch,
): typeof fetch {
  const { chance, rates, time } = wire;
  return (input, init) => {
    const { pathname, searchParams: query } = addressOf(input);
    const { name, writes, ...asked } = askedIn(pathname, String(init?.body ?? ''));
    const request = access.requests++;
    watch(asked);
    const apply = (): Told => {
      const { status, body } = answers.apply({ ...asked, query, request });
      return told(status, body, { 'x-hubspot-ratelimit-max': '190', 'x-hubspot-ratelimit-remaining': '150' });
    };
    return process.request(name, init?.signal, (answer) => {
      wire.trace(`hubspot ${name} ${asked.text}`);
      if (access.expired) return answer(told(401, { category: 'INVALID_AUTHENTICATION' }));
      if (access.spent) return answer(told(429, { policyName: 'DAILY' }));
      if (refusesAtTheDoor(wire, access, writes, answer)) return;
      if (!writes) return answerAfter(answer, apply());
      if (failsAfterwards(wire, answer, apply)) return;
      answerAfter(answer, apply());
    });
  };

  function answerAfter(answer: Answer, good: Told): void {
    const cut = good.status !== 204 && chance.hits(rates.hubBody);
    if (cut) wire.count('answer unreadable');
    const bad: Told = chance.hits(0.5)
      ? { ...good, cutAt: chance.next() }
      : { ...good, text: `<html>proxy, ${HUBSPOT_TOKEN}</html>` };
    time.at(time.nowMs + chance.between(10, 400), () => answer(cut ? bad : good));
  }
}

/** Answers that say: nothing was done. */
function refusesAtTheDoor({ chance, rates, count }: Wire, access: Access, writes: boolean, answer: Answer): boolean {
  if (chance.hits(rates.hubToken)) access.expired = true;
  if (!access.spent && chance.hits(rates.hubDaily)) {
    access.spent = true;
    count('quota of the day spent');
  }
  if (access.expired) answer(told(401, { category: 'INVALID_AUTHENTICATION' }));
  else if (access.spent) answer(told(429, { policyName: 'DAILY' }));
  else if (chance.hits(rates.hubThrottled)) {
    const retry: Record<string, string> = chance.hits(0.5)
      ? { 'retry-after': chance.pick(['1', '10', '-5', '86400']) }
      : {};
    count('429');
    answer(told(429, { policyName: 'TEN_SECONDLY_ROLLING' }, retry));
  } else if (chance.hits(rates.hubLocked)) answer(told(423, {}));
  else if (writes && chance.hits(rates.hubConflict))
    answer(told(409, { category: 'CONFLICT', message: 'concurrent change' }));
  else if (chance.hits(rates.hubFailsBefore)) answer(told(chance.pick([500, 502, 503]), {}));
  else return false;
  return true;
}

/** Nobody hears what became of it: applied at once, later than the client waits, or never. */
function failsAfterwards({ time, chance, rates, count, trace }: Wire, answer: Answer, apply: () => Told): boolean {
  const stalls = chance.hits(rates.hubStall);
  const how = stalls
    ? 'stall'
    : chance.hits(rates.hubReset)
      ? 'reset'
      : chance.hits(rates.hubFailsAfter)
        ? '502'
        : null;
  if (how === null) return false;
  count(`write without an answer: ${how}`);
  if (chance.hits(rates.hubLandsLate)) {
    time.at(time.nowMs + chance.between(1, LATEST_MS), () => {
      trace('lands late:');
      count('write landed late');
      apply();
    });
  } else if (!chance.hits(rates.hubDrops)) apply();
  if (how === 'reset') answer('reset');
  if (how === '502') answer(told(502, {}));
  return true;
}
