/** Says when services and destinations appeared, vanished or changed weight in a host's IPVS table. */
import type { SeenChange } from './ipvs-proc.ts';
import type { WatchReport } from './programs/ipvs-watch.ts';
import { answer } from './servers.ts';
import type { Host, HostProcess } from './topology.ts';

export type { SeenChange };

export class IpvsWatch {
  /** In the order seen. What is in the table at the start counts as added then. */
  readonly changes: SeenChange[] = [];
  readonly #process: HostProcess;
  readonly #listeners = new Set<() => void>();

  private constructor(process: HostProcess, onChange: ((change: SeenChange) => void) | undefined) {
    this.#process = process;
    process.child.on('message', (report: WatchReport) => {
      if (report.event === 'changed') {
        for (const change of report.changes) {
          this.changes.push(change);
          onChange?.(change);
        }
        for (const listener of this.#listeners) {
          listener();
        }
      }
    });
  }

  /** Starts looking, every 3 ms when not told otherwise. */
  static async start(
    host: Host,
    options: { readonly intervalMs?: number; readonly onChange?: (change: SeenChange) => void } = {},
  ): Promise<IpvsWatch> {
    const process = host.node(new URL('programs/ipvs-watch.js', import.meta.url), [String(options.intervalMs ?? 3)]);
    const watching = answer<WatchReport>(process, (report) => report.event === 'watching');
    const watch = new IpvsWatch(process, options.onChange);
    await watching;
    return watch;
  }

  /** The first change at or after `since` (monotonic milliseconds) that fits, seen already or to come. */
  async change(fits: (change: SeenChange) => boolean, limitMs: number, since = 0): Promise<SeenChange> {
    const find = (): SeenChange | undefined => this.changes.find((change) => change.at >= since && fits(change));
    return await new Promise((resolve, reject) => {
      const done = (act: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        act();
      };
      const look = (): void => {
        const found = find();
        if (found !== undefined) {
          done(() => resolve(found));
        }
      };
      const timer = setTimeout(() => {
        const seen = this.changes.map((change) => JSON.stringify(change)).join('\n');
        done(() =>
          reject(new Error(`the IPVS table did not change as expected within ${limitMs} ms; it did:\n${seen}`)),
        );
      }, limitMs);
      this.#listeners.add(look);
      look();
    });
  }

  async stop(): Promise<readonly SeenChange[]> {
    await this.#process.stop('SIGKILL');
    return this.changes;
  }
}
