/** What the daemon says when it may not, or when the kernel will not. */
import * as fs from 'node:fs';
import path from 'node:path';
import { natConfiguration } from '../configuration.ts';
import { Ipvigild } from '../ipvigild.ts';
import { natNetwork } from '../network-plan.ts';
import type { ScenarioContext } from '../scenario.ts';
import { Network } from '../topology.ts';

export interface RefusalsResult {
  readonly unprivileged: { readonly code: number | null; readonly log: readonly string[]; readonly table: string };
  /** A configuration that only root may read. */
  readonly unreadable: { readonly code: number | null; readonly log: readonly string[] };
  /** A real server that the kernel refuses, beside one that it takes. */
  readonly refusedCommand: { readonly log: readonly string[]; readonly table: string };
  /** A second daemon on the same run directory. */
  readonly second: { readonly code: number | null; readonly log: readonly string[] };
}

export async function run(context: ScenarioContext): Promise<RefusalsResult> {
  const network = await Network.make(natNetwork);
  const { director } = network.hosts;
  const table = async (): Promise<string> => (await director.exec(['ipvsadm', '-Sn'])).stdout;
  const good = natConfiguration([{ port: 80, realServers: [{ address: '192.168.10.71' }] }]);

  const asNobody = {
    configuration: good,
    folder: context.scratch,
    args: ['--run-dir', '/tmp/run-of-nobody'],
    launcher: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'],
  };
  const nobody = Ipvigild.launch(director, asNobody);
  const { code } = await nobody.process.exited;
  const unprivileged = { code, log: [...nobody.log], table: await table() };

  const file = path.join(context.scratch, 'keepalived.conf');
  fs.chmodSync(file, 0o600);
  const unable = Ipvigild.launch(director, asNobody);
  const unreadable = { code: (await unable.process.exited).code, log: [...unable.log] };

  const mixed = natConfiguration([
    { port: 80, realServers: [{ address: '192.168.10.71' }, { address: '224.0.0.5' }] },
    { port: 81, realServers: [{ address: '192.168.10.72' }] },
  ]);
  const daemon = await Ipvigild.start(director, { configuration: mixed, folder: context.scratch });
  const refusedTable = await table();
  const second = Ipvigild.launch(director, { configuration: mixed, folder: context.scratch });
  const secondExit = await second.process.exited;
  await daemon.stop();
  const refusedCommand = { log: [...daemon.log], table: refusedTable };
  await network.teardown();
  return { unprivileged, unreadable, refusedCommand, second: { code: secondExit.code, log: [...second.log] } };
}
