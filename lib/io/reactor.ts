/**
 * The process's one meeting point with the kernel: an epoll descriptor for all sockets that Node knows nothing of, and
 * a timerfd for the nearest of all deadlines. libuv watches only the epoll descriptor; everything ready is taken in one
 * epoll_wait. Both cost less than Node's own handles and timers, and a deadline is kept to some 0.1 ms, not 1 ms.
 *
 * The process stays alive while something is watched or an alarm is armed, and may exit otherwise.
 */
import { errnoNumber, systemCallError } from '../errors.ts';
import { AlarmHeap, type HeapAlarm } from '../time/alarm-heap.ts';
import type { Alarm, AlarmClock } from '../time/clock.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, epollEventLayout } from './native/abi.ts';
import { type PollHandle, type SystemCalls, systemCalls } from './native/system-calls.ts';

/** Told when its descriptor is ready; `events` are EPOLL* bits, EPOLLERR and EPOLLHUP always among the asked. */
export interface ReadyHandler {
  ready(events: number): void;
}

const MAX_EVENTS = 256;
/** Calls of epoll_wait per turn of the event loop: 16,384 events. */
const MAX_CALLS = 64;
const { size: EVENT_SIZE, dataOffset: DATA_OFFSET } = epollEventLayout(process.arch);
const EINTR = errnoNumber('EINTR');

// performance.now() is CLOCK_MONOTONIC too, with another start; reading it is cheaper than hrtime and gives a number.
const MONOTONIC_OFFSET = measureOffset();

function measureOffset(): number {
  let offset = Number.NEGATIVE_INFINITY;
  // The first calls are slow; the largest difference had the least time between its two readings.
  for (let i = 0; i < 10; i++) offset = Math.max(offset, Number(process.hrtime.bigint()) / 1e6 - performance.now());
  return offset;
}

/** CLOCK_MONOTONIC in milliseconds: comparable between the processes of a machine. */
export function monotonicNow(): number {
  return MONOTONIC_OFFSET + performance.now();
}

interface Watch {
  readonly handler: ReadyHandler;
  /** Tells a ready event for this descriptor from one for an earlier socket that had the same number. */
  readonly generation: number;
}

