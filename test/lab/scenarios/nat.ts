/** LVS-NAT with a table made by ipvsadm: the lab itself works, before any daemon is involved. */
import { IpvsWatch, type SeenChange } from '../ipvs-watch.ts';
import { natNetwork } from '../network-plan.ts';
import { NetlinkMonitor } from '../nlmon.ts';
import type { ScenarioContext } from '../scenario.ts';
import { Load, type LoadRecord, WebServer } from '../servers.ts';
import { Network } from '../topology.ts';

export interface NatArguments {
  readonly requests: number;
  readonly rate: number;
}

export interface NatResult {
  readonly table: string;
  readonly records: readonly LoadRecord[];
  readonly changes: readonly SeenChange[];
  readonly commands: Readonly<Record<string, number>>;
}

export async function run(context: ScenarioContext, { requests, rate }: NatArguments): Promise<NatResult> {
  const since = performance.now();
  const step = (what: string): void => context.log(`${(performance.now() - since).toFixed(0)} ms: ${what}`);
  const network = await Network.make(natNetwork);
  step('network made');
  const { client, director, rs1, rs2 } = network.hosts;
  const monitor = await NetlinkMonitor.start(director, context.scratch);
  step('netlink monitor started');
  const [first, second, watch] = await Promise.all([
    WebServer.start(rs1),
    WebServer.start(rs2),
    IpvsWatch.start(director),
  ]);
  step(`servers ${first.host.name}, ${second.host.name} and the watch started`);
  await director.exec(['ipvsadm', '-A', '-t', '172.16.10.81:80', '-s', 'rr']);
  await director.exec(['ipvsadm', '-a', '-t', '172.16.10.81:80', '-r', '192.168.10.71:80', '-m']);
  await director.exec(['ipvsadm', '-a', '-t', '172.16.10.81:80', '-r', '192.168.10.72:80', '-m']);
  step('table made');
  const load = await Load.start(client, { address: '172.16.10.81', rate });
  step('load started');
  await load.more(requests, 60_000);
  const records = await load.stop();
  step('load ended');
  const table = (await director.exec(['ipvsadm', '-Ln'])).stdout;
  await director.exec(['ipvsadm', '-e', '-t', '172.16.10.81:80', '-r', '192.168.10.72:80', '-m', '-w', '0']);
  await director.exec(['ipvsadm', '-d', '-t', '172.16.10.81:80', '-r', '192.168.10.71:80']);
  await director.exec(['ipvsadm', '-D', '-t', '172.16.10.81:80']);
  await watch.change((change) => change.kind === 'service-removed', 2000);
  const changes = await watch.stop();
  const { commands } = await monitor.stop();
  step('watched');
  await network.teardown();
  await network.teardown();
  step('torn down');
  return { table, records, changes, commands };
}
