/** kill -9 of the daemon, changes behind its back and in its configuration, and a restart that puts all right. */
import { natConfiguration, tcpCheck } from '../configuration.ts';
import { Ipvigild } from '../ipvigild.ts';
import { IpvsWatch, type SeenChange } from '../ipvs-watch.ts';
import { monotonicMs } from '../monotonic.ts';
import { natNetwork } from '../network-plan.ts';
import type { ScenarioContext } from '../scenario.ts';
import { WebServer } from '../servers.ts';
import { Network } from '../topology.ts';

export interface LeftoversResult {
  readonly tableWhileDead: string;
  readonly tableAfterRestart: string;
  readonly changesAfterRestart: readonly SeenChange[];
  readonly changesAfterSecondRestart: readonly SeenChange[];
  readonly tableAfterStop: string;
  readonly log: readonly string[];
}

export async function run(context: ScenarioContext): Promise<LeftoversResult> {
  const network = await Network.make(natNetwork);
  const { director, rs1, rs2 } = network.hosts;
  const [, , , watch] = await Promise.all([
    WebServer.start(rs1),
    WebServer.start(rs1, { port: 8080 }),
    WebServer.start(rs2),
    IpvsWatch.start(director),
  ]);
  const right = { address: '192.168.10.71', port: 8080, checker: tcpCheck };
  const reweighed = { address: '192.168.10.71', checker: tcpCheck };
  const leaving = { address: '192.168.10.72', checker: tcpCheck };
  const before = natConfiguration([
    { port: 80, realServers: [right, reweighed, leaving] },
    { port: 81, realServers: [right] },
    { port: 82, realServers: [reweighed] },
  ]);
  const after = natConfiguration([
    { port: 80, realServers: [right, reweighed] },
    { port: 81, realServers: [right] },
  ]);
  const ipvsadm = async (...words: string[]): Promise<string> => (await director.exec(['ipvsadm', ...words])).stdout;
  // Somebody else's service, there before us.
  await ipvsadm('-A', '-t', '172.16.10.81:99', '-s', 'lc');
  await ipvsadm('-a', '-t', '172.16.10.81:99', '-r', '192.168.10.71:99', '-m');

  const first = await Ipvigild.start(director, { configuration: before, folder: context.scratch });
  await first.kill();
  await ipvsadm('-e', '-t', '172.16.10.81:80', '-r', '192.168.10.71:80', '-m', '-w', '5');
  await ipvsadm('-a', '-t', '172.16.10.81:80', '-r', '192.168.10.99:80', '-m');
  const tableWhileDead = await ipvsadm('-Sn');

  const restartedAt = monotonicMs();
  const second = await Ipvigild.start(director, { configuration: after, folder: context.scratch });
  const tableAfterRestart = await ipvsadm('-Sn');
  // Past the first checks: whatever a restart would undo later is seen too.
  await second.process.line(/TCP_CHECK of 192\.168\.10\.71:8080 is up/, 5000);
  await second.kill();
  const secondRestartAt = monotonicMs();
  const third = await Ipvigild.start(director, { configuration: after, folder: context.scratch });
  await third.process.line(/TCP_CHECK of 192\.168\.10\.71:8080 is up/, 5000);
  const stoppedAt = monotonicMs();
  await third.stop();
  const tableAfterStop = await ipvsadm('-Sn');
  const changes = await watch.stop();
  await network.teardown();
  return {
    tableWhileDead,
    tableAfterRestart,
    changesAfterRestart: changes.filter(({ at }) => at >= restartedAt && at < secondRestartAt),
    changesAfterSecondRestart: changes.filter(({ at }) => at >= secondRestartAt && at < stoppedAt),
    tableAfterStop,
    log: [...first.log, ...second.log, ...third.log],
  };
}
