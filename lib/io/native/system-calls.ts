/**
 * The system calls that Node does not offer, bound with koffi. Loaded at the first use: importing this file opens
 * nothing. Each function gives the call's result, or the negated errno: a hot path compares a number instead of catching
 * an exception. Callers turn it into an error with {@link systemCallError}.
 */
import { createRequire } from 'node:module';
import { IpvigilError } from '../../errors.ts';
import { CLOCK_MONOTONIC, EPOLL_CLOEXEC, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME } from './abi.ts';

/** Buffers are handed over by pointer for the length of the call only; the kernel keeps none of them. */
export interface SystemCalls {
  socket(family: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array): number;
  bind(fd: number, address: Uint8Array): number;
  send(fd: number, bytes: Uint8Array, flags: number): number;
  sendto(fd: number, bytes: Uint8Array, flags: number, address: Uint8Array): number;
  recv(fd: number, into: Uint8Array, flags: number): number;
  /** Fills `address` with the sender; its length is not reported, the family says which it is. */
  recvfrom(fd: number, into: Uint8Array, flags: number, address: Uint8Array): number;
  getsockname(fd: number, address: Uint8Array): number;
  /** The value of an int option, or the negated errno. */
  getIntOption(fd: number, level: number, option: number): number;
  setOption(fd: number, level: number, option: number, value: Uint8Array): number;
  close(fd: number): number;
  /** Advisory, held by the open file until its last descriptor is closed: flock(2). */
  flock(fd: number, operation: number): number;
  epollCreate(): number;
  epollControl(epollFd: number, operation: number, fd: number, event: Uint8Array): number;
  /** Never blocks. */
  epollWait(epollFd: number, events: Uint8Array, maxEvents: number): number;
  timerfdCreate(): number;
  /** Absolute CLOCK_MONOTONIC. `spec` is a struct itimerspec (32 bytes). */
  timerfdSet(fd: number, spec: Uint8Array): number;
  /** Calls `ready` whenever `fd` is readable, until closed. koffi wraps libuv's uv_poll; it is not documented there. */
  poll(fd: number, ready: () => void): PollHandle;
}

export interface PollHandle {
  ref(): void;
  unref(): void;
  close(): void;
}

let bound: SystemCalls | undefined;

/** The process's one binding. Throws ERR_UNSUPPORTED_PLATFORM where koffi or Linux is missing. */
export function systemCalls(): SystemCalls {
  bound ??= bind();
  return bound;
}

function bind(): SystemCalls {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new IpvigilError('ERR_UNSUPPORTED_PLATFORM', {
      operation: 'bind system calls',
      detail: `${process.platform} on ${process.arch}`,
      hint: 'ipvigil runs on Linux, x64 or arm64',
    });
  }
  const koffi = loadKoffi();
  // The process itself: Node is linked with the C library, be it glibc or musl.
  const libc = koffi.load(null);
  const failure = (): number => -koffi.errno();

  const socket = libc.func('int socket(int, int, int)');
  const connect = libc.func('int connect(int, const void *, uint32_t)');
  const bindTo = libc.func('int bind(int, const void *, uint32_t)');
  const send = libc.func('intptr_t send(int, const void *, size_t, int)');
  const sendto = libc.func('intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)');
  const recv = libc.func('intptr_t recv(int, void *, size_t, int)');
  const recvfrom = libc.func('intptr_t recvfrom(int, void *, size_t, int, void *, void *)');
  const getsockname = libc.func('int getsockname(int, void *, void *)');
  const getsockopt = libc.func('int getsockopt(int, int, int, void *, void *)');
  const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');
  const close = libc.func('int close(int)');
  const flock = libc.func('int flock(int, int)');
  const epollCreate = libc.func('int epoll_create1(int)');
  const epollControl = libc.func('int epoll_ctl(int, int, int, void *)');
  const epollWait = libc.func('int epoll_wait(int, void *, int, int)');
  const timerfdCreate = libc.func('int timerfd_create(int, int)');
  const timerfdSet = libc.func('int timerfd_settime(int, int, const void *, void *)');

  // In and out arguments of getsockopt and the like; nothing here is re-entered while the kernel holds them.
  const intValue = new Int32Array(1);
  const length = new Uint32Array(1);

  return {
    socket: (family, type, protocol) => {
      const fd: number = socket(family, type, protocol);
      return fd < 0 ? failure() : fd;
    },
    connect: (fd, address) => (connect(fd, address, address.length) < 0 ? failure() : 0),
    bind: (fd, address) => (bindTo(fd, address, address.length) < 0 ? failure() : 0),
    send: (fd, bytes, flags) => {
      const sent: number = send(fd, bytes, bytes.length, flags);
      return sent < 0 ? failure() : sent;
    },
    sendto: (fd, bytes, flags, address) => {
      const sent: number = sendto(fd, bytes, bytes.length, flags, address, address.length);
      return sent < 0 ? failure() : sent;
    },
    recv: (fd, into, flags) => {
      const received: number = recv(fd, into, into.length, flags);
      return received < 0 ? failure() : received;
    },
    recvfrom: (fd, into, flags, address) => {
      length[0] = address.length;
      const received: number = recvfrom(fd, into, into.length, flags, address, length);
      return received < 0 ? failure() : received;
    },
    getsockname: (fd, address) => {
      length[0] = address.length;
      return getsockname(fd, address, length) < 0 ? failure() : 0;
    },
    getIntOption: (fd, level, option) => {
      length[0] = 4;
      return getsockopt(fd, level, option, intValue, length) < 0 ? failure() : intValue[0]!;
    },
    setOption: (fd, level, option, value) => (setsockopt(fd, level, option, value, value.length) < 0 ? failure() : 0),
    close: (fd) => (close(fd) < 0 ? failure() : 0),
    flock: (fd, operation) => (flock(fd, operation) < 0 ? failure() : 0),
    epollCreate: () => {
      const fd: number = epollCreate(EPOLL_CLOEXEC);
      return fd < 0 ? failure() : fd;
    },
    epollControl: (epollFd, operation, fd, event) => (epollControl(epollFd, operation, fd, event) < 0 ? failure() : 0),
    epollWait: (epollFd, events, maxEvents) => {
      const count: number = epollWait(epollFd, events, maxEvents, 0);
      return count < 0 ? failure() : count;
    },
    timerfdCreate: () => {
      const fd: number = timerfdCreate(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
      return fd < 0 ? failure() : fd;
    },
    timerfdSet: (fd, spec) => (timerfdSet(fd, TFD_TIMER_ABSTIME, spec, null) < 0 ? failure() : 0),
    poll: (fd, ready) => {
      const handle = koffi.node.poll(fd, { readable: true }, ready);
      // Node runs libuv once more while it is torn down; a callback into JavaScript then aborts the process (koffi 3.3.4).
      process.once('exit', () => handle.close());
      return handle;
    },
  };
}

function loadKoffi(): typeof import('koffi') {
  try {
    return createRequire(import.meta.url)('koffi') as typeof import('koffi');
  } catch (cause) {
    throw new IpvigilError('ERR_UNSUPPORTED_PLATFORM', {
      operation: 'load the package koffi',
      detail: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
      hint: 'install ipvigil with its optional dependencies (npm install without --omit=optional)',
      cause,
    });
  }
}

/** A little-endian int as an option's value (SO_MARK, SO_REUSEADDR and the like). */
export function intOption(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
