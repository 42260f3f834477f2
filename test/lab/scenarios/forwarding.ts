/** The other two forwarding methods, with tables made by ipvsadm: the networks carry them. */
import { drNetwork, type NetworkPlan, tunNetwork } from '../network-plan.ts';
import type { ScenarioContext } from '../scenario.ts';
import { Load, WebServer } from '../servers.ts';
import { Network } from '../topology.ts';

export interface ForwardingArguments {
  readonly method: 'dr' | 'tun';
}

export interface ForwardingResult {
  readonly table: string;
  /** Each answer, or why there was none. */
  readonly answers: readonly string[];
  /** Hardware address the client knows for the virtual address, and the director's. */
  readonly neighbour: { readonly vip: string; readonly director: string };
}

const ways = {
  dr: { plan: drNetwork, option: '-g', servers: ['172.16.10.71:80', '172.16.10.72:80'] },
  tun: { plan: tunNetwork, option: '-i', servers: ['192.168.10.71:80', '192.168.10.72:80'] },
} as const;

export async function run(_context: ScenarioContext, { method }: ForwardingArguments): Promise<ForwardingResult> {
  const { plan, option, servers } = ways[method];
  const network = await Network.make<NetworkPlan>(plan);
  const { client, director, rs1, rs2 } = network.hosts;
  await Promise.all([WebServer.start(rs1!), WebServer.start(rs2!)]);
  await director!.exec(['ipvsadm', '-A', '-t', '172.16.10.81:80', '-s', 'rr']);
  for (const server of servers) {
    await director!.exec(['ipvsadm', '-a', '-t', '172.16.10.81:80', '-r', server, option]);
  }
  const load = await Load.start(client!, { address: '172.16.10.81', rate: 20 });
  await load.more(10);
  const answers = (await load.stop()).map((record) => record.answer ?? record.failure ?? '');
  const { stdout: table } = await director!.exec(['ipvsadm', '-Ln']);
  const vip = (await client!.exec(['ip', 'neighbour', 'show', '172.16.10.81'])).stdout;
  const link = (await director!.exec(['ip', 'link', 'show', 'eth0'])).stdout;
  await network.teardown();
  const address = (text: string, word: string): string => new RegExp(`${word} ([0-9a-f:]{17})`).exec(text)?.[1] ?? text;
  return { table, answers, neighbour: { vip: address(vip, 'lladdr'), director: address(link, 'link/ether') } };
}
