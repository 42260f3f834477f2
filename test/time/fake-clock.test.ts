import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../lib/testing/fake-clock.ts';
import { alarmClockContract } from './alarm-clock-contract.ts';

alarmClockContract('FakeClock', () => {
  const clock = new FakeClock(1000);
  const faults: unknown[] = [];
  return {
    clock,
    faults,
    async pass(ms) {
      try {
        clock.advance(ms);
      } catch (fault) {
        faults.push(fault);
      }
    },
    cleanup: () => {},
  };
});

describe('FakeClock', () => {
  it('stands at each deadline in turn while it advances, and at the end afterwards', () => {
    const clock = new FakeClock(100);
    const seen: number[] = [];
    clock.alarmAt(150, () => seen.push(clock.now()));
    clock.alarmAt(110, () => {
      seen.push(clock.now());
      clock.alarmAt(120, () => seen.push(clock.now()));
    });
    clock.alarmAt(201, () => seen.push(clock.now()));
    clock.advance(100);
    expect(seen).to.deep.equal([110, 120, 150]);
    expect(clock.now()).to.equal(200);
    expect(clock.armed).to.equal(1);
    expect(clock.nearestDeadline).to.equal(201);
  });

  it('rings late after a stall, as a machine does that was suspended', () => {
    const clock = new FakeClock();
    const seen: number[] = [];
    clock.alarmAt(10, () => seen.push(clock.now()));
    clock.stall(500);
    expect(seen).to.deep.equal([]);
    clock.advance(0);
    expect(seen).to.deep.equal([500]);
    expect(clock.nearestDeadline).to.equal(undefined);
  });

  it('reports an alarm that sets itself for the same moment for ever, instead of hanging', () => {
    const clock = new FakeClock();
    const again = (): void => {
      clock.alarmAt(clock.now(), again);
    };
    again();
    expect(() => clock.advance(1)).to.throw(RangeError, 'set in a loop');
  });

  it('tells all that was thrown', () => {
    const clock = new FakeClock();
    for (const text of ['one', 'two']) {
      clock.alarmAt(1, () => {
        throw new Error(text);
      });
    }
    expect(() => clock.advance(1)).to.throw(AggregateError, '2 alarms threw');
  });

  it('is not advanced from within an alarm, nor backwards', () => {
    const clock = new FakeClock();
    clock.alarmAt(1, () => clock.advance(1));
    expect(() => clock.advance(1)).to.throw(RangeError, 'being advanced already');
    expect(() => clock.advance(-1)).to.throw(RangeError);
    expect(() => clock.stall(Number.NaN)).to.throw(RangeError);
  });
});
