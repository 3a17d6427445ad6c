/** Whether two shares differ by more than chance: Fisher's exact test on small counts, without an approximation. */

const logFactorials: number[] = [0];

function logFactorial(n: number): number {
  for (let next = logFactorials.length; next <= n; next++) {
    logFactorials.push((logFactorials[next - 1] ?? 0) + Math.log(next));
  }
  return logFactorials[n] ?? 0;
}

const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

/**
 * The chance that shares as far apart as these, or further, come from one and the same population: `a` of `ofA` against
 * `b` of `ofB`. 1 when either side is empty.
 */
export function chanceOf(a: number, ofA: number, b: number, ofB: number): number {
  if (ofA === 0 || ofB === 0) return 1;
  const hits = a + b;
  const all = logChoose(ofA + ofB, hits);
  const logAt = (k: number): number => logChoose(ofA, k) + logChoose(ofB, hits - k) - all;
  const seen = logAt(a);
  let chance = 0;
  for (let k = Math.max(0, hits - ofB); k <= Math.min(ofA, hits); k++) {
    if (logAt(k) <= seen + 1e-9) chance += Math.exp(logAt(k));
  }
  return Math.min(1, chance);
}
