import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { errnoNumber } from '../../lib/errors.ts';
import { HttpResponseReader } from '../../lib/health/checkers/http-response.ts';
import type { ExchangeProbeRequest, ProbeReply, ProbeRequest, Prober } from '../../lib/health/probe.ts';
import { AF_INET, encodeSockaddr, SOCK_STREAM } from '../../lib/io/native/abi.ts';
import { type SystemCalls, systemCalls } from '../../lib/io/native/system-calls.ts';
import { PingProber } from '../../lib/io/ping-prober.ts';
import { openProber } from '../../lib/io/prober.ts';
import { processReactor, Reactor } from '../../lib/io/reactor.ts';
import { TcpProber } from '../../lib/io/tcp-prober.ts';
import { type LoopbackOptions, type LoopbackServer, listenOnLoopback } from '../support/loopback.ts';
import { listen } from './listen.ts';
import { LineReader, proberContract } from './prober-contract.ts';

const prober = openProber();
const calls = systemCalls();
const foreign = ipAddress('192.0.2.99');

function ask(through: Pick<Prober, 'start'> | TcpProber, request: ProbeRequest): Promise<ProbeReply> {
  return new Promise((resolve) => {
    (through as Prober).start(request, resolve);
  });
}

/** A port on which nothing listens, for as long as the socket that holds it is not closed. */
function heldPort(host: string): { readonly port: number; release(): void } {
  const address = ipAddress(host);
  const fd = calls.socket(address.includes(':') ? 10 : AF_INET, SOCK_STREAM, 0);
  expect(calls.bind(fd, encodeSockaddr({ address, port: 0 }))).to.equal(0);
  const name = new Uint8Array(28);
  calls.getsockname(fd, name);
  return { port: name[2]! * 256 + name[3]!, release: () => void calls.close(fd) };
}

/** Whether this process may send an ICMP echo to the address; sandboxes often may not. */
async function mayPing(host: string): Promise<boolean> {
  const reply = await ask(prober, { kind: 'ping', address: ipAddress(host), timeoutMs: 1000 });
  return reply.kind !== 'local-failure';
}

async function hasIpv6(): Promise<boolean> {
  const fd = calls.socket(10, SOCK_STREAM, 0);
  if (fd < 0) return false;
  const bound = calls.bind(fd, encodeSockaddr({ address: ipAddress('::1'), port: 0 }));
  calls.close(fd);
  return bound >= 0;
}

const families: readonly (readonly [family: string, host: string, available: boolean])[] = [
  ['IPv4', '127.0.0.1', true],
  ['IPv6', '::1', await hasIpv6()],
];

for (const [family, host, available] of families) {
  if (!available) {
    describe(`the prober over ${family}`, () => {
      it(`is not tested here: this machine has no ${host}`, function () {
        this.skip();
      });
    });
    continue;
  }
  const address = ipAddress(host);
  const pings = await mayPing(host);
  proberContract(`the prober over ${family}`, async () => {
    const cleanups: (() => void | Promise<void>)[] = [];
    const serve = async (options: LoopbackOptions = {}): Promise<LoopbackServer> => {
      const server = await listenOnLoopback({ host, ...options });
      cleanups.push(() => server.close());
      return server;
    };
    return {
      prober,
      wait: async (until) => {
        const end = performance.now() + 1500;
        while (!until() && performance.now() < end) await delay(1);
        expect(until()).to.equal(true);
      },
      pass: async (ms) => void (await delay(ms)),
      accepting: async () => ({ kind: 'tcp', address, port: (await serve()).port, timeoutMs: 1000 }),
      refusing: async () => {
        const { port, release } = heldPort(host);
        cleanups.push(release);
        return { kind: 'tcp', address, port, timeoutMs: 1000 };
      },
      unanswered: async () => {
        const { port, release } = await fullListener(host);
        cleanups.push(release);
        return { kind: 'tcp', address, port, timeoutMs: 30 };
      },
      impossible: async () => ({
        ...{ kind: 'tcp', address, port: 80, timeoutMs: 1000 },
        bindAddress: family === 'IPv4' ? foreign : ipAddress('2001:db8::99'),
      }),
      responding: async (pieces, open) => {
        const { port } = await serve({
          connected: (socket: Socket) => {
            socket.setNoDelay();
            socket.once('data', async () => {
              for (const piece of pieces) {
                socket.write(piece);
                await delay(2);
              }
              if (open === undefined) socket.end();
            });
          },
        });
        return {
          ...{ kind: 'exchange', address, port, timeoutMs: open ? 200 : 1500, totalTimeoutMs: 1500 },
          payload: new TextEncoder().encode('hello\n'),
          reader: () => new LineReader(),
        };
      },
      ...(pings ? { echoing: () => ({ kind: 'ping', address, timeoutMs: 1000 }) as const } : {}),
      cleanup: async () => {
        for (const cleanup of cleanups) await cleanup();
      },
    };
  });
}

