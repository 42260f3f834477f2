/**
 * Networks as data: hosts, their interfaces on named LANs, addresses, routes and sysctls; and the `ip -batch` lines
 * that make them. Pure; `topology.ts` carries the lines out.
 */

/** A made network. Each host is a network name space; each LAN a bridge that joins its interfaces. */
export interface NetworkPlan {
  readonly hosts: Readonly<Record<string, HostPlan>>;
}

export interface HostPlan {
  /** By interface name, e.g. `eth0`. */
  readonly interfaces: Readonly<Record<string, InterfacePlan>>;
  /** Other devices: what follows `ip link add NAME`, e.g. `type ipip local 192.168.10.71`. */
  readonly devices?: Readonly<Record<string, { readonly link: string; readonly addresses?: readonly string[] }>>;
  /** Addresses on `lo`, with prefix length. */
  readonly loopback?: readonly string[];
  /** What follows `ip route add`, e.g. `default via 192.168.10.81`. */
  readonly routes?: readonly string[];
  /** Values by sysctl name, e.g. `net.ipv4.ip_forward`. Set before the interfaces come up. */
  readonly sysctls?: Readonly<Record<string, string | number>>;
}

export interface InterfacePlan {
  readonly lan: string;
  /** With prefix length, e.g. `172.16.10.81/24`. IPv6 addresses are used at once, without duplicate detection. */
  readonly addresses: readonly string[];
  readonly mac?: string;
}

/** Makes the LANs' bridges, the name spaces and the cables; for the name space that holds the bridges. */
export function fabricLines(plan: NetworkPlan): string[] {
  const lines: string[] = [];
  for (const lan of lansOf(plan)) {
    lines.push(`link add ${bridgeName(lan)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`);
    lines.push(`link set ${bridgeName(lan)} up`);
  }
  for (const [host, { interfaces }] of Object.entries(plan.hosts)) {
    lines.push(`netns add ${host}`);
    for (const [name, { lan, mac }] of Object.entries(interfaces)) {
      const port = portName(plan, host, name);
      const address = mac === undefined ? '' : ` address ${mac}`;
      lines.push(`link add ${port} type veth peer name ${name}${address} netns ${host}`);
      lines.push(`link set ${port} master ${bridgeName(lan)} up`);
    }
  }
  return lines;
}

/** Sets up one host's devices, addresses and routes; for the host's own name space. */
export function hostLines(host: HostPlan): string[] {
  const lines = ['link set lo up'];
  const add = (device: string, addresses: readonly string[]): void => {
    for (const address of addresses) {
      lines.push(`address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`);
    }
  };
  add('lo', host.loopback ?? []);
  for (const [name, { addresses }] of Object.entries(host.interfaces)) {
    add(name, addresses);
    lines.push(`link set ${name} up`);
  }
  for (const [name, { link, addresses }] of Object.entries(host.devices ?? {})) {
    lines.push(`link add ${name} ${link}`);
    add(name, addresses ?? []);
    lines.push(`link set ${name} up`);
  }
  for (const route of host.routes ?? []) {
    lines.push(`route add ${route}`);
  }
  return lines;
}

/** The LANs that the plan's interfaces name, in order of appearance. */
export function lansOf(plan: NetworkPlan): string[] {
  const lans = new Set<string>();
  for (const { interfaces } of Object.values(plan.hosts)) {
    for (const { lan } of Object.values(interfaces)) {
      lans.add(lan);
    }
  }
  return [...lans];
}

export function bridgeName(lan: string): string {
  return deviceName(`br-${lan}`);
}

/** The bridge's end of a host's cable. Numbered, since interface names have at most 15 characters (IFNAMSIZ). */
export function portName(plan: NetworkPlan, host: string, device: string): string {
  let number = 0;
  for (const [name, { interfaces }] of Object.entries(plan.hosts)) {
    for (const each of Object.keys(interfaces)) {
      if (name === host && each === device) {
        return `port${number}`;
      }
      number += 1;
    }
  }
  throw new RangeError(`host ${host} has no interface ${device}`);
}

function deviceName(name: string): string {
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(name)) {
    throw new RangeError(`${name} cannot be the name of a network device`);
  }
  return name;
}

const director = { 'net.ipv4.ip_forward': 1, 'net.ipv4.vs.conntrack': 0 };

