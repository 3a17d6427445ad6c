/** People who edit the ERP while it is read: to and fro, at the same instant, late, wrongly dated; and some in HubSpot. */
import type { Portal } from './portal.ts';
import type { Vendor, Version } from './vendor.ts';
import type { Wire } from './wire.ts';

/** A transaction becomes visible at most this long after the date it carries. */
export const COMMIT_LAG_MS = 240_000;
/** Two application servers of the ERP disagree by at most this, either way. */
const SKEW_MS = 100_000;

/** Somebody whose data may be nowhere: out of scope from the first day. */
const CANARY = 'walk-in';
export const CANARY_NAME = 'Canary Person';

export interface Habits {
  readonly records: number;
  readonly groups: number;
  readonly edits: number;
  readonly meanGapMs: number;
  /** Dates are cut to this: ties. */
  readonly grainMs: number;
  /** A late transaction becomes visible at most this long after its date. */
  readonly lagMs?: number;
}

export class People {
  readonly #wire: Wire;
  readonly #vendor: Vendor;
  readonly #portal: Portal;
  readonly #habits: Habits;
  #names = 0;
  #left: number;

  constructor(wire: Wire, vendor: Vendor, portal: Portal, habits: Habits) {
    this.#wire = wire;
    this.#vendor = vendor;
    this.#portal = portal;
    this.#habits = habits;
    this.#left = habits.edits;
  }

  /** Fills the ERP with records of the last days, some of one instant. */
  settleIn(): void {
    const { chance, time } = this.#wire;
    for (let index = 0; index < this.#habits.records; index++)
      this.#create(time.nowMs - chance.between(1, 3 * 86_400_000));
    const blank = { id: CANARY, origin: CANARY_NAME, group: 'g0', rev: 0, kind: 'retail', name: CANARY_NAME, at: '' };
    this.#write({ ...blank, visibleAtMs: 0, deleted: false }, {}, time.nowMs - 86_400_000);
  }

  goToWork(): void {
    if (this.#left-- <= 0) return;
    const { chance, time } = this.#wire;
    const gapMs = Math.round(-Math.log(1 - chance.next()) * this.#habits.meanGapMs);
    time.at(time.nowMs + gapMs, () => {
      if (this.#left <= 0) return;
      this.#edit();
      this.goToWork();
    });
  }

  stop(): void {
    this.#left = 0;
  }

  /** Every record gets another content. */
  changeAll(): void {
    for (const id of this.#vendor.ids) {
      const before = this.#vendor.newest(id);
      if (before && before.id !== CANARY && !before.deleted) this.#write(before, { name: this.#newName() });
    }
  }

  /** Every record gets the content back that it had before its last change, as people do while the program is down. */
  changeAllBack(): void {
    for (const id of this.#vendor.ids) {
      const now = this.#vendor.newest(id);
      const before = this.#vendor.versionsOf(id).at(-2);
      if (now && before && !now.deleted) this.#write(now, { name: before.name, kind: before.kind });
    }
  }

  #edit(): void {
    this.#nextEdit()();
  }

  #nextEdit(): () => void {
    const { chance, rates, time } = this.#wire;
    if (chance.hits(0.08)) return () => this.#create(time.nowMs);
    if (chance.hits(rates.archives)) return () => this.#inPortal('archive');
    if (chance.hits(rates.merges)) return () => this.#inPortal('merge');
    if (chance.hits(rates.portalEdits)) return () => this.#inPortal('edit');
    if (chance.hits(rates.peopleLink)) return () => this.#inPortal('link');
    const before = this.#vendor.newest(chance.pick(this.#vendor.ids));
    if (!before || before.id === CANARY) return () => undefined;
    if (before.deleted) return () => this.#write(before, { deleted: false });
    if (chance.hits(rates.moves)) return () => this.#move(before);
    if (chance.hits(rates.deletions)) return () => this.#write(before, { deleted: true });
    if (chance.hits(rates.leaving)) return () => this.#write(before, { kind: chance.pick(['live', 'gone', 'retail']) });
    if (chance.hits(rates.backAndForth)) return () => this.#thereAndBack(before);
    return () => this.#write(before, { name: this.#newName() });
  }

  /** To another group, or to none; often back again before long. */
  #move(before: Version): void {
    const { chance, time, count } = this.#wire;
    count('people move a record');
    this.#write(before, { group: `g${chance.between(0, this.#habits.groups)}`, rev: chance.between(0, 4) });
    if (!chance.hits(0.4)) return;
    time.at(time.nowMs + chance.between(1_000, 600_000), () => {
      const now = this.#vendor.newest(before.id);
      if (now && !now.deleted && this.#left > 0) this.#write(now, { group: before.group, rev: before.rev });
    });
  }

  #thereAndBack(before: Version): void {
    const { chance, time, count } = this.#wire;
    this.#write(before, { name: this.#newName() });
    const backMs = chance.pick([0, chance.between(100, 5_000), chance.between(5_000, 1_200_000)]);
    time.at(time.nowMs + backMs, () => {
      const now = this.#vendor.newest(before.id);
      if (now === undefined || now.deleted || this.#left <= 0) return;
      if (chance.hits(0.3)) this.#overPoison(now, before);
      else this.#write(now, { name: before.name });
      count('changed and back again');
    });
  }

  /** From a content that may not have been acknowledged over one that HubSpot refuses back to the first. */
  #overPoison(now: Version, before: Version): void {
    const { chance, time } = this.#wire;
    this.#write(now, { name: `refused ${this.#names++}` });
    time.at(time.nowMs + chance.between(1_000, 1_200_000), () => {
      const bad = this.#vendor.newest(before.id);
      if (bad && !bad.deleted && this.#left > 0) this.#write(bad, { name: before.name });
    });
  }

  #newName(): string {
    const { chance, rates } = this.#wire;
    const number = this.#names++;
    if (!chance.hits(rates.poison)) return `name ${number}`;
    return `${chance.pick(['refused', 'unmappable'])} ${number}`;
  }

  #create(atMs: number): void {
    const { chance } = this.#wire;
    const number = this.#vendor.ids.length;
    const id = `r${String(number).padStart(3, '0')}`;
    const group = `g${chance.between(1, this.#habits.groups)}`;
    const blank = { id, origin: `origin ${number}`, group, rev: number, kind: 'live', name: '', at: '' };
    this.#write({ ...blank, visibleAtMs: 0, deleted: false }, { name: this.#newName() }, atMs);
  }

