import type { Alarm, AlarmClock } from '../../lib/time/clock.ts';

/** A clock that a test moves by hand. Alarms ring within {@link ManualClock.advance}, in the order of their deadlines. */
export class ManualClock implements AlarmClock {
  #now = 0;
  #alarms: { readonly deadline: number; readonly ring: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  alarmAt(deadline: number, ring: () => void): Alarm {
    const alarm = { deadline, ring };
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
  }

  /** Alarms that are armed: tests check that nothing is left behind. */
  get armed(): number {
    return this.#alarms.length;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#alarms.filter(({ deadline }) => deadline <= end).sort((a, b) => a.deadline - b.deadline)[0];
      if (due === undefined) break;
      this.#alarms = this.#alarms.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.deadline);
      due.ring();
    }
    this.#now = end;
  }
}

/** Lets everything happen that needs no time. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
