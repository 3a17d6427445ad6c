/** Runs many histories until one fails. */
import type { Engine } from './engine.ts';
import { type Plan, type Told, tell } from './history.ts';
import { SCENARIOS, type World } from './worlds.ts';

export interface Hunt {
  /** The first history that failed; null when none did. */
  readonly found: Told | null;
  readonly plan: Plan | null;
  readonly histories: number;
}

/** Seeds `from` to `from + count - 1` of one world, until one fails. */
export async function hunt(engine: Engine, world: World, from: number, count: number): Promise<Hunt> {
  for (let seed = from; seed < from + count; seed++) {
    const plan = { ...world, seed };
    const told = await tell(engine, plan, false);
    if (told.failure !== null) return { found: told, plan, histories: seed - from + 1 };
  }
  return { found: null, plan: null, histories: count };
}

/** Every scenario, or one, killed at each of its edges in turn, until one fails. */
export async function exhaust(engine: Engine, seed: number, only?: string): Promise<Hunt> {
  let histories = 0;
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (only !== undefined && name !== only) continue;
    const whole = await tell(engine, { ...scenario, seed }, false);
    for (let edge = 0; edge <= whole.edges; edge++) {
      const plan: Plan = { ...scenario, seed, ...(edge === 0 ? {} : { killedAtEdge: edge }) };
      const told = await tell(engine, plan, false);
      histories++;
      if (told.failure !== null) return { found: told, plan, histories };
    }
  }
  return { found: null, plan: null, histories };
}
