/** Worlds that lean to one side: for faults that need a rare conjunction, and for killing at every edge. */
import type { Plan } from './history.ts';

export type World = Omit<Plan, 'seed'>;

const busy = { records: 6, groups: 3, edits: 60, meanGapMs: 20_000, grainMs: 1_000 };
const quick = [1_000, 20_000, 200_000];

export const WORLDS = {
  /** Nothing but people who change their minds, and a process that dies. */
  killed: {
    rates: { crash: 0.03, backAndForth: 0.9, hubFailsAfter: 0.05 },
    ...{ habits: busy, runs: 12, shape: 'items', gapsMs: quick },
  },
  /** Requests that nobody hears of any more, and land when others have been answered. */
  late: {
    rates: { hubStall: 0.3, hubReset: 0.2, hubFailsAfter: 0.2, hubLandsLate: 0.9, backAndForth: 0.3 },
    ...{ habits: { ...busy, meanGapMs: 60_000 }, runs: 10, shape: 'items', gapsMs: quick, batchSize: 100 },
  },
  /** Commits that become visible after their date, clocks of the ERP's servers that disagree. */
  behind: {
    rates: { commitsLate: 0.6, skew: 1, futureDates: 0.1 },
    ...{ habits: { ...busy, records: 12 }, runs: 10, gapsMs: quick },
  },
  /** Many records of one instant, edited while they are paged through. */
  tied: {
    rates: { ties: 1, erpTwoVersions: 0.1 },
    ...{ habits: { records: 40, groups: 8, edits: 400, meanGapMs: 150, grainMs: 3_600_000 }, runs: 3, pageSize: 3 },
  },
  /** Records HubSpot or the mapping refuses, among good ones. */
  poisoned: {
    rates: { poison: 0.3, hubUnnamed: 0.5, hubMissing: 0.2, hubShuffled: 1, crash: 0.01 },
    ...{ habits: { ...busy, records: 15 }, runs: 6, batchSize: 100 },
  },
  /** No look-back: only the cursor itself keeps what is at its edge. */
  bare: {
    rates: { ties: 1, clockOff: 0.5, erpReset: 0.1, erpStatus: 0.1, erpTotal: 0.2, crash: 0.01, stopped: 0.3 },
    ...{ habits: { ...busy, records: 15, grainMs: 1_000 }, runs: 10, lookBackMs: 0, gapsMs: quick, pageSize: 3 },
  },
  /** No look-back, and commits that become visible within the margin that a cursor keeps. */
  edge: {
    rates: { commitsLate: 0.7, hubReset: 0.05 },
    ...{ habits: { ...busy, records: 15, meanGapMs: 4_000, edits: 300, lagMs: 45_000 } },
    ...{ runs: 12, lookBackMs: 0, gapsMs: [1_000, 20_000, 100_000], pageSize: 3 },
  },
  /** No look-back, and a listing by id that is slow and sometimes leaves rows out. */
  unordered: {
    rates: { erpStatus: 0.3, erpStall: 0.1, erpShortPage: 0.08 },
    ...{ habits: { ...busy, records: 20, meanGapMs: 4_000, edits: 300 }, isSorted: false, listsById: true },
    ...{ runs: 10, lookBackMs: 0, gapsMs: quick, pageSize: 4 },
  },
  /** A listing without an order, whose rows shift from page to page while people edit and delete. */
  shifting: {
    rates: { deletions: 0.15, commitsLate: 0.3, erpStatus: 0.1, erpStall: 0.05 },
    ...{ habits: { ...busy, records: 20, meanGapMs: 3_000, edits: 300 }, isSorted: false },
    ...{ runs: 6, lookBackMs: 240_000, gapsMs: quick, pageSize: 5 },
  },
  /** No look-back, and rows that the ERP counts and does not list for a while. */
  hiding: {
    rates: { erpHides: 0.15, crash: 0.01, stopped: 0.2 },
    ...{ habits: { ...busy, records: 15, edits: 12, meanGapMs: 1_200_000 }, runs: 12, lookBackMs: 0, gapsMs: quick },
    pageSize: 3,
  },
  /** A first load of records that are edited while they are on their way, and a process that dies in it. */
  rushed: {
    rates: { crash: 0.03, hubStall: 0.1, hubLandsLate: 0.3, leaving: 0.3 },
    ...{ habits: { records: 30, groups: 8, edits: 60, meanGapMs: 300, grainMs: 1_000 }, shape: 'items' },
    ...{ runs: 3, gapsMs: [1_000], pageSize: 3, batchSize: 2 },
  },
  /** A first load of records that leave while their batch is being filled. */
  leaving: {
    rates: { leaving: 0.9, erpStatus: 0.2 },
    ...{ habits: { records: 30, groups: 8, edits: 150, meanGapMs: 150, grainMs: 1_000 }, shape: 'items' },
    ...{ runs: 1, pageSize: 3, batchSize: 100 },
  },
  /** Writes that go unheard until the run gives up or dies, and land when the next one has sent something newer. */
  givenUp: {
    rates: { hubStall: 0.6, hubLandsLate: 0.9, hubLocked: 0.3, crash: 0.01 },
    ...{ habits: { ...busy, meanGapMs: 30_000 }, runs: 12, shape: 'items', gapsMs: [1_000], batchSize: 2 },
  },
  /** Older states are put back, other processes are started, machines sleep. */
  restored: {
    rates: { restored: 0.5, second: 0.6, suspended: 0.01, leaving: 0.5, crash: 0.005 },
    ...{ habits: { ...busy, records: 12 }, runs: 10, shape: 'items', gapsMs: quick },
  },
  /** People move records between companies and back, answers to links are lost, and a process dies over them. */
  linked: {
    rates: {
      ...{ moves: 0.7, hubReset: 0.1, hubFailsAfter: 0.1, hubLandsLate: 0.2, hubDrops: 0.3, hubMissing: 0.1 },
      ...{ crash: 0.02, linkRefused: 0.03, peopleLink: 0.03, archives: 0.04 },
    },
    ...{ habits: { ...busy, records: 20 }, runs: 8, shape: 'orders', gapsMs: quick, batchSize: 100, pageSize: 9 },
  },
  /** Most requests about links get no answer, and few of them land. */
  unheard: {
    rates: { moves: 0.6, hubReset: 0.6, hubDrops: 0.9, hubLandsLate: 0.2 },
    ...{ habits: { ...busy, records: 12 }, runs: 8, shape: 'orders', gapsMs: quick, batchSize: 100, pageSize: 9 },
  },
  /** Nearly every write goes unheard, attempt after attempt, and lands minutes after its intention was noted. */
  deaf: {
    rates: { hubStall: 0.75, hubLandsLate: 0.3, hubDrops: 0.95 },
    ...{ habits: { ...busy, meanGapMs: 60_000 }, runs: 10, shape: 'items', gapsMs: [1_000, 20_000], batchSize: 100 },
  },
  /** Back to the first content by way of one that HubSpot refuses, with a process that dies in between. */
  mended: {
    rates: { crash: 0.05, hubReset: 0.2, backAndForth: 1 },
    ...{
      habits: { ...busy, meanGapMs: 120_000 },
      runs: 15,
      shape: 'items',
      gapsMs: [310_000, 720_000],
      batchSize: 100,
    },
  },
} satisfies Readonly<Record<string, World>>;

export type WorldName = keyof typeof WORLDS;

const small = { records: 7, groups: 3, edits: 0, meanGapMs: 1_000, grainMs: 1_000 };

/** Small enough to be killed at each of their edges in turn. */
export const SCENARIOS = {
  'calm, one record each': { rates: {}, habits: small, runs: 3, shape: 'items', changesAll: true, batchSize: 3 },
  'calm, several records each': { rates: {}, habits: small, runs: 3, shape: 'revisions', changesAll: true },
  'answers lost': {
    rates: { hubFailsAfter: 0.3, hubReset: 0.2, hubLandsLate: 0.5 },
    ...{ habits: small, runs: 3, shape: 'items', changesAll: true },
  },
  'refused records': {
    rates: { poison: 0.3, hubUnnamed: 1 },
    ...{ habits: small, runs: 3, shape: 'items', changesAll: true },
  },
  'records leave': {
    rates: { leaving: 1, hubMissing: 0.3 },
    ...{ habits: { ...small, edits: 30, meanGapMs: 3_000 }, runs: 3, shape: 'items', gapsMs: [20_000] },
  },
} satisfies Readonly<Record<string, World>>;
