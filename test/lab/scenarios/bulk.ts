/** Many services and real servers at once: our batches against `ipvsadm -R`, in turns on the same kernel; and reading. */
import { execFileSync } from 'node:child_process';
import { ipAddress, openIpvs, planTable, type Service, serviceKey } from '../../../lib/index.ts';
import type { ScenarioContext } from '../scenario.ts';

export interface BulkArguments {
  readonly services: number;
  readonly serversEach: number;
  readonly turns: number;
}

export interface BulkResult {
  readonly commands: number;
  /** From the first byte sent to the last answer read, planning included. */
  readonly oursMs: readonly number[];
  /** The whole process, as an administrator would run it. */
  readonly ipvsadmMs: readonly number[];
  /** An idle start of ipvsadm: what of its time is not commands. */
  readonly ipvsadmIdleMs: number;
  /** `ipvs.read()` of the whole table, and `ipvsadm -Sn`, which reads the same. */
  readonly readMs: readonly number[];
  readonly ipvsadmReadMs: readonly number[];
  /** The two ways gave the same table. */
  readonly same: boolean;
  /** The same commands once more, of which the kernel refuses all: how many outcomes say so. */
  readonly refusedAgain: number;
  /** How often answers were lost on the netlink socket; with the refusals above it is at its fullest. */
  readonly overruns: number;
}

export async function run(
  context: ScenarioContext,
  { services, serversEach, turns }: BulkArguments,
): Promise<BulkResult> {
  // Without a local routing table the kernel takes no address for a single host's.
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const desired = makeServices(services, serversEach);
  const ipvs = await openIpvs();
  const owned = new Set(desired.map(serviceKey));
  const oursMs: number[] = [];
  const ipvsadmMs: number[] = [];
  const readMs: number[] = [];
  const ipvsadmReadMs: number[] = [];
  let refusedAgain = 0;
  let ours = '';
  let theirs = '';
  for (let turn = 0; turn < turns; turn++) {
    const kernel = await ipvs.read();
    oursMs.push(
      await timed(async () => {
        const outcomes = await ipvs.apply(planTable(desired, kernel, owned));
        const refused = outcomes.find(({ error }) => error !== undefined);
        if (refused?.error !== undefined) throw refused.error;
      }),
    );
    readMs.push(
      await timed(async () => {
        const left = planTable(desired, await ipvs.read(), owned).length;
        if (left !== 0) throw new Error(`the table that was read lacks ${left} commands`);
      }),
    );
    if (turn === turns - 1) {
      const again = await ipvs.apply(planTable(desired, [], owned));
      refusedAgain = again.filter(({ error }) => error?.errno?.name === 'EEXIST').length;
    }
    ipvsadmReadMs.push(
      await timed(async () => {
        ours = ipvsadm(['-Sn']);
      }),
    );
    ipvsadm(['-C']);
    ipvsadmMs.push(await timed(async () => ipvsadm(['-R'], ours)));
    theirs = ipvsadm(['-Sn']);
    ipvsadm(['-C']);
    context.log(
      `turn ${turn + 1}: ipvigil ${oursMs.at(-1)} ms, ipvsadm -R ${ipvsadmMs.at(-1)} ms; ` +
        `reading ${readMs.at(-1)} ms, ipvsadm -Sn ${ipvsadmReadMs.at(-1)} ms`,
    );
  }
  const ipvsadmIdleMs = await timed(async () => ipvsadm(['-R'], ''));
  const { overruns } = ipvs.counters;
  ipvs.close();
  const commands = planTable(desired, [], owned).length;
  const same = sorted(ours) === sorted(theirs) && ours !== '';
  return { commands, oursMs, ipvsadmMs, ipvsadmIdleMs, readMs, ipvsadmReadMs, same, refusedAgain, overruns };
}

function makeServices(services: number, serversEach: number): Service[] {
  return Array.from({ length: services }, (_, service) => ({
    address: ipAddress(`10.1.${service >> 8}.${service & 255}`),
    port: 80,
    protocol: 'tcp',
    scheduler: 'rr',
    persistenceTimeoutS: 0,
    onePacket: false,
    destinations: Array.from({ length: serversEach }, (_, server) => ({
      address: ipAddress(`10.2.${service & 255}.${server + 1}`),
      port: 80,
      weight: 1,
      forwarding: 'nat',
      uthreshold: 0,
      lthreshold: 0,
    })),
  }));
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await action();
  return Math.round(performance.now() - startedAt);
}

function ipvsadm(args: readonly string[], input = ''): string {
  return execFileSync('ipvsadm', args, { input, encoding: 'utf8', maxBuffer: 16 << 20 });
}

function sorted(text: string): string {
  return text.split('\n').sort().join('\n');
}
