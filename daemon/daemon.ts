/**
 * The main process: reads the configuration, runs the checkers process, and answers signals. It does nothing else, so
 * that nothing it does can hold up a check.
 */
import { configTestStatus, type ParsedConf } from '../keepalived-compat/index.ts';
import type { Diagnostic } from '../lib/diagnostics/diagnostic.ts';
import { renderDiagnostic, renderDiagnosticLine } from '../lib/diagnostics/render.ts';
import { IpvigilError } from '../lib/errors.ts';
import type { DirectorConfig } from '../lib/model/virtual-server.ts';
import { formatDuration } from '../lib/time/duration.ts';
import { CheckersChild } from './checkers-child.ts';
import type { DaemonOptions } from './cli.ts';
import { loadConfiguration } from './config-source.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { LogLevel } from './log.ts';
import { consoleLog, type LogWriter, systemLog, writeStderr } from './log-writer.ts';
import { takePidFile } from './pid-file.ts';
import { hasRecord, makeRunDirectory } from './run-directory.ts';

/** What the checkers process gets to delete its services; 10,000 entries take well under a second. */
const STOP_LIMIT_MS = 30_000;

/** Reads, runs, answers signals; resolves with the exit status when all is over. `ready` is called once it runs. */
export async function runDaemon(options: DaemonOptions, ready: () => void): Promise<ExitCode> {
  const daemon = new Daemon(options, ready);
  return daemon.run();
}

/** `-t`: reads and validates, changes nothing. The report goes to `write`. */
export function testConfiguration(options: DaemonOptions, write: (text: string) => void): number {
  const parsed = loadConfiguration(options.file, options.configId);
  if (parsed.diagnostics.length > 0) write(renderAll(parsed));
  return configTestStatus(parsed.diagnostics);
}

/** Every diagnostic with its source line, and their number. */
function renderAll({ diagnostics, tree }: ParsedConf): string {
  const source = (file: string): string | undefined => tree.files.find(({ path }) => path === file)?.text;
  const color = process.stderr.isTTY === true && process.env.NO_COLOR === undefined;
  return diagnostics.map((diagnostic) => `${renderDiagnostic(diagnostic, { source, color })}\n`).join('');
}

class Daemon {
  readonly #options: DaemonOptions;
  readonly #ready: () => void;
  readonly #log: LogWriter;
  readonly #startedAt = performance.now();
  #config: DirectorConfig = { virtualServers: [] };
  #checkers: CheckersChild | undefined;
  #removePidFile: (() => void) | undefined;
  #reload: 'idle' | 'running' | 'again' = 'idle';
  #reloadStartedAt = 0;
  #ended = false;
  #end: (exitCode: ExitCode) => void = () => {};

  constructor(options: DaemonOptions, ready: () => void) {
    this.#options = options;
    this.#ready = ready;
    this.#log = options.logToConsole ? consoleLog() : systemLog();
  }

