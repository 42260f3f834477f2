import { expect } from 'chai';
import { describe, it } from 'mocha';
import { hasQuorum } from '../../lib/health/quorum.ts';

describe('hasQuorum', () => {
  const rows: readonly (readonly [had: boolean, sum: number, quorum: number, hysteresis: number, has: boolean])[] = [
    // Without hysteresis: a line that is crossed.
    [false, 0, 1, 0, false],
    [false, 1, 1, 0, true],
    [true, 1, 1, 0, true],
    [true, 0, 1, 0, false],
    [false, 2, 3, 0, false],
    [true, 2, 3, 0, false],
    [true, 3, 3, 0, true],
    // With: gained at quorum + hysteresis, lost below quorum - hysteresis.
    [false, 11, 10, 2, false],
    [false, 12, 10, 2, true],
    [true, 11, 10, 2, true],
    [true, 8, 10, 2, true],
    [true, 7, 10, 2, false],
    [false, 8, 10, 2, false],
    // Nobody alive is never a quorum, however wide the hysteresis.
    [true, 0, 2, 2, false],
    [true, 1, 3, 2, true],
  ];
  for (const [had, sum, quorum, hysteresis, has] of rows) {
    it(`of ${quorum} with hysteresis ${hysteresis} and ${had ? 'gained' : 'lost'} before is ${has} at ${sum}`, () => {
      expect(hasQuorum(had, sum, { quorum, hysteresis })).to.equal(has);
    });
  }
});
