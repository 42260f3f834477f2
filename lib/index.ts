/**
 * The npm library `ipvigil`: health checkers, and IPVS over netlink. Importing it has no effect: the binding to the
 * system is loaded, and a socket opened, only when something is started.
 *
 * ```
 * import { TcpChecker } from 'ipvigil';
 * const checker = new TcpChecker({ address: '10.0.0.11', port: 80, delayLoop: 1000, retry: 1 });
 * checker.on('down', ({ cause }) => console.log(cause.reason));
 * checker.start();
 * ```
 *
 * Here, and nowhere else in lib/, the parts that open something (io/) meet those that decide and wait for them.
 */
import type { Prober } from './health/probe.ts';
import { openGenericNetlink } from './io/netlink-transport.ts';
import { openProber as openNetworkProber } from './io/prober.ts';
import { processReactor } from './io/reactor.ts';
import { IpvsClient, type IpvsClientOptions } from './ipvs/client.ts';
import {
  type CheckerParts,
  HealthChecker,
  type HttpCheckerOptions,
  httpCheck,
  type PingCheckerOptions,
  pingCheck,
  type TcpCheckerOptions,
  tcpCheck,
} from './runtime/checker.ts';
import type { AlarmClock } from './time/clock.ts';

export * from './address/endpoint.ts';
export * from './address/ip-address.ts';
export * from './errors.ts';
export type { CheckResult, CheckVerdict, VerdictCause } from './health/check-state.ts';
export type * from './health/probe.ts';
export { IpvsClient, type IpvsClientOptions } from './ipvs/client.ts';
export type { IpvsInfo } from './ipvs/codec.ts';
export * from './ipvs/format.ts';
export * from './ipvs/memory-table.ts';
export { planService, planTable } from './ipvs/plan.ts';
export * from './ipvs/service.ts';
export type * from './ipvs/table.ts';
export * from './model/checker.ts';
export * from './model/virtual-server.ts';
export {
  type CheckerEvents,
  type CheckerOptions,
  type CheckerParts,
  type CheckerVerdict,
  HealthChecker,
  type HttpCheckerOptions,
  type HttpCheckerUrl,
  type PingCheckerOptions,
  type TcpCheckerOptions,
} from './runtime/checker.ts';
export {
  type DirectorEvent,
  type DirectorParts,
  DirectorRunner,
  type OwnershipRecord,
} from './runtime/director-runner.ts';
export type * from './time/clock.ts';
export * from './time/duration.ts';

let prober: Prober | undefined;

/**
 * The network of this process: TCP and ICMP probes for {@link DirectorRunner} and the checkers. There is one; it needs
 * no closing. Throws ERR_UNSUPPORTED_PLATFORM where there is no Linux.
 */
export function openProber(): Prober {
  prober ??= openNetworkProber();
  return prober;
}

/** CLOCK_MONOTONIC with alarms. There is one; an armed alarm keeps the process alive. Throws as {@link openProber}. */
export function systemClock(): AlarmClock {
  return processReactor();
}

/**
 * Opens the kernel's IPVS table of this network namespace; it keeps the process alive until the caller closes it. Needs
 * CAP_NET_ADMIN. Rejects with ERR_NO_IPVS, ERR_PERMISSION, ERR_UNSUPPORTED_PLATFORM or as {@link IpvsClient.open} does.
 */
export async function openIpvs(options: IpvsClientOptions = {}): Promise<IpvsClient> {
  return IpvsClient.open(openGenericNetlink, processReactor(), options);
}

/** Each is asked for when a checker starts, so that making one opens nothing. */
const systemParts: CheckerParts = {
  get clock() {
    return systemClock();
  },
  get prober() {
    return openProber();
  },
  random: Math.random,
};

/** `parts` overrides the system's own; for tests, with ipvigil/testing. */
function withSystemParts(parts: Partial<CheckerParts> | undefined): CheckerParts {
  if (parts === undefined) return systemParts;
  return {
    get clock() {
      return parts.clock ?? systemParts.clock;
    },
    get prober() {
      return parts.prober ?? systemParts.prober;
    },
    random: parts.random ?? systemParts.random,
  };
}

/**
 * TCP_CHECK: up when the TCP connection is established; it is closed at once. The constructor throws
 * ERR_INVALID_ARGUMENT, and opens nothing.
 */
export class TcpChecker extends HealthChecker {
  constructor(options: TcpCheckerOptions, parts?: Partial<CheckerParts>) {
    super(tcpCheck(options), withSystemParts(parts), options.signal);
  }
}

/** HTTP_GET: up when each url answers with an accepted status. Otherwise as {@link TcpChecker}. */
export class HttpChecker extends HealthChecker {
  constructor(options: HttpCheckerOptions, parts?: Partial<CheckerParts>) {
    super(httpCheck(options), withSystemParts(parts), options.signal);
  }
}

/**
 * PING_CHECK: up when an ICMP echo is answered in time. Needs the process's group in net.ipv4.ping_group_range, or
 * CAP_NET_RAW. Otherwise as {@link TcpChecker}.
 */
export class PingChecker extends HealthChecker {
  constructor(options: PingCheckerOptions, parts?: Partial<CheckerParts>) {
    super(pingCheck(options), withSystemParts(parts), options.signal);
  }
}
