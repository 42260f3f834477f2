/**
 * One virtual server's pool: which real servers are alive, whether the quorum is there, and what therefore should stand
 * in the kernel. Pure: verdicts of the checkers go in, the desired service comes out; nobody here knows the kernel.
 *
 *   verdicts of a server's checkers ──> server alive (none has failed) ──> sum of weights ──> quorum ──> desired service
 *
 * With the quorum lost and a sorry server configured, the sorry server stands in the table instead of the alive ones.
 * keepalived.conf(5): quorum, hysteresis, sorry_server, sorry_server_inhibit, inhibit_on_failure.
 */
import { formatEndpoint } from '../address/endpoint.ts';
import { hasQuorum } from '../health/quorum.ts';
import type { Destination, Service } from '../ipvs/service.ts';
import type { RealServer, SorryServer, VirtualServer } from '../model/virtual-server.ts';

export interface PoolState {
  /** `failed[server][checker]`, both in the order of the configuration. A server without checkers is always alive. */
  readonly failed: readonly (readonly boolean[])[];
  readonly quorumUp: boolean;
}

export interface PoolChange {
  /** A server's liveness changed: its index. */
  readonly server?: { readonly index: number; readonly alive: boolean };
  /** The quorum was gained or lost. */
  readonly quorum?: { readonly up: boolean; readonly sum: number };
}

/**
 * The state at the start. `checkerUp` gives what is known of a checker already (its verdict before a reload) or assumed
 * (up, or down with alpha). `hadQuorum` is the answer before a reload; absent at start, when it counts as lost.
 */
export function initialPool(
  virtualServer: VirtualServer,
  checkerUp: (server: number, checker: number) => boolean,
  hadQuorum = false,
): PoolState {
  const failed = virtualServer.realServers.map((server, index) =>
    server.checkers.map((_, checker) => !checkerUp(index, checker)),
  );
  return { failed, quorumUp: hasQuorum(hadQuorum, aliveWeight(virtualServer, failed), virtualServer) };
}

/** The state after a checker's verdict, and what changed for the server and the pool (often nothing). */
export function stepPool(
  state: PoolState,
  verdict: { readonly server: number; readonly checker: number; readonly up: boolean },
  virtualServer: VirtualServer,
): { readonly state: PoolState; readonly change: PoolChange } {
  const { server, checker, up } = verdict;
  const before = state.failed[server]!;
  if (before[checker] === !up) return { state, change: {} };
  const after = before.with(checker, !up);
  const failed = state.failed.with(server, after);
  const sum = aliveWeight(virtualServer, failed);
  const quorumUp = hasQuorum(state.quorumUp, sum, virtualServer);
  const alive = isAlive(after);
  return {
    state: { failed, quorumUp },
    change: {
      ...(alive === isAlive(before) ? {} : { server: { index: server, alive } }),
      ...(quorumUp === state.quorumUp ? {} : { quorum: { up: quorumUp, sum } }),
    },
  };
}

/** What should stand in the kernel for this virtual server now. Each address and port at most once, the first wins. */
export function desiredService(virtualServer: VirtualServer, state: PoolState): Service {
  const { address, port, protocol, scheduler, persistenceTimeoutS, onePacket, sorryServer, realServers } =
    virtualServer;
  const destinations = new Map<string, Destination>();
  const add = (destination: Destination): void => {
    const key = formatEndpoint(destination);
    if (!destinations.has(key)) destinations.set(key, destination);
  };
  const sorryServes = sorryServer !== undefined && !state.quorumUp;
  if (sorryServes) add(sorryDestination(sorryServer, sorryServer.weight));
  realServers.forEach((server, index) => {
    if (!isAlive(state.failed[index]!)) {
      if (server.inhibitOnFailure) add(realDestination(server, 0));
    } else if (!sorryServes) {
      add(realDestination(server, server.weight));
    }
  });
  if (sorryServer?.inhibit) add(sorryDestination(sorryServer, 0));
  return {
    address,
    port,
    protocol,
    scheduler,
    persistenceTimeoutS,
    onePacket,
    destinations: [...destinations.values()],
  };
}

/** Real servers that no checker calls down, and how many there are. */
export function countAlive(state: PoolState): { readonly alive: number; readonly total: number } {
  return { alive: state.failed.filter(isAlive).length, total: state.failed.length };
}

/** Sum of the weights of the alive real servers, which is what the quorum is about. */
export function aliveWeight(virtualServer: VirtualServer, failed: PoolState['failed']): number {
  return virtualServer.realServers.reduce(
    (sum, server, index) => (isAlive(failed[index]!) ? sum + Math.max(0, server.weight) : sum),
    0,
  );
}

function isAlive(failedCheckers: readonly boolean[]): boolean {
  return !failedCheckers.includes(true);
}

function realDestination(server: RealServer, weight: number): Destination {
  const { address, port, forwarding, uthreshold, lthreshold } = server;
  return { address, port, weight, forwarding, uthreshold, lthreshold };
}

function sorryDestination({ address, port, forwarding }: SorryServer, weight: number): Destination {
  return { address, port, weight, forwarding, uthreshold: 0, lthreshold: 0 };
}
