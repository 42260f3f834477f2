import { expect } from 'chai';
import { describe, it } from 'mocha';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The scripts are plain JavaScript, used before anything is compiled; from dist/test/run they lie three folders up. */
const { exitCode, parseTotals, sum, totalsLine } = (await import(
  new URL('../../../test/run/totals.mjs', import.meta.url).href
)) as {
  readonly exitCode: (totals: Totals, strict: boolean) => number;
  readonly parseTotals: (output: string) => Totals | undefined;
  readonly sum: (a: Totals, b: Totals) => Totals;
  readonly totalsLine: (totals: Totals) => string;
};

describe('the totals of a test run', () => {
  it('are written as one line that is read back from the end of an output', () => {
    const totals = { passed: 12, failed: 0, skipped: 3 };
    expect(totalsLine(totals)).to.equal('12 passed, 0 failed, 3 skipped');
    expect(parseTotals(`1 passed, 1 failed, 1 skipped\nmore\n${totalsLine(totals)}\n`)).to.deep.equal(totals);
  });

  it('are absent from an output that goes on behind them or has none', () => {
    expect(parseTotals('1 passed, 1 failed, 1 skipped\nSegmentation fault\n')).to.equal(undefined);
    expect(parseTotals('')).to.equal(undefined);
  });

  it('add up', () => {
    expect(sum({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })).to.deep.equal({
      passed: 11,
      failed: 22,
      skipped: 33,
    });
  });

  it('fail the run when a test failed, and when one was skipped only where nothing may be skipped', () => {
    expect(exitCode({ passed: 1, failed: 0, skipped: 0 }, true)).to.equal(0);
    expect(exitCode({ passed: 1, failed: 0, skipped: 1 }, false)).to.equal(0);
    expect(exitCode({ passed: 1, failed: 0, skipped: 1 }, true)).to.equal(1);
    expect(exitCode({ passed: 1, failed: 1, skipped: 0 }, false)).to.equal(1);
  });
});
