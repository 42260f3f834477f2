/** Counts the IPVS commands that programs on a host send to the kernel, without touching these programs. */
import * as fs from 'node:fs';
import path from 'node:path';
import { type CapturedMessage, countIpvsCommands, genericMessages } from './netlink-capture.ts';
import type { Host, HostProcess } from './topology.ts';

export interface CountedCommands {
  /** By name without prefix: `NEW_DEST`, `GET_SERVICE`, ... */
  readonly commands: Readonly<Record<string, number>>;
  /** The commands that change the table, together; flushing and zeroing count as one each. */
  readonly writes: number;
  readonly messages: readonly CapturedMessage[];
}

const reading = new Set(['GET_SERVICE', 'GET_DEST', 'GET_DAEMON', 'GET_CONFIG', 'GET_INFO']);
const device = 'nlmon0';

/** A capture in progress on an nlmon device, which sees every netlink message of its network name space. */
export class NetlinkMonitor {
  readonly #host: Host;
  readonly #file: string;
  readonly #tcpdump: HostProcess;

  private constructor(host: Host, file: string, tcpdump: HostProcess) {
    this.#host = host;
    this.#file = file;
    this.#tcpdump = tcpdump;
  }

  /** Starts capturing into a file of `folder`; when the promise resolves nothing is missed any more. */
  static async start(host: Host, folder: string): Promise<NetlinkMonitor> {
    await host.exec(['ip', 'link', 'add', device, 'type', 'nlmon']);
    await host.exec(['ip', 'link', 'set', device, 'up']);
    const file = path.join(folder, `netlink-${host.name}.pcap`);
    const tcpdump = host.spawn([
      ...['tcpdump', '--immediate-mode', '-U', '-n', '-s', '0', '-B', '16384', '-Z', 'root'],
      ...['-i', device, '-w', file],
    ]);
    await tcpdump.line(/listening on/);
    return new NetlinkMonitor(host, file, tcpdump);
  }

  /** Ends the capture and counts. Throws when the capture itself lost packets. */
  async stop(): Promise<CountedCommands> {
    const family = await this.#family();
    await this.#tcpdump.stop('SIGINT', 5000);
    await this.#host.exec(['ip', 'link', 'del', device]);
    const dropped = this.#tcpdump.lines.find((line) => /^[1-9]\d* packets? dropped by kernel/.test(line));
    if (dropped !== undefined) {
      throw new Error(`the netlink capture is incomplete: ${dropped}`);
    }
    const messages = genericMessages(fs.readFileSync(this.#file)).filter((each) => each.type === family);
    fs.rmSync(this.#file);
    const commands = countIpvsCommands(messages, family);
    const writes = Object.entries(commands).reduce((sum, [name, count]) => sum + (reading.has(name) ? 0 : count), 0);
    return { commands, writes, messages };
  }

  /** The number the kernel gave the IPVS family; the `genl` program is part of iproute2. */
  async #family(): Promise<number> {
    const { stdout } = await this.#host.exec(['genl', 'ctrl', 'get', 'name', 'IPVS']);
    const id = /ID: (0x[0-9a-f]+)/i.exec(stdout)?.[1];
    if (id === undefined) {
      throw new Error(`genl ctrl get name IPVS answered: ${stdout.trim()}`);
    }
    return Number(id);
  }
}
