/** One line of virtual_rules or static_rules (ip-rule(8), linux/fib_rules.h). */
import type { IpAddress, IpFamily } from '../address/ip-address.ts';
import type { SourcePlace } from './virtual-server.ts';

/** An address with its prefix length. */
export interface RuleNetwork {
  readonly address: IpAddress;
  /** 0..32 or 0..128. */
  readonly prefixLength: number;
}

/** Two ends, both included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

export type RuleAction =
  /** `table` is a number or a name of /etc/iproute2/rt_tables. */
  | { readonly kind: 'lookup'; readonly table: string }
  /** Go on at the rule with this preference. */
  | { readonly kind: 'goto'; readonly preference: number }
  | { readonly kind: 'nop' | 'blackhole' | 'prohibit' | 'unreachable' | 'l3mdev' };

export interface RoutingRule {
  readonly family: IpFamily;
  readonly action: RuleAction;
  /** Absent: one is chosen downwards from 16384. */
  readonly preference?: number;
  /** The selectors match when they do not. */
  readonly not: boolean;
  readonly from?: RuleNetwork;
  readonly to?: RuleNetwork;
  /** Number or name of /etc/iproute2/rt_dsfield. */
  readonly tos?: string;
  readonly fwmark?: { readonly mark: number; readonly mask: number };
  /** `[source/]destination`, IPv4 only. */
  readonly realms?: string;
  readonly suppressPrefixlength?: number;
  readonly suppressIfgroup?: string;
  readonly iif?: string;
  readonly oif?: string;
  /** Decimal digits, up to 18446744073709551615. */
  readonly tunnelId?: string;
  readonly uidrange?: NumberRange;
  /** Who made the rule, 0..255. */
  readonly protocol?: number;
  /** Number or name of a transport protocol. */
  readonly ipproto?: string;
  readonly sport?: NumberRange;
  readonly dport?: NumberRange;
  /** A loss of the rule counts against the instance (not no_track). */
  readonly track: boolean;
  readonly trackGroup?: string;
  readonly source?: SourcePlace;
}
