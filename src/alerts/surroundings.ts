/** What alerts look at beside the state: the schedule and the disk. */
import { loadJobs } from '../jobs.ts';
import { loadSchedule } from '../schedule/settings.ts';
import { SCHEDULE_ZONE } from '../schedule/zone.ts';
import { FREE_BYTES_LOW, FREE_BYTES_MIN, judgeFolder } from '../state/folder.ts';
import type { Surroundings } from './facts.ts';
import type { AlertSettings } from './settings.ts';

/** A schedule with faults is told by whoever runs it; here the usual one stands in for it. */
export async function surroundingsOf({
  schedule,
  stateDir,
}: Pick<AlertSettings, 'schedule' | 'stateDir'>): Promise<Omit<Surroundings, 'nowMs' | 'channels'>> {
  const jobs = await loadJobs();
  const disk = diskOf(stateDir);
  try {
    const { zone, jobs: planned } = loadSchedule(schedule, jobs);
    const daily = planned.flatMap(({ isOn, weekday, pipes }) => (isOn && weekday === null ? pipes : []));
    return { zone, daily: new Set(daily), disk };
  } catch {
    return { zone: SCHEDULE_ZONE, daily: new Set(jobs.map(({ pipe }) => pipe)), disk };
  }
}

function diskOf(stateDir: string): Surroundings['disk'] {
  try {
    const { freeBytes } = judgeFolder(stateDir);
    return freeBytes === null ? null : { free: freeBytes, low: FREE_BYTES_LOW, least: FREE_BYTES_MIN };
  } catch {
    return null; // no folder yet
  }
}
