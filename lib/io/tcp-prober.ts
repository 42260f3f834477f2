/**
 * TCP connections for the health checks: connect only (TCP_CHECK), or connect, send, receive (HTTP_GET and the like).
 * Written on system calls because there are thousands a second: a check costs what the kernel takes for the connection
 * and a few microseconds.
 */
import { formatEndpoint } from '../address/endpoint.ts';
import { ipFamily } from '../address/ip-address.ts';
import { errnoNumber, IpvigilError, systemCallError } from '../errors.ts';
import type { ExchangeProbeRequest, ProbeReply, ProbeStep, ResponseReader, TcpProbeRequest } from '../health/probe.ts';
import type { Alarm } from '../time/clock.ts';
import {
  addressFamily,
  EPOLLIN,
  EPOLLOUT,
  encodeSockaddr,
  IPPROTO_TCP,
  MSG_NOSIGNAL,
  SO_ERROR,
  SO_LINGER,
  SO_MARK,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from './native/abi.ts';
import { intOption, type SystemCalls } from './native/system-calls.ts';
import type { Reactor, ReadyHandler } from './reactor.ts';

type Request = TcpProbeRequest | ExchangeProbeRequest;

const EAGAIN = errnoNumber('EAGAIN');
const EINTR = errnoNumber('EINTR');
const EINPROGRESS = errnoNumber('EINPROGRESS');

/**
 * Errors that tell about this machine, not about the real server, when connect(2) itself gives them. What comes later, by
 * SO_ERROR, came from the network: EACCES is then an ICMPv6 "administratively prohibited" on the way.
 */
const localErrors = new Set(
  (
    ['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EAFNOSUPPORT', 'EAGAIN', 'ENOBUFS', 'ENOMEM', 'EINVAL'] as const
  ).map(errnoNumber),
);

/** `struct linger { on, seconds 0 }`: close at once with RST, so that no connection lingers in TIME_WAIT here. */
const LINGER_NONE = new Uint8Array(Int32Array.of(1, 0).buffer);
const REUSE_ADDRESS = intOption(1);

/** A real server may send what it likes; one read takes at most this much. */
const READ_BYTES = 16 << 10;

export class TcpProber {
  readonly #calls: SystemCalls;
  readonly #reactor: Reactor;
  /** One buffer for all: a reader uses the bytes during its call only. */
  readonly #buffer = new Uint8Array(READ_BYTES);
  /** Encoded once per target. The requests are made once per checker, so they can be the keys. */
  readonly #sockaddrs = new WeakMap<Request, Uint8Array>();

  constructor(calls: SystemCalls, reactor: Reactor) {
    this.#calls = calls;
    this.#reactor = reactor;
  }

  start(request: Request, done: (reply: ProbeReply) => void): () => void {
    const attempt = new TcpAttempt(this.#calls, this.#reactor, request, done, this.#buffer);
    attempt.begin(this.#sockaddr(request));
    return () => attempt.cancel();
  }

  #sockaddr(request: Request): Uint8Array {
    let sockaddr = this.#sockaddrs.get(request);
    if (sockaddr === undefined) {
      sockaddr = encodeSockaddr(request);
      this.#sockaddrs.set(request, sockaddr);
    }
    return sockaddr;
  }
}

class TcpAttempt implements ReadyHandler {
  readonly #calls: SystemCalls;
  readonly #reactor: Reactor;
  readonly #request: Request;
  readonly #done: (reply: ProbeReply) => void;
  readonly #buffer: Uint8Array;
  readonly #startedAt: number;
  /** The limit that ends the current step. */
  #limitMs: number;
  #fd = -1;
  #alarm: Alarm | undefined;
  #step: ProbeStep = 'connect';
  #unsent: Uint8Array | undefined;
  #reader: ResponseReader | undefined;
  #finished = false;

  constructor(
    calls: SystemCalls,
    reactor: Reactor,
    request: Request,
    done: (reply: ProbeReply) => void,
    buffer: Uint8Array,
  ) {
    this.#calls = calls;
    this.#reactor = reactor;
    this.#request = request;
    this.#done = done;
    this.#buffer = buffer;
    this.#startedAt = reactor.now();
    this.#limitMs = request.timeoutMs;
  }

  begin(sockaddr: Uint8Array): void {
    const request = this.#request;
    const fd = this.#calls.socket(
      addressFamily(ipFamily(request.address)),
      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
      IPPROTO_TCP,
    );
    if (fd < 0) {
      this.#finishLater({ kind: 'local-failure', error: this.#localError('open a TCP socket for', fd) });
      return;
    }
    this.#fd = fd;
    if (request.kind === 'tcp') this.#calls.setOption(fd, SOL_SOCKET, SO_LINGER, LINGER_NONE);
    const refused = this.#bind(fd);
    if (refused !== undefined) {
      this.#finishLater(refused);
      return;
    }
    const result = this.#calls.connect(fd, sockaddr);
    if (result < 0 && result !== -EINPROGRESS) {
      this.#finishLater(this.#connectFailure(-result));
      return;
    }
    try {
      // A connection that is there at once is reported writable by the first epoll_wait, like any other.
      this.#reactor.watch(fd, EPOLLOUT, this);
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      this.#finishLater({ kind: 'local-failure', error });
      return;
    }
    this.#alarm = this.#reactor.alarmAt(this.#startedAt + request.timeoutMs, () => this.#timeOut());
  }

  cancel(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#release();
  }

  ready(): void {
    if (this.#step === 'connect') this.#connected();
    else if (this.#step === 'send') this.#send();
    else this.#receive();
  }

  #bind(fd: number): ProbeReply | undefined {
    const { bindAddress, bindPort, fwmark, address } = this.#request;
    if (fwmark !== undefined) {
      const result = this.#calls.setOption(fd, SOL_SOCKET, SO_MARK, intOption(fwmark));
      if (result < 0)
        return { kind: 'local-failure', error: this.#localError(`set fwmark ${fwmark} on a check of`, result) };
    }
    if (bindAddress === undefined && bindPort === undefined) return undefined;
    // A fixed source port is used again while its last connection may still be in TIME_WAIT.
    this.#calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, REUSE_ADDRESS);
    const any = ipFamily(address) === 4 ? '0.0.0.0' : '::';
    const source = { address: bindAddress ?? (any as typeof address), port: bindPort ?? 0 };
    const result = this.#calls.bind(fd, encodeSockaddr(source));
    if (result >= 0) return undefined;
    return {
      kind: 'local-failure',
      error: this.#localError(`bind to ${formatEndpoint(source)} for a check of`, result),
    };
  }

  #connected(): void {
    const errno = this.#calls.getIntOption(this.#fd, SOL_SOCKET, SO_ERROR);
    if (errno !== 0) {
      this.#finish({ kind: 'refused', errno: Math.abs(errno), during: 'connect' });
    } else if (this.#request.kind === 'tcp') {
      this.#finish({ kind: 'done', elapsedMs: this.#elapsed() });
    } else {
      this.#step = 'send';
      this.#unsent = this.#request.payload;
      this.#reader = this.#request.reader();
      this.#extendTime();
      this.#send();
    }
  }

  #send(): void {
    let unsent = this.#unsent!;
    while (unsent.length > 0) {
      const sent = this.#calls.send(this.#fd, unsent, MSG_NOSIGNAL);
      if (sent === -EAGAIN) break;
      if (sent === -EINTR) continue;
      if (sent < 0) {
        this.#finish({ kind: 'refused', errno: -sent, during: 'send' });
        return;
      }
      unsent = unsent.subarray(sent);
    }
    this.#unsent = unsent;
    if (unsent.length > 0) return;
    this.#step = 'receive';
    this.#extendTime();
    this.#reactor.rewatch(this.#fd, EPOLLIN);
  }

  /** One read per wake-up: a peer that never stops sending gets no more than its turn. */
  #receive(): void {
    const reader = this.#reader!;
    const received = this.#calls.recv(this.#fd, this.#buffer, 0);
    if (received === -EAGAIN || received === -EINTR) return;
    if (received < 0) {
      this.#finish({ kind: 'refused', errno: -received, during: 'receive' });
    } else if (received === 0) {
      this.#finish({ kind: 'closed', elapsedMs: this.#elapsed(), reader });
    } else if (reader.read(this.#buffer.subarray(0, received))) {
      this.#finish({ kind: 'done', elapsedMs: this.#elapsed(), reader });
    } else {
      this.#extendTime();
    }
  }

  /** The limit holds for each step and each read (keepalived.conf(5) connect_timeout), within that of the whole. */
  #extendTime(): void {
    const request = this.#request as ExchangeProbeRequest;
    const endOfStep = this.#reactor.now() + request.timeoutMs;
    const endOfAll = this.#startedAt + request.totalTimeoutMs;
    this.#limitMs = endOfAll < endOfStep ? request.totalTimeoutMs : request.timeoutMs;
    const deadline = Math.min(endOfStep, endOfAll);
    this.#alarm?.cancel();
    this.#alarm = this.#reactor.alarmAt(deadline, () => this.#timeOut());
  }

  #timeOut(): void {
    this.#finish({
      kind: 'timeout',
      timeoutMs: this.#limitMs,
      during: this.#step,
      ...(this.#reader === undefined ? {} : { reader: this.#reader }),
    });
  }

  #connectFailure(errno: number): ProbeReply {
    return localErrors.has(errno)
      ? { kind: 'local-failure', error: this.#localError('connect to', -errno) }
      : { kind: 'refused', errno, during: 'connect' };
  }

  #localError(operation: string, result: number) {
    return systemCallError(-result, { operation, subject: formatEndpoint(this.#request) });
  }

  #elapsed(): number {
    return this.#reactor.now() - this.#startedAt;
  }

  #finish(reply: ProbeReply): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#release();
    this.#done(reply);
  }

  /** For what fails before anything was waited for: `done` is never called from within start(). */
  #finishLater(reply: ProbeReply): void {
    this.#release();
    this.#alarm = this.#reactor.alarmAt(this.#startedAt, () => this.#finish(reply));
  }

  #release(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (this.#fd < 0) return;
    this.#reactor.closeWatched(this.#fd);
    this.#fd = -1;
  }
}
