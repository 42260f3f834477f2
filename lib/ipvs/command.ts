/** Commands in words: for messages, for the lines of `--dry-run`, and for what the kernel's refusals mean. */
import { formatEndpoint } from '../address/endpoint.ts';
import { describeErrno, type ErrorDetails, IpvigilError } from '../errors.ts';
import type { Acknowledgement } from '../netlink/message.ts';
import { refusalError } from '../netlink/refusal.ts';
import { type IpvsCommand, serviceKey } from './service.ts';

/**
 * What the command attempts, on what: `add real server 10.0.0.11:80 to`, `virtual server 10.0.0.1:80/tcp`. Together they
 * make a phrase.
 */
export function describeCommand(command: IpvsCommand): Required<Pick<ErrorDetails, 'operation' | 'subject'>> {
  return { operation: operationOf(command), subject: `virtual server ${serviceKey(command.service)}` };
}

function operationOf(command: IpvsCommand): string {
  switch (command.kind) {
    case 'NEW_SERVICE':
      return 'add';
    case 'SET_SERVICE':
      return 'change';
    case 'DEL_SERVICE':
      return 'remove';
    case 'NEW_DEST':
      return `add real server ${formatEndpoint(command.destination)} to`;
    case 'SET_DEST':
      return `change real server ${formatEndpoint(command.destination)} of`;
    case 'DEL_DEST':
      return `remove real server ${formatEndpoint(command.destination)} from`;
  }
}

/**
 * One line for one command: `1234.567 NEW_DEST TCP 10.0.0.1:80 10.0.0.11:80 1`, that is monotonic milliseconds, the
 * command's name in linux/ip_vs.h without prefix, protocol, virtual server and, for commands on a real server, its
 * endpoint and weight (0 with DEL_DEST, which carries none).
 */
export function formatCommandLine(atMs: number, command: IpvsCommand): string {
  const line = `${atMs.toFixed(3)} ${command.kind} ${command.service.protocol.toUpperCase()} ${formatEndpoint(command.service)}`;
  if (!('destination' in command)) return line;
  const weight = 'weight' in command.destination ? command.destination.weight : 0;
  return `${line} ${formatEndpoint(command.destination)} ${weight}`;
}

/**
 * The error for a command that the kernel refused, with the meaning that the errno has for this command in IPVS.
 * `attribute` names the one that the kernel finds fault with.
 */
export function refusedCommandError(
  command: IpvsCommand,
  acknowledgement: Acknowledgement,
  attribute?: string,
): IpvigilError {
  const { detail, hint } = meaningOf(command, describeErrno(acknowledgement.errno).name);
  const details = [attribute === undefined ? undefined : `it finds fault with ${attribute}`, detail];
  return refusalError(acknowledgement, {
    ...describeCommand(command),
    detail: details.filter((part) => part !== undefined).join(', ') || undefined,
    hint,
  });
}

/** The error for a command whose outcome is unknown, or that could not be sent. */
export function failedCommandError(command: IpvsCommand, cause: IpvigilError): IpvigilError {
  return new IpvigilError(cause.code, {
    ...describeCommand(command),
    errno: cause.errno,
    detail: cause.errno === undefined ? (cause.detail ?? cause.message) : cause.detail,
    hint: cause.hint,
    cause,
  });
}

interface Meaning {
  readonly detail?: string;
  readonly hint?: string;
}

export const permissionHint =
  'CAP_NET_ADMIN is needed, in the namespace that the machine was started with: run as root, or grant the capability ' +
  '(systemd: AmbientCapabilities=CAP_NET_ADMIN)';

const readAgain = 'somebody else changed the table; read it again and plan anew';

/** net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_genl_set_cmd and what it calls. */
function meaningOf(command: IpvsCommand, errno: string): Meaning {
  if (errno === 'EPERM' || errno === 'EACCES') return { hint: permissionHint };
  if (errno === 'EAFNOSUPPORT') {
    return { detail: 'this kernel has IPVS without IPv6', hint: 'it needs CONFIG_IP_VS_IPV6' };
  }
  if (errno === 'ENOMEM') return { detail: 'the kernel has no memory for it' };
  switch (command.kind) {
    case 'NEW_SERVICE':
      if (errno === 'EEXIST') return { detail: 'the virtual server is in the table already', hint: readAgain };
      if (errno === 'ENOENT') return missingScheduler(command.service.scheduler);
      break;
    case 'SET_SERVICE':
      if (errno === 'ESRCH') return { detail: 'there is no such virtual server', hint: readAgain };
      if (errno === 'ENOENT') return missingScheduler(command.service.scheduler);
      break;
    case 'DEL_SERVICE':
      if (errno === 'ESRCH') return { detail: 'there is no such virtual server', hint: readAgain };
      break;
    case 'NEW_DEST':
    case 'SET_DEST': {
      const { destination, service } = command;
      if (errno === 'ESRCH') return { detail: 'there is no such virtual server', hint: readAgain };
      if (errno === 'EEXIST') return { detail: 'the real server is in the table already', hint: readAgain };
      if (errno === 'ENOENT') return { detail: 'the virtual server has no such real server', hint: readAgain };
      if (errno === 'ERANGE') {
        const { lthreshold, uthreshold } = destination;
        return { detail: `lower threshold ${lthreshold} is above the upper threshold ${uthreshold}` };
      }
      if (errno === 'EINVAL' && destination.address.includes(':') !== service.address.includes(':')) {
        return {
          detail: 'real server and virtual server are of different address families',
          hint: 'the kernel forwards between IPv4 and IPv6 with lb_kind TUN only, and not while its sync daemon runs',
        };
      }
      if (errno === 'EINVAL') return { detail: 'the address is not one of a single host' };
      break;
    }
    case 'DEL_DEST':
      if (errno === 'ESRCH') return { detail: 'there is no such virtual server', hint: readAgain };
      if (errno === 'ENOENT') return { detail: 'the virtual server has no such real server', hint: readAgain };
      break;
  }
  return {};
}

function missingScheduler(scheduler: string): Meaning {
  return {
    detail: `the kernel has no scheduler ${JSON.stringify(scheduler)}`,
    hint: `load its module (modprobe ip_vs_${scheduler}) or correct lb_algo`,
  };
}
