/**
 * The checkers process as main sees it: started, told, watched, started again when it dies. A crash leaves the table as
 * it is; the next process takes it over.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DirectorConfig } from '../lib/model/virtual-server.ts';
import type { LogLine } from './log.ts';
import type { CheckersOptions, FromCheckers, ToCheckers } from './messages.ts';

/** keepalived's back-off: at once after a long run or the first death, then 1, 2, 4 ... 60 s. */
const LONG_RUN_MS = 60_000;
const MAX_RESTART_DELAY_MS = 60_000;

export interface CheckersListener {
  log(ident: string, line: LogLine): void;
  /** It cannot run at all: permission, no ip_vs. Main ends with this status. */
  failed(exitCode: number): void;
  started(checks: number): void;
  reloaded(checks: number): void;
  /** The old configuration stays. */
  reloadRefused(message: string): void;
}

export class CheckersChild {
  readonly #options: CheckersOptions;
  readonly #listener: CheckersListener;
  #config: DirectorConfig;
  /** What the process was told last; differs from #config when a reload came while it was starting. */
  #told: DirectorConfig | undefined;
  #process: ChildProcess | undefined;
  #startedAt = 0;
  #running = false;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #stopping: { readonly done: () => void } | undefined;

  constructor(options: CheckersOptions, config: DirectorConfig, listener: CheckersListener) {
    this.#options = options;
    this.#config = config;
    this.#listener = listener;
  }

  start(): void {
    this.#running = false;
    this.#startedAt = performance.now();
    const child = fork(fileURLToPath(new URL('./checkers-process.js', import.meta.url)), [], {
      // Standard output is the rehearsal's; what Node itself reports of a crash goes to standard error.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--enable-source-maps'],
    });
    this.#process = child;
    child.on('message', (message: FromCheckers) => this.#heard(message));
    child.on('exit', (code, signal) => this.#ended(code, signal));
    child.on('error', (error) => this.#log('error', `cannot start the checkers process: ${error.message}`));
    this.#told = this.#config;
    this.#tell({ kind: 'start', config: this.#config, options: this.#options });
  }

  /**
   * Hands over a new configuration; the listener hears how it went. False when no process runs at the moment: the one
   * that is starting, or will be started, gets it.
   */
  reload(config: DirectorConfig): boolean {
    this.#config = config;
    if (!this.#running) return false;
    this.#told = config;
    this.#tell({ kind: 'reload', config });
    return true;
  }

  /** Resolves when the process has ended. With `release` its services are deleted first; killed after `limitMs`. */
  async stop(release: boolean, limitMs: number): Promise<void> {
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#stopping = { done: resolve };
    });
    this.#tell({ kind: 'stop', release });
    const limit = setTimeout(() => {
      this.#log(
        'error',
        `the checkers process did not stop within ${limitMs / 1000} s: killed; the table may be as it was`,
      );
      child.kill('SIGKILL');
    }, limitMs);
    await ended;
    clearTimeout(limit);
  }

  #heard(message: FromCheckers): void {
    switch (message.kind) {
      case 'log':
        this.#listener.log('checkers', message.line);
        return;
      case 'started':
        this.#running = true;
        this.#listener.started(message.checks);
        if (this.#told !== this.#config) this.reload(this.#config);
        return;
      case 'reloaded':
        this.#listener.reloaded(message.checks);
        return;
      case 'refused':
        if (this.#running) {
          this.#listener.reloadRefused(message.message);
          return;
        }
        this.#log('error', message.message);
        this.#stopping ??= { done: () => {} };
        this.#process?.disconnect();
        this.#listener.failed(message.exitCode);
        return;
      case 'stopped':
        return;
    }
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#process = undefined;
    this.#running = false;
    if (this.#stopping !== undefined) {
      this.#stopping.done();
      return;
    }
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    const ranLong = performance.now() - this.#startedAt >= LONG_RUN_MS;
    this.#deaths = ranLong ? 1 : this.#deaths + 1;
    const delayMs = this.#deaths === 1 ? 0 : Math.min(1000 * 2 ** (this.#deaths - 2), MAX_RESTART_DELAY_MS);
    const when = delayMs === 0 ? 'at once' : `in ${delayMs / 1000} s`;
    this.#log('error', `the checkers process ended ${how}; the table stays as it is, restarting ${when}`);
    this.#restart = setTimeout(() => this.start(), delayMs);
  }

  #tell(message: ToCheckers): void {
    this.#process?.send(message);
  }

  #log(level: 'error', text: string): void {
    this.#listener.log('ipvigild', { level, text });
  }
}
