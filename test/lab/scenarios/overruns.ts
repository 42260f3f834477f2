/** Refusals that do not fit into the receive buffer of the netlink socket, for buffers of several sizes. */
import { execFileSync } from 'node:child_process';
import { type IpvsCommand, ipAddress, openIpvs, type ServiceSettings } from '../../../lib/index.ts';
import { SO_RCVBUF, SO_RCVBUFFORCE } from '../../../lib/io/native/abi.ts';
import { intOption, type SystemCalls, systemCalls } from '../../../lib/io/native/system-calls.ts';
import type { ScenarioContext } from '../scenario.ts';

export interface OverrunsArguments {
  /** What is asked for with SO_RCVBUF; the kernel doubles it, and has a least size. */
  readonly bufferBytes: readonly number[];
  readonly commands: number;
}

export interface OverrunsResult {
  readonly bufferBytes: number;
  readonly tookMs: number;
  /** Commands with the outcome that they had, and those reported as unknown. */
  readonly right: number;
  readonly unknown: number;
  /** Accepted commands that are reported as refused, or the reverse. */
  readonly wrong: number;
  readonly overruns: number;
  readonly timeouts: number;
}

const service: ServiceSettings = {
  address: ipAddress('10.0.0.1'),
  port: 80,
  protocol: 'tcp',
  scheduler: 'rr',
  persistenceTimeoutS: 0,
  onePacket: false,
};

export async function run(
  _context: ScenarioContext,
  { bufferBytes, commands }: OverrunsArguments,
): Promise<OverrunsResult[]> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const results: OverrunsResult[] = [];
  for (const size of bufferBytes) results.push(await refuse(size, commands));
  return results;
}

async function refuse(bufferBytes: number, count: number): Promise<OverrunsResult> {
  const ipvs = await withReceiveBuffer(bufferBytes, openIpvs);
  await ipvs.apply([{ kind: 'NEW_SERVICE', service }]);
  // Each real server three times: the second and the third are refused.
  const commands: readonly IpvsCommand[] = Array.from({ length: count }, (_, i) => ({
    kind: 'NEW_DEST',
    service,
    destination: {
      address: ipAddress('10.2.0.1'),
      port: 1000 + Math.floor(i / 3),
      weight: 1,
      forwarding: 'nat',
      uthreshold: 0,
      lthreshold: 0,
    },
  }));
  const startedAt = performance.now();
  const outcomes = await ipvs.apply(commands);
  const tookMs = Math.round(performance.now() - startedAt);
  const unknown = outcomes.filter(({ error }) => error !== undefined && error.code !== 'ERR_NETLINK_REFUSED').length;
  const right = outcomes.filter(({ error }, i) =>
    i % 3 === 0 ? error === undefined : error?.errno?.name === 'EEXIST',
  ).length;
  const { overruns, timeouts } = ipvs.counters;
  await ipvs.apply([{ kind: 'DEL_SERVICE', service }]);
  ipvs.close();
  return { bufferBytes, tookMs, right, unknown, wrong: count - right - unknown, overruns, timeouts };
}

/** Runs `open` while sockets get this receive buffer, whatever they ask for. */
async function withReceiveBuffer<T>(bytes: number, open: () => Promise<T>): Promise<T> {
  const calls = systemCalls() as { setOption: SystemCalls['setOption'] };
  const { setOption } = calls;
  calls.setOption = (fd, level, option, value) =>
    setOption(fd, level, option, option === SO_RCVBUF || option === SO_RCVBUFFORCE ? intOption(bytes) : value);
  try {
    return await open();
  } finally {
    calls.setOption = setOption;
  }
}
