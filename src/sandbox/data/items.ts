/** The item file: 30,214 rows at full scale, of which 11,241 are active (one of them broken) and 760 special-order. */
import { FAMILIES, type Family } from './catalog.ts';
import { afterFirstCommitMs, businessInstant, instantOf, nightJob } from './days.ts';
import { Dice, fraction, STREAM, shuffle } from './dice.ts';
import { numberedIds, type RowSource } from './rows.ts';

/** Numbers are JSON numbers; in the one poisoned row `weightKg` is the text `n/a`. */
export type ItemRow = {
  readonly itemNo: string;
  readonly sku: string;
  readonly title: string;
  readonly longText: string | null;
  readonly productGroup: string;
  readonly productSubGroup: string;
  readonly manufacturer: string;
  readonly vendorItem: string;
  readonly ean: string;
  readonly uom: string;
  readonly unitPrice: number;
  readonly unitCost: number;
  readonly onHand: number;
  readonly available: number;
  readonly onOrder: number;
  readonly bins: readonly { readonly warehouse: string; readonly qty: number }[];
  readonly weightKg: number | string;
  readonly leadDays: number;
  readonly stocked: 'Y' | 'N';
  readonly statusCode: 'A' | 'D' | 'S' | 'I';
  readonly lastChanged: string;
};

/** What a quote line copies from an item. The price is in ten-thousandths of a dollar. */
interface ItemFacts {
  readonly itemNo: string;
  readonly sku: string;
  readonly title: string;
  readonly priceTenThousandths: number;
}

export type ItemSource = RowSource<ItemRow> & { facts(index: number): ItemFacts };

export const ITEMS_AT_FULL_SCALE = 30_214;
const ACTIVE = 11_241;
const SPECIAL = 760;
const DISCONTINUED = 11_900;
/** One price file of a manufacturer, loaded in one night: that many rows at full scale, which share one instant. */
const IMPORTED_TOGETHER = 1_300;

type Flaw = 'poison' | 'html' | 'em-dash' | 'decomposed' | 'four-decimals' | 'free' | 'no-text';

/** How many active items carry each flaw at full scale; smaller worlds keep at least one of each. */
const FLAWS: readonly (readonly [Flaw, number])[] = [
  ['poison', 1],
  ['html', 40],
  ['em-dash', 30],
  ['decomposed', 15],
  ['four-decimals', 25],
  ['free', 12],
  ['no-text', 40],
];

const WAREHOUSES = ['MAIN', 'NORTH', 'YARD', 'TULSA'] as const;

export interface ItemOptions {
  readonly seed: number;
  readonly count: number;
  readonly spare: number;
  readonly asOfMs: number;
  readonly flaws: boolean;
  /** Rows that the night job commits at once. */
  readonly commitRows: number;
}

export function items(options: ItemOptions): ItemSource {
  const { seed, count } = options;
  const rankOf = shuffle(seed, STREAM.itemOrder, count);
  const scale = count / ITEMS_AT_FULL_SCALE;
  const flawOf = options.flaws ? flawsByRank(scale) : () => null;
  const statusOf = statusByRank(scale);
  const changedAtMs = changedAt(options);
  const ids = numberedIds('', 1_000_001);
  // Spare rows, beyond the count, are plain active items.
  const rank = (index: number): number => (index < count ? rankOf(index) : FLAWS_MAX);

  return {
    ...ids,
    idField: 'itemNo',
    count,
    spare: options.spare,
    changedAtMs,
    facts: (index) => ({ itemNo: ids.idOf(index), ...face(seed, index, flawOf(rank(index))) }),
    row: (index) => {
      const flaw = flawOf(rank(index));
      const { priceTenThousandths, family, ...text } = face(seed, index, flaw);
      return {
        itemNo: ids.idOf(index),
        ...text,
        productGroup: family.group,
        productSubGroup: family.sub,
        uom: family.uom,
        unitPrice: priceTenThousandths / 10_000,
        ...numbers(new Dice(seed, STREAM.itemNumbers, index), family, priceTenThousandths, flaw),
        statusCode: index < count ? statusOf(rank(index)) : 'A',
        lastChanged: instantOf(changedAtMs(index)),
      };
    },
  };
}

/** More than all flaws together: the rank of an item without one. */
const FLAWS_MAX = 1_000;

function flawsByRank(scale: number): (rank: number) => Flaw | null {
  const byRank = FLAWS.flatMap(([flaw, most]) => {
    const amount = Math.min(most, Math.ceil(most * scale));
    return Array.from({ length: amount }, () => flaw);
  });
  return (rank) => byRank[rank] ?? null;
}

function statusByRank(scale: number): (rank: number) => ItemRow['statusCode'] {
  const active = Math.round(ACTIVE * scale);
  const special = active + Math.round(SPECIAL * scale);
  const discontinued = special + Math.round(DISCONTINUED * scale);
  return (rank) => (rank < active ? 'A' : rank < special ? 'S' : rank < discontinued ? 'D' : 'I');
}

