/**
 * The lab's agent: runs scenarios on a kernel with IPVS, each in a process with process, mount, network and host name
 * spaces of its own, so that killing one process ends everything a scenario made, network included.
 *
 * Started by the guest's init with the serial line as arguments (`agent.js /dev/ttyS0 SHARED`), or on a host that has
 * IPVS itself with the channel on descriptors 3 and 4 (`agent.js fds SHARED`). It ends when the channel ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import tty from 'node:tty';
import { fileURLToPath } from 'node:url';
import type { Outcome, Report, Request, RunRequest, ScenarioOrder, ScenarioReport } from './protocol.ts';

const [channel, shared] = process.argv.slice(2);
if (channel === undefined || shared === undefined) {
  throw new Error('usage: agent.js CHANNEL SHARED-FOLDER');
}
const output = channel === 'fds' ? 4 : fs.openSync(channel, 'w');
const input = channel === 'fds' ? fs.createReadStream('', { fd: 3 }) : new tty.ReadStream(fs.openSync(channel, 'r'));

function report(message: Report): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += fs.writeSync(output, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        throw error;
      }
    }
  }
}

/** A process that has started node and loaded the runner, and waits to be told its scenario. */
class Runner {
  readonly child: ChildProcess;
  readonly waiting: Promise<void>;

  constructor() {
    const main = fileURLToPath(new URL('scenario-main.js', import.meta.url));
    // The shell is process 1 of its name space: it reaps orphans, which node would leave as zombies. Its own /run
    // keeps the run's files and the names of its networks apart from everything else.
    this.child = spawn(
      'unshare',
      [
        ...['--pid', '--fork', '--kill-child', '--mount-proc', '--mount', '--net', '--uts', '--ipc'],
        ...[
          '/bin/sh',
          '-c',
          'mount -t tmpfs tmpfs /run && "$@"; exit $?',
          'sh',
          process.execPath,
          '--enable-source-maps',
          main,
        ],
      ],
      { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'json' },
    );
    this.waiting = new Promise((resolve, reject) => {
      this.child.once('message', () => resolve());
      this.child.once('error', reject);
      this.child.once('exit', (code, signal) =>
        reject(new Error(`the scenario process ended before it was ready (code ${code}, signal ${signal})`)),
      );
    });
    this.waiting.catch(() => undefined);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

let spare = new Runner();
const running = new Map<number, (outcome: Outcome) => void>();

async function run(id: number): Promise<void> {
  const request = JSON.parse(fs.readFileSync(path.join(shared!, 'requests', `${id}.json`), 'utf8')) as RunRequest;
  const runner = spare;
  const started = performance.now();
  const outcome = await new Promise<Outcome>((resolve) => {
    running.set(id, resolve);
    setTimeout(() => resolve({ kind: 'timed-out', timeLimitMs: request.timeLimitMs }), request.timeLimitMs).unref();
    const { child } = runner;
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => report({ event: 'log', id, line }));
    }
    runner.waiting.then(
      () => {
        child.on('message', (message: ScenarioReport) => {
          if (message.event === 'told') {
            report({ event: 'told', id, message: message.message });
          } else if (message.event === 'done') {
            resolve(message.outcome);
          }
        });
        child.on('exit', (code, signal) => resolve({ kind: 'died', code, signal }));
        child.send({ id, scenario: request.scenario, args: request.args } satisfies ScenarioOrder);
      },
      (error: Error) => resolve({ kind: 'threw', message: error.message, stack: error.stack ?? '' }),
    );
  });
  running.delete(id);
  const closed = new Promise<void>((resolve) => {
    if (runner.child.exitCode !== null || runner.child.signalCode !== null) {
      resolve();
    } else {
      runner.child.once('close', () => resolve());
    }
  });
  runner.kill();
  // Bounded: a process stuck in the kernel must not hold up the answer.
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  report({ event: 'done', id, outcome, tookMs: performance.now() - started });
  spare = new Runner();
}

function handle(line: string): void {
  const request = JSON.parse(line) as Request;
  switch (request.op) {
    case 'ping':
      report({ event: 'pong', id: request.id });
      break;
    case 'cancel':
      running.get(request.id)?.({ kind: 'cancelled' });
      break;
    case 'run':
      run(request.id).catch((error: Error) =>
        report({
          event: 'done',
          id: request.id,
          outcome: { kind: 'threw', message: error.message, stack: error.stack ?? '' },
          tookMs: 0,
        }),
      );
      break;
  }
}

function end(): void {
  spare.kill();
  process.exit(0);
}

createInterface({ input }).on('line', handle).on('close', end);
input.on('error', end);

const version = /version (\S+)/.exec(fs.readFileSync('/proc/net/ip_vs', 'utf8'))?.[1] ?? 'unknown';
report({
  event: 'ready',
  facts: {
    kernel: release(),
    ipvs: version,
    node: process.version,
    uptimeSeconds: Number(fs.readFileSync('/proc/uptime', 'utf8').split(' ')[0]),
  },
});
