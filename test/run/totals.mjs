// Counts of tests: added up, written as the one line that ends every run.

/** @typedef {{ passed: number, failed: number, skipped: number }} Totals */

/** @returns {Totals} */
export function noTests() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** @param {Totals} a @param {Totals} b @returns {Totals} */
export function sum(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** @param {Totals} totals */
export function totalsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The totals in a run's last line; undefined when it ended without them. @returns {Totals | undefined} */
export function parseTotals(output) {
  const match = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(output.trimEnd().split('\n').at(-1) ?? '');
  return match === null ? undefined : { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) };
}

/** 0 when nothing failed and, where `strict`, nothing was skipped either. */
export function exitCode({ failed, skipped }, strict) {
  return failed > 0 || (strict && skipped > 0) ? 1 : 0;
}
