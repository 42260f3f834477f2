/** vrrp_instance and vrrp_sync_group: virtual routers, what they own and what they hang on (RFC 5798, RFC 9568). */
import type { IpAddress, IpFamily } from '../address/ip-address.ts';
import type { Duration } from '../time/duration.ts';
import type { BfdInstance } from './bfd-instance.ts';
import type { RoutingRule } from './routing-rule.ts';
import type { ScriptCommand, TrackFile, Tracking, TrackProcess, VrrpScript } from './tracking.ts';
import type { VirtualAddress } from './virtual-address.ts';
import type { SourcePlace } from './virtual-server.ts';

/** A peer of an instance that sends its adverts to single addresses. */
export interface UnicastPeer {
  readonly address: IpAddress;
  /** Bounds of the TTL of its adverts, 0..255. */
  readonly minTtl: number;
  readonly maxTtl: number;
}

/** VRRP version 2 only (RFC 2338 section 5.3.6). */
export interface VrrpAuthentication {
  readonly authType: 'PASS' | 'AH';
  /** At most 8 bytes in UTF-8. */
  readonly authPass?: string;
}

export interface HmacKey {
  /** 1..255. */
  readonly id: number;
  /** As written: text, `hex:` and digits, or `file:` and a path. */
  readonly value: string;
}

/** The authenticated trailer of keepalived 2.4. */
export interface VrrpHmac {
  readonly keys: readonly HmacKey[];
  /** The id of one of the keys. */
  readonly activeKey: number;
  /** How far the clocks may be apart. */
  readonly timeWindow: Duration;
  readonly antiReplay: 'time' | 'monotonic';
  readonly mode: 'enforce' | 'permissive' | 'receive-only';
}

/** Commands that are started when a state is entered; `notify` gets the name, state and priority as further words. */
export interface VrrpNotifications {
  readonly notifyMaster?: ScriptCommand;
  readonly notifyBackup?: ScriptCommand;
  readonly notifyFault?: ScriptCommand;
  readonly notifyStop?: ScriptCommand;
  readonly notifyMasterRxLowerPri?: ScriptCommand;
  readonly notify?: ScriptCommand;
}

/** When addresses are announced by gratuitous ARP and unsolicited neighbor advertisements. */
export interface GarpTiming {
  /** From entering master to the second burst; 0: no second one. */
  readonly masterDelay: Duration;
  /** Announcements in each of these bursts, at least 1. */
  readonly masterRepeat: number;
  /** From one refresh to the next while master; 0: none. */
  readonly masterRefresh: Duration;
  readonly masterRefreshRepeat: number;
  /** After an advert of lower priority was seen. */
  readonly lowerPrioDelay: Duration;
  readonly lowerPrioRepeat: number;
}

export interface VrrpInstance {
  readonly name: string;
  /** 2 or 3; IPv6 exists in version 3 only. */
  readonly version: 2 | 3;
  readonly family: IpFamily;
  /** Absent only for unicast with a source address. */
  readonly interface?: string;
  /** 1..255. */
  readonly virtualRouterId: number;
  /** Base priority, 1..255; 255 belongs to the owner of the addresses. */
  readonly priority: number;
  /** The state that it wants to begin with. */
  readonly state: 'master' | 'backup';
  /** Version 2: whole seconds, 1..255 s. Version 3: steps of 10 ms, 10 ms to 40.95 s. */
  readonly advertInt: Duration;
  /** Missed adverts until the master counts as gone, 1..100. */
  readonly downTimerAdverts: number;
  readonly nopreempt: boolean;
  readonly preemptDelay: Duration;
  readonly strictMode: boolean;
  /** Take packets to the addresses while master. */
  readonly accept: boolean;
  readonly lowerPrioNoAdvert: boolean;
  readonly higherPrioSendAdvert: boolean;
  readonly ownerIgnoreAdverts: boolean;
  readonly skipCheckAdvAddr: boolean;
  readonly v3ChecksumAsV2: boolean;
  /** Where adverts come from; absent: the first address of the interface. */
  readonly sourceIp?: IpAddress;
  readonly trackSrcIp: boolean;
  /** Where adverts go to without unicast peers. */
  readonly mcastDstIp: IpAddress;
  /** Empty: multicast. */
  readonly unicastPeers: readonly UnicastPeer[];
  readonly checkUnicastSrc: boolean;
  /** 0..255; absent: 255 for IPv4, the kernel's for IPv6. */
  readonly unicastTtl?: number;
  readonly authentication?: VrrpAuthentication;
  readonly authHmac?: VrrpHmac;
  /** In the adverts, in the order of the file; of the instance's family. */
  readonly virtualIpaddress: readonly VirtualAddress[];
  /** Not in the adverts; of either family. */
  readonly virtualIpaddressExcluded: readonly VirtualAddress[];
  /** In force while master. */
  readonly virtualRules: readonly RoutingRule[];
  readonly promoteSecondaries: boolean;
  /** The state of its own interface does not matter. */
  readonly dontTrackPrimary: boolean;
  readonly garp: GarpTiming;
  readonly tracking: Tracking;
  readonly notifications: VrrpNotifications;
  readonly source?: SourcePlace;
}

/** Instances that are master, or not, together. */
export interface VrrpSyncGroup {
  readonly name: string;
  /** Names of instances that exist; never empty, no instance is in two groups. */
  readonly members: readonly string[];
  readonly syncGroupTrackingWeight: boolean;
  /** Counts for every member. */
  readonly tracking: Tracking;
  readonly notifications: VrrpNotifications;
  readonly source?: SourcePlace;
}

export interface VrrpConfig {
  readonly instances: readonly VrrpInstance[];
  readonly syncGroups: readonly VrrpSyncGroup[];
  readonly scripts: readonly VrrpScript[];
  readonly trackFiles: readonly TrackFile[];
  readonly trackProcesses: readonly TrackProcess[];
  readonly bfdInstances: readonly BfdInstance[];
  readonly staticAddresses: readonly VirtualAddress[];
  readonly staticRules: readonly RoutingRule[];
}
