// Loaded before anything else of a measured process: at its end it writes what the process used.
const { writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

/** What the heap holds once everything that nothing refers to is gone. Asked for last: the collection is not measured. */
function liveHeapMb() {
  require('node:v8').setFlagsFromString('--expose-gc');
  require('node:vm').runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

// A worker's exit is not the program's.
if (isMainThread)
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const figures = { cpuMs: (userCPUTime + systemCPUTime) / 1000, wallMs: performance.now(), rssMb: maxRSS / 1024 };
    writeFileSync(process.env.BENCH_METER, JSON.stringify({ ...figures, heapMb: liveHeapMb() }));
  });
