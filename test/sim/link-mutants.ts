/** The rules of the links between objects, each broken by one replacement. */
import type { Mutant } from './mutants.ts';
import { one } from './plant.ts';

export const LINK_MUTANTS: readonly Mutant[] = [
  {
    name: 'links asked for are forgotten',
    rule: 'a link that was asked for and never heard of is removed when it is wanted no more',
    replacements: one('engine/afterwards.ts', 'for (const link of links) state.links.intend(link);', ''),
    world: 'linked',
  },
  {
    name: 'removals asked for are forgotten',
    rule: 'a link whose removal may have been asked for is made again when it is wanted again',
    replacements: one(
      'state/links.ts',
      "this.#set(object, key, old, 'pending');",
      "this.#set(object, key, old, 'made');",
    ),
    world: 'linked',
  },
  {
    name: 'unknown is linked',
    rule: 'a link that HubSpot did not speak of is not made',
    replacements: one('engine/afterwards.ts', "if (outcome.kind === 'done') {", "if (outcome.kind !== 'refused') {"),
    world: 'unheard',
  },
  {
    name: 'old links stay',
    rule: 'a link that was made is removed when it is wanted no more',
    replacements: one('engine/afterwards.ts', 'await removeUnwanted(state, sink, signal, counts);', ''),
    world: 'linked',
  },
  {
    name: 'made anew without links',
    rule: 'an object that takes the place of one that people removed is linked as that one was',
    replacements: one('state/object-ids.ts', "WHERE state = 'made' AND", "WHERE state = 'never' AND"),
    world: 'linked',
  },
];
