/**
 * A conversation with the kernel over one netlink socket. Knows requests, dumps and batches of commands, matches each
 * answer to its question by sequence number, and knows what to do when answers are lost. It does not know what the
 * messages mean (generic.ts, ipvs/codec.ts) nor how bytes reach the kernel (transport.ts).
 *
 * ```
 *   request(), dump(), batch()          datagram(), failed()
 *        │  encode, register pending         │  decode, look up pending
 *        ▼                                   │
 *   NetlinkTransport.send ───── kernel ──────┘
 * ```
 *
 * What the kernel does, and what follows from it (net/netlink/af_netlink.c):
 * - It carries out the messages of one send in order before sendmsg returns; after a refused one it goes on. A refusal
 *   is always answered, success only where NLM_F_ACK asks for it (netlink_rcv_skb). Each answer is a datagram of its own
 *   and takes one system call to read, so only the last command of a send asks for one. Once that is answered, every
 *   command before it that was not refused was accepted: its refusal would be in the queue already, in front.
 *   (EINTR alone goes unanswered; a command ends with it only when its process is being killed.)
 * - That holds only while nothing gets lost. Three things tell of a loss; each makes the outcome of all commands in
 *   flight unknown, refused ones of which we have read excepted:
 *   - ENOBUFS. When the receive buffer is full, or there is no memory for an answer, it is dropped, and a full buffer
 *     takes no further answers until it has been emptied (NETLINK_S_CONGESTED). The next receive reports the error once,
 *     before it gives any datagram that is queued (__skb_try_recv_datagram), so the last answer never gets past it.
 *     Then fewer commands go into the next send (ERR_NETLINK_OVERRUN), which waits until what is queued has been read.
 *   - A datagram that is malformed, or longer than the buffer: a refusal may have been in it.
 *   - No answer in time, or another error of the socket.
 * - An answer costs 768 bytes in the receive buffer, 1 KiB with a sentence in it. 512 commands, all of them refused, fit
 *   eight times into the 4 MiB that our transport asks for, and just so into the 416 KiB that it gets without NET_ADMIN in
 *   the initial user namespace. Where they do not fit, they overrun once, and the next ones go out in halves.
 * - One send is in flight at a time. That costs nothing: its answers are there when the send returns.
 * - A socket runs one dump at a time (else EBUSY); so dumps wait for each other, while commands do not wait for dumps.
 * - A dump over a table that changes meanwhile is marked NLM_F_DUMP_INTR where the family supports it, and is repeated.
 */
import { describeErrno, errnoNumber, IpvigilError } from '../errors.ts';
import type { Alarm, AlarmClock } from '../time/clock.ts';
import { type Duration, formatDuration, milliseconds } from '../time/duration.ts';
import { viewOf } from './byte-order.ts';
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from './linux-netlink.ts';
import {
  type Acknowledgement,
  type CommandList,
  decodeAcknowledgement,
  decodeMessages,
  encodeMessages,
  type NetlinkMessage,
  stampMessage,
} from './message.ts';
import { refusalError } from './refusal.ts';
import type { NetlinkTransport } from './transport.ts';

/** A question with an answer, and the words for the error when there is none. The connection adds the header. */
export interface NetlinkRequest {
  readonly type: number;
  readonly payload: Uint8Array;
  /** Verb phrase: `read the services of the IPVS table`. */
  readonly operation: string;
}

/** What became of one command of a batch. */
export type CommandAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly acknowledgement: Acknowledgement }
  /** Carried out or not, nobody knows: the answer was lost, late or unreadable, or the send failed. */
  | { readonly kind: 'unknown'; readonly error: IpvigilError };

/** Turns one message of an answer into a value; undefined leaves it out. The bytes are valid only during the call. */
export type DecodeAnswer<T> = (message: NetlinkMessage) => T | undefined;

export interface NetlinkConnOptions {
  readonly clock: AlarmClock;
  /** The longest wait for a request, for one attempt at a dump, and for the outcome of one send. Default 5 s. */
  readonly timeout?: Duration;
  /** The most commands in one send. At least 1, default 512. */
  readonly maxCommandsPerSend?: number;
  /** The most bytes in one send of commands; a longer single command goes alone. Default 65536. */
  readonly maxBytesPerSend?: number;
  /** How often a dump is begun again after an overrun, an interruption or EBUSY. Default 8. */
  readonly maxDumpRestarts?: number;
  /** The sequence number of the first message, 1..4294967295. They are counted up, and begin again at 1. Default 1. */
  readonly firstSequence?: number;
}

