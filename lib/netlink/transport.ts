/**
 * The one door from the netlink code to the kernel. io/netlink-transport.ts opens a real socket; testing/fake-kernel.ts
 * answers from memory. One contract suite runs against both (test/ipvs/contract).
 */
import type { IpvigilError } from '../errors.ts';

export interface NetlinkTransport {
  /** The port id (nlmsg_pid) that the kernel gave this socket; answers carry it. */
  readonly portId: number;
  /**
   * Hands one buffer of one or more whole netlink messages to the kernel, which handles them in order before this
   * returns; their answers arrive through the receiver, later. Throws an IpvigilError when the kernel takes nothing.
   */
  send(messages: Uint8Array): void;
  /** Sets the single receiver. Called before the first send. */
  receive(receiver: NetlinkReceiver): void;
  /** Idempotent. The receiver is not called again. */
  close(): void;
}

export interface NetlinkReceiver {
  /** One datagram of one or more messages. The bytes are valid only during the call. */
  datagram(bytes: Uint8Array): void;
  /**
   * The socket reported an error. ERR_NETLINK_OVERRUN (ENOBUFS): answers were lost, the socket goes on. The kernel drops
   * further answers until everything that is queued has been read, so all of it follows before any alarm rings.
   */
  failed(error: IpvigilError): void;
}

export type OpenNetlink = () => NetlinkTransport;
