/** The daemon under test on a host of a scenario's network. */
import * as fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processTree } from '../support/processes.ts';
import type { Host, HostProcess } from './topology.ts';

const program = fileURLToPath(new URL('../../daemon/main.js', import.meta.url));

export interface IpvigildOptions {
  /** The text of keepalived.conf. */
  readonly configuration: string;
  /** Its files go here: keepalived.conf and the run directory. */
  readonly folder: string;
  readonly args?: readonly string[];
  /** A command before the daemon's own: `setpriv --reuid=...`. */
  readonly launcher?: readonly string[];
}

export class Ipvigild {
  readonly process: HostProcess;
  readonly #file: string;

  private constructor(file: string, process: HostProcess) {
    this.#file = file;
    this.process = process;
  }

  /** Starts it; it may not have come to run yet. */
  static launch(host: Host, { configuration, folder, args = [], launcher = [] }: IpvigildOptions): Ipvigild {
    const file = path.join(folder, 'keepalived.conf');
    fs.writeFileSync(file, configuration);
    const words = ['-f', file, '-n', '-l', '-D', '--run-dir', path.join(folder, 'run'), ...args];
    const process = host.spawn([...launcher, globalThis.process.execPath, program, ...words]);
    return new Ipvigild(file, process);
  }

  /** Starts it; when the promise resolves the table equals the configuration. */
  static async start(host: Host, options: IpvigildOptions): Promise<Ipvigild> {
    const daemon = Ipvigild.launch(host, options);
    await daemon.process.line(/running after/, 20_000);
    return daemon;
  }

  get log(): readonly string[] {
    return this.process.lines;
  }

  /** Changes the file, sends SIGHUP, and gives the line that says how it went. */
  async reload(configuration: string): Promise<string> {
    fs.writeFileSync(this.#file, configuration);
    const answers = (): string[] => this.process.lines.filter((line) => /reloaded in|reload refused/.test(line));
    const before = answers().length;
    this.process.child.kill('SIGHUP');
    const until = performance.now() + 10_000;
    while (answers().length === before) {
      if (performance.now() > until) throw new Error(`no answer to SIGHUP:\n${this.log.slice(-20).join('\n')}`);
      await sleep(10);
    }
    return answers().at(-1)!;
  }

  /** SIGTERM; resolves when it is gone. */
  async stop(): Promise<{ readonly code: number | null }> {
    return this.process.stop('SIGTERM', 20_000);
  }

  /** kill -9 of main; resolves when its other processes have followed it. */
  async kill(): Promise<void> {
    const children = processTree(this.process.pid).slice(1);
    await this.process.stop('SIGKILL');
    const until = performance.now() + 10_000;
    while (children.some((pid) => fs.existsSync(`/proc/${pid}`))) {
      if (performance.now() > until) throw new Error('the checkers process outlives its parent');
      await sleep(5);
    }
  }
}
