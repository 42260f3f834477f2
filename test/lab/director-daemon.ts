/** Starts the program under test on the director of a made network: ipvigild, or keepalived to compare with. */
import * as fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host, HostProcess } from './topology.ts';

export type DaemonKind = 'ipvigild' | 'keepalived';

export interface DaemonOptions {
  readonly kind: DaemonKind;
  /** The configuration, as a path that the machine can read. */
  readonly configuration: string;
  /** Where run-time files go; an empty folder of this run. */
  readonly scratch: string;
}

/** The command line, without the program that enters the host. */
export function daemonCommand({ kind, configuration, scratch }: DaemonOptions): string[] {
  switch (kind) {
    case 'ipvigild': {
      const main = fileURLToPath(new URL('../../daemon/main.js', import.meta.url));
      const runDirectory = path.join(scratch, 'ipvigild');
      return [...[process.execPath, main], ...['-f', configuration, '-n', '-l', '-D', '--run-dir', runDirectory]];
    }
    case 'keepalived': {
      // -G keeps it from waiting for a syslog that is not there; the pid files keep it out of the host's /run.
      const pid = (name: string): string => path.join(scratch, `keepalived-${name}.pid`);
      return [
        ...['keepalived', '-f', configuration, '-n', '-l', '-G', '-D', '-C'],
        ...['-p', pid('main'), '-c', pid('checkers')],
      ];
    }
  }
}

/** Starts it in the foreground, its log in the process's `lines`. It is ended with the network. */
export function startDaemon(director: Host, options: DaemonOptions): HostProcess {
  fs.mkdirSync(options.scratch, { recursive: true });
  return director.spawn(daemonCommand(options));
}
