/**
 * Frames of one network interface, as they are on the wire (packet(7)): for gratuitous ARP, for VRRP with a virtual MAC,
 * and for looking at what a program says over netlink (an nlmon device). Needs CAP_NET_RAW.
 */
import { readFileSync } from 'node:fs';
import { IpvigilError } from '../errors.ts';
import { DatagramSocket } from './datagram-socket.ts';
import { AF_PACKET, ETH_P_ALL, encodeLinkSockaddr, SO_RCVBUFFORCE, SOCK_RAW, SOL_SOCKET } from './native/abi.ts';
import { intOption, type SystemCalls, systemCalls } from './native/system-calls.ts';
import { processReactor, type Reactor } from './reactor.ts';

export interface PacketSocketOptions {
  /** Interface name: `eth0`. */
  readonly interface: string;
  /** EtherType of the frames to receive, host order; default all of them (ETH_P_ALL). */
  readonly etherType?: number;
  /** SO_RCVBUF; default the system's. */
  readonly receiveBufferBytes?: number;
}

export interface ReceivedFrame {
  /** The frame with its link-layer header. Valid only during the call. */
  readonly bytes: Uint8Array;
  /** sll_pkttype (linux/if_packet.h): 0 to us, 1 broadcast, 2 multicast, 3 to another host, 4 sent by us. */
  readonly packetType: number;
  /** EtherType, host order; on an nlmon device the netlink protocol. */
  readonly protocol: number;
}

/** The longest frame that is taken whole: netlink messages on nlmon are up to 32 KiB, jumbo frames 9 KiB. */
const MAX_FRAME_BYTES = 64 << 10;

export class PacketSocket {
  readonly #socket: DatagramSocket;
  readonly #address: Uint8Array;

  /** Throws an IpvigilError: no such interface, no CAP_NET_RAW. The caller closes. */
  constructor(
    options: PacketSocketOptions,
    receiver: (frame: ReceivedFrame) => void,
    calls: SystemCalls = systemCalls(),
    reactor: Reactor = processReactor(),
  ) {
    const protocol = options.etherType ?? ETH_P_ALL;
    this.#address = encodeLinkSockaddr(protocol, interfaceIndex(options.interface));
    const { receiveBufferBytes } = options;
    const socket = DatagramSocket.open(
      calls,
      reactor,
      {
        family: AF_PACKET,
        type: SOCK_RAW,
        // Nothing is received until bind names the protocol and the interface.
        protocol: 0,
        name: `packet socket on ${options.interface}`,
        maxBytes: MAX_FRAME_BYTES,
        addressBytes: this.#address.length,
        bindTo: this.#address,
        socketOptions:
          receiveBufferBytes === undefined ? [] : [[SOL_SOCKET, SO_RCVBUFFORCE, intOption(receiveBufferBytes)]],
      },
      (bytes, sender) => receiver({ bytes, packetType: sender[10]!, protocol: (sender[2]! << 8) | sender[3]! }),
    );
    if (!(socket instanceof DatagramSocket)) {
      const hint = socket.code === 'ERR_PERMISSION' ? 'packet sockets need CAP_NET_RAW' : undefined;
      const { operation, subject, errno } = socket;
      throw new IpvigilError(socket.code, { operation, subject, errno, hint });
    }
    this.#socket = socket;
  }

  /** Frames longer than can be taken. */
  get dropped(): number {
    return this.#socket.dropped;
  }

  /** Sends one whole frame with its link-layer header. 0, or the negated errno. */
  send(frame: Uint8Array): number {
    return this.#socket.send(frame, this.#address);
  }

  close(): void {
    this.#socket.close();
  }
}

/** if_nametoindex(3), from sysfs, in the network namespace of the process. */
function interfaceIndex(name: string): number {
  // A name is one path component (dev_valid_name in net/core/dev.c).
  if (!/^[^/\s:]{1,15}$/.test(name) || name === '.' || name === '..') throw noInterface(name);
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
  } catch (cause) {
    throw noInterface(name, cause);
  }
}

function noInterface(name: string, cause?: unknown): IpvigilError {
  return new IpvigilError('ERR_INVALID_ARGUMENT', {
    operation: 'open a packet socket on',
    subject: JSON.stringify(name),
    detail: 'there is no such network interface',
    cause,
  });
}