/** A listener whose queue is full: the kernel drops further SYNs, as if nobody were there. */
async function fullListener(host: string): Promise<{ readonly port: number; release(): void }> {
  const address = ipAddress(host);
  const family = address.includes(':') ? 10 : AF_INET;
  const fd = calls.socket(family, SOCK_STREAM, 0);
  expect(calls.bind(fd, encodeSockaddr({ address, port: 0 }))).to.equal(0);
  listen(fd, 0);
  const name = new Uint8Array(28);
  calls.getsockname(fd, name);
  const port = name[2]! * 256 + name[3]!;
  // A queue of length 0 holds one connection.
  const reply = await ask(prober, {
    ...{ kind: 'exchange', address, port, timeoutMs: 20, totalTimeoutMs: 20, payload: new Uint8Array() },
    reader: () => new LineReader(),
  });
  expect(reply.kind).to.equal('timeout');
  return { port, release: () => void calls.close(fd) };
}

describe('TcpProber', () => {
  const address = ipAddress('127.0.0.1');
  const exchangeWith = (port: number, more: Partial<ExchangeProbeRequest> = {}): ExchangeProbeRequest => ({
    ...{ kind: 'exchange', address, port, timeoutMs: 1000, totalTimeoutMs: 1500 },
    payload: new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n'),
    reader: () => new HttpResponseReader(),
    ...more,
  });

  it('leaves no connection behind at the server after a TCP check', async () => {
    const server = await listenOnLoopback();
    for (let i = 0; i < 10; i++) await ask(prober, { kind: 'tcp', address, port: server.port, timeoutMs: 1000 });
    await delay(10);
    expect(server.sockets.size).to.equal(0);
    await server.close();
  });

  it('cuts off a peer that trickles bytes at the limit of the whole exchange, and says which limit it was', async () => {
    const server = await listenOnLoopback({
      connected: (socket) => {
        const timer = setInterval(() => socket.write('x'), 10);
        socket.on('close', () => clearInterval(timer));
      },
    });
    const startedAt = performance.now();
    const reply = await ask(prober, exchangeWith(server.port, { totalTimeoutMs: 120 }));
    expect(performance.now() - startedAt).to.be.at.least(119);
    expect(reply).to.include({ kind: 'timeout', during: 'receive', timeoutMs: 120 });
    await server.close();
  });

  it('is not kept busy by a header without end', async () => {
    const server = await listenOnLoopback({
      connected: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const fill = (): void => {
          while (!socket.destroyed && socket.write('X: y\r\n'.repeat(1000)));
        };
        socket.on('drain', fill);
        fill();
      },
    });
    const reply = await ask(prober, exchangeWith(server.port));
    expect(reply.kind).to.equal('done');
    expect(reply.kind === 'done' && (reply.reader as HttpResponseReader).fault).to.contain('header longer');
    await server.close();
  });

  it('sends a payload that is larger than the send buffer, as the peer takes it', async () => {
    const size = 8 << 20;
    let received = 0;
    const server = await listenOnLoopback({
      connected: (socket) =>
        socket.on('data', (piece) => {
          received += piece.length;
          if (received === size) socket.end('all\n');
        }),
    });
    const payload = new Uint8Array(size);
    const request = exchangeWith(server.port, {
      payload,
      timeoutMs: 1500,
      totalTimeoutMs: 1500,
      reader: () => new LineReader(),
    });
    expect((await ask(prober, request)).kind).to.equal('done');
    await server.close();
  });

  it('reports a connection that the peer resets while it answers', async () => {
    const server = await listenOnLoopback({
      connected: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    });
    expect(await ask(prober, exchangeWith(server.port))).to.deep.equal({
      ...{ kind: 'refused', errno: errnoNumber('ECONNRESET'), during: 'receive' },
    });
    await server.close();
  });

  it('checks from the address and the port that it is told', async () => {
    const from: string[] = [];
    const server = await listenOnLoopback({
      connected: (socket) => {
        from.push(`${socket.remoteAddress}:${socket.remotePort}`);
        // The side that closes first keeps the port in TIME_WAIT.
        socket.end('x');
      },
    });
    const { port: bindPort, release } = heldPort('127.0.0.2');
    release();
    const request = exchangeWith(server.port, { reader: () => new LineReader() });
    // Twice: the port can be used again at once.
    for (let i = 0; i < 2; i++) {
      const reply = await ask(prober, { ...request, bindAddress: ipAddress('127.0.0.2'), bindPort });
      expect(reply.kind).to.equal('closed');
    }
    expect((await ask(prober, { ...request, bindPort })).kind).to.equal('closed');
    expect(from).to.deep.equal([`127.0.0.2:${bindPort}`, `127.0.0.2:${bindPort}`, `127.0.0.1:${bindPort}`]);
    await server.close();
  });

  it('names address and target when it cannot bind', async () => {
    const reply = await ask(prober, { kind: 'tcp', address, port: 80, timeoutMs: 1000, bindAddress: foreign });
    expect(reply.kind === 'local-failure' && reply.error.message).to.equal(
      'bind to 192.0.2.99:0 for a check of 127.0.0.1:80: EADDRNOTAVAIL (address not available)',
    );
  });

  it('takes a server behind a firewall that says "prohibited" for down, not for a failure of this machine', async () => {
    // ICMPv6 "administratively prohibited" arrives as EACCES of a connection under way.
    const server = await listenOnLoopback();
    const prohibited: SystemCalls = { ...calls, getIntOption: () => errnoNumber('EACCES') };
    const reply = await ask(new TcpProber(prohibited, processReactor()), {
      ...{ kind: 'tcp', address, port: server.port, timeoutMs: 1000 },
    });
    expect(reply).to.deep.equal({ kind: 'refused', errno: errnoNumber('EACCES'), during: 'connect' });
    await server.close();
  });

  it('is only postponed when the kernel has no room for another watched descriptor', async () => {
    const server = await listenOnLoopback();
    const closed: number[] = [];
    let full = false;
    const crowded: SystemCalls = {
      ...calls,
      epollControl: (...args) => (full ? -errnoNumber('ENOSPC') : calls.epollControl(...args)),
      close: (fd) => {
        closed.push(fd);
        return calls.close(fd);
      },
    };
    const reactor = new Reactor(crowded);
    full = true;
    const replies = [
      await ask(new TcpProber(crowded, reactor), { kind: 'tcp', address, port: server.port, timeoutMs: 1000 }),
    ];
    if (await mayPing('127.0.0.1')) {
      const ping = new PingProber(crowded, reactor);
      replies.push(await new Promise((done) => ping.start({ kind: 'ping', address, timeoutMs: 1000 }, done)));
    }
    for (const reply of replies) {
      expect(reply.kind).to.equal('local-failure');
      expect(reply.kind === 'local-failure' && reply.error.errno?.name).to.equal('ENOSPC');
    }
    expect(closed, 'descriptors closed').to.have.length(replies.length);
    await server.close();
  });

  it('is only postponed when the process has no descriptor left', async () => {
    const exhausted: SystemCalls = { ...calls, socket: () => -errnoNumber('EMFILE') };
    const request = { kind: 'tcp', address, port: 80, timeoutMs: 1000 } as const;
    const replies: ProbeReply[] = [];
    new TcpProber(exhausted, processReactor()).start(request, (reply) => replies.push(reply));
    expect(replies).to.deep.equal([]);
    await delay(2);
    expect(replies.map(({ kind }) => kind)).to.deep.equal(['local-failure']);
  });
});

