import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import {
  AF_UNIX,
  EPOLLIN,
  EPOLLOUT,
  encodeUnixSockaddr,
  epollEventLayout,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from '../../lib/io/native/abi.ts';
import { type SystemCalls, systemCalls } from '../../lib/io/native/system-calls.ts';
import { monotonicNow, processReactor, Reactor } from '../../lib/io/reactor.ts';
import { runSource } from '../support/programs.ts';
import { collectUncaught } from '../support/uncaught.ts';
import { alarmClockContract } from '../time/alarm-clock-contract.ts';

alarmClockContract('Reactor', () => {
  const { faults, restore } = collectUncaught();
  const reactor = processReactor();
  const pass = async (ms: number): Promise<void> => {
    await delay(ms + 3);
    // On a busy machine this timer is served first: what is due by now gets its turns of the event loop.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  };
  return { clock: reactor, pass, faults, cleanup: restore };
});

/**
 * The kernel's side of epoll, played by the test: what epoll_wait gives is put there, and the turn is taken by hand.
 * Everything that a real descriptor would need is answered with success.
 */
function playedKernel(): {
  calls: SystemCalls;
  give(events: readonly (readonly [fd: number, generation: number])[]): void;
  generationOf(fd: number): number;
} {
  const { size, dataOffset } = epollEventLayout(process.arch);
  const generations = new Map<number, number>();
  let waiting: readonly (readonly [number, number])[] = [];
  let ready = (): void => {};
  const calls = {
    epollCreate: () => 1000,
    timerfdCreate: () => 1001,
    timerfdSet: () => 0,
    close: () => 0,
    epollControl: (_epoll: number, _operation: number, fd: number, event: Uint8Array) => {
      generations.set(fd, new DataView(event.buffer).getUint32(dataOffset + 4, true));
      return 0;
    },
    epollWait: (_epoll: number, events: Uint8Array, maxEvents: number) => {
      const view = new DataView(events.buffer);
      const given = waiting.slice(0, maxEvents);
      waiting = waiting.slice(maxEvents);
      for (const [i, [fd, generation]] of given.entries()) {
        view.setUint32(i * size, EPOLLIN, true);
        view.setUint32(i * size + dataOffset, fd, true);
        view.setUint32(i * size + dataOffset + 4, generation, true);
      }
      return given.length;
    },
    poll: (_fd: number, callback: () => void) => {
      ready = callback;
      return { ref: () => {}, unref: () => {}, close: () => {} };
    },
  } as unknown as SystemCalls;
  return {
    calls,
    generationOf: (fd) => generations.get(fd)!,
    give: (events) => {
      waiting = events;
      ready();
    },
  };
}

describe('Reactor', () => {
  it('does not take an event for an earlier socket for one of the socket that got its number meanwhile', () => {
    const kernel = playedKernel();
    const reactor = new Reactor(kernel.calls);
    const told: string[] = [];
    reactor.watch(7, EPOLLIN, {
      ready: () => {
        // Both are ready in this round; the first closes the second and opens another, which gets the same number.
        told.push('first');
        reactor.closeWatched(8);
        reactor.watch(8, EPOLLIN, { ready: () => told.push('new') });
      },
    });
    reactor.watch(8, EPOLLIN, { ready: () => told.push('old') });
    kernel.give([
      [7, kernel.generationOf(7)],
      [8, kernel.generationOf(8)],
    ]);
    expect(told).to.deep.equal(['first']);
    kernel.give([[8, kernel.generationOf(8)]]);
    expect(told).to.deep.equal(['first', 'new']);
  });

  it('does not tell a handler that another one of the same round has unwatched', () => {
    const kernel = playedKernel();
    const reactor = new Reactor(kernel.calls);
    const told: string[] = [];
    reactor.watch(7, EPOLLIN, {
      ready: () => {
        told.push('first');
        reactor.unwatch(8);
      },
    });
    reactor.watch(8, EPOLLIN, { ready: () => told.push('second') });
    kernel.give([
      [7, kernel.generationOf(7)],
      [8, kernel.generationOf(8)],
    ]);
    expect(told).to.deep.equal(['first']);
  });

  it('serves every connection that is there before a time limit rings, after the process stood still', () => {
    const kernel = playedKernel();
    const reactor = new Reactor(kernel.calls);
    const told: string[] = [];
    const fds = Array.from({ length: 1000 }, (_, i) => i + 2000);
    for (const fd of fds) {
      const limit = reactor.alarmAt(reactor.now() - 1, () => told.push('timeout'));
      reactor.watch(fd, EPOLLIN, {
        ready: () => {
          limit.cancel();
          reactor.closeWatched(fd);
          told.push('served');
        },
      });
    }
    kernel.give(fds.map((fd) => [fd, kernel.generationOf(fd)] as const));
    expect(told.filter((what) => what === 'timeout')).to.deep.equal([]);
    expect(told).to.have.length(1000);
  });

  it('rings its alarms although thousands of descriptors never cease to be ready', () => {
    const kernel = playedKernel();
    const { calls } = kernel;
    const reactor = new Reactor({ ...calls, epollWait: (_epoll, _events, maxEvents) => maxEvents });
    let rings = 0;
    reactor.alarmAt(reactor.now() - 1, () => rings++);
    kernel.give([]);
    expect(rings).to.equal(1);
  });

  it('serves the others when one handler throws, and reports what it threw as uncaught', async () => {
    const kernel = playedKernel();
    const reactor = new Reactor(kernel.calls);
    const { faults, restore } = collectUncaught();
    const told: string[] = [];
    reactor.watch(7, EPOLLIN, {
      ready: () => {
        throw new Error('wrong');
      },
    });
    reactor.watch(8, EPOLLIN, { ready: () => told.push('second') });
    kernel.give([
      [7, kernel.generationOf(7)],
      [8, kernel.generationOf(8)],
    ]);
    await new Promise(setImmediate);
    restore();
    expect(told).to.deep.equal(['second']);
    expect(faults).to.have.length(1);
  });

  it('goes on after an interrupted wait', () => {
    const kernel = playedKernel();
    let interrupted = true;
    const reactor = new Reactor({
      ...kernel.calls,
      epollWait: (...args) => {
        if (!interrupted) return kernel.calls.epollWait(...args);
        interrupted = false;
        return -4;
      },
    });
    let told = 0;
    reactor.watch(7, EPOLLIN, { ready: () => told++ });
    const event = [[7, kernel.generationOf(7)]] as const;
    kernel.give(event);
    expect(told).to.equal(0);
    kernel.give(event);
    expect(told).to.equal(1);
  });

  it('lays out epoll_event as the kernel of each machine does: packed on x86-64 only', () => {
    expect(epollEventLayout('x64')).to.deep.equal({ size: 12, dataOffset: 4 });
    expect(epollEventLayout('arm64')).to.deep.equal({ size: 16, dataOffset: 8 });
  });

  it('reads the clock that other processes read', () => {
    const before = Number(process.hrtime.bigint()) / 1e6;
    const now = monotonicNow();
    const after = Number(process.hrtime.bigint()) / 1e6;
    expect(now).to.be.within(before - 0.1, after + 0.1);
  });

  describe('on real descriptors', () => {
    const calls = systemCalls();
    const reactor = processReactor();
    const opened: number[] = [];
    afterEach(() => {
      for (const fd of opened.splice(0)) reactor.closeWatched(fd);
    });

    /** A bound and a connected socket in the abstract namespace, which needs no file. */
    function socketPair(): readonly [reader: number, writer: number] {
      const [reader, writer] = [0, 0].map(() => calls.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      opened.push(reader!, writer!);
      const address = encodeUnixSockaddr(`\0ipvigil-test-${process.pid}-${reader}`);
      expect(calls.bind(reader!, address)).to.equal(0);
      expect(calls.connect(writer!, address)).to.equal(0);
      return [reader!, writer!];
    }

    it('tells a handler when its descriptor is readable, for as long as it is', async () => {
      const [reader, writer] = socketPair();
      const buffer = new Uint8Array(8);
      const read: number[] = [];
      const all = new Promise<void>((resolve) => {
        reactor.watch(reader, EPOLLIN, {
          ready: (events) => {
            expect(events & EPOLLIN).to.equal(EPOLLIN);
            calls.recv(reader, buffer, 0);
            if (read.push(buffer[0]!) === 3) resolve();
          },
        });
      });
      for (const byte of [1, 2, 3]) calls.send(writer, Uint8Array.of(byte), 0);
      await all;
      expect(read).to.deep.equal([1, 2, 3]);
    });

    it('changes what a descriptor is watched for', async () => {
      const [reader, writer] = socketPair();
      let told = 0;
      reactor.watch(writer, EPOLLIN, { ready: () => told++ });
      await delay(5);
      expect(told).to.equal(0);
      await new Promise<void>((resolve) => {
        reactor.watch(reader, EPOLLOUT, { ready: () => resolve() });
        reactor.rewatch(writer, EPOLLOUT);
      });
      await delay(1);
      expect(told).to.be.greaterThan(0);
      reactor.unwatch(writer);
      reactor.unwatch(reader);
    });

    it('refuses a descriptor that cannot be watched, saying which', () => {
      expect(() => reactor.watch(-1, EPOLLIN, { ready: () => {} })).to.throw('watch descriptor -1: EBADF');
    });
  });

  describe('and the end of the process', function () {
    this.timeout(20_000);
    const io = (name: string): string => JSON.stringify(new URL(`../../lib/io/${name}.js`, import.meta.url).href);

    it('lets the process exit when nothing is watched and no alarm is armed', async () => {
      const { code, stdout } = await runSource(`
        const { processReactor } = await import(${io('reactor')});
        const reactor = processReactor();
        reactor.alarmAt(reactor.now() + 1e9, () => {}).cancel();
        reactor.alarmAt(reactor.now() + 5, () => console.log('rung'));
      `).ended;
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'rung\n' });
    });

    it('ends with exit code 0 when the epoll descriptor is readable at that moment (koffi 3.3.4 aborts)', async () => {
      const { code, signal, stderr } = await runSource(`
        const { processReactor } = await import(${io('reactor')});
        const reactor = processReactor();
        // The timer stays armed and rings in the kernel, but nothing keeps the process alive any more.
        reactor.alarmAt(reactor.now() + 1, () => {}).cancel();
        const end = performance.now() + 5;
        while (performance.now() < end);
      `).ended;
      expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' });
    });

    it('ends with the exit code of process.exit() while descriptors are watched', async () => {
      const { code, signal, stderr } = await runSource(`
        const { processReactor } = await import(${io('reactor')});
        const reactor = processReactor();
        reactor.alarmAt(reactor.now() + 1e6, () => {});
        reactor.alarmAt(reactor.now() + 1, () => process.exit(3));
      `).ended;
      expect({ code, signal, stderr }).to.deep.equal({ code: 3, signal: null, stderr: '' });
    });
  });
});
