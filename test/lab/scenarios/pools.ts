/** What clients get: weights, port mapping, and the sorry server while the quorum is lost. */
import { natConfiguration, tcpCheck } from '../configuration.ts';
import { Ipvigild } from '../ipvigild.ts';
import { IpvsWatch, type SeenChange } from '../ipvs-watch.ts';
import { monotonicMs } from '../monotonic.ts';
import { natNetwork } from '../network-plan.ts';
import type { ScenarioContext } from '../scenario.ts';
import { Load, WebServer } from '../servers.ts';
import { type Host, Network } from '../topology.ts';

export interface PoolsResult {
  /** Answers of 30 requests to the service with weights 1 and 2. */
  readonly weighted: Readonly<Record<string, number>>;
  /** Answers of 10 requests to port 8099, which is port 80 on the real servers. */
  readonly mapped: Readonly<Record<string, number>>;
  /** Answers of the service with a quorum: with all servers, with one of two, with both again. */
  readonly withQuorum: Readonly<Record<string, number>>;
  readonly withoutQuorum: Readonly<Record<string, number>>;
  readonly withQuorumAgain: Readonly<Record<string, number>>;
  /** Changes of the service with a quorum, in order, from the death on. */
  readonly changes: readonly SeenChange[];
  readonly log: readonly string[];
}

export async function run(context: ScenarioContext): Promise<PoolsResult> {
  const network = await Network.make(natNetwork);
  const { client, director, rs1, rs2 } = network.hosts;
  const [first, , , watch] = await Promise.all([
    WebServer.start(rs1),
    WebServer.start(rs2),
    WebServer.start(rs2, { port: 8080, body: 'sorry' }),
    IpvsWatch.start(director),
  ]);
  const checked = { checker: tcpCheck };
  const daemon = await Ipvigild.start(director, {
    configuration: natConfiguration([
      {
        port: 80,
        scheduler: 'wrr',
        realServers: [
          { address: '192.168.10.71', weight: 1, ...checked },
          { address: '192.168.10.72', weight: 2, ...checked },
        ],
      },
      { port: 8099, realServers: [{ address: '192.168.10.71' }, { address: '192.168.10.72' }] },
      {
        port: 82,
        settings: ['quorum 2', 'sorry_server 192.168.10.72 8080'],
        realServers: [
          { address: '192.168.10.71', ...checked },
          { address: '192.168.10.72', ...checked },
        ],
      },
    ]),
    folder: context.scratch,
  });
  const weighted = await answers(client, 80, 30);
  const mapped = await answers(client, 8099, 10);
  const withQuorum = await answers(client, 82, 10);

  // Past the first round, so that a retry is needed.
  await daemon.process.line(/TCP_CHECK of 192\.168\.10\.71:80 is up/, 5000);
  const diedAt = monotonicMs();
  await first.kill();
  const sorry = await watch.change((change) => isSorry(change) && change.kind === 'destination-added', 10_000, diedAt);
  await watch.change(
    (change) => change.service === '172.16.10.81:82/tcp' && change.kind === 'destination-removed',
    10_000,
    sorry.at,
  );
  const withoutQuorum = await answers(client, 82, 10);
  await first.restart();
  await watch.change((change) => isSorry(change) && change.kind === 'destination-removed', 10_000, sorry.at);
  const withQuorumAgain = await answers(client, 82, 10);
  await daemon.stop();
  const changes = await watch.stop();
  await network.teardown();
  return {
    weighted,
    mapped,
    withQuorum,
    withoutQuorum,
    withQuorumAgain,
    changes: changes.filter(({ service, at }) => service === '172.16.10.81:82/tcp' && at >= diedAt),
    log: [...daemon.log],
  };
}

function isSorry(change: SeenChange): boolean {
  return 'destination' in change && change.destination === '192.168.10.72:8080';
}

async function answers(client: Host, port: number, requests: number): Promise<Record<string, number>> {
  const load = await Load.start(client, { address: '172.16.10.81', port, rate: 30 });
  const records = await load.more(requests);
  await load.stop();
  const counts: Record<string, number> = {};
  for (const { answer, failure } of records) {
    const name = answer ?? failure ?? 'nothing';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
