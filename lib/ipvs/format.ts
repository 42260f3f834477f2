/** A table as text, in the form that operators know from `ipvsadm -Ln` (ipvsadm 1.31). */
import { type Endpoint, formatEndpoint } from '../address/endpoint.ts';
import { ipBytes, ipFamily } from '../address/ip-address.ts';
import type { Protocol } from '../model/virtual-server.ts';
import { viewOf } from '../netlink/byte-order.ts';
import type { IpvsInfo } from './codec.ts';
import type { DestinationStatus, ServiceStatus } from './service.ts';

/** The order of `ipvsadm --sort`: protocols by their numbers in linux/in.h. */
const protocolRank: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

const forwardingNames = { nat: 'Masq', dr: 'Route', tun: 'Tunnel' } as const;

export interface FormatTableOptions {
  /** For the first line; as {@link IpvsClient.info} gives it. */
  readonly info: IpvsInfo;
  /** Keep the order of the table instead of sorting (`ipvsadm --nosort`). Default false. */
  readonly unsorted?: boolean;
}

/**
 * The table as `ipvsadm -Ln` prints it, byte for byte, ending in a line feed; addresses are never cut. Connections that
 * nobody counts are 0. Services on firewall marks are not in the table, so they are not printed.
 */
export function formatTable(
  services: readonly ServiceStatus[],
  { info, unsorted = false }: FormatTableOptions,
): string {
  const lines = [
    `IP Virtual Server version ${info.version} (size=${info.connectionTableSize})`,
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
  ];
  for (const service of unsorted ? services : services.toSorted(compareServices)) {
    lines.push(formatService(service));
    const { destinations } = service;
    for (const destination of unsorted ? destinations : destinations.toSorted(compareAsIpvsadm)) {
      lines.push(formatDestination(destination));
    }
  }
  return `${lines.join('\n')}\n`;
}

function compareServices(a: ServiceStatus, b: ServiceStatus): number {
  const families = ipFamily(a.address) - ipFamily(b.address);
  return families || protocolRank[a.protocol] - protocolRank[b.protocol] || compareAsIpvsadm(a, b);
}

/**
 * By address, then by port, with the arithmetic of ipvsadm: it takes the difference of two 32-bit words for a signed
 * number, so 192.168.0.1 stands before 10.0.0.1.
 */
function compareAsIpvsadm(a: Endpoint, b: Endpoint): number {
  const [bytesOfA, bytesOfB] = [ipBytes(a.address), ipBytes(b.address)];
  if (bytesOfA.length !== bytesOfB.length) return bytesOfA.length - bytesOfB.length;
  const [viewOfA, viewOfB] = [viewOf(bytesOfA), viewOf(bytesOfB)];
  for (let at = 0; at < bytesOfA.length; at += 4) {
    const difference = (viewOfA.getUint32(at, false) - viewOfB.getUint32(at, false)) | 0;
    if (difference !== 0) return difference;
  }
  return a.port - b.port;
}

function formatService(service: ServiceStatus): string {
  const { protocol, scheduler, persistenceTimeoutS, onePacket, deviation = {} } = service;
  const { schedulerFlags, netmask, persistenceEngine, persistentForNoTime } = deviation;
  const words = [protocol.toUpperCase().padEnd(4), formatEndpoint(service), scheduler];
  if (schedulerFlags !== undefined) words.push(`(${schedulerFlags.map((n) => flagName(scheduler, n)).join(',')})`);
  if (persistenceTimeoutS > 0 || persistentForNoTime) {
    words.push(`persistent ${persistenceTimeoutS}`);
    if (netmask !== undefined) words.push(`mask ${netmask}`);
  }
  if (persistenceEngine !== undefined) words.push(`pe ${persistenceEngine}`);
  if (onePacket) words.push('ops');
  return words.join(' ');
}

function flagName(scheduler: string, flag: number): string {
  if (scheduler === 'sh' || scheduler === 'mh') {
    if (flag === 1) return `${scheduler}-fallback`;
    if (flag === 2) return `${scheduler}-port`;
  }
  return `flag-${flag}`;
}

function formatDestination(destination: DestinationStatus): string {
  const { weight, forwarding, deviation, activeConnections = 0, inactiveConnections = 0 } = destination;
  const other = deviation?.forwarding;
  const columns = [
    formatEndpoint(destination).padEnd(28),
    (other === undefined ? forwardingNames[forwarding] : `${other[0]?.toUpperCase()}${other.slice(1)}`).padEnd(7),
    String(weight).padEnd(6),
    String(activeConnections).padEnd(10),
    String(inactiveConnections).padEnd(10),
  ];
  return `  -> ${columns.join(' ')}`;
}
