/** People's names. Any likeness is chance; addresses end in `.example`, phones are 555-01xx. */
import type { Dice } from './dice.ts';

const FIRST = `Aaron Abby Adriana Alan Alicia Amber Amir Andre Angela Anita Ben Bianca Brett Brooke Caleb Carla Carmen
Casey Cesar Chad Chloe Clint Colin Corey Dana Darius Dawn Deb Derek Diego Donna Doug Duane Elena Eli Emily Erik Esther
Evan Faith Felix Fran Gabe Gail Garrett Gina Glenn Grace Grant Hank Harold Heather Hector Holly Ian Imani Ingrid Isaac
Jack Jamal Janet Jared Jasmine Jeff Jenna Jerry Jill Joel José Josh Joyce Julia Kara Keith Kelly Ken Kira Kurt Lamar
Lance Laura Leah Leon Linda Lori Luis Lydia Marco Maria Mark Marsha Matt Mei Miguel Mindy Mona Nate Nadia Neil Nick
Nora Olga Omar Paige Patrick Paula Pete Priya Rachel Ramón Randy Raul Rebecca Renée Rhonda Rick Rosa Ross Roy Ruth Ryan
Sandra Scott Sergio Shane Shawna Sonia Stan Steve Sue Tara Tasha Ted Terrence Tina Todd Tracy Trevor Vanessa Vera
Victor Vince Wade Walt Wendy Xavier Yolanda Zach`.split(/\s+/);

const LAST = `Abbott Acosta Alder Allred Amundson Arroyo Atwater Bagley Baird Ballard Barrow Beckwith Bellamy Benitez
Birch Blevins Boone Bowden Brannigan Bristow Brockman Burkett Cade Calloway Cantrell Carver Castellano Chisholm Clayborn
Coburn Colvin Conway Corbett Crandall Crowder Dalton Danforth Dawes Delaney Denham Dietrich Dockery Doyle Draper Duarte
Dunning Eastman Eckert Ellison Embry Escobar Fairchild Farrow Fenner Fielding Finch Fontaine Forsythe Gaines Galloway
Garza Gentry Gibbs Gilmore Goddard Granger Greer Griggs Guerrero Hadley Hale Hammond Hargrove Harmon Hatcher Hawley
Heller Hendricks Hightower Holbrook Hollis Houser Huang Ibarra Ingram Isaacs Jarvis Jessup Joplin Kearns Keller Kemper
Kessler Kincaid Kirkland Knox Kowalski Lambert Landry Larkin Lattimore Ledford Lindqvist Lockhart Lowry Lujan Mabry
Maddox Mahoney Marlowe Mathis McCabe McKee Mercado Merritt Milburn Moffett Montoya Mosley Muñoz Nash Navarro Nesbitt
Noland Norwood Oakes Ogden Okafor Olmstead Ortega Osborne Overton Padgett Palmer Parrish Pendleton Pham Pickett Pruitt
Quinlan Quintero Raines Ransom Redding Reyes Ridley Rinehart Rosales Roth Rutledge Salazar Sandoval Saxton Schroeder
Seaver Shelby Shepherd Sizemore Slater Sorensen Stanton Stroud Sutter Talbot Tanner Thorne Tillman Trammell Tran Truitt
Underhill Upton Valdez Vance Vega Vickers Wakefield Walden Ware Weatherly Whitaker Wilkes Winslow Wofford Yates Yoder
Zamora Ziegler`.split(/\s+/);

export interface PersonName {
  readonly first: string;
  readonly last: string;
}

export const lastName = (dice: Dice): string => dice.pick(LAST);

export const personName = (dice: Dice): PersonName => ({ first: dice.pick(FIRST), last: lastName(dice) });

/** Lower-case ASCII letters and digits only: what a mailbox or a domain is spelled with. */
export const plain = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/[^A-Za-z0-9]/g, '')
    .toLowerCase();

export const mailbox = (name: PersonName): string => `${plain(name.first)}.${plain(name.last)}`;