function changedAt({ seed, count, asOfMs, commitRows }: ItemOptions): (index: number) => number {
  const tied = Math.round((IMPORTED_TOGETHER * count) / ITEMS_AT_FULL_SCALE);
  const tiedFrom = Math.floor(count * 0.4);
  const tiedMs = nightJob(businessInstant(asOfMs, 0.18, 0));
  return (index) =>
    index >= tiedFrom && index < tiedFrom + tied
      ? tiedMs + afterFirstCommitMs(index - tiedFrom, commitRows)
      : businessInstant(
          asOfMs,
          fraction(seed, STREAM.itemChanged, index),
          fraction(seed, STREAM.itemChanged, index + 2 ** 30),
        );
}

interface Face extends Omit<ItemFacts, 'itemNo'> {
  readonly family: Family;
  readonly longText: string | null;
  readonly manufacturer: string;
  readonly vendorItem: string;
  readonly ean: string;
}

function face(seed: number, index: number, flaw: Flaw | null): Face {
  const dice = new Dice(seed, STREAM.itemText, index);
  const family = dice.pick(FAMILIES);
  const maker = dice.pick(family.makers);
  const noun = dice.pick(family.nouns);
  const size = dice.pick(family.sizes);
  const finish = dice.pick(family.finishes);
  const pack = dice.weighted(PACKS);
  const [from, to] = family.cents;
  const cents = Math.round(from * (to / from) ** dice.next());
  const number = String(10_000 + (index % 990_000));
  const title = `${maker} ${size} ${noun}, ${finish}${pack}`;
  return {
    family,
    sku: `${family.code}-${number}`,
    title: flawedTitle(title, flaw),
    longText: longText({ family, maker, noun, size, finish }, flaw),
    manufacturer: maker,
    vendorItem: `${initials(maker)}${dice.int(1_000, 99_999)}${dice.pick(['', '', '-A', '-BK', '-25'])}`,
    ean: upc(dice.int(60_000, 89_999), index % 100_000),
    priceTenThousandths: flaw === 'free' ? 0 : cents * 100 + (flaw === 'four-decimals' ? 37 : 0),
  };
}

const PACKS: readonly (readonly [string, number])[] = [
  ['', 70],
  [' (Contractor Pack)', 8],
  [' - 10 pk', 7],
  [' - 25 pk', 6],
  [' (Box of 50)', 5],
  [' (Pallet)', 2],
  [' 2nd Gen', 2],
];

const flawedTitle = (title: string, flaw: Flaw | null): string =>
  flaw === 'em-dash'
    ? `${title} — “Pro” series`
    : flaw === 'decomposed'
      ? `${title}, Décor Señora`.normalize('NFD')
      : title;

interface Description {
  readonly family: Family;
  readonly maker: string;
  readonly noun: string;
  readonly size: string;
  readonly finish: string;
}

function longText({ family, maker, noun, size, finish }: Description, flaw: Flaw | null): string | null {
  if (flaw === 'no-text') return null;
  if (flaw === 'html')
    return `<p><b>${noun}</b> by ${maker} &amp; Co.</p><ul><li>Size: ${size}</li><li>${finish}</li></ul><br/>Call&nbsp;for volume pricing.`;
  const text = `${finish} ${noun}, ${size}. ${family.sub} by ${maker}, sold by ${UNITS[family.uom] ?? 'the each'}.`;
  return flaw === 'em-dash' ? `${text} Ships flat — no freight surcharge.` : text;
}

const UNITS: Readonly<Record<string, string>> = {
  EA: 'the each',
  BX: 'the box',
  BAG: 'the bag',
  SHT: 'the sheet',
  BDL: 'the bundle',
  RL: 'the roll',
  CTN: 'the carton',
};

const initials = (maker: string): string =>
  maker
    .split(/[^A-Za-z]+/)
    .map((word) => word.slice(0, 1))
    .join('')
    .toUpperCase();

/** A 12-digit UPC-A with its check digit. */
function upc(prefix: number, item: number): string {
  const digits = `0${prefix}${String(item).padStart(5, '0')}`;
  const sum = [...digits].reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 3 : 1), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

type Numbers = Pick<
  ItemRow,
  'unitCost' | 'onHand' | 'available' | 'onOrder' | 'bins' | 'weightKg' | 'leadDays' | 'stocked'
>;

function numbers(dice: Dice, family: Family, priceTenThousandths: number, flaw: Flaw | null): Numbers {
  const stocked = dice.chance(0.62);
  const bins = stocked
    ? WAREHOUSES.slice(0, dice.int(1, 4)).map((warehouse) => ({ warehouse, qty: dice.int(0, 240) }))
    : [];
  const onHand = bins.reduce((sum, bin) => sum + bin.qty, 0);
  const [light, heavy] = family.kg;
  const weightKg = Number((light + (heavy - light) * dice.next()).toFixed(2));
  return {
    unitCost: Math.round((priceTenThousandths * dice.int(52, 76)) / 10_000) / 100,
    onHand,
    available: Math.max(0, onHand - dice.int(0, 30)),
    onOrder: dice.chance(0.25) ? dice.int(1, 40) * 12 : 0,
    bins,
    weightKg: flaw === 'poison' ? 'n/a' : weightKg,
    leadDays: stocked ? dice.int(0, 5) : dice.int(7, 45),
    stocked: stocked ? 'Y' : 'N',
  };
}
