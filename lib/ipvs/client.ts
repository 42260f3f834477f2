/**
 * The kernel's IPVS table over generic netlink (family "IPVS", linux/ip_vs.h). Reads the whole table, carries out
 * commands, and says in plain words what the kernel's refusals mean. What should be in the table is none of its business
 * (plan.ts), nor is the socket (netlink/transport.ts).
 */
import { formatEndpoint } from '../address/endpoint.ts';
import { IpvigilError } from '../errors.ts';
import {
  type CommandAnswer,
  NetlinkConn,
  type NetlinkConnOptions,
  type NetlinkCounters,
  type NetlinkRequest,
} from '../netlink/conn.ts';
import { decodeFamily, decodeGeneric, encodeGeneric, encodeGetFamily, type GenericFamily } from '../netlink/generic.ts';
import { GENL_HDRLEN } from '../netlink/linux-genetlink.ts';
import { NLMSG_HDRLEN } from '../netlink/linux-netlink.ts';
import type { CommandList, NetlinkMessage } from '../netlink/message.ts';
import type { OpenNetlink } from '../netlink/transport.ts';
import type { AlarmClock } from '../time/clock.ts';
import { IPVS_CMD, IPVS_GENL_NAME, IPVS_GENL_VERSION } from './attributes.ts';
import {
  attributeNameAt,
  decodeDestinationEntry,
  decodeInfo,
  decodeServiceEntry,
  encodeServiceQuery,
  type IpvsInfo,
  type SettingsStatus,
} from './codec.ts';
import { failedCommandError, permissionHint, refusedCommandError } from './command.ts';
import { encodeCommands } from './command-list.ts';
import { type DestinationStatus, type IpvsCommand, type ServiceStatus, serviceKey } from './service.ts';
import type { CommandOutcome, IpvsTable } from './table.ts';

export type IpvsClientOptions = Omit<NetlinkConnOptions, 'clock'>;

/** How often a read goes over services again that our own commands changed meanwhile, before commands wait for it. */
const readRounds = 4;

const noAttributes = new Uint8Array(0);

export class IpvsClient implements IpvsTable {
  readonly #conn: NetlinkConn;
  readonly #family: GenericFamily;
  #others: readonly string[] = [];
  /** The last read that was asked for; the next one waits for it. */
  #lastRead: Promise<unknown> = Promise.resolve();
  /** While a read is in progress: the services that were commanded since it looked at them. */
  #touched: Set<string> | undefined;
  /** The batches whose answers are awaited. */
  readonly #applying = new Set<Promise<unknown>>();
  /** Set while commands have to wait for a read that would else not come to an end. */
  #readEnds: Promise<void> | undefined;

  private constructor(conn: NetlinkConn, family: GenericFamily) {
    this.#conn = conn;
    this.#family = family;
  }

