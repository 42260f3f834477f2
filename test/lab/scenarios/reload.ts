/** What a reload and a stop send to the kernel, seen on an nlmon device. */
import { natConfiguration } from '../configuration.ts';
import { Ipvigild } from '../ipvigild.ts';
import { natNetwork } from '../network-plan.ts';
import { NetlinkMonitor } from '../nlmon.ts';
import type { ScenarioContext } from '../scenario.ts';
import { type Host, Network } from '../topology.ts';

type Commands = Readonly<Record<string, number>>;

export interface ReloadResult {
  readonly oneWeight: Commands;
  readonly nothing: Commands;
  readonly refused: Commands;
  readonly refusedLine: string;
  /** `ipvsadm -Sn` after the change of one weight, after the refused reload, and after SIGTERM. */
  readonly tableAfterWeight: string;
  readonly tableAfterRefusal: string;
  readonly tableAfterStop: string;
  readonly exitCode: number | null;
  readonly log: readonly string[];
}

export async function run(context: ScenarioContext): Promise<ReloadResult> {
  const network = await Network.make(natNetwork);
  const { director } = network.hosts;
  const configuration = (weight: number): string =>
    natConfiguration([
      { port: 80, realServers: [{ address: '192.168.10.71', weight }, { address: '192.168.10.72' }] },
      { port: 81, realServers: [{ address: '192.168.10.71' }, { address: '192.168.10.72' }] },
    ]);
  const daemon = await Ipvigild.start(director, { configuration: configuration(1), folder: context.scratch });
  const commandsOf = async (action: () => Promise<unknown>): Promise<Commands> => {
    const monitor = await NetlinkMonitor.start(director, context.scratch);
    await action();
    return (await monitor.stop()).commands;
  };
  const oneWeight = await commandsOf(() => daemon.reload(configuration(3)));
  const tableAfterWeight = await savedTable(director);
  const nothing = await commandsOf(() => daemon.reload(configuration(3)));
  let refusedLine = '';
  const refused = await commandsOf(async () => {
    refusedLine = await daemon.reload(configuration(5).replace('delay_loop', 'dealy_loop'));
  });
  const tableAfterRefusal = await savedTable(director);
  const { code: exitCode } = await daemon.stop();
  const tableAfterStop = await savedTable(director);
  await network.teardown();
  return {
    oneWeight,
    nothing,
    refused,
    refusedLine,
    tableAfterWeight,
    tableAfterRefusal,
    tableAfterStop,
    exitCode,
    log: [...daemon.log],
  };
}

async function savedTable(host: Host): Promise<string> {
  return (await host.exec(['ipvsadm', '-Sn'])).stdout;
}
