/** Numbers of linux/ip_vs.h (Linux 6.1), under their own names, and the few of other headers that IPVS attributes carry. */

export const IPVS_GENL_NAME = 'IPVS';
export const IPVS_GENL_VERSION = 1;

/** enum of generic netlink commands. */
export const IPVS_CMD = {
  NEW_SERVICE: 1,
  SET_SERVICE: 2,
  DEL_SERVICE: 3,
  GET_SERVICE: 4,
  NEW_DEST: 5,
  SET_DEST: 6,
  DEL_DEST: 7,
  GET_DEST: 8,
  NEW_DAEMON: 9,
  DEL_DAEMON: 10,
  GET_DAEMON: 11,
  SET_CONFIG: 12,
  GET_CONFIG: 13,
  SET_INFO: 14,
  GET_INFO: 15,
  ZERO: 16,
  FLUSH: 17,
} as const;

/** First level of commands. */
export const IPVS_CMD_ATTR = {
  SERVICE: 1,
  DEST: 2,
  DAEMON: 3,
  TIMEOUT_TCP: 4,
  TIMEOUT_TCP_FIN: 5,
  TIMEOUT_UDP: 6,
} as const;

/** Within IPVS_CMD_ATTR_SERVICE. */
export const IPVS_SVC_ATTR = {
  /** u16, host order. */
  AF: 1,
  /** u16, host order: an IPPROTO_* number. */
  PROTOCOL: 2,
  /** union nf_inet_addr, 16 bytes; an IPv4 address stands in the first four. Network order. */
  ADDR: 3,
  /** u16, network order. */
  PORT: 4,
  /** u32, host order. Such a service has no protocol, address and port. */
  FWMARK: 5,
  /** NUL-terminated, at most 15 characters. */
  SCHED_NAME: 6,
  /** struct ip_vs_flags: u32 flags, u32 mask, host order. */
  FLAGS: 7,
  /** u32, host order, seconds. */
  TIMEOUT: 8,
  /** u32: for IPv4 the netmask in network order, for IPv6 the prefix length in host order. */
  NETMASK: 9,
  STATS: 10,
  PE_NAME: 11,
  STATS64: 12,
} as const;

/** Within IPVS_CMD_ATTR_DEST. */
export const IPVS_DEST_ATTR = {
  /** union nf_inet_addr, as in IPVS_SVC_ATTR.ADDR. */
  ADDR: 1,
  /** u16, network order. */
  PORT: 2,
  /** u32, host order: IP_VS_CONN_F_* within IP_VS_CONN_F_FWD_MASK. */
  FWD_METHOD: 3,
  /** u32, host order; an int in the kernel. */
  WEIGHT: 4,
  /** u32, host order. */
  U_THRESH: 5,
  L_THRESH: 6,
  ACTIVE_CONNS: 7,
  INACT_CONNS: 8,
  PERSIST_CONNS: 9,
  STATS: 10,
  /** u16, host order. Since Linux 3.18; absent means the service's family. */
  ADDR_FAMILY: 11,
  STATS64: 12,
  /** u8: IP_VS_CONN_F_TUNNEL_TYPE_*. Since Linux 5.3. */
  TUN_TYPE: 13,
  /** u16, network order. */
  TUN_PORT: 14,
  /** u16, host order. */
  TUN_FLAGS: 15,
} as const;

/** Within IPVS_*_ATTR_STATS (u32, bytes u64) and _STATS64 (all u64). */
export const IPVS_STATS_ATTR = {
  CONNS: 1,
  INPKTS: 2,
  OUTPKTS: 3,
  INBYTES: 4,
  OUTBYTES: 5,
  CPS: 6,
  INPPS: 7,
  OUTPPS: 8,
  INBPS: 9,
  OUTBPS: 10,
} as const;

/** In the answer to IPVS_CMD_GET_INFO; both u32, host order. The version is 0xMMmmpp. */
export const IPVS_INFO_ATTR = { VERSION: 1, CONN_TAB_SIZE: 2 } as const;

export const IP_VS_SVC_F_PERSISTENT = 0x0001;
/** Set by the kernel on every service that is in its table. */
export const IP_VS_SVC_F_HASHED = 0x0002;
export const IP_VS_SVC_F_ONEPACKET = 0x0004;
/** Flags that the scheduler interprets: sh-fallback and sh-port, mh-fallback and mh-port. */
export const IP_VS_SVC_F_SCHED1 = 0x0008;
export const IP_VS_SVC_F_SCHED2 = 0x0010;
export const IP_VS_SVC_F_SCHED3 = 0x0020;

export const IP_VS_CONN_F_FWD_MASK = 0x0007;
export const IP_VS_CONN_F_MASQ = 0x0000;
export const IP_VS_CONN_F_LOCALNODE = 0x0001;
export const IP_VS_CONN_F_TUNNEL = 0x0002;
export const IP_VS_CONN_F_DROUTE = 0x0003;
export const IP_VS_CONN_F_BYPASS = 0x0004;

export const IP_VS_CONN_F_TUNNEL_TYPE_IPIP = 0;
export const IP_VS_CONN_F_TUNNEL_TYPE_GUE = 1;
export const IP_VS_CONN_F_TUNNEL_TYPE_GRE = 2;

/** With the final NUL. */
export const IP_VS_SCHEDNAME_MAXLEN = 16;

/** linux/socket.h. */
export const AF_INET = 2;
export const AF_INET6 = 10;

/** linux/in.h. */
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_SCTP = 132;
