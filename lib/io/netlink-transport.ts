/** A netlink socket on the kernel (netlink(7)), non-blocking, served by the process's reactor. */
import { describeErrno, errnoNumber, IpvigilError, systemCallError } from '../errors.ts';
import type { NetlinkReceiver, NetlinkTransport } from '../netlink/transport.ts';
import {
  AF_NETLINK,
  EPOLLIN,
  encodeNetlinkSockaddr,
  MSG_TRUNC,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GENERIC,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from './native/abi.ts';
import { intOption, type SystemCalls, systemCalls } from './native/system-calls.ts';
import { processReactor, type Reactor } from './reactor.ts';

/** Room for a batch that is refused command by command: each answer takes about 1 KiB in the kernel's accounting. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** The kernel fills dump datagrams up to the largest read it has seen, 32 KiB at most. */
const DATAGRAM_BYTES = 64 << 10;
/**
 * Datagrams taken, and bytes sent, before the event loop gets its turn: neither a long dump nor a large batch holds up the
 * checks for more than a few milliseconds.
 */
const DATAGRAMS_PER_TURN = 64;
const SENT_BYTES_PER_TURN = 256 << 10;

const EAGAIN = errnoNumber('EAGAIN');
const EINTR = errnoNumber('EINTR');
const ENOBUFS = errnoNumber('ENOBUFS');

class SocketNetlinkTransport implements NetlinkTransport {
  readonly portId: number;
  readonly #calls: SystemCalls;
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(DATAGRAM_BYTES);
  #receiver: NetlinkReceiver | undefined;
  #open = true;
  /** What is left of the present turn of the event loop. */
  #datagramsLeft = DATAGRAMS_PER_TURN;
  #sentBytesLeft = SENT_BYTES_PER_TURN;
  /** After ENOBUFS: the kernel drops all answers until everything that is queued has been read. */
  #emptying = false;
  #draining = false;
  #drainsSoon = false;

  constructor(protocol: number, calls: SystemCalls, reactor: Reactor) {
    this.#calls = calls;
    this.#reactor = reactor;
    const fd = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) throw systemCallError(-fd, { operation: 'open', subject: 'netlink socket' });
    this.#fd = fd;
    try {
      this.#expect('bind', calls.bind(fd, encodeNetlinkSockaddr(0, 0)));
      // FORCE passes net.core.rmem_max and needs NET_ADMIN; without it the limit of the machine has to do.
      const size = intOption(RECEIVE_BUFFER_BYTES);
      if (calls.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, size) < 0) calls.setOption(fd, SOL_SOCKET, SO_RCVBUF, size);
      // Answers without a copy of the request, and with the kernel's own words; kernels before 4.12 know neither.
      calls.setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, intOption(1));
      calls.setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, intOption(1));
      const address = new Uint8Array(12);
      this.#expect('read the port id of', calls.getsockname(fd, address));
      this.portId = new DataView(address.buffer).getUint32(4, true);
      reactor.watch(fd, EPOLLIN, { ready: () => this.#newTurn() });
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  receive(receiver: NetlinkReceiver): void {
    this.#receiver = receiver;
  }

  send(messages: Uint8Array): void {
    if (!this.#open) {
      throw new IpvigilError('ERR_NETLINK_CLOSED', {
        operation: 'send to',
        subject: 'netlink socket',
        detail: 'it is closed',
      });
    }
    let sent: number;
    do sent = this.#calls.send(this.#fd, messages, 0);
    while (sent === -EINTR);
    this.#expect('send to', sent);
    this.#sentBytesLeft -= sent;
    this.#drainSoon();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receiver = undefined;
    this.#reactor.closeWatched(this.#fd);
  }

  #newTurn(): void {
    this.#datagramsLeft = DATAGRAMS_PER_TURN;
    this.#sentBytesLeft = SENT_BYTES_PER_TURN;
    this.#drain();
  }

  /**
   * The kernel has answered by the time send returns, so the answers are read as soon as the sender has finished, without
   * a detour over epoll. What exceeds the turn waits for the reactor, whose wake-up begins the next one.
   */
  #drainSoon(): void {
    if (this.#draining || this.#drainsSoon) return;
    this.#drainsSoon = true;
    queueMicrotask(() => {
      this.#drainsSoon = false;
      this.#drain();
    });
  }

  #drain(): void {
    this.#draining = true;
    try {
      this.#takeDatagrams();
    } finally {
      this.#draining = false;
    }
  }

  #takeDatagrams(): void {
    while (this.#open && (this.#emptying || (this.#datagramsLeft > 0 && this.#sentBytesLeft > 0))) {
      this.#datagramsLeft--;
      // With MSG_TRUNC the result is the datagram's real length, so that a cut one is seen.
      const length = this.#calls.recv(this.#fd, this.#buffer, MSG_TRUNC);
      if (length === -EAGAIN) {
        this.#emptying = false;
        return;
      }
      if (length === -EINTR) continue;
      if (length === -ENOBUFS) {
        this.#emptying = true;
        this.#receiver?.failed(
          new IpvigilError('ERR_NETLINK_OVERRUN', {
            operation: 'receive from',
            subject: 'netlink socket',
            errno: describeErrno(ENOBUFS),
            detail: 'the kernel dropped answers because they were not read in time',
          }),
        );
      } else if (length < 0) {
        this.#receiver?.failed(systemCallError(-length, { operation: 'receive from', subject: 'netlink socket' }));
        return;
      } else if (length > this.#buffer.length) {
        this.#receiver?.failed(
          new IpvigilError('ERR_NETLINK_OVERRUN', {
            operation: 'receive from',
            subject: 'netlink socket',
            detail: `a datagram of ${length} bytes was cut to ${this.#buffer.length}`,
          }),
        );
      } else {
        this.#receiver?.datagram(this.#buffer.subarray(0, length));
      }
    }
  }

  #expect(operation: string, result: number): void {
    if (result < 0) throw systemCallError(-result, { operation, subject: 'netlink socket' });
  }
}

/**
 * Opens a generic netlink socket in the network namespace of the process. Opening needs no privilege; commands do.
 * The caller closes it. Throws an IpvigilError.
 */
export function openGenericNetlink(): NetlinkTransport {
  return new SocketNetlinkTransport(NETLINK_GENERIC, systemCalls(), processReactor());
}