/** What happened on the connection since it was opened; for metrics and tests. */
export interface NetlinkCounters {
  sends: number;
  messagesSent: number;
  datagrams: number;
  /** Answers that nobody waited for: late, repeated, or meant for another socket. */
  strays: number;
  /** Datagrams with bytes that are no netlink message. */
  malformed: number;
  /** How often the kernel reported that answers were dropped. */
  overruns: number;
  dumpRestarts: number;
  timeouts: number;
}

/** A batch in progress. */
interface Batch {
  readonly commands: CommandList;
  readonly view: DataView;
  /** A place for each command, filled when its outcome is settled. */
  readonly answers: CommandAnswer[];
  unsettled: number;
  /** The first command that has not left yet. */
  next: number;
  /** Commands that the transport did not take. */
  unsent: number;
  readonly resolve: (answers: readonly CommandAnswer[]) => void;
  readonly reject: (error: IpvigilError) => void;
}

/** Commands `from` to before `to` of a batch. */
interface Part {
  readonly batch: Batch;
  readonly from: number;
  readonly to: number;
}

/** The commands of one send, until the last one is answered. */
interface Flight {
  /** Sequence number of the first command; the others follow without a gap. */
  readonly first: number;
  readonly count: number;
  readonly parts: readonly Part[];
  /** Ends the wait for the outcome. */
  readonly alarm: Alarm;
}

interface PendingRequest {
  readonly kind: 'request';
  readonly request: NetlinkRequest;
  readonly take: (message: NetlinkMessage) => void;
  readonly finish: () => void;
  readonly reject: (error: IpvigilError) => void;
  failure: IpvigilError | undefined;
  alarm: Alarm | undefined;
}

interface PendingDump {
  readonly kind: 'dump';
  readonly request: NetlinkRequest;
  /** Forgets what was taken so far: the dump begins again. */
  readonly begin: () => void;
  readonly take: (message: NetlinkMessage) => void;
  readonly finish: () => void;
  readonly reject: (error: IpvigilError) => void;
  failure: IpvigilError | undefined;
  interrupted: boolean;
  restarts: number;
  /** 0 while the dump waits for its turn or for the next attempt. */
  sequence: number;
  alarm: Alarm | undefined;
}

type Pending = PendingRequest | PendingDump;

/** After EBUSY: the dump that was given up still runs, and ends as its answers are read. */
const busyPauseMs = 10;

/** Overruns halve the number of commands per send, not further than this. */
const leastCommandsPerSend = 8;

export class NetlinkConn {
  readonly counters: NetlinkCounters = {
    sends: 0,
    messagesSent: 0,
    datagrams: 0,
    strays: 0,
    malformed: 0,
    overruns: 0,
    dumpRestarts: 0,
    timeouts: 0,
  };

  readonly #transport: NetlinkTransport;
  readonly #clock: AlarmClock;
  readonly #timeout: Duration;
  readonly #maxBytes: number;
  readonly #maxDumpRestarts: number;
  #maxCommands: number;

  #lastSequence: number;
  /** Requests and dumps that were sent and are not yet answered, by sequence number. */
  readonly #pending = new Map<number, Pending>();
  /** Batches with commands that wait for the ones before them. */
  readonly #queue: Batch[] = [];
  #flight: Flight | undefined;
  /** Armed after an overrun: ends the pause before the next send. */
  #pauseAlarm: Alarm | undefined;
  /** The first one runs, the others wait. */
  readonly #dumps: PendingDump[] = [];
  #closed = false;

  /** Takes over the transport and closes it in {@link NetlinkConn.close}. */
  constructor(transport: NetlinkTransport, options: NetlinkConnOptions) {
    this.#transport = transport;
    this.#clock = options.clock;
    this.#timeout = options.timeout ?? milliseconds(5000);
    this.#maxCommands = Math.max(1, options.maxCommandsPerSend ?? 512);
    this.#maxBytes = options.maxBytesPerSend ?? 65536;
    this.#maxDumpRestarts = options.maxDumpRestarts ?? 8;
    this.#lastSequence = (options.firstSequence ?? 1) - 1;
    transport.receive({
      datagram: (bytes) => this.#datagram(bytes),
      failed: (error) => this.#failed(error),
    });
  }

