import { expect } from 'chai';
import { describe, it } from 'mocha';
import { formatDuration, milliseconds, seconds } from '../../lib/time/duration.ts';

describe('a duration', () => {
  it('counts milliseconds', () => {
    expect(seconds(1.5)).to.equal(1500);
    expect(milliseconds(1.5)).to.equal(1.5);
  });

  for (const [value, text] of [
    [0, '0 ms'],
    [0.4, '0.4 ms'],
    [1.2346, '1.235 ms'],
    [12.345, '12.3 ms'],
    [250, '250 ms'],
    [999.4, '999 ms'],
    [999.9, '1 s'],
    [1000, '1 s'],
    [1500, '1.5 s'],
    [61_234, '61.2 s'],
    [3_600_000, '3600 s'],
  ] as const) {
    it(`of ${value} ms is written ${text}`, () => {
      expect(formatDuration(value)).to.equal(text);
    });
  }
});
