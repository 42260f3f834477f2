/**
 * Time as the pure core sees it: monotonic milliseconds with a fraction, from an unspecified start. Wall-clock time is
 * for logs only; a clock step must never change a verdict or start a failover.
 */
export interface Clock {
  /** Monotonic milliseconds (CLOCK_MONOTONIC). */
  now(): number;
}

/** One armed deadline. Cancelling twice, or after it fired, does nothing. */
export interface Alarm {
  cancel(): void;
}

/** A clock that can call back. Implemented by io/ over one timer per process, and by testing/'s fake clock. */
export interface AlarmClock extends Clock {
  /** Calls `ring` once at or after `deadline` (monotonic ms), never synchronously. A late call is normal. */
  alarmAt(deadline: number, ring: () => void): Alarm;
}