  /**
   * Asks one question and gives the messages that came before its acknowledgement, decoded; often one, maybe none.
   * Rejects with ERR_NETLINK_REFUSED or ERR_PERMISSION (the kernel said no), _TIMEOUT, _OVERRUN, _MALFORMED, _CLOSED, or
   * what the transport threw.
   */
  request<T>(request: NetlinkRequest, decode: DecodeAnswer<T>): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closedError(request.operation));
        return;
      }
      const values: T[] = [];
      const pending: PendingRequest = {
        kind: 'request',
        request,
        take: (message) => collect(values, decode, message),
        finish: () => resolve(values),
        reject,
        failure: undefined,
        alarm: undefined,
      };
      const sequence = this.#nextSequences(1);
      this.#pending.set(sequence, pending);
      pending.alarm = this.#alarmIn(this.#timeout, () => {
        this.counters.timeouts++;
        this.#endRequest(sequence, pending, this.#timeoutError(request.operation));
      });
      const error = this.#sendOne({ ...request, flags: NLM_F_REQUEST | NLM_F_ACK, sequence, portId: 0 });
      if (error !== undefined) this.#endRequest(sequence, pending, error);
    });
  }

  /**
   * Reads a whole table and gives its messages, decoded, in the kernel's order. Waits for dumps that were asked for
   * before. A dump that lost answers or that the kernel marked as inconsistent is begun again, a bounded number of times.
   * Rejects as {@link NetlinkConn.request} does.
   */
  async dump<T>(request: NetlinkRequest, decode: DecodeAnswer<T>): Promise<readonly T[]> {
    const [values] = await this.dumps([request], decode);
    return values!;
  }

  /**
   * Reads several tables, each as {@link NetlinkConn.dump} does, one after the other. Each request leaves as soon as the
   * dump before it has ended; the first one that fails is the last. `decode` gets the index of the request, too.
   */
  dumps<T>(
    requests: readonly NetlinkRequest[],
    decode: (message: NetlinkMessage, index: number) => T | undefined,
  ): Promise<readonly (readonly T[])[]> {
    return new Promise((resolve, reject) => {
      const tables: T[][] = [];
      const next = (): void => {
        const index = tables.length;
        const request = requests[index];
        if (request === undefined) {
          resolve(tables);
          return;
        }
        if (this.#closed) {
          reject(this.#closedError(request.operation));
          return;
        }
        const values: T[] = [];
        this.#dumps.push({
          kind: 'dump',
          request,
          begin: () => {
            values.length = 0;
          },
          take: (message) => collect(values, (answer) => decode(answer, index), message),
          finish: () => {
            tables.push(values);
            next();
          },
          reject,
          failure: undefined,
          interrupted: false,
          restarts: 0,
          sequence: 0,
          alarm: undefined,
        });
        if (this.#dumps.length === 1) this.#beginDump();
      };
      next();
    });
  }

  /**
   * Sends the commands in order, in as few sends as the limits allow, and gives one answer for each, in their order. The
   * first ones leave before this returns unless earlier commands wait for their answers. A command behind a refused one
   * is carried out all the same. Writes into the bytes of the list, which must stay as they are meanwhile. Rejects with ERR_NETLINK_CLOSED, or with the transport's error when it took nothing.
   */
  batch(commands: CommandList): Promise<readonly CommandAnswer[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closedError('send netlink commands'));
        return;
      }
      const count = commands.ends.length;
      if (count === 0) {
        resolve([]);
        return;
      }
      const answers = new Array<CommandAnswer>(count);
      const view = viewOf(commands.bytes);
      this.#queue.push({ commands, view, answers, unsettled: count, next: 0, unsent: 0, resolve, reject });
      this.#sendCommands();
    });
  }

  /** Closes the transport and rejects what is pending with ERR_NETLINK_CLOSED. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transport.close();
    this.#flight?.alarm.cancel();
    this.#pauseAlarm?.cancel();
    const batches = new Set<Batch>(this.#queue);
    for (const { batch } of this.#flight?.parts ?? []) batches.add(batch);
    for (const pending of this.#pending.values()) {
      if (pending.kind === 'request') {
        pending.alarm?.cancel();
        pending.reject(this.#closedError(pending.request.operation));
      }
    }
    for (const dump of this.#dumps) {
      dump.alarm?.cancel();
      dump.reject(this.#closedError(dump.request.operation));
    }
    for (const batch of batches) batch.reject(this.#closedError('send netlink commands'));
    this.#pending.clear();
    this.#flight = undefined;
    this.#queue.length = 0;
    this.#dumps.length = 0;
  }

  // Commands

  /** Sends what may leave now: nothing while commands are in flight. */
  #sendCommands(): void {
    while (this.#flight === undefined && this.#pauseAlarm === undefined && this.#queue.length > 0) {
      const parts = this.#takeParts();
      const count = parts.reduce((sum, { from, to }) => sum + to - from, 0);
      const first = this.#nextSequences(count);
      let sequence = first;
      for (const { batch, from, to } of parts) {
        for (let i = from; i < to; i++) stampMessage(batch.view, startOf(batch, i), sequence++, NLM_F_REQUEST);
      }
      const last = parts.at(-1)!;
      stampMessage(last.batch.view, startOf(last.batch, last.to - 1), sequence - 1, NLM_F_REQUEST | NLM_F_ACK);
      const alarm = this.#alarmIn(this.#timeout, () => {
        this.counters.timeouts++;
        this.#giveUpCommands(this.#timeoutError('wait for the outcome of netlink commands'), false);
        this.#sendCommands();
      });
      this.#flight = { first, count, parts, alarm };
      const error = this.#send(parts.length === 1 ? bytesOf(last) : concatenate(parts.map(bytesOf)), count);
      if (error !== undefined) this.#giveUpCommands(error, true);
    }
  }

  /** Takes from the queue what fits into one send; at least one command. */
  #takeParts(): readonly Part[] {
    const parts: Part[] = [];
    let count = 0;
    let bytes = 0;
    for (let batch = this.#queue[0]; batch !== undefined && count < this.#maxCommands; batch = this.#queue[0]) {
      const { ends } = batch.commands;
      const from = batch.next;
      const start = startOf(batch, from);
      let to = Math.min(ends.length, from + this.#maxCommands - count);
      while (to > from && bytes + ends[to - 1]! - start > this.#maxBytes) to--;
      if (to === from && count > 0) break;
      to = Math.max(to, from + 1);
      parts.push({ batch, from, to });
      count += to - from;
      bytes += ends[to - 1]! - start;
      batch.next = to;
      if (to < ends.length) break;
      this.#queue.shift();
    }
    return parts;
  }

  /** `at` counts the commands of the flight. */
  #answerCommand(flight: Flight, at: number, message: NetlinkMessage): void {
    const [batch, index] = commandAt(flight, at);
    // A command may have an answer in front of its acknowledgement (NLM_F_ECHO); nobody asked for it.
    if (message.type !== NLMSG_ERROR || batch.answers[index] !== undefined) {
      this.counters.strays++;
      return;
    }
    settle({ batch, from: index, to: index + 1 }, answerOf(message));
    if (at < flight.count - 1) return;
    for (const part of flight.parts) settle(part, accepted);
    flight.alarm.cancel();
    this.#flight = undefined;
    this.#sendCommands();
  }

  /** The outcome of all commands in flight that were not refused is unknown. */
  #giveUpCommands(error: IpvigilError, unsent: boolean): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    this.#flight = undefined;
    flight.alarm.cancel();
    for (const part of flight.parts) {
      if (unsent) part.batch.unsent += part.to - part.from;
      settle(part, { kind: 'unknown', error });
    }
  }

  // Requests

  #answerRequest(sequence: number, pending: PendingRequest, message: NetlinkMessage): void {
    if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
      pending.failure ??= failureOf(() => pending.take(message));
      return;
    }
    const answer = answerOf(message);
    const error =
      answer.kind === 'refused'
        ? refusalError(answer.acknowledgement, { operation: pending.request.operation })
        : answer.kind === 'unknown'
          ? answer.error
          : pending.failure;
    this.#endRequest(sequence, pending, error);
  }

  #endRequest(sequence: number, pending: PendingRequest, error: IpvigilError | undefined): void {
    this.#pending.delete(sequence);
    pending.alarm?.cancel();
    if (error === undefined) pending.finish();
    else pending.reject(error);
  }

  // Dumps

  #beginDump(): void {
    const dump = this.#dumps[0];
    if (dump === undefined) return;
    dump.begin();
    dump.interrupted = false;
    dump.failure = undefined;
    dump.sequence = this.#nextSequences(1);
    this.#pending.set(dump.sequence, dump);
    dump.alarm?.cancel();
    dump.alarm = this.#alarmIn(this.#timeout, () => {
      this.counters.timeouts++;
      this.#endDump(dump, this.#timeoutError(dump.request.operation));
    });
    const { sequence } = dump;
    const error = this.#sendOne({ ...dump.request, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, portId: 0 });
    if (error !== undefined) this.#endDump(dump, error);
  }

  #answerDump(dump: PendingDump, message: NetlinkMessage): void {
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) dump.interrupted = true;
    if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
      dump.failure ??= failureOf(() => dump.take(message));
      return;
    }
    const answer = answerOf(message);
    if (answer.kind === 'unknown') this.#endDump(dump, answer.error);
    else if (answer.kind === 'refused') this.#refuseDump(dump, answer.acknowledgement);
    else if (dump.interrupted) {
      const errno = describeErrno(errnoNumber('EINTR'));
      const detail = 'the table changed during each attempt';
      const { operation } = dump.request;
      this.#repeatDump(dump, 0, new IpvigilError('ERR_NETLINK_REFUSED', { operation, errno, detail }));
    } else this.#endDump(dump, dump.failure);
  }

  #refuseDump(dump: PendingDump, acknowledgement: Acknowledgement): void {
    const error = refusalError(acknowledgement, { operation: dump.request.operation });
    if (error.errno?.name === 'EBUSY') this.#repeatDump(dump, busyPauseMs, error);
    else this.#endDump(dump, error);
  }

  /** Begins the running dump again after `pauseMs`; ends it with `error` when that was tried often enough. */
  #repeatDump(dump: PendingDump, pauseMs: number, error: IpvigilError): void {
    if (dump.restarts >= this.#maxDumpRestarts) {
      this.#endDump(dump, error);
      return;
    }
    dump.restarts++;
    this.counters.dumpRestarts++;
    this.#pending.delete(dump.sequence);
    if (pauseMs === 0) {
      this.#beginDump();
      return;
    }
    dump.alarm?.cancel();
    dump.alarm = this.#alarmIn(milliseconds(pauseMs), () => this.#beginDump());
  }

  #endDump(dump: PendingDump, error: IpvigilError | undefined): void {
    this.#pending.delete(dump.sequence);
    dump.alarm?.cancel();
    this.#dumps.shift();
    const next = this.#dumps[0];
    // May add a dump, which begins by itself when no other one waits.
    if (error === undefined) dump.finish();
    else dump.reject(error);
    if (next !== undefined) this.#beginDump();
  }

  // The receiving side

  #datagram(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.counters.datagrams++;
    try {
      for (const message of decodeMessages(bytes)) {
        this.#dispatch(message);
        if (this.#closed) return;
      }
    } catch (error) {
      if (!(error instanceof IpvigilError)) throw error;
      // Whose answer it was cannot be told: a request or a dump runs into the time limit, but a lost refusal would be
      // taken for success.
      this.counters.malformed++;
      this.#giveUpCommands(error, false);
      this.#sendCommands();
    }
  }

  #dispatch(message: NetlinkMessage): void {
    if (message.type === NLMSG_NOOP) return;
    if (message.type === NLMSG_OVERRUN) {
      this.#overrun(new IpvigilError('ERR_NETLINK_OVERRUN', { operation: 'receive netlink answers' }));
      return;
    }
    if (message.portId !== this.#transport.portId) {
      this.counters.strays++;
      return;
    }
    const flight = this.#flight;
    const at = flight === undefined ? -1 : message.sequence - flight.first;
    if (flight !== undefined && at >= 0 && at < flight.count) {
      this.#answerCommand(flight, at, message);
      return;
    }
    const pending = this.#pending.get(message.sequence);
    if (pending === undefined) this.counters.strays++;
    else if (pending.kind === 'request') this.#answerRequest(message.sequence, pending, message);
    else this.#answerDump(pending, message);
  }

  #failed(error: IpvigilError): void {
    if (this.#closed) return;
    if (error.code === 'ERR_NETLINK_OVERRUN') {
      this.#overrun(error);
      return;
    }
    // Nothing is known about the socket any more, but the next send will tell.
    this.#giveUpCommands(error, false);
    this.#rejectRequests(error);
    const dump = this.#dumps[0];
    if (dump !== undefined) this.#endDump(dump, error);
    this.#sendCommands();
  }

  #overrun(error: IpvigilError): void {
    this.counters.overruns++;
    if (this.#flight !== undefined)
      this.#maxCommands = Math.max(Math.min(leastCommandsPerSend, this.#maxCommands), this.#maxCommands >> 1);
    this.#giveUpCommands(error, false);
    this.#rejectRequests(error);
    // The kernel goes on dropping until the buffer is empty: first let the transport read what is there.
    this.#pauseAlarm?.cancel();
    this.#pauseAlarm = this.#alarmIn(milliseconds(0), () => {
      this.#pauseAlarm = undefined;
      this.#sendCommands();
    });
    const dump = this.#dumps[0];
    // A dump that waits for its next attempt has nothing to lose.
    if (dump !== undefined && this.#pending.get(dump.sequence) === dump) this.#repeatDump(dump, busyPauseMs, error);
  }

  #rejectRequests(error: IpvigilError): void {
    for (const [sequence, pending] of this.#pending) {
      if (pending.kind === 'request') this.#endRequest(sequence, pending, error);
    }
  }

  // Small parts

  #send(bytes: Uint8Array, messages: number): IpvigilError | undefined {
    this.counters.sends++;
    this.counters.messagesSent += messages;
    return failureOf(() => this.#transport.send(bytes));
  }

  #sendOne(message: NetlinkMessage): IpvigilError | undefined {
    return this.#send(encodeMessages([message]), 1);
  }

  /**
   * The first of `count` sequence numbers in a row. Never 0, which is that of notifications, and none that still waits
   * for its answer.
   */
  #nextSequences(count: number): number {
    let first = this.#lastSequence + 1;
    for (;;) {
      if (first + count - 1 > 0xffffffff) first = 1;
      const taken = this.#lastWaitingFrom(first, first + count - 1);
      if (taken === undefined) break;
      first = taken + 1;
    }
    this.#lastSequence = first + count - 1;
    return first;
  }

  /** The highest sequence number within `first..last` that waits for its answer. */
  #lastWaitingFrom(first: number, last: number): number | undefined {
    let taken: number | undefined;
    for (const sequence of this.#pending.keys()) {
      if (sequence >= first && sequence <= last && sequence > (taken ?? 0)) taken = sequence;
    }
    if (this.#flight === undefined) return taken;
    const lastInFlight = this.#flight.first + this.#flight.count - 1;
    return this.#flight.first <= last && lastInFlight >= first ? Math.max(taken ?? 0, lastInFlight) : taken;
  }

  #alarmIn(duration: Duration, ring: () => void): Alarm {
    return this.#clock.alarmAt(this.#clock.now() + duration, ring);
  }

  #timeoutError(operation: string): IpvigilError {
    const detail = `no answer within ${formatDuration(this.#timeout)}`;
    return new IpvigilError('ERR_NETLINK_TIMEOUT', { operation, detail });
  }

  #closedError(operation: string): IpvigilError {
    return new IpvigilError('ERR_NETLINK_CLOSED', { operation, detail: 'the netlink connection is closed' });
  }
}

