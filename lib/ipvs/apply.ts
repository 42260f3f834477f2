/**
 * What a command does to a table: the rules of the kernel (net/netfilter/ipvs/ip_vs_ctl.c), over plain values. Behind
 * MemoryTable and the fake kernel, and for whoever keeps a mirror of the kernel's table.
 */
import type { Endpoint } from '../address/endpoint.ts';
import { type IpAddress, ipBytes, ipFamily } from '../address/ip-address.ts';
import { type Destination, type IpvsCommand, type ServiceStatus, serviceKey } from './service.ts';

/** A table by {@link serviceKey}, in the order in which the services were added. */
export type TableMap = Map<string, ServiceStatus>;

/** The errno names with which IPVS refuses commands. */
export type IpvsRefusal = 'EEXIST' | 'ESRCH' | 'ENOENT' | 'ERANGE' | 'EINVAL';

/** The schedulers of Linux 6.1. `none` is a service without one: it never gets new connections. */
export const kernelSchedulers: ReadonlySet<string> = new Set([
  ...['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'mh', 'sed', 'nq', 'fo', 'ovf', 'twos', 'none'],
]);

export function tableMap(services: readonly ServiceStatus[]): TableMap {
  return new Map(services.map((service) => [serviceKey(service), service]));
}

/**
 * Changes `table` as the kernel does for a command that it accepted. The map is changed in place, its services are
 * replaced, never changed. A new destination stands last. Refuses nothing: a command on something that is not there, or
 * there already, sets it to what the command says, and a destination of a service that is not there is left out.
 */
export function applyCommand(table: TableMap, command: IpvsCommand): void {
  const key = serviceKey(command.service);
  const service = table.get(key);
  switch (command.kind) {
    case 'NEW_SERVICE':
      table.set(key, { ...command.service, destinations: [] });
      return;
    case 'SET_SERVICE':
      table.set(key, { ...command.service, destinations: service?.destinations ?? [] });
      return;
    case 'DEL_SERVICE':
      table.delete(key);
      return;
    case 'NEW_DEST':
    case 'SET_DEST':
      if (service !== undefined) table.set(key, withDestination(service, command.destination));
      return;
    case 'DEL_DEST': {
      if (service === undefined) return;
      const at = indexOf(service, command.destination);
      if (at >= 0) table.set(key, { ...service, destinations: service.destinations.toSpliced(at, 1) });
      return;
    }
  }
}

/**
 * The table after commands that the kernel accepted. Pure: `services` stays as it is. For a mirror that follows command
 * by command, {@link applyCommand} on one map is cheaper.
 */
export function applyToTable(
  services: readonly ServiceStatus[],
  commands: readonly IpvsCommand[],
): readonly ServiceStatus[] {
  const table = tableMap(services);
  for (const command of commands) applyCommand(table, command);
  return [...table.values()];
}

/** The name of the errno with which the kernel would refuse the command; undefined when it would accept it. */
export function refusalOf(table: ReadonlyMap<string, ServiceStatus>, command: IpvsCommand): IpvsRefusal | undefined {
  const service = table.get(serviceKey(command.service));
  if (command.kind === 'NEW_SERVICE') {
    if (service !== undefined) return 'EEXIST';
    return kernelSchedulers.has(command.service.scheduler) ? undefined : 'ENOENT';
  }
  if (service === undefined) return 'ESRCH';
  switch (command.kind) {
    case 'SET_SERVICE':
      return kernelSchedulers.has(command.service.scheduler) ? undefined : 'ENOENT';
    case 'DEL_SERVICE':
      return undefined;
    case 'DEL_DEST':
      return indexOf(service, command.destination) < 0 ? 'ENOENT' : undefined;
    case 'NEW_DEST':
    case 'SET_DEST': {
      const { destination } = command;
      if (ipFamily(destination.address) !== ipFamily(service.address) && destination.forwarding !== 'tun') {
        return 'EINVAL';
      }
      if (destination.lthreshold > destination.uthreshold) return 'ERANGE';
      const known = indexOf(service, destination) >= 0;
      if (command.kind === 'SET_DEST') return known ? undefined : 'ENOENT';
      if (known) return 'EEXIST';
      return isHostAddress(destination.address) ? undefined : 'EINVAL';
    }
  }
}

function withDestination(service: ServiceStatus, destination: Destination): ServiceStatus {
  const at = indexOf(service, destination);
  if (at < 0) return { ...service, destinations: [...service.destinations, destination] };
  const { activeConnections, inactiveConnections } = service.destinations[at]!;
  const changed = {
    ...destination,
    ...(activeConnections === undefined ? undefined : { activeConnections }),
    ...(inactiveConnections === undefined ? undefined : { inactiveConnections }),
  };
  return { ...service, destinations: service.destinations.with(at, changed) };
}

function indexOf(service: ServiceStatus, endpoint: Endpoint): number {
  return service.destinations.findIndex(({ address, port }) => address === endpoint.address && port === endpoint.port);
}

/**
 * Whether the kernel takes the address for a single host's: not unspecified, multicast or broadcast, nor IPv6 link-local.
 * The kernel also knows the broadcast addresses of its interfaces, and takes its own link-local ones; a model cannot.
 */
function isHostAddress(address: IpAddress): boolean {
  const bytes = ipBytes(address);
  if (bytes.every((byte) => byte === 0)) return false;
  if (bytes.length === 4) return (bytes[0]! & 0xf0) !== 0xe0 && !bytes.every((byte) => byte === 0xff);
  return bytes[0] !== 0xff && !(bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80);
}
