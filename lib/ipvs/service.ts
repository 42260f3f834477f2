/** The kernel's IPVS table as values, and the commands that change it. */
import { type Endpoint, formatEndpoint } from '../address/endpoint.ts';
import type { ForwardingMethod, Protocol } from '../model/virtual-server.ts';

/** What identifies a service in the kernel. */
export interface ServiceId extends Endpoint {
  readonly protocol: Protocol;
}

/** One real server (or sorry server) of a service. Identified by address and port. */
export interface Destination extends Endpoint {
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  /** Connection thresholds; 0 means none. */
  readonly uthreshold: number;
  readonly lthreshold: number;
}

export interface ServiceSettings extends ServiceId {
  /** The kernel's scheduler name. */
  readonly scheduler: string;
  /** Seconds; 0 means not persistent (IP_VS_SVC_F_PERSISTENT clear). */
  readonly persistenceTimeoutS: number;
  /** IP_VS_SVC_F_ONEPACKET. */
  readonly onePacket: boolean;
}

export interface Service extends ServiceSettings {
  /** In the order in which they were (or shall be) added. */
  readonly destinations: readonly Destination[];
}

/** What the kernel can hold for a destination beyond {@link Destination}. At least one field is there. */
export interface DestinationDeviation {
  /** `local` or `bypass`: a forwarding method that is none of ours; the destination's own field says `nat` then. */
  readonly forwarding?: string;
  /** `gue`, `gre`: a tunnel other than IPIP. */
  readonly tunnelType?: string;
}

/** A destination as a table gives it when read. Planning looks at {@link Destination} and `deviation` only. */
export interface DestinationStatus extends Destination {
  /** Connections that the kernel counts as active and as inactive; absent where nobody counts. */
  readonly activeConnections?: number;
  readonly inactiveConnections?: number;
  /** Absent when there is none. With one the destination equals no desired one, and a SET_DEST makes it plain. */
  readonly deviation?: DestinationDeviation;
}

/** What the kernel can hold for a service beyond {@link ServiceSettings}. At least one field is there. */
export interface ServiceDeviation {
  /** Which of the scheduler's flags 1, 2 and 3 are set (ipvsadm -b: sh-fallback is 1, sh-port is 2). Never empty. */
  readonly schedulerFlags?: readonly number[];
  /** Clients that share it share their real server: `255.255.255.0`, or for IPv6 the prefix length (ipvsadm -M). */
  readonly netmask?: string;
  /** `sip` (ipvsadm --pe). */
  readonly persistenceEngine?: string;
  /** Marked as persistent, but for 0 seconds. */
  readonly persistentForNoTime?: true;
}

/** A service as a table gives it when read. */
export interface ServiceStatus extends Service {
  /** Absent when there is none. With one the service equals no desired one, and a SET_SERVICE makes it plain. */
  readonly deviation?: ServiceDeviation;
  readonly destinations: readonly DestinationStatus[];
}

/** `10.0.0.1:80/tcp`: names a service in messages and serves as its key. */
export function serviceKey(service: ServiceId): string {
  return `${formatEndpoint(service)}/${service.protocol}`;
}

/** One change of the table, named as in linux/ip_vs.h (IPVS_CMD_*). */
export type IpvsCommand =
  | { readonly kind: 'NEW_SERVICE' | 'SET_SERVICE'; readonly service: ServiceSettings }
  | { readonly kind: 'DEL_SERVICE'; readonly service: ServiceId }
  | { readonly kind: 'NEW_DEST' | 'SET_DEST'; readonly service: ServiceId; readonly destination: Destination }
  | { readonly kind: 'DEL_DEST'; readonly service: ServiceId; readonly destination: Endpoint };
