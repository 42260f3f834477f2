/**
 * A kernel with IPVS, on any Debian or Ubuntu machine, for any user, leaving the host as it was.
 *
 * `Lab.boot` starts user-mode Linux on the host's own root file system (packages laid over it, all writes on a tmpfs)
 * and speaks with an agent inside. One boot serves many runs. Where the host's kernel has IPVS and the user is root,
 * the same agent can run on the host itself, in name spaces (`machine: 'host'`).
 *
 * ```
 * lab  ──stdin──▶ keeper ──▶ linux.uml ── hostfs / (ro) + packages + tmpfs
 *   └──serial line (JSON lines)──────▶ agent ──▶ one process in fresh name spaces for each run
 * ```
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { initScript, isPlainPath, kernelArguments } from './guest.ts';
import { findProgram, type UnpackedPackages, unpackedPackages } from './packages.ts';
import { longestRequest, type MachineFacts, type Outcome, type Report, type RunRequest } from './protocol.ts';
import { LabUnavailable } from './unavailable.ts';

export interface LabOptions {
  /**
   * `guest` boots user-mode Linux, `host` uses name spaces of the host's kernel (root, and ip_vs in that kernel);
   * `auto` takes the guest where it can be had, else the host. `$IPVIGIL_LAB` overrides `auto`.
   */
  readonly machine?: 'auto' | 'guest' | 'host';
  /** Memory of the guest; it is taken from the host only when the guest uses it. */
  readonly memoryMb?: number;
  readonly bootLimitMs?: number;
  /** Gets a line for each thing that is fetched or started. */
  readonly progress?: (line: string) => void;
}

export interface RunOptions {
  /** The run is ended after this time; 60 s when not given. */
  readonly timeLimitMs?: number;
  /** Gets what the scenario tells while it runs. */
  readonly onTold?: (message: unknown) => void;
  /** Gets each line the scenario and its programs print. */
  readonly onLog?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What a finished run gave. */
export interface RunReport<Result> {
  readonly result: Result;
  /** Printed lines, the last 2,000 at most. */
  readonly log: readonly string[];
  /** Wall time inside the machine. */
  readonly tookMs: number;
}

/** A run that did not return: the scenario threw, hung, died, or its machine did. */
export class ScenarioFailure extends Error {
  override readonly name = 'ScenarioFailure';
  readonly outcome: Outcome['kind'] | 'machine-lost';
  readonly log: readonly string[];

  constructor(message: string, outcome: ScenarioFailure['outcome'], log: readonly string[]) {
    super(message);
    this.outcome = outcome;
    this.log = log;
  }
}

const loggedLines = 2000;
const shownLines = 60;
const longestLine = 2000;
const graceMs = 5000;

interface Pending {
  readonly log: string[];
  readonly options: RunOptions;
  readonly settle: (outcome: Outcome | { kind: 'machine-lost'; why: string }, tookMs: number) => void;
}

export class Lab {
  readonly #options: LabOptions;
  #machine: Machine;
  #queue: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #closed = false;

  private constructor(options: LabOptions, machine: Machine) {
    this.#options = options;
    this.#machine = machine;
  }

  /** Boots. Throws {@link LabUnavailable} with the reason where no kernel with IPVS can be had. */
  static async boot(options: LabOptions = {}): Promise<Lab> {
    return new Lab(options, await startMachine(options));
  }

  get kind(): 'guest' | 'host' {
    return this.#machine.kind;
  }

  get facts(): MachineFacts {
    return this.#machine.facts;
  }

  /** Milliseconds from starting the program to the agent's first word. */
  get bootMs(): number {
    return this.#machine.bootMs;
  }