/**
 * LVS-NAT: the client at 172.16.10.100 knows the virtual address 172.16.10.81; the real servers .71 and .72 in
 * 192.168.10.0/24 send their answers back through the director, their default gateway.
 */
export const natNetwork = {
  hosts: {
    client: { interfaces: { eth0: { lan: 'outside', addresses: ['172.16.10.100/24'] } } },
    director: {
      interfaces: {
        eth0: { lan: 'outside', addresses: ['172.16.10.81/24'] },
        eth1: { lan: 'inside', addresses: ['192.168.10.81/24'] },
      },
      sysctls: director,
    },
    rs1: {
      interfaces: { eth0: { lan: 'inside', addresses: ['192.168.10.71/24'] } },
      routes: ['default via 192.168.10.81'],
    },
    rs2: {
      interfaces: { eth0: { lan: 'inside', addresses: ['192.168.10.72/24'] } },
      routes: ['default via 192.168.10.81'],
    },
  },
} as const satisfies NetworkPlan;

/** Keeps a host silent about the virtual address on its `lo`: only the director may answer ARP for it. */
const hiddenVip = { 'net.ipv4.conf.all.arp_ignore': 1, 'net.ipv4.conf.all.arp_announce': 2 };

/**
 * LVS-DR: all on one LAN. The director passes the client's packets on by MAC address; the real servers hold the
 * virtual address 172.16.10.81 on `lo` and answer the client directly.
 */
export const drNetwork = {
  hosts: {
    client: { interfaces: { eth0: { lan: 'lan', addresses: ['172.16.10.100/24'] } } },
    director: {
      interfaces: { eth0: { lan: 'lan', addresses: ['172.16.10.80/24', '172.16.10.81/32'] } },
      sysctls: { ...director, 'net.ipv4.conf.all.send_redirects': 0 },
    },
    rs1: {
      interfaces: { eth0: { lan: 'lan', addresses: ['172.16.10.71/24'] } },
      loopback: ['172.16.10.81/32'],
      sysctls: hiddenVip,
    },
    rs2: {
      interfaces: { eth0: { lan: 'lan', addresses: ['172.16.10.72/24'] } },
      loopback: ['172.16.10.81/32'],
      sysctls: hiddenVip,
    },
  },
} as const satisfies NetworkPlan;

/** Accepts tunnelled packets whose inner source would not be routed back the way they came. */
const tunnelEnd = { 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0 };

/**
 * LVS-TUN: the real servers are behind a router, in another network. The director wraps the client's packets in IPIP;
 * a real server unwraps them (its virtual address is on the tunnel device) and answers the client through the router.
 */
export const tunNetwork = {
  hosts: {
    client: {
      interfaces: { eth0: { lan: 'near', addresses: ['172.16.10.100/24'] } },
      routes: ['192.168.10.0/24 via 172.16.10.1'],
    },
    director: {
      interfaces: { eth0: { lan: 'near', addresses: ['172.16.10.80/24', '172.16.10.81/32'] } },
      routes: ['192.168.10.0/24 via 172.16.10.1'],
      sysctls: { ...director, 'net.ipv4.conf.all.send_redirects': 0 },
    },
    router: {
      interfaces: {
        eth0: { lan: 'near', addresses: ['172.16.10.1/24'] },
        eth1: { lan: 'far', addresses: ['192.168.10.1/24'] },
      },
      sysctls: { 'net.ipv4.ip_forward': 1, ...tunnelEnd },
    },
    rs1: {
      interfaces: { eth0: { lan: 'far', addresses: ['192.168.10.71/24'] } },
      devices: { vip0: { link: 'type ipip local 192.168.10.71', addresses: ['172.16.10.81/32'] } },
      routes: ['default via 192.168.10.1'],
      sysctls: { ...hiddenVip, ...tunnelEnd },
    },
    rs2: {
      interfaces: { eth0: { lan: 'far', addresses: ['192.168.10.72/24'] } },
      devices: { vip0: { link: 'type ipip local 192.168.10.72', addresses: ['172.16.10.81/32'] } },
      routes: ['default via 192.168.10.1'],
      sysctls: { ...hiddenVip, ...tunnelEnd },
    },
  },
} as const satisfies NetworkPlan;
