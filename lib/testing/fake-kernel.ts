/**
 * A kernel's IPVS as seen through netlink, in memory: takes the bytes that a client sends, keeps a table, and answers
 * with the bytes that Linux would send, later, in several datagrams. Faults are switched on by setting properties. The
 * rules of the table are those of ipvs/apply.ts; one contract suite runs against this, MemoryTable and real kernels.
 */
import { describeErrno, errnoNumber, IpvigilError } from '../errors.ts';
import { applyCommand, refusalOf, type TableMap, tableMap } from '../ipvs/apply.ts';
import { IPVS_CMD, IPVS_GENL_NAME, IPVS_GENL_VERSION } from '../ipvs/attributes.ts';
import {
  decodeCommand,
  decodeServiceQuery,
  encodeDestinationEntry,
  encodeInfo,
  encodeServiceEntry,
} from '../ipvs/codec.ts';
import { type IpvsCommand, type ServiceStatus, serviceKey } from '../ipvs/service.ts';
import { AttributeWriter, attributesByType, readString } from '../netlink/attribute.ts';
import { hostIsLittleEndian, viewOf } from '../netlink/byte-order.ts';
import { decodeGeneric, encodeGeneric } from '../netlink/generic.ts';
import {
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_HDRSIZE,
  CTRL_ATTR_MAXATTR,
  CTRL_ATTR_VERSION,
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  GENL_ID_CTRL,
} from '../netlink/linux-genetlink.ts';
import {
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSGERR_ATTR_MSG,
  NLMSGERR_ATTR_OFFS,
} from '../netlink/linux-netlink.ts';
import { decodeMessages, encodeMessages, type NetlinkMessage } from '../netlink/message.ts';
import type { NetlinkReceiver, NetlinkTransport, OpenNetlink } from '../netlink/transport.ts';

/** `EEXIST`, `EPERM` and so on. */
export type ErrnoName = Parameters<typeof errnoNumber>[0];

/** A refusal that a test wants, with the extended acknowledgement that shall come along. */
export interface WantedRefusal {
  readonly errno: ErrnoName;
  readonly text?: string;
  readonly offset?: number;
}

export interface FakeKernelOptions {
  /** The table to begin with. Default empty. */
  readonly services?: readonly ServiceStatus[];
  /** Attributes of further services in dumps (IPVS_CMD_ATTR_SERVICE), for kinds that the model does not know. */
  readonly otherServices?: readonly Uint8Array[];
  /** How many answers a socket's receive buffer holds; what does not fit is lost, as in Linux. Default 160. */
  readonly receiveBuffer?: number;
  /** The most bytes of one datagram of a dump; one entry always fits. Default 4096. */
  readonly dumpDatagramBytes?: number;
}

/** A command as the fake kernel got it, and what it said. */
export interface RecordedCommand {
  readonly command: IpvsCommand;
  /** Absent when it was carried out. */
  readonly errno?: ErrnoName;
}

const familyId = 0x1c;

/**
 * ```
 * const kernel = new FakeKernel();
 * const client = await IpvsClient.open(kernel.open, clock);
 * ```
 */
export class FakeKernel {
  /** Opens another socket. */
  readonly open: OpenNetlink = () => {
    const socket = new FakeSocket(this, this.#inside, this.#nextPortId++);
    this.#sockets.add(socket);
    return socket;
  };

  /** Every command that arrived, in order. Tests may empty it. */
  readonly commands: RecordedCommand[] = [];
  readonly counters = { sends: 0, messages: 0, dumps: 0, lostAnswers: 0 };

  /** False: the family lookup is answered with ENOENT. */
  hasIpvs = true;
  /** True: everything in IPVS is answered with EPERM. */
  denied = false;
  /** Refuses commands beyond the kernel's own rules. Counts from 0 over all commands. */
  refuse: ((command: IpvsCommand, index: number) => WantedRefusal | undefined) | undefined;
  /** After this many more answers the next ones are lost and ENOBUFS is reported. */
  answersUntilOverrun: number | undefined;
  /** So many dumps are marked as inconsistent (NLM_F_DUMP_INTR). */
  interruptedDumps = 0;
  /** So many dumps end with this errno in their NLMSG_DONE. */
  failedDumps: { count: number; readonly errno: ErrnoName } | undefined;
  /** Makes send() throw. */
  sendError: IpvigilError | undefined;
  /** False: refusals repeat the whole request (a socket without NETLINK_CAP_ACK). */
  capsAcknowledgements = true;

  readonly #table: TableMap;
  readonly #others: readonly Uint8Array[];
  readonly #sockets = new Set<FakeSocket>();
  readonly receiveBuffer: number;
  readonly dumpDatagramBytes: number;
  #nextPortId = 4711;
  #commandIndex = 0;
  #held = false;
  /** What sockets need and tests do not. */
  readonly #inside: Inside = {
    isHeld: () => this.#held,
    handle: (socket, message) => this.#handle(socket, message),
    dumpEntries: (request) => this.#dumpEntries(request),
    forget: (socket) => this.#sockets.delete(socket),
  };

