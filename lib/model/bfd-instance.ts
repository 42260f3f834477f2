/** bfd_instance: a BFD session with one neighbor (RFC 5880, RFC 5881, RFC 5883). */
import type { IpAddress } from '../address/ip-address.ts';
import type { Duration } from '../time/duration.ts';
import type { SourcePlace } from './virtual-server.ts';

export interface BfdInstance {
  readonly name: string;
  readonly neighborIp: IpAddress;
  /** Absent: the kernel chooses. */
  readonly sourceIp?: IpAddress;
  /** The shortest interval between packets that we can take, and that we want to send. */
  readonly minRx: Duration;
  readonly minTx: Duration;
  /** The interval between packets while the session is not up; at least 1 s. */
  readonly idleTx: Duration;
  /** Packets that may be missed, 1..255. */
  readonly multiplier: number;
  /** Wait for the neighbor's first packet. */
  readonly passive: boolean;
  /** TTL or hop limit of what is sent, 1..255. */
  readonly ttl: number;
  /** Hops that a received packet may have made; -1: any number. */
  readonly maxHops: number;
  readonly multihop: boolean;
  /** What the session counts where it is tracked, -253..253. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Who learns of a change. */
  readonly vrrp: boolean;
  readonly checker: boolean;
  readonly source?: SourcePlace;
}
