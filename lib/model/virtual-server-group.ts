/** virtual_server_group: the addresses and marks that several services share one pool of real servers for. */
import type { IpAddress, IpFamily } from '../address/ip-address.ts';
import type { SourcePlace } from './virtual-server.ts';

/** All addresses from `first` to `last`, both included; equal for a single one. */
export interface GroupAddresses {
  readonly kind: 'addresses';
  readonly first: IpAddress;
  readonly last: IpAddress;
  /** 0: every port. */
  readonly port: number;
  readonly source?: SourcePlace;
}

/** Packets with a firewall mark (ipvsadm -f). */
export interface GroupFwmark {
  readonly kind: 'fwmark';
  /** 1..4294967295. */
  readonly fwmark: number;
  /** Absent: the family of the real servers. */
  readonly family?: IpFamily;
  readonly source?: SourcePlace;
}

export interface VirtualServerGroup {
  readonly name: string;
  /** Never empty. */
  readonly entries: readonly (GroupAddresses | GroupFwmark)[];
  readonly source?: SourcePlace;
}
