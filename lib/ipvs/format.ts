/** A table as text, in the form that operators know from `ipvsadm -Ln` (ipvsadm 1.31). */
import { compareEndpoints, formatEndpoint } from '../address/endpoint.ts';
import { ipFamily } from '../address/ip-address.ts';
import type { Protocol } from '../model/virtual-server.ts';
import type { IpvsInfo } from './codec.ts';
import type { DestinationStatus, ServiceStatus } from './service.ts';

/** Order of `ipvsadm --sort`: by protocol number, with IPv4 before IPv6. */
const protocolRank: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

const forwardingNames = { nat: 'Masq', dr: 'Route', tun: 'Tunnel' } as const;

export interface FormatTableOptions {
  /** For the first line; as {@link IpvsClient.info} gives it. */
  readonly info: IpvsInfo;
  /** Keep the order of the table instead of sorting (`ipvsadm --nosort`). Default false. */
  readonly unsorted?: boolean;
}

/** The table as `ipvsadm -Ln` prints it, byte for byte, ending in a line feed. Connections that nobody counts are 0. */
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
    for (const destination of unsorted ? destinations : destinations.toSorted(compareEndpoints)) {
      lines.push(formatDestination(destination));
    }
  }
  return `${lines.join('\n')}\n`;
}

function compareServices(a: ServiceStatus, b: ServiceStatus): number {
  return (
    ipFamily(a.address) - ipFamily(b.address) ||
    protocolRank[a.protocol] - protocolRank[b.protocol] ||
    compareEndpoints(a, b)
  );
}

function formatService(service: ServiceStatus): string {
  const { protocol, scheduler, persistenceTimeoutS, onePacket } = service;
  const line = `${protocol.toUpperCase().padEnd(4)} ${formatEndpoint(service)} ${scheduler}`;
  const persistent = persistenceTimeoutS > 0 ? ` persistent ${persistenceTimeoutS}` : '';
  return `${line}${persistent}${onePacket ? ' ops' : ''}`;
}

function formatDestination(destination: DestinationStatus): string {
  const { weight, forwarding, activeConnections = 0, inactiveConnections = 0 } = destination;
  const columns = [
    formatEndpoint(destination).padEnd(28),
    forwardingNames[forwarding].padEnd(7),
    String(weight).padEnd(6),
    String(activeConnections).padEnd(10),
    String(inactiveConnections).padEnd(10),
  ];
  return `  -> ${columns.join(' ')}`;
}
