/** A clock that stands still until a test moves it. Keeps the contract of the real one (test/time/alarm-clock-contract.ts). */
import { AlarmHeap } from '../time/alarm-heap.ts';
import type { Alarm, AlarmClock } from '../time/clock.ts';

/** An alarm that sets itself for the same moment again and again would keep a real machine busy; here it is reported. */
const MOST_RINGS = 1_000_000;

/**
 * ```
 * const clock = new FakeClock();
 * clock.alarmAt(1000, () => console.log('rings'));
 * clock.advance(1000);
 * ```
 */
export class FakeClock implements AlarmClock {
  readonly #alarms = new AlarmHeap();
  #now: number;
  #advancing = false;

  /** Starts at `now` (monotonic milliseconds, any number). */
  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  alarmAt(deadline: number, ring: () => void): Alarm {
    const alarm = this.#alarms.add(deadline, ring);
    return { cancel: () => this.#alarms.remove(alarm) };
  }

  /** Alarms that are armed: for the claim that nothing was left behind. */
  get armed(): number {
    return this.#alarms.size;
  }

  /** The nearest deadline, at or before which nothing will ring; undefined when no alarm is armed. */
  get nearestDeadline(): number | undefined {
    return this.#alarms.size === 0 ? undefined : this.#alarms.nearest;
  }

  /**
   * Lets `ms` pass (0 or more) and rings what falls due, each at its own deadline, in the order of the deadlines; also
   * what is armed meanwhile. One that throws does not keep the others from ringing: what it threw is thrown at the end
   * (several as an AggregateError). Throws a RangeError when it is called from within an alarm.
   */
  advance(ms: number): void {
    if (this.#advancing) throw new RangeError('the clock is being advanced already: an alarm must not advance it');
    if (!(ms >= 0)) throw new RangeError(`time does not pass by ${ms} ms`);
    const end = this.#now + ms;
    const faults: unknown[] = [];
    this.#advancing = true;
    try {
      for (let rings = 0; ; rings++) {
        const alarm = this.#alarms.takeDue(end);
        if (alarm === undefined) break;
        if (rings === MOST_RINGS)
          throw new RangeError(`${MOST_RINGS} alarms rang within ${ms} ms: is one set in a loop?`);
        this.#now = Math.max(this.#now, alarm.deadline);
        try {
          alarm.ring();
        } catch (fault) {
          faults.push(fault);
        }
      }
      this.#now = end;
    } finally {
      this.#advancing = false;
    }
    if (faults.length === 1) throw faults[0];
    if (faults.length > 1) throw new AggregateError(faults, `${faults.length} alarms threw`);
  }

  /** Lets `ms` pass while nothing rings, as on a machine that is suspended or overloaded; the next advance rings late. */
  stall(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`time does not pass by ${ms} ms`);
    this.#now += ms;
  }
}
