/**
 * Numbers and struct layouts of the Linux user-space ABI, as far as io/ uses them. Sources: asm-generic/socket.h,
 * bits/epoll.h, linux/if_ether.h, linux/if_packet.h, linux/in.h, linux/in6.h, linux/netlink.h, linux/tcp.h, linux/time.h (Linux 6.1, glibc 2.36). x86-64 and
 * arm64 share the generic numbers; where they differ the line says so. musl uses the kernel's numbers too.
 */

import type { Endpoint } from '../../address/endpoint.ts';
import type { IpFamily } from '../../address/ip-address.ts';
import { ipBytes, ipFamily } from '../../address/ip-address.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const ETH_P_ALL = 0x0003;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_ICMPV6 = 58;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;

export const SOL_NETLINK = 270;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GENERIC = 16;

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_TRUNC = 0x20;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;

export const LOCK_EX = 2;
export const LOCK_NB = 4;

export const CLOCK_MONOTONIC = 1;
export const TFD_NONBLOCK = 0o4000;
export const TFD_CLOEXEC = 0o2000000;
export const TFD_TIMER_ABSTIME = 1;

/**
 * `struct epoll_event { uint32_t events; uint64_t data; }`: packed on x86-64 only (EPOLL_PACKED), so data begins at 4
 * there and at 8 on every other 64-bit machine.
 */
export function epollEventLayout(arch: string): { readonly size: number; readonly dataOffset: number } {
  return arch === 'x64' ? { size: 12, dataOffset: 4 } : { size: 16, dataOffset: 8 };
}

export function addressFamily(family: IpFamily): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/**
 * `struct sockaddr_in` (16 bytes) or `sockaddr_in6` (28 bytes): sin_family in host order, sin_port and the address in
 * network order. Both supported machines are little-endian.
 */
export function encodeSockaddr({ address, port }: Endpoint): Uint8Array {
  const bytes = ipBytes(address);
  if (ipFamily(address) === 4) {
    const sockaddr = new Uint8Array(16);
    sockaddr[0] = AF_INET;
    sockaddr[2] = port >> 8;
    sockaddr[3] = port & 0xff;
    sockaddr.set(bytes, 4);
    return sockaddr;
  }
  const sockaddr = new Uint8Array(28);
  sockaddr[0] = AF_INET6;
  sockaddr[2] = port >> 8;
  sockaddr[3] = port & 0xff;
  sockaddr.set(bytes, 8);
  return sockaddr;
}

/** `struct sockaddr_nl` (12 bytes): family, pad, nl_pid, nl_groups; all in host order. */
export function encodeNetlinkSockaddr(portId: number, groups: number): Uint8Array {
  const sockaddr = new Uint8Array(12);
  const view = new DataView(sockaddr.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, portId, true);
  view.setUint32(8, groups, true);
  return sockaddr;
}

/**
 * `struct sockaddr_ll` (20 bytes): family, sll_protocol in network order, sll_ifindex in host order, then hardware type,
 * packet type (offset 10) and hardware address, which only the kernel fills in.
 */
export function encodeLinkSockaddr(protocol: number, interfaceIndex: number): Uint8Array {
  const sockaddr = new Uint8Array(20);
  const view = new DataView(sockaddr.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol, false);
  view.setInt32(4, interfaceIndex, true);
  return sockaddr;
}

/** `struct sockaddr_un`: family and a path of up to 107 bytes with its terminator. */
export function encodeUnixSockaddr(path: string): Uint8Array {
  const sockaddr = new Uint8Array(110);
  sockaddr[0] = AF_UNIX;
  const { read } = new TextEncoder().encodeInto(path, sockaddr.subarray(2, 109));
  if (read < path.length) throw new RangeError(`socket path longer than 107 bytes: ${path}`);
  return sockaddr;
}
