/**
 * Makes the networks of `network-plan.ts` inside a scenario, and runs programs on their hosts. Needs root on a kernel
 * with name spaces: a scenario has both. The bridges lie in the scenario's own network name space.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bridgeName, fabricLines, hostLines, lansOf, type NetworkPlan, portName } from './network-plan.ts';

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly input?: string;
  /** 10 s when not given; then the program is killed and the call throws. */
  readonly timeoutMs?: number;
  /** `true`: an exit code other than 0 is an answer, not an error. */
  readonly mayFail?: boolean;
}

/** A network that exists. Its hosts are those of the plan. */
export class Network<Plan extends NetworkPlan = NetworkPlan> {
  readonly plan: Plan;
  readonly hosts: { readonly [Name in keyof Plan['hosts']]: Host };
  #processes: Set<HostProcess>;
  #down = false;

  private constructor(plan: Plan) {
    this.plan = plan;
    this.#processes = new Set();
    this.hosts = Object.fromEntries(
      Object.keys(plan.hosts).map((name) => [name, new Host(name, plan, this.#processes)]),
    ) as { [Name in keyof Plan['hosts']]: Host };
  }

  /** Makes the network. On failure nothing of it stays. */
  static async make<Plan extends NetworkPlan>(plan: Plan): Promise<Network<Plan>> {
    const network = new Network(plan);
    try {
      await ip(['-batch', '-'], fabricLines(plan));
      for (const [name, host] of Object.entries<NetworkPlan['hosts'][string]>(plan.hosts)) {
        const settings = { 'net.ipv6.conf.all.accept_dad': 0, 'net.ipv6.conf.default.accept_dad': 0, ...host.sysctls };
        await network.hosts[name]!.sysctl(settings);
        await ip(['-netns', name, '-batch', '-'], hostLines(host));
      }
      return network;
    } catch (error) {
      await network.teardown();
      throw error;
    }
  }

  /** Ends the hosts' programs and takes the network down. Idempotent. */
  async teardown(): Promise<void> {
    if (this.#down) {
      return;
    }
    this.#down = true;
    await Promise.all([...this.#processes].map((each) => each.stop('SIGKILL')));
    const present = new Set(
      (await finished('ip', ['netns', 'list'], {})).stdout.split('\n').map((line) => line.split(' ')[0]),
    );
    const lines = Object.keys(this.plan.hosts)
      .filter((name) => present.has(name))
      .map((name) => `netns del ${name}`);
    // Cables vanish with their name spaces; bridges stay.
    for (const lan of lansOf(this.plan)) {
      lines.push(`link del ${bridgeName(lan)}`);
    }
    await finished('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n`, mayFail: true });
  }
}

/** One host of a network: a network name space in which programs can be run. */
export class Host {
  readonly name: string;
  readonly #plan: NetworkPlan;
  readonly #processes: Set<HostProcess>;

  constructor(name: string, plan: NetworkPlan, processes: Set<HostProcess>) {
    this.name = name;
    this.#plan = plan;
    this.#processes = processes;
  }

  /** Runs a program to its end. Throws with its words when it fails, unless `mayFail`. */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<Finished> {
    return finished('ip', ['netns', 'exec', this.name, ...argv], options, `${this.name}: ${argv.join(' ')}`);
  }

  /** Starts a program that is ended with the network, if not before. */
  spawn(
    argv: readonly string[],
    options: { readonly ipc?: boolean; readonly env?: NodeJS.ProcessEnv } = {},
  ): HostProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])],
      env: { ...process.env, ...options.env },
    });
    const made = new HostProcess(`${this.name}: ${argv.join(' ')}`, child);
    this.#processes.add(made);
    made.exited.finally(() => this.#processes.delete(made));
    return made;
  }

  /** Starts a node program with an IPC channel: a compiled script, by file URL, and its arguments. */
  node(script: URL, args: readonly string[] = []): HostProcess {
    return this.spawn([process.execPath, '--enable-source-maps', fileURLToPath(script), ...args], { ipc: true });
  }

  async sysctl(settings: Readonly<Record<string, string | number>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name.replaceAll('.', '/')} ${value}\n`);
    // The program sysctl belongs to procps, which a small system lacks; the files are always there.
    const script = 'while read -r name value; do echo "$value" > "/proc/sys/$name" || exit 1; done';
    await this.exec(['/bin/sh', '-c', script], { input: lines.join('') });
  }

  /** Pulls the cable of an interface, or puts it back: the host stays up and sees nothing but silence. */
  async cable(device: string, state: 'plugged' | 'unplugged'): Promise<void> {
    await ip(['link', 'set', portName(this.#plan, this.name, device), state === 'plugged' ? 'up' : 'down']);
  }
}

/** A program running on a host. */
export class HostProcess {
  readonly command: string;
  readonly child: ChildProcess;
  /** What it printed, standard output and error in the order read; the last 5,000 lines. */
  readonly lines: string[] = [];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #listeners = new Set<(line: string) => void>();

  constructor(command: string, child: ChildProcess) {
    this.command = command;
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => {
        this.lines.push(error.message);
        resolve({ code: 127, signal: null });
      });
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        if (this.lines.length > 5000) {
          this.lines.splice(0, 1000);
        }
        for (const listener of this.#listeners) {
          listener(line);
        }
      });
    }
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Resolves with the first line, already printed or still to come, that matches. */
  async line(pattern: RegExp, limitMs = 10_000): Promise<string> {
    const found = this.lines.find((line) => pattern.test(line));
    if (found !== undefined) {
      return found;
    }
    let listener: ((line: string) => void) | undefined;
    const timer = new AbortController();
    try {
      return await Promise.race([
        new Promise<string>((resolve) => {
          listener = (line) => {
            if (pattern.test(line)) {
              resolve(line);
            }
          };
          this.#listeners.add(listener);
        }),
        this.exited.then(() => {
          throw new Error(`${this.command}: ended without printing ${pattern}${this.#tail()}`);
        }),
        sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
          throw new Error(`${this.command}: did not print ${pattern} within ${limitMs} ms${this.#tail()}`);
        }),
      ]);
    } finally {
      timer.abort();
      if (listener !== undefined) {
        this.#listeners.delete(listener);
      }
    }
  }

  /** Ends it: the signal, then SIGKILL after `graceMs`. Resolves when it is gone. Idempotent. */
  async stop(
    signal: NodeJS.Signals = 'SIGTERM',
    graceMs = 3000,
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    if (this.running) {
      this.child.kill(signal);
      const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
      await this.exited;
      clearTimeout(timer);
    }
    return await this.exited;
  }

  #tail(): string {
    return this.lines.length === 0 ? '' : `; it printed:\n${this.lines.slice(-20).join('\n')}`;
  }
}

async function ip(args: readonly string[], lines: readonly string[] = []): Promise<void> {
  await finished('ip', args, lines.length === 0 ? {} : { input: `${lines.join('\n')}\n` });
}

function finished(
  program: string,
  args: readonly string[],
  options: ExecOptions,
  name = `${program} ${args.join(' ')}`,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timeoutMs = options.timeoutMs ?? 10_000;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A program that ends before it has read its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`${name}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late) {
        reject(new Error(`${name}: not finished after ${timeoutMs} ms`));
      } else if (code !== 0 && options.mayFail !== true) {
        reject(new Error(`${name}: ${code === null ? signal : `exit code ${code}`}: ${(stderr || stdout).trim()}`));
      } else {
        resolve({ code, signal, stdout, stderr });
      }
    });
  });
}