  /** The machine's process group and its folder on the host: both are gone after `close`. */
  get traces(): { readonly group: number; readonly folder: string } {
    return { group: this.#machine.group, folder: this.#machine.folder };
  }

  /** The guest's second serial line, for an interactive shell. Undefined on a host machine. */
  get shell(): { readonly input: Writable; readonly output: Readable } | undefined {
    return this.#machine.shell;
  }

  /**
   * Runs a scenario: the module `scenarios/NAME.js` beside this file, or the module at a file URL. Runs wait for each
   * other. Throws {@link ScenarioFailure} with the log when the scenario does not return. A machine that no longer
   * answers is killed, and the next run boots another.
   */
  run<Result>(scenario: string | URL, args: unknown = {}, options: RunOptions = {}): Promise<RunReport<Result>> {
    const turn = this.#queue.then(() => this.#run<Result>(scenario, args, options));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #run<Result>(scenario: string | URL, args: unknown, options: RunOptions): Promise<RunReport<Result>> {
    if (this.#closed) {
      throw new ScenarioFailure('the lab is closed', 'machine-lost', []);
    }
    if (this.#machine.lost !== undefined) {
      await this.#machine.close();
      this.#machine = await startMachine(this.#options);
    }
    const module = scenario instanceof URL ? scenario : new URL(`scenarios/${scenario}.js`, import.meta.url);
    const file = fileURLToPath(module);
    const { outcome, log, tookMs } = await this.#machine.run(
      this.#nextId++,
      { scenario: file, args, timeLimitMs: options.timeLimitMs ?? 60_000 },
      options,
    );
    if (outcome.kind === 'returned') {
      return { result: outcome.result as Result, log, tookMs };
    }
    const name = path.relative(fileURLToPath(new URL('..', import.meta.url)), file);
    const tail = log.length === 0 ? '' : `\n--- last lines of its log\n${log.slice(-shownLines).join('\n')}`;
    throw new ScenarioFailure(`scenario ${name} ${describe(outcome)}${tail}`, outcome.kind, log);
  }

  /** Ends the machine and removes what it left. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#machine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function describe(outcome: Outcome | { kind: 'machine-lost'; why: string }): string {
  switch (outcome.kind) {
    case 'threw':
      return `failed: ${outcome.message}\n${outcome.stack}`;
    case 'timed-out':
      return `was ended after ${outcome.timeLimitMs} ms`;
    case 'cancelled':
      return 'was cancelled';
    case 'died':
      return `ended without a result (code ${outcome.code}, signal ${outcome.signal})`;
    case 'machine-lost':
      return `lost its machine: ${outcome.why}`;
    case 'returned':
      return 'returned';
  }
}

/** One started agent, and how to talk to it and end it. */
class Machine {
  readonly kind: 'guest' | 'host';
  readonly keeper: ChildProcess;
  readonly folder: string;
  readonly shell: { readonly input: Writable; readonly output: Readable } | undefined;
  facts!: MachineFacts;
  /** The process group of everything the machine consists of. */
  group = 0;
  bootMs = 0;
  /** Why the machine can no longer be used. */
  lost: string | undefined;
  readonly #requests: Writable;
  readonly #pending = new Map<number, Pending>();
  #ready: ((facts: MachineFacts) => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(kind: 'guest' | 'host', folder: string, keeper: ChildProcess) {
    this.kind = kind;
    this.folder = folder;
    this.keeper = keeper;
    // The types of node know five descriptors; there are seven, all made as pipes by startKeeper.
    const [stdin, , , requests, reports, shellInput, shellOutput] = keeper.stdio as unknown as Duplex[];
    this.#requests = requests!;
    this.shell = kind === 'guest' ? { input: shellInput!, output: shellOutput! } : undefined;
    for (const stream of [stdin, requests, reports, shellInput, shellOutput]) {
      // The other end's death is seen on `reports`; a write that comes too late says nothing more.
      stream?.on('error', () => undefined);
    }
    createInterface({ input: reports! })
      .on('line', (line) => this.#handle(line))
      .on('close', () => this.#lose('it ended'));
    keeper.on('exit', () => this.#lose('its keeper ended'));
    keeper.on('error', (error) => this.#lose(error.message));
  }

  async ready(limitMs: number): Promise<void> {
    const started = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const facts = await new Promise<MachineFacts | undefined>((resolve) => {
      this.#ready = resolve;
      this.#onLost = () => resolve(undefined);
      timer = setTimeout(() => {
        this.#lose(`it did not answer within ${limitMs / 1000} s`);
      }, limitMs);
    });
    clearTimeout(timer);
    if (facts === undefined) {
      throw new LabUnavailable(`the lab's machine did not start: ${this.lost}`);
    }
    this.facts = facts;
    this.group = Number(fs.readFileSync(path.join(this.folder, 'group'), 'utf8'));
    this.bootMs = performance.now() - started;
  }

  #onLost: () => void = () => undefined;

  async run(
    id: number,
    request: RunRequest,
    options: RunOptions,
  ): Promise<{
    outcome: Outcome | { kind: 'machine-lost'; why: string };
    log: readonly string[];
    tookMs: number;
  }> {
    const file = path.join(this.folder, 'requests', `${id}.json`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify(request));
    const log: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    const cancel = (): void => this.#send({ op: 'cancel', id });
    try {
      return await new Promise((resolve) => {
        this.#pending.set(id, { log, options, settle: (outcome, tookMs) => resolve({ outcome, log, tookMs }) });
        timer = setTimeout(
          () => this.#lose(`it did not end a run ${graceMs} ms after its limit of ${request.timeLimitMs} ms`),
          request.timeLimitMs + graceMs,
        );
        options.signal?.addEventListener('abort', cancel, { once: true });
        this.#send({ op: 'run', id });
        if (options.signal?.aborted === true) {
          cancel();
        }
      });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', cancel);
      this.#pending.delete(id);
      fs.rmSync(file, { force: true });
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.lost ??= 'it was closed';
      const { keeper } = this;
      if (keeper.exitCode === null && keeper.signalCode === null && keeper.pid !== undefined) {
        const gone = new Promise<void>((resolve) => keeper.once('exit', () => resolve()));
        keeper.stdin?.end();
        await gone;
      }
      for (const stream of keeper.stdio) {
        (stream as Duplex | null)?.destroy();
      }
      fs.rmSync(this.folder, { recursive: true, force: true });
    })();
    return this.#closing;
  }

  #send(request: unknown): void {
    const line = `${JSON.stringify(request)}\n`;
    if (line.length > longestRequest) {
      throw new Error(`a request of ${line.length} bytes does not fit the guest's serial line`);
    }
    this.#requests.write(line);
  }

  #handle(line: string): void {
    let report: Report;
    try {
      report = JSON.parse(line) as Report;
    } catch {
      this.#lose(`its agent said what is not JSON: ${line.slice(0, 200)}`);
      return;
    }
    switch (report.event) {
      case 'ready':
        this.#ready?.(report.facts);
        break;
      case 'pong':
        break;
      case 'log': {
        const pending = this.#pending.get(report.id);
        if (pending !== undefined) {
          const text = report.line.length > longestLine ? `${report.line.slice(0, longestLine)} ...` : report.line;
          pending.log.push(text);
          if (pending.log.length > loggedLines) {
            pending.log.splice(0, pending.log.length - loggedLines);
          }
          pending.options.onLog?.(text);
        }
        break;
      }
      case 'told':
        this.#pending.get(report.id)?.options.onTold?.(report.message);
        break;
      case 'done':
        this.#pending.get(report.id)?.settle(report.outcome, report.tookMs);
        break;
    }
  }

