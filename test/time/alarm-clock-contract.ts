/** What every AlarmClock does: io/'s reactor, and testing/'s fake clock. */
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { AlarmClock } from '../../lib/time/clock.ts';

export interface ClockUnderTest {
  readonly clock: AlarmClock;
  /** Lets at least so many milliseconds pass; what is due by then has rung when this resolves. */
  pass(ms: number): Promise<void>;
  /** What alarms threw so far: none of it is lost. */
  readonly faults: unknown[];
  cleanup(): void;
}

export function alarmClockContract(name: string, make: () => ClockUnderTest): void {
  describe(`${name} keeps the contract of AlarmClock`, () => {
    let subject: ClockUnderTest;
    beforeEach(() => {
      subject = make();
    });
    afterEach(() => {
      subject.cleanup();
      expect(subject.faults).to.deep.equal([]);
    });

    it('rings once, at or after the deadline', async () => {
      const { clock } = subject;
      const deadline = clock.now() + 3;
      const rung: number[] = [];
      clock.alarmAt(deadline, () => rung.push(clock.now()));
      await subject.pass(10);
      expect(rung).to.have.length(1);
      expect(rung[0]).to.be.at.least(deadline);
      await subject.pass(5);
      expect(rung).to.have.length(1);
    });

    it('never rings from within alarmAt, not even for a deadline in the past', async () => {
      const { clock } = subject;
      let rings = 0;
      clock.alarmAt(clock.now() - 1000, () => rings++);
      clock.alarmAt(clock.now(), () => rings++);
      clock.alarmAt(Number.NEGATIVE_INFINITY, () => rings++);
      expect(rings).to.equal(0);
      await subject.pass(1);
      expect(rings).to.equal(3);
    });

    it('rings in the order of the deadlines, however they were armed', async () => {
      const { clock } = subject;
      const start = clock.now();
      const rung: number[] = [];
      for (const after of [4, 1, 3, 0, 2, 3.5]) clock.alarmAt(start + after, () => rung.push(after));
      await subject.pass(10);
      expect(rung).to.deep.equal([0, 1, 2, 3, 3.5, 4]);
    });

    it('does not ring a cancelled alarm; cancelling again, or after it rang, does nothing', async () => {
      const { clock } = subject;
      const rung: string[] = [];
      const cancelled = clock.alarmAt(clock.now() + 1, () => rung.push('cancelled'));
      const kept = clock.alarmAt(clock.now() + 2, () => rung.push('kept'));
      cancelled.cancel();
      cancelled.cancel();
      await subject.pass(6);
      expect(rung).to.deep.equal(['kept']);
      kept.cancel();
      clock.alarmAt(clock.now() + 1, () => rung.push('next'));
      kept.cancel();
      await subject.pass(6);
      expect(rung).to.deep.equal(['kept', 'next']);
    });

    it('lets one alarm cancel another that is due at the same time', async () => {
      const { clock } = subject;
      const at = clock.now() + 1;
      let rings = 0;
      const alarms = [0, 1].map((i) =>
        clock.alarmAt(at, () => {
          rings++;
          alarms[1 - i]!.cancel();
        }),
      );
      await subject.pass(5);
      expect(rings).to.equal(1);
    });

    it('rings an alarm that an alarm armed for now, after that one has returned', async () => {
      const { clock } = subject;
      const rung: string[] = [];
      clock.alarmAt(clock.now() + 1, () => {
        clock.alarmAt(clock.now(), () => rung.push('second'));
        rung.push('first');
      });
      await subject.pass(10);
      expect(rung).to.deep.equal(['first', 'second']);
    });

    it('moves an alarm to an earlier time by a second one', async () => {
      const { clock } = subject;
      const rung: string[] = [];
      const later = clock.alarmAt(clock.now() + 100_000, () => rung.push('later'));
      clock.alarmAt(clock.now() + 1, () => rung.push('earlier'));
      await subject.pass(5);
      later.cancel();
      expect(rung).to.deep.equal(['earlier']);
    });

    it('rings the others when one throws, and loses nothing of what was thrown', async () => {
      const { clock } = subject;
      const rung: string[] = [];
      const at = clock.now() + 1;
      clock.alarmAt(at, () => {
        throw new Error('wrong');
      });
      clock.alarmAt(at + 1, () => rung.push('other'));
      await subject.pass(8);
      expect(rung).to.deep.equal(['other']);
      expect(subject.faults.splice(0)).to.have.length(1);
    });

    it('rings thousands, each once', async () => {
      const { clock } = subject;
      const start = clock.now();
      const rings = new Uint8Array(5000);
      const alarms = Array.from(rings, (_, i) => clock.alarmAt(start + (i % 7), () => rings[i]!++));
      for (let i = 0; i < alarms.length; i += 2) alarms[i]!.cancel();
      await subject.pass(30);
      expect(rings.every((count, i) => count === i % 2)).to.equal(true);
    });

    it('does not go back in time', () => {
      const { clock } = subject;
      let last = clock.now();
      for (let i = 0; i < 1000; i++) {
        const now = clock.now();
        expect(now).to.be.at.least(last);
        last = now;
      }
    });
  });
}
