/** Towns of the distributor's region, with the zip codes and area codes that go with them. */
import type { Dice } from './dice.ts';

export interface Town {
  readonly city: string;
  readonly state: string;
  /** First three digits of its zip codes. */
  readonly zip: string;
  readonly area: string;
  readonly county: string;
}

const TOWNS: readonly Town[] = `Oklahoma City|OK|731|405|Oklahoma
Tulsa|OK|741|918|Tulsa
Norman|OK|730|405|Cleveland
Edmond|OK|730|405|Oklahoma
Broken Arrow|OK|740|918|Tulsa
Lawton|OK|735|580|Comanche
Stillwater|OK|740|405|Payne
Enid|OK|737|580|Garfield
Bartlesville|OK|740|918|Washington
Ardmore|OK|734|580|Carter
Dallas|TX|752|214|Dallas
Fort Worth|TX|761|817|Tarrant
Plano|TX|750|972|Collin
Denton|TX|762|940|Denton
Wichita Falls|TX|763|940|Wichita
Amarillo|TX|791|806|Potter
Lubbock|TX|794|806|Lubbock
Tyler|TX|757|903|Smith
Sherman|TX|750|903|Grayson
Waco|TX|767|254|McLennan
Wichita|KS|672|316|Sedgwick
Overland Park|KS|662|913|Johnson
Topeka|KS|666|785|Shawnee
Salina|KS|674|785|Saline
Kansas City|MO|641|816|Jackson
Springfield|MO|658|417|Greene
Joplin|MO|648|417|Jasper
Columbia|MO|652|573|Boone
Fort Smith|AR|729|479|Sebastian
Fayetteville|AR|727|479|Washington
Bentonville|AR|727|479|Benton
Little Rock|AR|722|501|Pulaski
Shreveport|LA|711|318|Caddo
Albuquerque|NM|871|505|Bernalillo
Clovis|NM|881|575|Curry
Denver|CO|802|303|Denver
Pueblo|CO|810|719|Pueblo
Omaha|NE|681|402|Douglas
Lincoln|NE|685|402|Lancaster
Memphis|TN|381|901|Shelby`
  .split('\n')
  .map((line) => {
    const [city = '', state = '', zip = '', area = '', county = ''] = line.split('|');
    return { city, state, zip, area, county };
  });

const STREETS =
  `Agnew Ave|Bluestem Dr|Broadway Ext|Britton Rd|Cimarron Rd|Commerce St|Council Rd|Depot St|Eastern Ave|Foundry Ln
Garnett Rd|Harvest Hills Rd|Industrial Blvd|Kelley Ave|Lumberyard Rd|Main St|May Ave|Meridian Ave|Mill Creek Rd|Peoria Ave
Portland Ave|Prairie View Ln|Quarry Rd|Railroad Ave|Reno Ave|Santa Fe Ave|Sheridan Rd|Sooner Rd|Telephone Rd|Warehouse Row`
    .split(/[|\n]/)
    .map((street) => street.trim());

export type Address = {
  readonly street: string;
  readonly city: string;
  readonly state: string;
  readonly zip: string;
  readonly country: string;
};

export const town = (dice: Dice): Town => dice.pick(TOWNS);

export function address(dice: Dice, place: Town): Address {
  const side = dice.pick(['N ', 'S ', 'E ', 'W ', '', '']);
  const suite = dice.chance(0.12) ? ` Ste ${dice.int(100, 480)}` : '';
  return {
    street: `${dice.int(101, 14_999)} ${side}${dice.pick(STREETS)}${suite}`,
    city: place.city,
    state: place.state,
    zip: `${place.zip}${String(dice.int(1, 99)).padStart(2, '0')}`,
    country: 'US',
  };
}

/** Numbers 555-0100 to 555-0199 are kept for fiction. People type them in several ways. */
export function phone(dice: Dice, place: Town): string {
  const line = `01${String(dice.int(0, 99)).padStart(2, '0')}`;
  return dice.weighted([
    [`(${place.area}) 555-${line}`, 6],
    [`${place.area}-555-${line}`, 3],
    [`${place.area}.555.${line}`, 1],
    [`+1 ${place.area} 555 ${line}`, 1],
  ]);
}