  #lose(why: string): void {
    if (this.lost !== undefined) {
      return;
    }
    const console_ = this.#console();
    this.lost = console_ === '' ? why : `${why}; last lines of its console:\n${console_}`;
    this.#onLost();
    for (const pending of this.#pending.values()) {
      pending.settle({ kind: 'machine-lost', why: this.lost }, 0);
    }
    this.close().catch(() => undefined);
  }

  /** The end of what the kernel printed, or what it printed from its panic on. */
  #console(): string {
    try {
      const lines = fs.readFileSync(path.join(this.folder, 'console.log'), 'utf8').trimEnd().split('\n');
      const panic = lines.findIndex((line) => line.includes('Kernel panic'));
      return (panic < 0 ? lines.slice(-20) : lines.slice(panic, panic + 40)).join('\n');
    } catch {
      return '';
    }
  }
}

async function startMachine(options: LabOptions): Promise<Machine> {
  const asked = options.machine ?? 'auto';
  const wanted = asked === 'auto' ? (process.env.IPVIGIL_LAB ?? 'auto') : asked;
  const limit = options.bootLimitMs ?? 60_000;
  const progress = options.progress ?? (() => undefined);
  if (wanted === 'host') {
    return await startHost(limit);
  }
  try {
    return await startGuest(options, limit, progress);
  } catch (error) {
    if (wanted === 'guest' || !(error instanceof LabUnavailable)) {
      throw error;
    }
    try {
      return await startHost(limit);
    } catch (other) {
      throw other instanceof LabUnavailable ? new LabUnavailable(`${error.message}; and ${other.message}`) : other;
    }
  }
}

