/** One line of virtual_ipaddress, virtual_ipaddress_excluded or static_ipaddress (keepalived.conf(5), ip-address(8)). */
import type { IpAddress } from '../address/ip-address.ts';
import type { SourcePlace } from './virtual-server.ts';

/** IFA_F_* flags that a line may ask for; `-nodad` of the file is `nodad` here. */
export type AddressFlag = 'home' | 'nodad' | 'mngtmpaddr' | 'noprefixroute' | 'autojoin';

export interface VirtualAddress {
  readonly address: IpAddress;
  /** 0..32 or 0..128; a host's prefix unless written, and always with `peer`. */
  readonly prefixLength: number;
  /** Absent: the interface of the instance, or default_interface for a static address. */
  readonly interface?: string;
  /** Name or number of the scope, IPv4 only; absent: chosen by the kernel. */
  readonly scope?: string;
  /** `+` sets the bits of the host part, `-` clears them; IPv4 only. */
  readonly broadcast?: IpAddress | '+' | '-';
  /** At most 15 bytes, IPv4 only. */
  readonly label?: string;
  /** The other end of a point-to-point link. */
  readonly peer?: IpAddress;
  readonly flags: readonly AddressFlag[];
  /** Whole seconds; IPv6 only. 0 makes the address deprecated: nothing takes it as its source by itself. */
  readonly preferredLifetimeS?: number | 'forever';
  /** A loss of the address or of its interface counts against the instance (not no_track). */
  readonly track: boolean;
  /** The instances that suffer with a static address. */
  readonly trackGroup?: string;
  /** Put it on a virtual MAC interface although it is not on the instance's own. */
  readonly useVmac: boolean;
  readonly source?: SourcePlace;
}