  /**
   * Opens a netlink socket and finds IPVS on it. Rejects with ERR_NO_IPVS when the kernel has none (the module ip_vs is
   * not loaded), with ERR_PERMISSION without CAP_NET_ADMIN, or with the transport's error. The caller closes the client.
   */
  static async open(openNetlink: OpenNetlink, clock: AlarmClock, options: IpvsClientOptions = {}): Promise<IpvsClient> {
    const conn = new NetlinkConn(openNetlink(), { ...options, clock });
    try {
      const client = new IpvsClient(conn, await findFamily(conn));
      // Everybody may ask for the family; only this tells whether we may use it.
      await client.info();
      return client;
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** What happened on the netlink socket so far. */
  get counters(): Readonly<NetlinkCounters> {
    return this.#conn.counters;
  }

  /**
   * The services that the last {@link IpvsClient.read} found and kept out of its result, because nothing here can name
   * them: `firewall mark 5`. They are never touched.
   */
  get others(): readonly string[] {
    return this.#others;
  }

  /** Version of IPVS and size of its connection table. Rejects as {@link NetlinkConn.request} does. */
  async info(): Promise<IpvsInfo> {
    const request = {
      ...this.#message(IPVS_CMD.GET_INFO, noAttributes),
      operation: 'read the version of IPVS',
    };
    try {
      const [info] = await this.#conn.request(request, (message) => decodeInfo(this.#attributes(message)));
      if (info !== undefined) return info;
    } catch (error) {
      throw withPermissionHint(error);
    }
    throw new IpvigilError('ERR_NETLINK_MALFORMED', { operation: request.operation, detail: 'the kernel gave none' });
  }

  /**
   * The whole table. Services come in the kernel's order (that of its hash table), destinations in the order in which
   * they were added (the kernel lists the newest first). One dump for the services and one for the destinations of each:
   * a socket runs one dump at a time. Commands of this client do not wait for a read; a service that they touch
   * meanwhile is read again, so that the result has their effect. Rejects as {@link NetlinkConn.dump} does.
   */
  read(): Promise<readonly ServiceStatus[]> {
    const read = this.#lastRead.then(() => this.#readTable());
    this.#lastRead = read.catch(() => undefined);
    return read;
  }

  async apply(commands: readonly IpvsCommand[]): Promise<readonly CommandOutcome[]> {
    const outcomes: CommandOutcome[] = commands.map((command) => ({ command }));
    const messages = encodeCommands(this.#family.id, commands);
    for (const { place, error } of messages.faults) outcomes[place] = { command: commands[place]!, error };
    while (this.#readEnds !== undefined) await this.#readEnds;
    const batch = this.#conn.batch(messages);
    this.#applying.add(batch);
    let answers: readonly CommandAnswer[];
    try {
      answers = await batch;
    } finally {
      this.#touch(commands);
      this.#applying.delete(batch);
    }
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i]!;
      if (answer.kind === 'accepted') continue;
      const place = messages.places[i]!;
      const command = commands[place]!;
      if (answer.kind === 'refused') {
        const { acknowledgement } = answer;
        const attribute = faultyAttribute(messages, i, acknowledgement.offset);
        outcomes[place] = { command, error: refusedCommandError(command, acknowledgement, attribute) };
      } else {
        outcomes[place] = { command, error: failedCommandError(command, answer.error) };
      }
    }
    return outcomes;
  }

  /** Closes the socket; what is pending rejects with ERR_NETLINK_CLOSED. Idempotent. */
  close(): void {
    this.#conn.close();
  }

  /** Tells a read in progress that it may have seen these services as they were before. */
  #touch(commands: readonly IpvsCommand[]): void {
    if (this.#touched === undefined) return;
    for (const { service } of commands) this.#touched.add(serviceKey(service));
  }

  async #readTable(): Promise<readonly ServiceStatus[]> {
    const touched = new Set<string>();
    this.#touched = touched;
    let release: (() => void) | undefined;
    try {
      const destinations = new Map<string, readonly DestinationStatus[]>();
      for (let round = 1; ; round++) {
        const { services, others } = await this.#readServices();
        const missing = services.filter((service) => !destinations.has(serviceKey(service)));
        const found = await this.#readDestinations(missing);
        for (const [i, service] of missing.entries()) destinations.set(serviceKey(service), found[i]!);
        // Some of these commands may have been carried out behind the back of this round; their end marks them.
        while (this.#applying.size > 0) await Promise.allSettled(this.#applying);
        if (touched.size === 0) {
          this.#others = others;
          return services.map((service) => ({ ...service, destinations: destinations.get(serviceKey(service)) ?? [] }));
        }
        for (const key of touched) destinations.delete(key);
        touched.clear();
        if (round === readRounds) {
          this.#readEnds = new Promise((resolve) => {
            release = resolve;
          });
        }
      }
    } finally {
      this.#touched = undefined;
      this.#readEnds = undefined;
      release?.();
    }
  }