  async run(): Promise<ExitCode> {
    const parsed = loadConfiguration(this.#options.file, this.#options.configId);
    this.#report(parsed);
    const refusal = this.#refusal(parsed);
    if (refusal !== undefined) {
      this.#say('error', `not started: ${refusal}; nothing was changed`);
      const unusable = parsed.diagnostics.some(({ code }) => code === 'file-unreadable');
      return unusable ? exitCodes.noConfiguration : exitCodes.configuration;
    }
    this.#config = parsed.config;
    try {
      this.#prepareFiles();
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      this.#say('error', `not started: ${error.message}`);
      return error.code === 'ERR_PERMISSION' ? exitCodes.permission : exitCodes.failure;
    }
    const ended = new Promise<ExitCode>((resolve) => {
      this.#end = resolve;
    });
    process.on('SIGHUP', () => this.#onReloadSignal());
    process.on('SIGTERM', () => void this.#stop('SIGTERM'));
    process.on('SIGINT', () => void this.#stop('SIGINT'));
    // keepalived's dumps. Unheard they would open Node's debugger and end the process.
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
      process.on(signal, () => this.#say('warning', `${signal}: dump files are not supported in this version`));
    }
    // Signals must find us even when there is nothing to check.
    const keepAlive = setInterval(() => {}, 1 << 30);
    if (this.#config.virtualServers.length > 0 || this.#hasLeftovers()) {
      this.#startCheckers();
    } else {
      this.#say('info', `${this.#options.file} has no virtual server: idle until it is changed and SIGHUP comes`);
      this.#ready();
    }
    const exitCode = await ended;
    clearInterval(keepAlive);
    this.#removePidFile?.();
    return exitCode;
  }

  /** A rehearsal leaves the run directory alone: it may run beside the real daemon. */
  #prepareFiles(): void {
    const { dryRun, runDirectory, pidFile } = this.#options;
    if (dryRun === undefined) makeRunDirectory(runDirectory);
    const path = pidFile ?? (dryRun === undefined ? `${runDirectory}/ipvigild.pid` : undefined);
    if (path !== undefined) this.#removePidFile = takePidFile(path);
  }

  #hasLeftovers(): boolean {
    return this.#options.dryRun === undefined && hasRecord(this.#options.runDirectory);
  }

  #startCheckers(): void {
    const { runDirectory, dryRun, logDetail } = this.#options;
    this.#checkers = new CheckersChild({ runDirectory, dryRun, logDetail }, this.#config, {
      log: (ident, line) => {
        if (line.level !== 'debug' || logDetail) this.#log.write(ident, line);
      },
      started: (checks) => this.#checkersStarted(checks),
      failed: (exitCode) => this.#finish(exitCode as ExitCode),
      reloaded: () => {
        this.#say(
          'info',
          `reloaded in ${formatDuration(performance.now() - this.#reloadStartedAt)}: ${this.#summary()}`,
        );
        this.#reloadDone();
      },
      reloadRefused: (message) => {
        this.#say('error', `reload refused, the old configuration stays: ${message}`);
        this.#reloadDone();
      },
    });
    this.#checkers.start();
  }

  #checkersStarted(checks: number): void {
    const rehearsal = this.#options.dryRun === undefined ? '' : ' (rehearsal: the kernel is not changed)';
    const time = formatDuration(performance.now() - this.#startedAt);
    this.#say(
      'info',
      `running after ${time}${rehearsal}: ${this.#summary()}, ${count(checks, 'check')} (equal ones run once)`,
    );
    this.#ready();
    if (this.#reload !== 'idle') this.#reloadDone();
  }

  #summary(): string {
    const { virtualServers } = this.#config;
    const realServers = virtualServers.reduce((sum, virtualServer) => sum + virtualServer.realServers.length, 0);
    return `${count(virtualServers.length, 'virtual server')}, ${count(realServers, 'real server')}`;
  }

  /** Signals that come while a reload is under way ask for one more, however many they are. */
  #onReloadSignal(): void {
    if (this.#reload !== 'idle') {
      this.#reload = 'again';
      return;
    }
    this.#reload = 'running';
    this.#reloadStartedAt = performance.now();
    const parsed = loadConfiguration(this.#options.file, this.#options.configId);
    this.#report(parsed);
    const refusal = this.#refusal(parsed);
    if (refusal !== undefined) {
      this.#say('error', `reload refused, the old configuration stays: ${refusal}`);
      this.#reloadDone();
      return;
    }
    this.#config = parsed.config;
    if (this.#checkers === undefined) this.#startCheckers();
    else if (!this.#checkers.reload(this.#config)) {
      this.#say('info', 'the checkers process is not running yet; it will get the new configuration');
      this.#reloadDone();
    }
  }

  /**
   * Why the configuration is not used; undefined when it is.
   * Differs: keepalived runs with what is left of a file with errors; here that takes --lenient.
   */
  #refusal({ diagnostics }: ParsedConf): string | undefined {
    const { file, lenient } = this.#options;
    if (diagnostics.some(({ severity }) => severity === 'fatal')) return `${file} cannot be used`;
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    if (errors === 0 || lenient) return undefined;
    return `${count(errors, 'error')} in ${file}, mend it or run without those statements (--lenient)`;
  }

  #reloadDone(): void {
    const again = this.#reload === 'again';
    this.#reload = 'idle';
    if (again) this.#onReloadSignal();
  }

  async #stop(signal: string): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const { keepTable } = this.#options;
    this.#say('info', `${signal}: stopping${keepTable ? ', the table stays' : ''}`);
    await this.#checkers?.stop(!keepTable, STOP_LIMIT_MS);
    this.#say('info', 'stopped');
    this.#end(exitCodes.success);
  }

  #finish(exitCode: ExitCode): void {
    this.#ended = true;
    this.#say('error', 'not started: nothing was changed');
    this.#end(exitCode);
  }

  #report(parsed: ParsedConf): void {
    if (this.#options.logToConsole) {
      writeStderr(renderAll(parsed));
      return;
    }
    for (const diagnostic of parsed.diagnostics) {
      this.#log.write('ipvigild', { level: levelOf(diagnostic), text: renderDiagnosticLine(diagnostic) });
    }
  }

  #say(level: LogLevel, text: string): void {
    this.#log.write('ipvigild', { level, text });
  }
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

function levelOf({ severity }: Diagnostic): LogLevel {
  if (severity === 'fatal' || severity === 'error') return 'error';
  return severity === 'info' ? 'info' : 'warning';
}