function collect<T>(values: T[], decode: DecodeAnswer<T>, message: NetlinkMessage): void {
  const value = decode(message);
  if (value !== undefined) values.push(value);
}

/** Runs `attempt` and gives the IpvigilError that it threw; anything else is our bug and is thrown on. */
function failureOf(attempt: () => void): IpvigilError | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (error instanceof IpvigilError) return error;
    throw error;
  }
}

/** Reads an acknowledgement; one that cannot be read leaves the outcome unknown. */
function answerOf(message: NetlinkMessage): CommandAnswer {
  try {
    const acknowledgement = decodeAcknowledgement(message);
    return acknowledgement.errno === 0 ? accepted : { kind: 'refused', acknowledgement };
  } catch (error) {
    if (error instanceof IpvigilError) return { kind: 'unknown', error };
    throw error;
  }
}

const accepted: CommandAnswer = { kind: 'accepted' };

/** Where the command's message begins. */
function startOf({ commands: { ends } }: Batch, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!;
}

function bytesOf({ batch, from, to }: Part): Uint8Array {
  return batch.commands.bytes.subarray(startOf(batch, from), batch.commands.ends[to - 1]);
}

function concatenate(arrays: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(arrays.reduce((length, array) => length + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    all.set(array, offset);
    offset += array.length;
  }
  return all;
}

function commandAt({ parts }: Flight, at: number): readonly [Batch, number] {
  let left = at;
  for (const { batch, from, to } of parts) {
    if (left < to - from) return [batch, from + left];
    left -= to - from;
  }
  throw new RangeError(`no command ${at} is in flight`);
}

/** Gives all commands of the part that have no answer yet this one. */
function settle({ batch, from, to }: Part, answer: CommandAnswer): void {
  const { answers } = batch;
  for (let i = from; i < to; i++) {
    if (answers[i] !== undefined) continue;
    answers[i] = answer;
    batch.unsettled--;
  }
  if (batch.unsettled > 0) return;
  if (batch.unsent === answers.length && answer.kind === 'unknown') batch.reject(answer.error);
  else batch.resolve(answers);
}
