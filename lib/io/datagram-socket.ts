/**
 * Sockets that send and receive whole packets and that Node cannot open: ICMP (ping and raw), raw IP, packet sockets on
 * an interface. Non-blocking, served by the process's reactor. What is in the packets is the caller's business.
 */
import { errnoNumber, IpvigilError, systemCallError } from '../errors.ts';
import { EPOLLIN, MSG_TRUNC, SOCK_CLOEXEC, SOCK_NONBLOCK } from './native/abi.ts';
import type { SystemCalls } from './native/system-calls.ts';
import type { Reactor } from './reactor.ts';

export interface DatagramSocketOptions {
  /** socket(2) domain, type (without flags) and protocol (packet sockets: network order). */
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  /** What an error message calls the socket: `socket for ICMP echo`. */
  readonly name: string;
  /** The longest packet that is taken whole; a longer one is counted and dropped. */
  readonly maxBytes: number;
  /** Set before binding: level, option, value. */
  readonly socketOptions?: readonly (readonly [level: number, option: number, value: Uint8Array])[];
  /** A socket address to bind to. */
  readonly bindTo?: Uint8Array;
  /** Room for the sender's address; default 28 bytes, a sockaddr_in6. */
  readonly addressBytes?: number;
}

/** Both are valid only during the call; the address has the length asked for, padded with what stood there before. */
export type DatagramReceiver = (packet: Uint8Array, sender: Uint8Array) => void;

/** Packets taken per wake-up, so that a flood does not hold up everything else. */
const PACKETS_PER_TURN = 64;

const EINTR = errnoNumber('EINTR');

export class DatagramSocket {
  readonly #calls: SystemCalls;
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #packet: Uint8Array;
  readonly #sender: Uint8Array;
  readonly #receiver: DatagramReceiver;
  #open = true;
  #dropped = 0;

  private constructor(
    calls: SystemCalls,
    reactor: Reactor,
    fd: number,
    options: DatagramSocketOptions,
    receiver: DatagramReceiver,
  ) {
    this.#calls = calls;
    this.#reactor = reactor;
    this.#fd = fd;
    this.#packet = new Uint8Array(options.maxBytes);
    this.#sender = new Uint8Array(options.addressBytes ?? 28);
    this.#receiver = receiver;
    reactor.watch(fd, EPOLLIN, { ready: () => this.#receive() });
  }

  /** Gives the error instead of throwing it: a missing permission is an everyday answer here. The caller closes. */
  static open(
    calls: SystemCalls,
    reactor: Reactor,
    options: DatagramSocketOptions,
    receiver: DatagramReceiver,
  ): DatagramSocket | IpvigilError {
    const { family, type, protocol, name: subject } = options;
    const fd = calls.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) return systemCallError(-fd, { operation: 'open', subject });
    const failed = (operation: string, result: number): IpvigilError => {
      calls.close(fd);
      return systemCallError(-result, { operation, subject });
    };
    for (const [level, option, value] of options.socketOptions ?? []) {
      const result = calls.setOption(fd, level, option, value);
      if (result < 0) return failed(`set option ${level}/${option} on`, result);
    }
    if (options.bindTo !== undefined) {
      const result = calls.bind(fd, options.bindTo);
      if (result < 0) return failed('bind', result);
    }
    try {
      return new DatagramSocket(calls, reactor, fd, options, receiver);
    } catch (error) {
      calls.close(fd);
      if (error instanceof IpvigilError) return error;
      throw error;
    }
  }

  /** Packets that were longer than `maxBytes`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** 0, or the negated errno. Never blocks: a full queue gives -EAGAIN. */
  send(packet: Uint8Array, to: Uint8Array): number {
    let sent: number;
    do sent = this.#calls.sendto(this.#fd, packet, 0, to);
    while (sent === -EINTR);
    return Math.min(sent, 0);
  }

  /** Idempotent; also from within the receiver, which is not called again. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reactor.closeWatched(this.#fd);
  }

  #receive(): void {
    for (let taken = 0; taken < PACKETS_PER_TURN && this.#open; taken++) {
      // With MSG_TRUNC the result is the packet's real length, so that a cut one is seen.
      const length = this.#calls.recvfrom(this.#fd, this.#packet, MSG_TRUNC, this.#sender);
      if (length === -EINTR) continue;
      // Not only EAGAIN: an error that an earlier packet brought back is taken by this read, and the socket goes on.
      if (length < 0) return;
      if (length > this.#packet.length) this.#dropped++;
      else this.#receiver(this.#packet.subarray(0, length), this.#sender);
    }
  }
}
