/** A real server fails under load, leaves the table, works again, and returns. */
import { httpCheck, natConfiguration, pingCheck, tcpCheck } from '../configuration.ts';
import { Ipvigild } from '../ipvigild.ts';
import { IpvsWatch, type SeenChange } from '../ipvs-watch.ts';
import { monotonicMs } from '../monotonic.ts';
import { natNetwork } from '../network-plan.ts';
import type { ScenarioContext } from '../scenario.ts';
import { Load, type LoadRecord, WebServer } from '../servers.ts';
import { type Host, Network } from '../topology.ts';

export type Failure = 'tcp-refused' | 'http-refused' | 'http-503' | 'http-hang' | 'ping-silent';

export interface FailoverArguments {
  readonly failure: Failure;
  /** Requests per second. */
  readonly rate: number;
}

export interface FailoverResult {
  readonly deathToRemovalMs: number;
  readonly returnToTableMs: number;
  readonly requests: number;
  /** How long this machine stood still at most while it all happened: no time is measured closer than that. */
  readonly longestStallMs: number;
  /** Failed requests that were begun before the removal, and after it. */
  readonly failedBefore: number;
  readonly failedAfter: readonly LoadRecord[];
  /** Answers of the real server that was out of the table. */
  readonly answeredWhileOut: number;
  readonly changes: readonly SeenChange[];
  readonly log: readonly string[];
}

const checkers = {
  'tcp-refused': tcpCheck,
  'http-refused': httpCheck,
  'http-503': httpCheck,
  'http-hang': httpCheck,
  'ping-silent': pingCheck,
} as const satisfies Record<Failure, readonly string[]>;

export async function run(context: ScenarioContext, { failure, rate }: FailoverArguments): Promise<FailoverResult> {
  const network = await Network.make(natNetwork);
  const { client, director, rs1, rs2 } = network.hosts;
  const [, second, watch] = await Promise.all([WebServer.start(rs1), WebServer.start(rs2), IpvsWatch.start(director)]);
  const checker = checkers[failure];
  const servers = ['192.168.10.71', '192.168.10.72'].map((address) => ({ address, checker }));
  const daemon = await Ipvigild.start(director, {
    configuration: natConfiguration([{ port: 80, realServers: servers }]),
    folder: context.scratch,
  });
  const load = await Load.start(client, { address: '172.16.10.81', rate, timeoutMs: 3000 });
  // Two rounds of checks: from now on retries count.
  await load.more(rate * 2 + rate / 2, 30_000);

  const stalls = watchStalls();
  const diedAt = monotonicMs();
  await fail(failure, second, rs2);
  const ofSecond = (kind: SeenChange['kind']) => (change: SeenChange) =>
    change.kind === kind && 'destination' in change && change.destination === '192.168.10.72:80';
  const removed = await watch.change(ofSecond('destination-removed'), 15_000, diedAt);
  await load.more(rate, 30_000);

  await recover(failure, second, rs2);
  const backAt = monotonicMs();
  const added = await watch.change(ofSecond('destination-added'), 15_000, removed.at);
  const longestStallMs = stalls();
  await load.more(rate, 30_000);
  const records = await load.stop();
  await daemon.stop();
  const changes = await watch.stop();
  const log = [...daemon.log];
  await network.teardown();

  const failed = records.filter(({ status }) => status !== 200);
  return {
    deathToRemovalMs: removed.at - diedAt,
    returnToTableMs: added.at - backAt,
    longestStallMs,
    requests: records.length,
    failedBefore: failed.filter(({ at }) => at < removed.at).length,
    failedAfter: failed.filter(({ at }) => at >= removed.at),
    // Begun after the removal was seen, ended before the return can have happened.
    answeredWhileOut: records.filter(
      ({ at, endedAt, answer }) => answer === 'rs2' && at > removed.at && endedAt < added.after,
    ).length,
    changes,
    log,
  };
}

async function fail(failure: Failure, server: WebServer, host: Host): Promise<void> {
  if (failure === 'http-503') await server.mode({ kind: 'status', status: 503 });
  else if (failure === 'http-hang') await server.mode({ kind: 'hang' });
  else if (failure === 'ping-silent') await host.cable('eth0', 'unplugged');
  else await server.kill();
}

async function recover(failure: Failure, server: WebServer, host: Host): Promise<void> {
  if (failure === 'ping-silent') await host.cable('eth0', 'plugged');
  else if (failure === 'http-503' || failure === 'http-hang') await server.mode({ kind: 'ok' });
  else await server.restart();
}

/** Notes how late timers are from now on; the function it gives ends that and says by how much at most. */
function watchStalls(): () => number {
  const everyMs = 5;
  let longest = 0;
  let last = monotonicMs();
  const timer = setInterval(() => {
    const now = monotonicMs();
    longest = Math.max(longest, now - last - everyMs);
    last = now;
  }, everyMs);
  return () => {
    clearInterval(timer);
    return Math.max(longest, monotonicMs() - last - everyMs);
  };
}