  constructor(options: FakeKernelOptions = {}) {
    this.#table = tableMap(options.services ?? []);
    this.#others = options.otherServices ?? [];
    this.receiveBuffer = options.receiveBuffer ?? 160;
    this.dumpDatagramBytes = options.dumpDatagramBytes ?? 4096;
  }

  /** The table as it is, in the order in which the services were added. */
  get services(): readonly ServiceStatus[] {
    return [...this.#table.values()];
  }

  /** Changes the table behind the clients' back, as another program would. Throws when the kernel would refuse it. */
  change(command: IpvsCommand): void {
    const refusal = refusalOf(this.#table, command);
    if (refusal !== undefined) throw new RangeError(`the fake kernel refuses ${command.kind}: ${refusal}`);
    applyCommand(this.#table, command);
  }

  /** Sockets that are not closed. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Delivers no answers until {@link FakeKernel.release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const socket of this.#sockets) socket.deliverSoon();
  }

  /** Delivers a datagram to every open socket, as it is. */
  inject(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.enqueue(bytes);
  }

  #handle(socket: FakeSocket, message: NetlinkMessage): void {
    this.counters.messages++;
    try {
      if (message.type === GENL_ID_CTRL) this.#controller(socket, message);
      else if (message.type === familyId && this.hasIpvs) this.#ipvs(socket, message);
      else socket.acknowledge(message, { errno: 'ENOENT' });
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      socket.acknowledge(message, { errno: 'EINVAL', text: error.message });
    }
  }

  #dumpEntries(request: NetlinkMessage): readonly Uint8Array[] {
    const { command, attributes } = decodeGeneric(request.payload);
    if (command === IPVS_CMD.GET_SERVICE) {
      const services = [...this.#table.values()].reverse().map((service) => encodeServiceEntry(service));
      return [...services, ...this.#others].map((entry) => ipvsMessage(IPVS_CMD.NEW_SERVICE, entry));
    }
    const query = decodeServiceQuery(attributes);
    const service = query === undefined ? undefined : this.#table.get(serviceKey(query));
    // The newest destination stands first in the kernel's list. A service that is not there has an empty dump.
    return (service?.destinations.toReversed() ?? []).map((destination) =>
      ipvsMessage(IPVS_CMD.NEW_DEST, encodeDestinationEntry(destination)),
    );
  }

  #controller(socket: FakeSocket, message: NetlinkMessage): void {
    const { command, attributes } = decodeGeneric(message.payload);
    const name = attributesByType(attributes, 'controller request').get(CTRL_ATTR_FAMILY_NAME);
    if (command !== CTRL_CMD_GETFAMILY || name === undefined) socket.acknowledge(message, { errno: 'EINVAL' });
    else if (readString(name) !== IPVS_GENL_NAME || !this.hasIpvs) socket.acknowledge(message, { errno: 'ENOENT' });
    else {
      const family = new AttributeWriter()
        .string(CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME)
        .u16(CTRL_ATTR_FAMILY_ID, familyId)
        .u32(CTRL_ATTR_VERSION, IPVS_GENL_VERSION)
        .u32(CTRL_ATTR_HDRSIZE, 0)
        .u32(CTRL_ATTR_MAXATTR, 6)
        .finish();
      const payload = encodeGeneric({ command: CTRL_CMD_NEWFAMILY, version: 2, attributes: family });
      socket.answer({ ...message, flags: 0, payload });
      socket.acknowledge(message);
    }
  }

  #ipvs(socket: FakeSocket, message: NetlinkMessage): void {
    if (this.denied) {
      socket.acknowledge(message, { errno: 'EPERM' });
      return;
    }
    const { command, attributes } = decodeGeneric(message.payload);
    if ((message.flags & NLM_F_DUMP) === NLM_F_DUMP) {
      if (command !== IPVS_CMD.GET_SERVICE && command !== IPVS_CMD.GET_DEST) {
        socket.acknowledge(message, { errno: 'EOPNOTSUPP' });
      } else socket.startDump(message);
    } else if (command === IPVS_CMD.GET_INFO) {
      const info = encodeInfo({ version: '1.2.1', connectionTableSize: 4096 });
      socket.answer({ ...message, flags: 0, payload: ipvsMessage(IPVS_CMD.SET_INFO, info) });
      socket.acknowledge(message);
    } else socket.acknowledge(message, this.#change(command, attributes));
  }

  #change(number: number, attributes: Uint8Array): WantedRefusal | undefined {
    let command: IpvsCommand | undefined;
    try {
      command = decodeCommand(number, attributes);
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
    }
    if (command === undefined) return { errno: 'EINVAL' };
    const wanted = this.refuse?.(command, this.#commandIndex++);
    const rule = wanted === undefined ? refusalOf(this.#table, command) : undefined;
    const refusal = wanted ?? (rule === undefined ? undefined : { errno: rule });
    this.commands.push(refusal === undefined ? { command } : { command, errno: refusal.errno });
    if (refusal === undefined) applyCommand(this.#table, command);
    return refusal;
  }
}

/** The fake kernel from the inside. */
interface Inside {
  isHeld(): boolean;
  /** Carries out one message and leaves its answers in the socket's buffer. */
  handle(socket: FakeSocket, message: NetlinkMessage): void;
  /** The payloads of a dump, computed anew for each datagram, as the kernel walks its lists anew. */
  dumpEntries(request: NetlinkMessage): readonly Uint8Array[];
  forget(socket: FakeSocket): void;
}

/** One socket on the fake kernel: its receive buffer and the dump that it runs. */
class FakeSocket implements NetlinkTransport {
  readonly portId: number;
  readonly #kernel: FakeKernel;
  readonly #inside: Inside;
  #receiver: NetlinkReceiver | undefined;
  /** Datagrams that wait to be read. */
  readonly #buffer: Uint8Array[] = [];
  /** Answers are dropped until the buffer has been emptied. */
  #congested = false;
  #overrun = false;
  #dump: { readonly message: NetlinkMessage; given: number } | undefined;
  #scheduled = false;
  #closed = false;

  constructor(kernel: FakeKernel, inside: Inside, portId: number) {
    this.#kernel = kernel;
    this.#inside = inside;
    this.portId = portId;
  }

  receive(receiver: NetlinkReceiver): void {
    this.#receiver = receiver;
  }

  send(messages: Uint8Array): void {
    if (this.#closed) throw new IpvigilError('ERR_NETLINK_CLOSED', { operation: 'send netlink messages' });
    if (this.#kernel.sendError !== undefined) throw this.#kernel.sendError;
    this.#kernel.counters.sends++;
    for (const message of decodeMessages(messages)) this.#inside.handle(this, message);
  }

  close(): void {
    this.#closed = true;
    this.#inside.forget(this);
  }

  /** Puts one message into the receive buffer. */
  answer(message: NetlinkMessage): void {
    const { answersUntilOverrun } = this.#kernel;
    if (answersUntilOverrun === 0) {
      this.#congested = true;
      this.#kernel.answersUntilOverrun = undefined;
    } else if (answersUntilOverrun !== undefined) this.#kernel.answersUntilOverrun = answersUntilOverrun - 1;
    if (this.#buffer.length >= this.#kernel.receiveBuffer) this.#congested = true;
    if (this.#congested) {
      this.#kernel.counters.lostAnswers++;
      this.#overrun = true;
      this.deliverSoon();
    } else this.enqueue(encodeMessages([{ ...message, portId: this.portId }]));
  }

  /** NLMSG_ERROR, for success when the request asked for it, for a refusal always. */
  acknowledge(message: NetlinkMessage, refusal?: WantedRefusal): void {
    if (refusal === undefined && (message.flags & NLM_F_ACK) === 0) return;
    const request = encodeMessages([message]);
    const repeated = refusal === undefined || this.#kernel.capsAcknowledgements ? NLMSG_HDRLEN : request.length;
    const extended = extendedAck(refusal);
    const payload = new Uint8Array(4 + repeated + extended.length);
    viewOf(payload).setInt32(0, refusal === undefined ? 0 : -errnoNumber(refusal.errno), hostIsLittleEndian);
    payload.set(request.subarray(0, repeated), 4);
    payload.set(extended, 4 + repeated);
    const flags = (repeated === NLMSG_HDRLEN ? NLM_F_CAPPED : 0) | (extended.length > 0 ? NLM_F_ACK_TLVS : 0);
    this.answer({ ...message, type: NLMSG_ERROR, flags, payload });
  }

  startDump(message: NetlinkMessage): void {
    if (this.#dump !== undefined) {
      this.acknowledge(message, { errno: 'EBUSY' });
      return;
    }
    this.#kernel.counters.dumps++;
    this.#dump = { message: { ...message, payload: message.payload.slice() }, given: 0 };
    this.deliverSoon();
  }

  enqueue(datagram: Uint8Array): void {
    this.#buffer.push(datagram);
    this.deliverSoon();
  }

  deliverSoon(): void {
    if (this.#scheduled || this.#inside.isHeld() || this.#closed) return;
    if (!this.#overrun && this.#buffer.length === 0 && this.#dump === undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#closed || this.#inside.isHeld()) return;
      this.#deliverOne();
      this.deliverSoon();
    });
  }

  /** What one recvmsg would give: the error first, then what is queued, then the next part of a dump. */
  #deliverOne(): void {
    if (this.#overrun) {
      this.#overrun = false;
      if (this.#buffer.length === 0) this.#congested = false;
      const errno = describeErrno(errnoNumber('ENOBUFS'));
      this.#receiver?.failed(new IpvigilError('ERR_NETLINK_OVERRUN', { operation: 'receive netlink answers', errno }));
      return;
    }
    const datagram = this.#buffer.shift() ?? this.#dumpPart();
    if (this.#buffer.length === 0) this.#congested = false;
    // A copy that is spoilt afterwards: whoever keeps a view of it finds out.
    const bytes = datagram.slice();
    this.#receiver?.datagram(bytes);
    bytes.fill(0xee);
  }

  #dumpPart(): Uint8Array {
    const dump = this.#dump!;
    const { message } = dump;
    const entries = this.#inside.dumpEntries(message).slice(dump.given);
    const part: NetlinkMessage[] = [];
    let bytes = 0;
    for (const payload of entries) {
      bytes += NLMSG_HDRLEN + payload.length;
      if (part.length > 0 && bytes > this.#kernel.dumpDatagramBytes) break;
      part.push({ ...message, flags: NLM_F_MULTI, portId: this.portId, payload });
    }
    if (part.length > 0) {
      dump.given += part.length;
      return encodeMessages(part);
    }
    this.#dump = undefined;
    return encodeMessages([this.#doneOf(message)]);
  }

  #doneOf(message: NetlinkMessage): NetlinkMessage {
    const kernel = this.#kernel;
    const payload = new Uint8Array(4);
    let flags = NLM_F_MULTI;
    if (kernel.interruptedDumps > 0) {
      kernel.interruptedDumps--;
      flags |= NLM_F_DUMP_INTR;
    }
    if (kernel.failedDumps !== undefined && kernel.failedDumps.count > 0) {
      kernel.failedDumps.count--;
      viewOf(payload).setInt32(0, -errnoNumber(kernel.failedDumps.errno), hostIsLittleEndian);
    }
    return { ...message, type: NLMSG_DONE, flags, portId: this.portId, payload };
  }
}

function ipvsMessage(command: number, attributes: Uint8Array): Uint8Array {
  return encodeGeneric({ command, version: IPVS_GENL_VERSION, attributes });
}

function extendedAck(refusal: WantedRefusal | undefined): Uint8Array {
  const writer = new AttributeWriter();
  if (refusal?.text !== undefined) writer.string(NLMSGERR_ATTR_MSG, refusal.text);
  if (refusal?.offset !== undefined) writer.u32(NLMSGERR_ATTR_OFFS, refusal.offset);
  return writer.finish();
}
