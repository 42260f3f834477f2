/**
 * The difference between the table that should be and the table that is, as the least number of commands. Pure, and in an
 * order that depends on nothing but the two tables.
 *
 * Ownership: the services of `desired` are ours, with all their destinations, whoever made them. A service of the kernel
 * that is not desired is ours only when its key is in `owned`, that is, when we have put it there earlier; then it is
 * removed. All others belong to somebody else and stay as they are.
 *
 * Order within a service: first what adds capacity (new destinations, and changes that lower no weight), in the desired
 * order; then the changes that lower a weight; then the removals. So at no moment has a service fewer destinations, or
 * less weight on one of them, than it has before or after: a sorry server enters before the last real server leaves, and
 * before the weight of the last one becomes 0. Services come in the desired order, then the removals in the kernel's.
 */
import { formatEndpoint } from '../address/endpoint.ts';
import { IpvigilError } from '../errors.ts';
import {
  type Destination,
  type DestinationStatus,
  type IpvsCommand,
  type Service,
  type ServiceId,
  type ServiceSettings,
  type ServiceStatus,
  serviceKey,
} from './service.ts';

/**
 * The commands that turn `kernel` into `desired`; empty when they agree. The order of destinations within the kernel's
 * service does not count, as the kernel cannot reorder them. Throws ERR_INVALID_ARGUMENT when `desired` names a service
 * twice, or a destination twice within one service.
 */
export function planTable(
  desired: readonly Service[],
  kernel: readonly ServiceStatus[],
  owned: ReadonlySet<string>,
): IpvsCommand[] {
  const commands: IpvsCommand[] = [];
  const kernelByKey = new Map<string, ServiceStatus>();
  for (const service of kernel) kernelByKey.set(serviceKey(service), service);
  const desiredKeys = new Set<string>();
  for (const service of desired) {
    const key = serviceKey(service);
    if (desiredKeys.has(key)) throw namedTwice(`virtual server ${key}`);
    desiredKeys.add(key);
    planInto(commands, service, kernelByKey.get(key));
  }
  for (const [key, service] of kernelByKey) {
    if (!desiredKeys.has(key) && owned.has(key)) commands.push({ kind: 'DEL_SERVICE', service: idOf(service) });
  }
  return commands;
}

/**
 * The commands for one service, as {@link planTable} gives them: the path of a single transition. `kernel` is undefined
 * when the kernel has no such service.
 */
export function planService(desired: Service, kernel: ServiceStatus | undefined): IpvsCommand[] {
  const commands: IpvsCommand[] = [];
  planInto(commands, desired, kernel);
  return commands;
}

function planInto(commands: IpvsCommand[], desired: Service, kernel: ServiceStatus | undefined): void {
  const service = idOf(desired);
  if (kernel === undefined) commands.push({ kind: 'NEW_SERVICE', service: settingsOf(desired) });
  else if (!equalSettings(desired, kernel)) commands.push({ kind: 'SET_SERVICE', service: settingsOf(desired) });

  // By endpoint; what is left at the end has to go.
  const leftInKernel = new Map<string, DestinationStatus>();
  for (const destination of kernel?.destinations ?? []) leftInKernel.set(formatEndpoint(destination), destination);
  const seen = new Set<string>();
  const lowered: IpvsCommand[] = [];
  for (const destination of desired.destinations) {
    const key = formatEndpoint(destination);
    if (seen.has(key)) throw namedTwice(`real server ${key} of virtual server ${serviceKey(desired)}`);
    seen.add(key);
    const current = leftInKernel.get(key);
    leftInKernel.delete(key);
    if (current === undefined) commands.push({ kind: 'NEW_DEST', service, destination: plain(destination) });
    else if (!equalDestinations(destination, current)) {
      const command: IpvsCommand = { kind: 'SET_DEST', service, destination: plain(destination) };
      (destination.weight < current.weight ? lowered : commands).push(command);
    }
  }
  for (const command of lowered) commands.push(command);
  for (const { address, port } of leftInKernel.values()) {
    commands.push({ kind: 'DEL_DEST', service, destination: { address, port } });
  }
}

function equalSettings(desired: ServiceSettings, kernel: ServiceStatus): boolean {
  return (
    kernel.deviation === undefined &&
    desired.scheduler === kernel.scheduler &&
    desired.persistenceTimeoutS === kernel.persistenceTimeoutS &&
    desired.onePacket === kernel.onePacket
  );
}

function equalDestinations(desired: Destination, kernel: DestinationStatus): boolean {
  return (
    kernel.deviation === undefined &&
    desired.weight === kernel.weight &&
    desired.forwarding === kernel.forwarding &&
    desired.uthreshold === kernel.uthreshold &&
    desired.lthreshold === kernel.lthreshold
  );
}

/** Only what the command needs, so that a caller's larger objects do not travel along. */
function idOf({ address, port, protocol }: ServiceId): ServiceId {
  return { address, port, protocol };
}

function settingsOf(service: ServiceSettings): ServiceSettings {
  const { scheduler, persistenceTimeoutS, onePacket } = service;
  return { ...idOf(service), scheduler, persistenceTimeoutS, onePacket };
}

function plain({ address, port, weight, forwarding, uthreshold, lthreshold }: Destination): Destination {
  return { address, port, weight, forwarding, uthreshold, lthreshold };
}

function namedTwice(subject: string): IpvigilError {
  const detail = 'it is named twice in the desired table';
  return new IpvigilError('ERR_INVALID_ARGUMENT', { operation: 'plan the IPVS table:', subject, detail });
}
