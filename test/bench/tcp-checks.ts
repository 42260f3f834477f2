/**
 * What a TCP check costs: ipvigild in rehearsal (`--dry-run`) against a plain C epoll loop that does the same, in turns on
 * the same targets, so that a noisy machine hits both. Prints CPU per check of each, the ratio, and how evenly the checks
 * came, as seen by the server that was checked.
 *
 *   node dist/test/bench/tcp-checks.js [CHECKS_PER_SECOND] [SECONDS_PER_RUN] [TURNS]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileC, cpuSecondsOfTree, type StartedProcess, sleep, start } from '../support/processes.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const targets = Number(process.argv[2] ?? 5000);
const seconds = Number(process.argv[3] ?? 12);
const turns = Number(process.argv[4] ?? 2);
const port = 9180;
const intervalMs = 1000;
/** Time to start, to compile hot code, and for the warm-up of every check to be over. */
const settleMs = 4000;

interface Run {
  readonly usPerCheck: number;
  readonly checksPerSecond: number;
  readonly within20Ms: number;
  readonly offMsP50: number;
  readonly offMsP99: number;
}

const folder = mkdtempSync(join(tmpdir(), 'ipvigil-bench-'));
const running = new Set<StartedProcess>();
try {
  await compareTurns();
} finally {
  for (const { child } of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function compareTurns(): Promise<void> {
  const sink = join(folder, 'sink');
  const floor = join(folder, 'tcp-floor');
  compileC(join(root, 'test/bench/native/sink.c'), sink);
  compileC(join(root, 'test/bench/native/tcp-floor.c'), floor);
  const conf = join(folder, 'keepalived.conf');
  writeFileSync(conf, configuration());

  console.log(`${targets} TCP checks per second, ${turns} turns of ${seconds} s each`);
  const ours: Run[] = [];
  const plain: Run[] = [];
  for (let turn = 0; turn < turns; turn++) {
    plain.push(await measure(sink, floor, [String(port), String(targets), String(intervalMs)]));
    print('C epoll loop', plain.at(-1)!);
    const daemon = join(root, 'dist/daemon/main.js');
    const args = [daemon, '-f', conf, '-n', '-l', `--dry-run=${join(folder, 'commands')}`];
    ours.push(await measure(sink, process.execPath, args));
    print('ipvigild', ours.at(-1)!);
  }
  const ratios = ours.map((run, turn) => run.usPerCheck / plain[turn]!.usPerCheck);
  console.log(
    `CPU per check, ipvigild / C loop: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} (target: at most 1.5)`,
  );
  const evenly = Math.min(...ours.map((run) => run.within20Ms));
  console.log(`intervals within 20 ms of ${intervalMs} ms: ${(evenly * 100).toFixed(2)} % (target: 99 %)`);
}

async function measure(sink: string, command: string, args: readonly string[]): Promise<Run> {
  const peer = begin(sink, [String(port), String(targets), String(intervalMs)]);
  await peer.line(/^ready$/);
  const subject = begin(command, args);
  await sleep(settleMs);
  peer.child.kill('SIGUSR1');
  const cpuBefore = cpuSecondsOfTree(subject.pid);
  await sleep(seconds * 1000);
  const cpu = cpuSecondsOfTree(subject.pid) - cpuBefore;
  peer.child.kill('SIGTERM');
  const counts = JSON.parse(await peer.line(/^\{/)) as Omit<Run, 'usPerCheck'> & {
    connections: number;
    seconds: number;
  };
  await end(peer);
  subject.child.kill('SIGTERM');
  await end(subject);
  if (counts.connections < (targets * seconds) / 2) throw new Error(`too few checks came: ${subject.errors()}`);
  return {
    ...counts,
    usPerCheck: (cpu / counts.connections) * 1e6,
    checksPerSecond: counts.connections / counts.seconds,
  };
}

function begin(command: string, args: readonly string[]): StartedProcess {
  const started = start(command, args);
  running.add(started);
  return started;
}

async function end(started: StartedProcess): Promise<void> {
  await started.ended;
  running.delete(started);
}

function print(name: string, run: Run): void {
  console.log(
    `${name.padEnd(13)} ${run.usPerCheck.toFixed(1)} us CPU per check, ${run.checksPerSecond.toFixed(0)} checks/s, off its interval by ` +
      `${run.offMsP50.toFixed(2)} ms (median), ${run.offMsP99.toFixed(2)} ms (99 %)`,
  );
}

/** 100 real servers per virtual server, each its own loopback address. */
function configuration(): string {
  const blocks: string[] = [];
  for (let first = 0; first < targets; first += 100) {
    const servers: string[] = [];
    for (let n = first; n < Math.min(first + 100, targets); n++) {
      const address = `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
      servers.push(
        `  real_server ${address} ${port} {\n    weight 1\n    TCP_CHECK {\n      connect_timeout 1\n    }\n  }`,
      );
    }
    const virtual = `virtual_server 10.99.${Math.floor(first / 100 / 250)}.${1 + ((first / 100) % 250)} 80`;
    const settings = '  delay_loop 1\n  retry 1\n  delay_before_retry 1\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP';
    blocks.push(`${virtual} {\n${settings}\n${servers.join('\n')}\n}`);
  }
  return `${blocks.join('\n')}\n`;
}
