/**
 * ICMP echo for PING_CHECK (RFC 792, RFC 4443). One socket per family, source and mark serves all real servers; an answer
 * belongs to a probe when address, sequence number and a random token agree, so that a late answer or another program's
 * is never taken for it. An unprivileged ping socket is preferred (icmp(7), net.ipv4.ping_group_range), else a raw one.
 */
import { randomBytes } from 'node:crypto';
import { type IpAddress, type IpFamily, ipAddressFromBytes, ipFamily } from '../address/ip-address.ts';
import { errnoNumber, IpvigilError, systemCallError } from '../errors.ts';
import type { PingProbeRequest, ProbeReply } from '../health/probe.ts';
import type { Alarm } from '../time/clock.ts';
import { DatagramSocket } from './datagram-socket.ts';
import {
  addressFamily,
  encodeSockaddr,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SO_MARK,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
} from './native/abi.ts';
import { intOption, type SystemCalls } from './native/system-calls.ts';
import type { Reactor } from './reactor.ts';

const EAGAIN = errnoNumber('EAGAIN');
const EACCES = errnoNumber('EACCES');
const EPERM = errnoNumber('EPERM');

const TOKEN_BYTES = 16;
const ICMP_HEADER_BYTES = 8;
const PACKET_BYTES = ICMP_HEADER_BYTES + TOKEN_BYTES;
/** With the largest IP header; a longer ICMP packet is no answer to us. */
const MAX_PACKET_BYTES = 512;

interface EchoTypes {
  readonly request: number;
  readonly reply: number;
}
const echoTypes: Record<IpFamily, EchoTypes> = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } };

export class PingProber {
  readonly #calls: SystemCalls;
  readonly #reactor: Reactor;
  readonly #sockets = new Map<string, EchoSocket>();

  constructor(calls: SystemCalls, reactor: Reactor) {
    this.#calls = calls;
    this.#reactor = reactor;
  }

  start(request: PingProbeRequest, done: (reply: ProbeReply) => void): () => void {
    const key = `${ipFamily(request.address)} ${request.bindAddress ?? ''} ${request.fwmark ?? ''}`;
    let socket = this.#sockets.get(key);
    if (socket === undefined) {
      const opened = EchoSocket.open(this.#calls, this.#reactor, request, () => this.#sockets.delete(key));
      if (!(opened instanceof EchoSocket)) {
        const alarm = this.#reactor.alarmAt(this.#reactor.now(), () => done({ kind: 'local-failure', error: opened }));
        return () => alarm.cancel();
      }
      socket = opened;
      this.#sockets.set(key, socket);
    }
    return socket.echo(request, done);
  }
}

interface PendingEcho {
  readonly address: IpAddress;
  readonly token: Buffer;
  readonly startedAt: number;
  readonly done: (reply: ProbeReply) => void;
  readonly alarm: Alarm;
}

class EchoSocket {
  readonly #reactor: Reactor;
  readonly #family: IpFamily;
  /** A raw IPv4 socket gets the IP header too, and every ICMP packet of the machine. */
  readonly #raw: boolean;
  readonly #identifier = randomBytes(2).readUInt16BE();
  readonly #pending = new Map<number, PendingEcho>();
  readonly #closed: () => void;
  #socket: DatagramSocket | undefined;
  #sequence = randomBytes(2).readUInt16BE();

  private constructor(reactor: Reactor, family: IpFamily, raw: boolean, closed: () => void) {
    this.#reactor = reactor;
    this.#family = family;
    this.#raw = raw;
    this.#closed = closed;
  }

  static open(
    calls: SystemCalls,
    reactor: Reactor,
    { address, bindAddress, fwmark }: PingProbeRequest,
    closed: () => void,
  ): EchoSocket | IpvigilError {
    const family = ipFamily(address);
    const attempt = (raw: boolean): EchoSocket | IpvigilError => {
      const echo = new EchoSocket(reactor, family, raw, closed);
      const socket = DatagramSocket.open(
        calls,
        reactor,
        {
          family: addressFamily(family),
          type: raw ? SOCK_RAW : SOCK_DGRAM,
          protocol: family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
          name: `a socket for ICMP echo to ${address}`,
          maxBytes: MAX_PACKET_BYTES,
          socketOptions: fwmark === undefined ? [] : [[SOL_SOCKET, SO_MARK, intOption(fwmark)]],
          ...(bindAddress === undefined ? {} : { bindTo: encodeSockaddr({ address: bindAddress, port: 0 }) }),
        },
        (packet, sender) => echo.#accept(packet, sender),
      );
      if (!(socket instanceof DatagramSocket)) return socket;
      echo.#socket = socket;
      return echo;
    };
    const unprivileged = attempt(false);
    if (unprivileged instanceof EchoSocket || unprivileged.operation !== 'open') return unprivileged;
    const privileged = attempt(true);
    if (privileged instanceof EchoSocket) return privileged;
    const { code, operation, subject, errno } = privileged;
    const hint = 'allow the group of this process in the sysctl net.ipv4.ping_group_range, or give it CAP_NET_RAW';
    return new IpvigilError(code, { operation, subject, errno, hint });
  }

