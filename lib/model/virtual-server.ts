/**
 * The model: what a configuration asks for, as plain JSON data with all defaults filled in. The daemon sends it from one
 * process to another; the library's users write it by hand. Names are keepalived's keywords in camelCase.
 */
import type { IpAddress } from '../address/ip-address.ts';
import type { CheckerConfig } from './checker.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** How packets reach the real server (keepalived.conf(5) lb_kind, ipvsadm -m, -g, -i). */
export type ForwardingMethod = 'nat' | 'dr' | 'tun';

/** Where in a configuration file a thing was defined, for messages. Line and column count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface RealServer {
  readonly address: IpAddress;
  /**
   * 1..65535, or 0 where the virtual server's port is 0; with `dr` and `tun` the kernel delivers to the virtual
   * server's port whatever stands here.
   */
  readonly port: number;
  /** 0..2147483647; 0 keeps established connections and sends no new ones. */
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  /** Upper and lower connection thresholds; 0 means none (ipvsadm -x, -y). */
  readonly uthreshold: number;
  readonly lthreshold: number;
  /** A failed server stays in the table with weight 0 instead of being removed. */
  readonly inhibitOnFailure: boolean;
  /** Empty: the server is always considered up. */
  readonly checkers: readonly CheckerConfig[];
  readonly source?: SourcePlace;
}

/** The server that takes over while the quorum is lost. Never checked. */
export interface SorryServer {
  readonly address: IpAddress;
  readonly port: number;
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  /** Keep it in the table with weight 0 while it is not needed (sorry_server_inhibit). */
  readonly inhibit: boolean;
  readonly source?: SourcePlace;
}

/** One service of the kernel's table and the rules for its pool. Identified by address, port and protocol. */
export interface VirtualServer {
  readonly address: IpAddress;
  /** 1..65535; 0 takes every port and needs persistence. */
  readonly port: number;
  readonly protocol: Protocol;
  /** The kernel's scheduler name: `rr`, `wrr`, `lc`, `wlc`, `sh`, `mh` and so on (lb_algo). */
  readonly scheduler: string;
  /** Whole seconds that a client stays with its real server; 0 means no persistence (persistence_timeout). */
  readonly persistenceTimeoutS: number;
  /** Schedule each packet by itself; UDP only (ops). */
  readonly onePacket: boolean;
  /** Sum of the weights of alive servers that is needed. At least 1. */
  readonly quorum: number;
  /** Gained at `sum >= quorum + hysteresis`, lost at `sum < quorum - hysteresis` or 0. Less than quorum. */
  readonly hysteresis: number;
  readonly sorryServer?: SorryServer;
  /** In the file's order, which is the order in which they enter the kernel. */
  readonly realServers: readonly RealServer[];
  readonly source?: SourcePlace;
}

/** Times that belong to the daemon as a whole, and the services. */
export interface DirectorConfig {
  /** Names this director in mails and logs (router_id); default the host name, filled in by the daemon. */
  readonly routerId?: string;
  readonly virtualServers: readonly VirtualServer[];
}

/** A default for each value that keepalived.conf(5) lets a user leave out. */
export const virtualServerDefaults = {
  protocol: 'tcp',
  scheduler: 'wlc',
  persistenceTimeoutS: 0,
  onePacket: false,
  quorum: 1,
  hysteresis: 0,
} as const;