  #write(before: Version, change: Partial<Version>, atMs = this.#wire.time.nowMs): void {
    const { chance, rates, time, trace } = this.#wire;
    const server = before.id.charCodeAt(before.id.length - 1) % 2 === 0 ? 1 : -1;
    const skewMs = rates.skew > 0 ? server * chance.between(0, Math.floor(SKEW_MS * rates.skew)) : 0;
    const future = chance.hits(rates.futureDates) ? chance.between(1, 3) * 86_400_000 : 0;
    const grainMs = rates.ties > 0 ? this.#habits.grainMs : 1;
    const stampMs = Math.floor((atMs + skewMs + future) / grainMs) * grainMs;
    const isOld = atMs < time.nowMs;
    const lagMs = !isOld && chance.hits(rates.commitsLate) ? chance.between(1, this.#habits.lagMs ?? COMMIT_LAG_MS) : 0;
    const version = {
      ...before,
      ...change,
      at: new Date(stampMs).toISOString(),
      visibleAtMs: isOld ? 0 : time.nowMs + lagMs,
    };
    this.#vendor.put(version);
    trace(`people ${JSON.stringify(version)}${lagMs > 0 ? ` visible in ${lagMs} ms` : ''}`);
  }

  /** Somebody takes one of the objects in HubSpot in hand. */
  #inPortal(what: 'archive' | 'merge' | 'edit' | 'link'): void {
    const { chance, trace, count } = this.#wire;
    const names = [...this.#portal.objects.keys()];
    if (names.length === 0) return;
    const name = chance.pick(names);
    const other = chance.pick(names);
    trace(`people ${what} ${name} ${what === 'merge' || what === 'link' ? `with ${other}` : ''}`);
    if (what !== 'link') count(`people ${what} in HubSpot`);
    if (what === 'link') this.#portal.link(name, other);
    else if (what === 'archive') this.#portal.archive(name, chance.hits(0.3));
    else if (what === 'merge') this.#portal.merge(name, other);
    else this.#portal.edit(name, 'name', `edited ${this.#names++}`);
  }
}