export class Reactor implements AlarmClock {
  readonly #calls: SystemCalls;
  readonly #epollFd: number;
  readonly #timerFd: number;
  readonly #poll: PollHandle;
  readonly #watches = new Map<number, Watch>();
  readonly #alarms = new AlarmHeap();
  readonly #ready = new Uint8Array(MAX_EVENTS * EVENT_SIZE);
  readonly #readyView = new DataView(this.#ready.buffer);
  readonly #event = new Uint8Array(EVENT_SIZE);
  readonly #eventView = new DataView(this.#event.buffer);
  readonly #timerSpec = new BigInt64Array(4);
  readonly #timerSpecBytes = new Uint8Array(this.#timerSpec.buffer);
  #generation = 0;
  #armedFor = Number.POSITIVE_INFINITY;
  #keepsAlive = false;
  /** While ready events are handed out: alarms are armed once, after all of them. */
  #dispatching = false;

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#epollFd = expect('create', 'epoll descriptor', calls.epollCreate());
    this.#timerFd = expect('create', 'timer descriptor', calls.timerfdCreate());
    this.#control(EPOLL_CTL_ADD, this.#timerFd, EPOLLIN, 0);
    // Kept in a field: a poll handle that nothing refers to is collected and silently stops.
    this.#poll = calls.poll(this.#epollFd, () => this.#dispatch());
    this.#poll.unref();
  }

  now(): number {
    return monotonicNow();
  }

  alarmAt(deadline: number, ring: () => void): Alarm {
    const alarm = this.#alarms.add(deadline, ring);
    this.#arm();
    return new ArmedAlarm(this, alarm);
  }

  /** @internal by {@link ArmedAlarm} */
  cancelAlarm(alarm: HeapAlarm): void {
    this.#alarms.remove(alarm);
    // The timer stays armed: one early wake-up that finds nothing due costs less than setting it at every cancel.
    this.#updateKeepAlive();
  }

  /** Watches a descriptor for `events` (EPOLLIN, EPOLLOUT), level-triggered. One handler per descriptor. */
  watch(fd: number, events: number, handler: ReadyHandler): void {
    this.#generation = (this.#generation + 1) % 0xffffffff;
    const generation = this.#generation + 1;
    this.#control(EPOLL_CTL_ADD, fd, events, generation);
    this.#watches.set(fd, { handler, generation });
    this.#updateKeepAlive();
  }

  /** Changes what a watched descriptor is watched for. */
  rewatch(fd: number, events: number): void {
    const watch = this.#watches.get(fd);
    if (watch !== undefined) this.#control(EPOLL_CTL_MOD, fd, events, watch.generation);
  }

  /** Must come before the descriptor is closed. Does nothing when it is not watched. */
  unwatch(fd: number): void {
    if (this.#forget(fd)) this.#calls.epollControl(this.#epollFd, EPOLL_CTL_DEL, fd, this.#event);
  }

  /** Ends a watch by closing its descriptor, which takes it out of the epoll set by itself: one system call less. */
  closeWatched(fd: number): void {
    this.#forget(fd);
    this.#calls.close(fd);
  }

  #forget(fd: number): boolean {
    const known = this.#watches.delete(fd);
    if (known) this.#updateKeepAlive();
    return known;
  }

  #control(operation: number, fd: number, events: number, generation: number): void {
    this.#eventView.setUint32(0, events, true);
    this.#eventView.setUint32(DATA_OFFSET, fd, true);
    this.#eventView.setUint32(DATA_OFFSET + 4, generation, true);
    expect('watch', `descriptor ${fd}`, this.#calls.epollControl(this.#epollFd, operation, fd, this.#event));
  }

  #dispatch(): void {
    this.#dispatching = true;
    let timerFired = false;
    try {
      // A connection that is there is served before its time limit rings, however long this process stood still: so all
      // that is ready is taken first, in as many calls as it needs. Descriptors that stay ready do not hold it up for ever.
      for (let call = 0, count = MAX_EVENTS; count === MAX_EVENTS && call < MAX_CALLS; call++) {
        count = this.#calls.epollWait(this.#epollFd, this.#ready, MAX_EVENTS);
        if (count === -EINTR) return;
        expect('wait on', 'epoll descriptor', count);
        for (let i = 0; i < count; i++) if (this.#serve(i * EVENT_SIZE)) timerFired = true;
      }
      this.#ringDue(timerFired);
    } finally {
      this.#dispatching = false;
      this.#arm();
    }
  }

  /** Tells the handler of the event at `offset`; true for the timer. */
  #serve(offset: number): boolean {
    const fd = this.#readyView.getInt32(offset + DATA_OFFSET, true);
    if (fd === this.#timerFd) return true;
    const watch = this.#watches.get(fd);
    if (watch === undefined || watch.generation !== this.#readyView.getUint32(offset + DATA_OFFSET + 4, true))
      return false;
    const events = this.#readyView.getUint32(offset, true);
    try {
      watch.handler.ready(events);
    } catch (fault) {
      throwLater(fault);
    }
    return false;
  }

  /** Rings what is due now, at most as many as there were: alarms that set themselves again never keep sockets waiting. */
  #ringDue(timerFired: boolean): void {
    // The timer counts in nanoseconds of the kernel's own clock: believe it, or a clock that reads a microsecond less
    // would have us called again and again until it agrees.
    const now = timerFired ? Math.max(this.now(), this.#armedFor) : this.now();
    if (this.#armedFor <= now) this.#armedFor = Number.NaN; // it has fired: whatever is nearest must be armed anew
    for (let left = this.#alarms.size; left > 0; left--) {
      const alarm = this.#alarms.takeDue(now);
      if (alarm === undefined) break;
      try {
        alarm.ring();
      } catch (fault) {
        throwLater(fault);
      }
    }
  }

  #arm(): void {
    if (this.#dispatching) return;
    this.#updateKeepAlive();
    const { nearest } = this.#alarms;
    // An earlier time than needed is left armed; it is corrected when it fires.
    if (this.#armedFor <= nearest) return;
    this.#armedFor = nearest;
    // A timerfd set to zero is disarmed: an empty heap (Infinity) gives 0, a deadline in the past at least 1 ns.
    const nanoseconds = nearest === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(nearest * 1e6));
    this.#timerSpec[2] = BigInt(Math.floor(nanoseconds / 1e9));
    this.#timerSpec[3] = BigInt(nanoseconds % 1e9);
    expect('arm', 'timer descriptor', this.#calls.timerfdSet(this.#timerFd, this.#timerSpecBytes));
  }

  #updateKeepAlive(): void {
    const needed = this.#watches.size > 0 || this.#alarms.size > 0;
    if (needed === this.#keepsAlive) return;
    this.#keepsAlive = needed;
    if (needed) this.#poll.ref();
    else this.#poll.unref();
  }
}

class ArmedAlarm implements Alarm {
  readonly #reactor: Reactor;
  readonly #alarm: HeapAlarm;

  constructor(reactor: Reactor, alarm: HeapAlarm) {
    this.#reactor = reactor;
    this.#alarm = alarm;
  }

  cancel(): void {
    this.#reactor.cancelAlarm(this.#alarm);
  }
}

/** A fault in one handler is reported as uncaught, after the others have been served. */
function throwLater(fault: unknown): void {
  setImmediate(() => {
    throw fault;
  });
}

function expect(operation: string, subject: string, result: number): number {
  if (result < 0) throw systemCallError(-result, { operation, subject });
  return result;
}

let shared: Reactor | undefined;

/** The reactor of this process, made at the first use. */
export function processReactor(): Reactor {
  shared ??= new Reactor(systemCalls());
  return shared;
}
