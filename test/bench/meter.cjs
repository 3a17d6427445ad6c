// Loaded before anything else of a measured process: at its end it writes what the process used.
const { writeFileSync } = require('node:fs');
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const figures = { cpuMs: (userCPUTime + systemCPUTime) / 1000, wallMs: performance.now(), rssMb: maxRSS / 1024 };
  writeFileSync(process.env.BENCH_METER, JSON.stringify(figures));
});
