/** The command line of the simulation; see docs/simulation.md. */
import { parseArgs } from 'node:util';
import { loadEngine, REPOSITORY } from './engine.ts';
import { tell } from './history.ts';
import { installVirtualTime } from './time.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    fix: { type: 'string' },
    l7: { type: 'boolean', default: false },
  },
});
process.on('unhandledRejection', (e) => { if (!(e instanceof Error && e.name === 'Crash')) console.log('UNHANDLED', e); });
const started = performance.now.bind(performance);
const t0 = process.hrtime.bigint();
installVirtualTime();
let engine = await loadEngine(REPOSITORY);
if (values.fix) engine = (await (await import('./plant.ts')).plant((await import(values.fix)).fixes)).engine;
if (values.seed) {
  const t = await tell(engine, { seed: Number(values.seed) }, true);
  console.log(t.trace.join('\n'));
  console.log(t.families.join(' '), t.edges);
} else {
  const total = new Map<string, number>();
  let edges = 0;
  for (let seed = Number(values.from); seed < Number(values.from) + Number(values.seeds); seed++) {
    const t = await tell(engine, { seed }, false);
    edges += t.edges;
    for (const [k, v] of t.counts) total.set(k, (total.get(k) ?? 0) + v);
    if (t.failure) console.log(seed, t.failure.slice(0, 300));
  }
  console.log(Object.fromEntries([...total].sort()), edges, Number(process.hrtime.bigint() - t0) / 1e9);
}