  async #readServices(): Promise<{ services: readonly SettingsStatus[]; others: readonly string[] }> {
    const request = {
      ...this.#message(IPVS_CMD.GET_SERVICE, noAttributes),
      operation: 'read the virtual servers of the IPVS table',
    };
    const others: string[] = [];
    const services = new Map<string, SettingsStatus>();
    const decode = (message: NetlinkMessage) => decodeServiceEntry(this.#attributes(message));
    const [entries = []] = await this.#dumps([request], decode);
    for (const entry of entries) {
      // The kernel resumes a dump by counting; a service added meanwhile makes it give another one twice.
      if (entry.kind === 'service') services.set(serviceKey(entry.service), entry.service);
      else others.push(entry.reason);
    }
    return { services: [...services.values()], others };
  }

  /** For each service its destinations. */
  async #readDestinations(services: readonly SettingsStatus[]): Promise<readonly (readonly DestinationStatus[])[]> {
    const requests = services.map((service) => ({
      ...this.#message(IPVS_CMD.GET_DEST, encodeServiceQuery(service)),
      operation: `read the real servers of virtual server ${serviceKey(service)}`,
    }));
    const tables = await this.#dumps(requests, (message, index) =>
      decodeDestinationEntry(this.#attributes(message), services[index]!),
    );
    return tables.map((destinations) => {
      const found = new Map<string, DestinationStatus>();
      for (const destination of destinations) found.set(formatEndpoint(destination), destination);
      return [...found.values()].reverse();
    });
  }

  async #dumps<T>(
    requests: readonly NetlinkRequest[],
    decode: (message: NetlinkMessage, index: number) => T,
  ): Promise<readonly (readonly T[])[]> {
    try {
      return await this.#conn.dumps(requests, decode);
    } catch (error) {
      throw withPermissionHint(error);
    }
  }

  #message(command: number, attributes: Uint8Array): { readonly type: number; readonly payload: Uint8Array } {
    return { type: this.#family.id, payload: encodeGeneric({ command, version: IPVS_GENL_VERSION, attributes }) };
  }

  #attributes(message: NetlinkMessage): Uint8Array {
    return decodeGeneric(message.payload).attributes;
  }
}

async function findFamily(conn: NetlinkConn): Promise<GenericFamily> {
  const operation = `find the generic netlink family ${JSON.stringify(IPVS_GENL_NAME)}`;
  try {
    const request = { ...encodeGetFamily(IPVS_GENL_NAME), operation };
    const [family] = await conn.request(request, (message) => decodeFamily(message.payload));
    if (family !== undefined) return family;
  } catch (error) {
    if (!(error instanceof IpvigilError) || error.errno?.name !== 'ENOENT') throw withPermissionHint(error);
    throw new IpvigilError('ERR_NO_IPVS', {
      operation,
      errno: error.errno,
      detail: 'this kernel has no IPVS at the moment',
      hint: 'load the ip_vs module (modprobe ip_vs)',
      cause: error,
    });
  }
  throw new IpvigilError('ERR_NETLINK_MALFORMED', { operation, detail: 'the kernel gave no family' });
}

/** The attribute of message `index` that the kernel finds fault with; it counts the offset from the message's header. */
function faultyAttribute({ bytes, ends }: CommandList, index: number, offset: number | undefined): string | undefined {
  if (offset === undefined) return undefined;
  const start = (index === 0 ? 0 : ends[index - 1]!) + NLMSG_HDRLEN + GENL_HDRLEN;
  return attributeNameAt(bytes.subarray(start, ends[index]), offset - NLMSG_HDRLEN - GENL_HDRLEN);
}

/** Adds the way out to an ERR_PERMISSION; any other error stays as it is. */
function withPermissionHint(error: unknown): unknown {
  if (!(error instanceof IpvigilError) || error.code !== 'ERR_PERMISSION' || error.hint !== undefined) return error;
  const { operation, subject, errno, detail } = error;
  return new IpvigilError('ERR_PERMISSION', { operation, subject, errno, detail, hint: permissionHint, cause: error });
}
