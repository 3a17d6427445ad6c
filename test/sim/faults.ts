/**
 * Which faults a history has, and how often: each family is on or off by chance and gets a rate of its own, so that
 * some histories are calm in all respects but one.
 */
import type { Chance } from './random.ts';

/** Highest rate of each family: per request, per edit or per edge, whatever it can strike. */
const HIGHEST = {
  // the ERP's answers
  erpStatus: 0.12,
  erpReset: 0.08,
  erpBody: 0.08,
  erpStall: 0.03,
  erpOldReplica: 0.35,
  erpTwoVersions: 0.3,
  erpShortPage: 0.15,
  erpTotal: 0.05,
  // the ERP's records
  commitsLate: 0.3,
  skew: 1,
  ties: 1,
  futureDates: 0.05,
  deletions: 0.12,
  backAndForth: 0.5,
  poison: 0.15,
  leaving: 0.2,
  // HubSpot's answers
  hubThrottled: 0.1,
  hubLocked: 0.08,
  hubFailsBefore: 0.08,
  hubFailsAfter: 0.35,
  hubReset: 0.35,
  hubStall: 0.5,
  hubLandsLate: 0.9,
  hubDrops: 0.6,
  hubBody: 0.1,
  hubMissing: 0.15,
  hubShuffled: 1,
  hubUnnamed: 1,
  hubConflict: 0.06,
  hubToken: 0.01,
  hubDaily: 0.01,
  // people in HubSpot
  archives: 0.05,
  merges: 0.04,
  portalEdits: 0.06,
  // the process
  crash: 0.03,
  suspended: 0.004,
  stopped: 0.4,
  second: 0.4,
  diskFull: 0.01,
  restored: 0.4,
  clockOff: 1,
  // only in a world of its own: where people edit at the same time, a new row makes up for a hidden one in the total
  erpHides: 0,
  // only where objects are linked: see `drawLinkRates`
  moves: 0,
  linkRefused: 0,
  peopleLink: 0,
} as const;

export type Family = keyof typeof HIGHEST;

export const FAMILIES = Object.keys(HIGHEST).filter((name): name is Family => Object.hasOwn(HIGHEST, name));

/** About half of the families, each with a rate up to its highest. */
export function drawRates(chance: Chance): Record<Family, number> {
  const rates: Record<Family, number> = { ...HIGHEST };
  for (const family of FAMILIES) {
    if (HIGHEST[family] === 0) continue;
    const share = chance.next();
    rates[family] = chance.hits(0.5) ? HIGHEST[family] * share : 0;
  }
  return rates;
}

/** Highest rates of what only linked objects meet; drawn apart, so that other histories stay what they are. */
const HIGHEST_OF_LINKS = { moves: 0.5, linkRefused: 0.1, peopleLink: 0.15 } as const;

export const drawLinkRates = (chance: Chance): Partial<Record<Family, number>> => ({
  moves: HIGHEST_OF_LINKS.moves * chance.next(),
  linkRefused: chance.hits(0.3) ? HIGHEST_OF_LINKS.linkRefused * chance.next() : 0,
  peopleLink: chance.hits(0.5) ? HIGHEST_OF_LINKS.peopleLink * chance.next() : 0,
});

export function calm(): Record<Family, number> {
  const rates: Record<Family, number> = { ...HIGHEST };
  for (const family of FAMILIES) rates[family] = 0;
  return rates;
}