async function startGuest(options: LabOptions, limit: number, progress: (line: string) => void): Promise<Machine> {
  if (process.arch !== 'x64' && process.arch !== 'ia32') {
    throw new LabUnavailable(`user-mode Linux does not exist for ${process.arch}`);
  }
  const packages = await unpackedPackages({ progress });
  const memoryMb = options.memoryMb ?? 1024;
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(tmpdir()), 'ipvigil-lab-'));
  try {
    const plan = {
      packages: fs.realpathSync(packages.root),
      shared: folder,
      node: process.execPath,
      agent: fileURLToPath(new URL('agent.js', import.meta.url)),
      multiarch: multiarchOf(packages),
      memoryMb,
      modules: ['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_wlc', 'veth', 'bridge'],
    };
    for (const file of [plan.packages, plan.shared, plan.node, plan.agent]) {
      if (!isPlainPath(file)) {
        throw new LabUnavailable(`the guest kernel's command line cannot carry the path ${file}`);
      }
    }
    fs.mkdirSync(path.join(folder, 'uml'));
    const script = path.join(folder, 'init.sh');
    fs.writeFileSync(script, initScript(plan));
    const kernel = path.join(plan.packages, 'usr', 'bin', 'linux.uml');
    const memory = memoryFolder(memoryMb, folder);
    const keeper = startKeeper(folder, kernel, kernelArguments(plan, script), {
      PATH: process.env.PATH,
      HOME: folder,
      TMPDIR: memory,
    });
    const machine = new Machine('guest', folder, keeper);
    await machine.ready(limit).catch(async (error) => {
      await machine.close();
      throw error;
    });
    return machine;
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The agent on the host's own kernel. Only where the user is root and that kernel has IPVS, or can load it. */
async function startHost(limit: number): Promise<Machine> {
  if (process.getuid?.() !== 0) {
    throw new LabUnavailable("the host's own kernel can be used by root only");
  }
  const modprobe = await findProgram('modprobe');
  if (!fs.existsSync('/proc/net/ip_vs') && modprobe !== undefined) {
    await new Promise<void>((resolve) => {
      spawn(modprobe, ['ip_vs'], { stdio: 'ignore' })
        .on('close', () => resolve())
        .on('error', () => resolve());
    });
  }
  if (!fs.existsSync('/proc/net/ip_vs')) {
    throw new LabUnavailable("the host's own kernel has no IPVS");
  }
  for (const program of ['unshare', 'ip', 'ipvsadm']) {
    if ((await findProgram(program)) === undefined) {
      throw new LabUnavailable(`the host's own kernel has IPVS, but the program ${program} is missing`);
    }
  }
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(tmpdir()), 'ipvigil-lab-'));
  const agent = fileURLToPath(new URL('agent.js', import.meta.url));
  const keeper = startKeeper(folder, process.execPath, ['--enable-source-maps', agent, 'fds', folder], process.env);
  const machine = new Machine('host', folder, keeper);
  await machine.ready(limit).catch(async (error) => {
    await machine.close();
    throw error;
  });
  return machine;
}

function startKeeper(folder: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const keeper = fileURLToPath(new URL('keeper.js', import.meta.url));
  return spawn(process.execPath, [keeper, folder, program, ...args], {
    detached: true,
    env,
    stdio: ['pipe', 'ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
}

/** Debian's multiarch name, read off the folder that the unpacked libraries lie in. */
function multiarchOf(packages: UnpackedPackages): string {
  const names = fs.readdirSync(path.join(packages.root, 'usr', 'lib'));
  return names.find((name) => name.endsWith('-linux-gnu')) ?? 'x86_64-linux-gnu';
}

/**
 * Where the guest's memory can lie: the kernel maps a file of its size, executable. /dev/shm is right unless it is
 * too small or mounted noexec, as it often is in a container.
 */
function memoryFolder(memoryMb: number, otherwise: string): string {
  const shm = '/dev/shm';
  try {
    fs.accessSync(shm, fs.constants.W_OK);
    const { bavail, bsize } = fs.statfsSync(shm);
    const mount = fs
      .readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .findLast((fields) => fields[4] === shm);
    const noexec = mount?.[5]?.split(',').includes('noexec') ?? true;
    return !noexec && bavail * bsize > memoryMb * 1024 * 1024 ? shm : otherwise;
  } catch {
    return otherwise;
  }
}