describe('PingProber', () => {
  const address = ipAddress('127.0.0.1');

  it('says how to allow it when this process may not ping', async () => {
    const denied: SystemCalls = { ...calls, socket: () => -errnoNumber('EPERM') };
    const reply = await new Promise<ProbeReply>((resolve) => {
      new PingProber(denied, processReactor()).start({ kind: 'ping', address, timeoutMs: 1000 }, resolve);
    });
    expect(reply.kind === 'local-failure' && reply.error.code).to.equal('ERR_PERMISSION');
    expect(reply.kind === 'local-failure' && reply.error.hint).to.contain('net.ipv4.ping_group_range');
  });

  it('tells many echoes to one address apart', async function () {
    if (!(await mayPing('127.0.0.1'))) this.skip();
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => ask(prober, { kind: 'ping', address, timeoutMs: 1000 })),
    );
    expect(new Set(replies.map(({ kind }) => kind))).to.deep.equal(new Set(['done']));
  });

  it('does not take the answer of another address for the one it waits for', async function () {
    if (!(await mayPing('127.0.0.1'))) this.skip();
    // The kernel answers from 127.0.0.1; the prober is told that it was somebody else.
    const forged: SystemCalls = {
      ...calls,
      recvfrom: (fd, into, flags, sender) => {
        const length = calls.recvfrom(fd, into, flags, sender);
        sender[7] = 77;
        return length;
      },
    };
    const reply = await new Promise<ProbeReply>((resolve) => {
      new PingProber(forged, processReactor()).start({ kind: 'ping', address, timeoutMs: 30 }, resolve);
    });
    expect(reply).to.deep.equal({ kind: 'timeout', timeoutMs: 30, during: 'echo' });
  });
});
