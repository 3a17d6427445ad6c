/** After an older state took the place of the newer one: what HubSpot holds under our keys, asked of HubSpot itself. */
import type { PropertySpec, Sink } from '../pipe.ts';
import type { StreamState } from '../state/stream.ts';

/**
 * Objects made since the older state was copied are unknown to it. Without them a record that has left since would get
 * no farewell, and a deal would be taken for a new one and lose the stage that people gave it. Kept for this run only:
 * a key and an id per object (about 100 bytes), so that `reconcile` still tells what no source record explains.
 */
export async function rediscover(
  { objects }: StreamState,
  sink: Sink,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<void> {
  objects.doubt();
  for (const { object, name, unique } of specs) {
    if (!unique) continue;
    for await (const page of sink.keyed(object, name, signal))
      for (const found of page) objects.rediscover(object, found);
  }
}
