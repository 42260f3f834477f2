/**
 * Milliseconds of CLOCK_MONOTONIC, with microseconds as the fraction. All processes of one kernel read the same
 * clock, so times from several of them may be compared.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