  echo(request: PingProbeRequest, done: (reply: ProbeReply) => void): () => void {
    const startedAt = this.#reactor.now();
    // 65,536 numbers: one that is still awaited is skipped, and that many are never in flight.
    do this.#sequence = (this.#sequence + 1) & 0xffff;
    while (this.#pending.has(this.#sequence));
    const sequence = this.#sequence;
    const token = randomBytes(TOKEN_BYTES);
    const packet = this.#encode(sequence, token);
    const sent = this.#socket!.send(packet, encodeSockaddr({ address: request.address, port: 0 }));
    const failure: ProbeReply | undefined = sent < 0 ? this.#sendFailure(-sent, request) : undefined;
    const alarm = this.#reactor.alarmAt(failure ? startedAt : startedAt + request.timeoutMs, () => {
      this.#forget(sequence);
      done(failure ?? { kind: 'timeout', timeoutMs: request.timeoutMs, during: 'echo' });
    });
    this.#pending.set(sequence, { address: request.address, token, startedAt, done, alarm });
    return () => {
      alarm.cancel();
      if (this.#pending.get(sequence)?.token === token) this.#forget(sequence);
    };
  }

  #sendFailure(errno: number, request: PingProbeRequest): ProbeReply {
    if (errno === EAGAIN || errno === EPERM || errno === EACCES) {
      return {
        kind: 'local-failure',
        error: systemCallError(errno, { operation: 'send ICMP echo to', subject: request.address }),
      };
    }
    return { kind: 'refused', errno, during: 'echo' };
  }

  /**
   *  0               8               16                            31
   *  | type          | code 0        | checksum                      |
   *  | identifier                    | sequence number               |
   *  | token (16 bytes)                                              |
   * All in network order. A ping socket replaces identifier and checksum by its own; for ICMPv6 the kernel sums always.
   */
  #encode(sequence: number, token: Buffer): Buffer {
    const packet = Buffer.alloc(PACKET_BYTES);
    packet[0] = echoTypes[this.#family].request;
    packet.writeUInt16BE(this.#identifier, 4);
    packet.writeUInt16BE(sequence, 6);
    token.copy(packet, ICMP_HEADER_BYTES);
    if (this.#family === 4) packet.writeUInt16BE(internetChecksum(packet), 2);
    return packet;
  }

  #accept(bytes: Uint8Array, sender: Uint8Array): void {
    const datagram = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const headerLength = this.#raw && this.#family === 4 ? (datagram[0]! & 0x0f) * 4 : 0;
    const packet = datagram.subarray(headerLength);
    if (packet.length < PACKET_BYTES || packet[0] !== echoTypes[this.#family].reply) return;
    if (this.#raw && packet.readUInt16BE(4) !== this.#identifier) return;
    const sequence = packet.readUInt16BE(6);
    const echo = this.#pending.get(sequence);
    if (echo === undefined || !echo.token.equals(packet.subarray(ICMP_HEADER_BYTES, PACKET_BYTES))) return;
    const from = ipAddressFromBytes(this.#family === 4 ? sender.subarray(4, 8) : sender.subarray(8, 24));
    if (from !== echo.address) return;
    echo.alarm.cancel();
    this.#forget(sequence);
    echo.done({ kind: 'done', elapsedMs: this.#reactor.now() - echo.startedAt });
  }

  /** The socket is closed with its last probe: it would keep the process alive. The next check opens another. */
  #forget(sequence: number): void {
    this.#pending.delete(sequence);
    if (this.#pending.size > 0) return;
    this.#socket?.close();
    this.#closed();
  }
}

/** RFC 1071 over an even number of bytes whose checksum field is zero. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
