/** Real servers and the client that asks them, for scenarios: each a small node program on a host of the network. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOrder, LoadRecord, LoadReport } from './programs/load.ts';
import type { ServerMode, ServerOrder, ServerReport } from './programs/web-server.ts';
import type { Host, HostProcess } from './topology.ts';

export type { LoadRecord, ServerMode };

export interface WebServerOptions {
  /** Every answer's body; the host's name when not given. */
  readonly body?: string;
  readonly port?: number;
  /** All addresses when not given. */
  readonly address?: string;
}

/** An HTTP server on a host. It can change its behaviour, be killed like a crashed program, and come back. */
export class WebServer {
  readonly host: Host;
  readonly #options: WebServerOptions;
  #process: HostProcess;
  #mode: ServerMode = { kind: 'ok' };

  private constructor(host: Host, options: WebServerOptions, process: HostProcess) {
    this.host = host;
    this.#options = options;
    this.#process = process;
  }

  /** Starts it; when the promise resolves it listens. */
  static async start(host: Host, options: WebServerOptions = {}): Promise<WebServer> {
    return new WebServer(host, options, await WebServer.#launch(host, options));
  }

  static async #launch(host: Host, options: WebServerOptions): Promise<HostProcess> {
    const process = host.node(new URL('programs/web-server.js', import.meta.url), [
      options.body ?? host.name,
      String(options.port ?? 80),
      options.address ?? '',
    ]);
    await answer<ServerReport>(process, (report) => report.event === 'listening');
    return process;
  }

  get process(): HostProcess {
    return this.#process;
  }

  /** Resolves when the server behaves in the new way. */
  async mode(mode: ServerMode): Promise<void> {
    this.#mode = mode;
    await this.#ask({ order: 'mode', mode }, 'mode');
  }

  /** How many requests this process has read, and connections it has accepted, since it started. */
  async served(): Promise<{ readonly requests: number; readonly connections: number }> {
    const report = await this.#ask({ order: 'count' }, 'count');
    return report.event === 'count' ? report : { requests: 0, connections: 0 };
  }

  /** `kill -9`: its connections are reset, the port is closed, the host stays up. */
  async kill(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }

  /** Starts it again, in the mode it had. */
  async restart(): Promise<void> {
    await this.kill();
    this.#process = await WebServer.#launch(this.host, this.#options);
    if (this.#mode.kind !== 'ok') {
      await this.mode(this.#mode);
    }
  }

  async #ask(order: ServerOrder, event: ServerReport['event']): Promise<ServerReport> {
    const reply = answer<ServerReport>(this.#process, (report) => report.event === event);
    this.#process.child.send(order);
    return await reply;
  }
}

export interface LoadOptions {
  readonly address: string;
  readonly port?: number;
  readonly path?: string;
  /** Requests started each second, each on a connection of its own. */
  readonly rate: number;
  /** From the start of the connection to the last byte of the answer. */
  readonly timeoutMs?: number;
  /** Gets each request when it has ended. */
  readonly onRecord?: (record: LoadRecord) => void;
}

/** A client that asks steadily, whatever becomes of its earlier requests. */
export class Load {
  /** Ended requests, in the order of their end. */
  readonly records: LoadRecord[] = [];
  readonly #process: HostProcess;

  private constructor(process: HostProcess, onRecord: ((record: LoadRecord) => void) | undefined) {
    this.#process = process;
    process.child.on('message', (report: LoadReport) => {
      if (report.event === 'ended') {
        for (const record of report.records) {
          this.records.push(record);
          onRecord?.(record);
        }
      }
    });
  }

  /** Starts the client; when the promise resolves it has begun to ask. */
  static async start(host: Host, options: LoadOptions): Promise<Load> {
    const process = host.node(new URL('programs/load.js', import.meta.url));
    await answer<LoadReport>(process, (report) => report.event === 'ready');
    const load = new Load(process, options.onRecord);
    process.child.send({
      address: options.address,
      port: options.port ?? 80,
      path: options.path ?? '/',
      rate: options.rate,
      timeoutMs: options.timeoutMs ?? 1000,
    } satisfies LoadOrder);
    return load;
  }

  /** Starts no more requests, waits for those under way, gives all, in the order of their start. */
  async stop(): Promise<LoadRecord[]> {
    if (this.#process.running) {
      const last = answer<LoadReport>(this.#process, (report) => report.event === 'stopped', 30_000);
      this.#process.child.send('stop');
      await last;
      await this.#process.stop('SIGKILL');
    }
    return [...this.records].sort((a, b) => a.at - b.at);
  }

  /** Resolves when `count` more requests have ended than now. */
  async more(count: number, limitMs = 10_000): Promise<LoadRecord[]> {
    const from = this.records.length;
    const until = performance.now() + limitMs;
    while (this.records.length < from + count) {
      if (performance.now() > until || !this.#process.running) {
        throw new Error(`${this.records.length - from} of ${count} requests ended within ${limitMs} ms`);
      }
      await sleep(5);
    }
    return this.records.slice(from, from + count);
  }
}

/** The first message of a program that `fits`; throws when it ends first or takes longer than `limitMs`. */
export async function answer<Report>(
  process: HostProcess,
  fits: (report: Report) => boolean,
  limitMs = 20_000,
): Promise<Report> {
  return await new Promise<Report>((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      process.child.off('message', listener);
      process.child.off('exit', ended);
      act();
    };
    const listener = (report: Report): void => {
      if (fits(report)) {
        settle(() => resolve(report));
      }
    };
    const fail = (what: string): void =>
      settle(() => reject(new Error(`${process.command}: ${what}\n${process.lines.slice(-20).join('\n')}`)));
    const ended = (): void => fail('ended without an answer');
    const timer = setTimeout(() => fail(`no answer within ${limitMs} ms`), limitMs);
    process.child.on('message', listener);
    process.child.on('exit', ended);
    if (!process.running) {
      ended();
    }
  });
}
