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
 * - It carries out the messages of one send in order before sendmsg returns; after a refused one it goes on. Each
 *   message with NLM_F_ACK leaves one acknowledgement in our receive buffer, which costs there roughly 1 KiB. With the
 *   default buffer of 208 KiB about 160 fit, so at most 128 commands are outstanding, and the next ones leave when all of
 *   these are answered. That costs nothing: the answers are there when the send returns.
 * - When the receive buffer is full, answers are dropped, and go on being dropped until it has been emptied. Reading then
 *   reports ENOBUFS once. The commands were carried out or refused; which, nobody knows. So their outcome is reported as
 *   unknown (ERR_NETLINK_OVERRUN), fewer go into the next send, and it leaves only after what is queued has been read.
 * - A socket runs one dump at a time (else EBUSY); so dumps wait for each other, while commands do not wait for dumps.
 * - A dump over a table that changes meanwhile is marked NLM_F_DUMP_INTR where the family supports it, and is repeated.
 */
import { describeErrno, errnoNumber, IpvigilError } from '../errors.ts';
import type { Alarm, AlarmClock } from '../time/clock.ts';
import { type Duration, formatDuration, milliseconds } from '../time/duration.ts';
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
  decodeAcknowledgement,
  decodeMessages,
  encodeMessages,
  messageSize,
  type NetlinkMessage,
} from './message.ts';
import { refusalError } from './refusal.ts';
import type { NetlinkTransport } from './transport.ts';

/** One message to send; the connection adds header, flags and sequence number. */
export interface NetlinkCommand {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** A question with an answer, and the words for the error when there is none. */
export interface NetlinkRequest extends NetlinkCommand {
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
  /** The longest wait for a request, for one attempt at a dump, and for the answers to one send. Default 5 s. */
  readonly timeout?: Duration;
  /** The most commands in one send, and waiting for their answers. At least 1, default 128. */
  readonly maxCommandsPerSend?: number;
  /** The most bytes in one send of commands; a longer single command goes alone. Default 65536. */
  readonly maxBytesPerSend?: number;
  /** How often a dump is begun again after an overrun, an interruption or EBUSY. Default 8. */
  readonly maxDumpRestarts?: number;
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

/** A batch in progress; `answers` fills up as the kernel answers. */
interface Batch {
  readonly answers: CommandAnswer[];
  unanswered: number;
  /** Commands that the transport did not take. */
  unsent: number;
  readonly resolve: (answers: readonly CommandAnswer[]) => void;
  readonly reject: (error: IpvigilError) => void;
}

interface PendingCommand {
  readonly kind: 'command';
  readonly batch: Batch;
  readonly index: number;
  readonly command: NetlinkCommand;
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

type Pending = PendingCommand | PendingRequest | PendingDump;

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

  #lastSequence = 0;
  /** What was sent and is not yet answered, by sequence number. */
  readonly #pending = new Map<number, Pending>();
  /** Commands that wait for the ones before them. */
  #queue: PendingCommand[] = [];
  /** How many commands of the last send are unanswered. */
  #outstanding = 0;
  /** Ends the wait for the answers to the last send. */
  #commandAlarm: Alarm | undefined;
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
    this.#maxCommands = Math.max(1, options.maxCommandsPerSend ?? 128);
    this.#maxBytes = options.maxBytesPerSend ?? 65536;
    this.#maxDumpRestarts = options.maxDumpRestarts ?? 8;
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
      const sequence = this.#nextSequence();
      this.#pending.set(sequence, pending);
      pending.alarm = this.#alarmIn(this.#timeout, () => {
        this.counters.timeouts++;
        this.#endRequest(sequence, pending, this.#timeoutError(request.operation));
      });
      const error = this.#send([{ ...request, flags: NLM_F_REQUEST | NLM_F_ACK, sequence, portId: 0 }]);
      if (error !== undefined) this.#endRequest(sequence, pending, error);
    });
  }

  /**
   * Reads a whole table and gives its messages, decoded, in the kernel's order. Waits for dumps that were asked for
   * before. A dump that lost answers or that the kernel marked as inconsistent is begun again, a bounded number of times.
   * Rejects as {@link NetlinkConn.request} does.
   */
  dump<T>(request: NetlinkRequest, decode: DecodeAnswer<T>): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
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
        take: (message) => collect(values, decode, message),
        finish: () => resolve(values),
        reject,
        failure: undefined,
        interrupted: false,
        restarts: 0,
        sequence: 0,
        alarm: undefined,
      });
      if (this.#dumps.length === 1) this.#beginDump();
    });
  }

  /**
   * Sends the commands in order, in as few sends as the limits allow, and gives one answer for each, in their order. The
   * first ones leave before this returns unless earlier commands wait for their answers. A command behind a refused one
   * is carried out all the same. Rejects with ERR_NETLINK_CLOSED, or with the transport's error when it took nothing.
   */
  batch(commands: readonly NetlinkCommand[]): Promise<readonly CommandAnswer[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closedError('send netlink commands'));
        return;
      }
      if (commands.length === 0) {
        resolve([]);
        return;
      }
      const batch: Batch = { answers: [], unanswered: commands.length, unsent: 0, resolve, reject };
      for (const [index, command] of commands.entries()) this.#queue.push({ kind: 'command', batch, index, command });
      this.#sendCommands();
    });
  }

  /** Closes the transport and rejects what is pending with ERR_NETLINK_CLOSED. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transport.close();
    this.#commandAlarm?.cancel();
    this.#pauseAlarm?.cancel();
    const batches = new Set<Batch>(this.#queue.map(({ batch }) => batch));
    for (const pending of this.#pending.values()) {
      if (pending.kind === 'command') batches.add(pending.batch);
      else if (pending.kind === 'request') {
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
    this.#queue = [];
    this.#dumps.length = 0;
  }

  // Commands

  /** Sends what may leave now: nothing while earlier commands are unanswered. */
  #sendCommands(): void {
    while (this.#outstanding === 0 && this.#pauseAlarm === undefined && this.#queue.length > 0) {
      const messages: NetlinkMessage[] = [];
      let bytes = 0;
      for (const pending of this.#queue) {
        const { type, payload } = pending.command;
        bytes += messageSize(payload.length);
        if (messages.length === this.#maxCommands || (messages.length > 0 && bytes > this.#maxBytes)) break;
        const sequence = this.#nextSequence();
        this.#pending.set(sequence, pending);
        messages.push({ type, payload, flags: NLM_F_REQUEST | NLM_F_ACK, sequence, portId: 0 });
      }
      this.#queue = this.#queue.slice(messages.length);
      this.#outstanding = messages.length;
      this.#commandAlarm = this.#alarmIn(this.#timeout, () => {
        this.counters.timeouts++;
        this.#giveUpCommands(this.#timeoutError('wait for the answer to a netlink command'), false);
        this.#sendCommands();
      });
      const error = this.#send(messages);
      if (error !== undefined) this.#giveUpCommands(error, true);
    }
  }

  /** The outcome of all commands of the last send that are not yet answered is unknown. */
  #giveUpCommands(error: IpvigilError, unsent: boolean): void {
    this.#commandAlarm?.cancel();
    this.#commandAlarm = undefined;
    this.#outstanding = 0;
    for (const [sequence, pending] of this.#pending) {
      if (pending.kind !== 'command') continue;
      this.#pending.delete(sequence);
      if (unsent) pending.batch.unsent++;
      settle(pending, { kind: 'unknown', error });
    }
  }

  #answerCommand(sequence: number, pending: PendingCommand, message: NetlinkMessage): void {
    // A command may have an answer in front of its acknowledgement (NLM_F_ECHO); nobody asked for it.
    if (message.type !== NLMSG_ERROR) {
      this.counters.strays++;
      return;
    }
    this.#pending.delete(sequence);
    settle(pending, answerOf(message));
    this.#outstanding--;
    if (this.#outstanding > 0) return;
    this.#commandAlarm?.cancel();
    this.#commandAlarm = undefined;
    this.#sendCommands();
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
    dump.sequence = this.#nextSequence();
    this.#pending.set(dump.sequence, dump);
    dump.alarm?.cancel();
    dump.alarm = this.#alarmIn(this.#timeout, () => {
      this.counters.timeouts++;
      this.#endDump(dump, this.#timeoutError(dump.request.operation));
    });
    const { sequence } = dump;
    const error = this.#send([{ ...dump.request, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, portId: 0 }]);
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
    if (error === undefined) dump.finish();
    else dump.reject(error);
    this.#beginDump();
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
      // Whose answer it was cannot be told; whoever waits for it runs into the time limit.
      this.counters.malformed++;
    }
  }

  #dispatch(message: NetlinkMessage): void {
    if (message.type === NLMSG_NOOP) return;
    if (message.type === NLMSG_OVERRUN) {
      this.#overrun(new IpvigilError('ERR_NETLINK_OVERRUN', { operation: 'receive netlink answers' }));
      return;
    }
    const pending = message.portId === this.#transport.portId ? this.#pending.get(message.sequence) : undefined;
    if (pending === undefined) this.counters.strays++;
    else if (pending.kind === 'command') this.#answerCommand(message.sequence, pending, message);
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
    if (this.#outstanding > 0)
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

  #send(messages: readonly NetlinkMessage[]): IpvigilError | undefined {
    this.counters.sends++;
    this.counters.messagesSent += messages.length;
    return failureOf(() => this.#transport.send(encodeMessages(messages)));
  }

  /** Never 0, which is the sequence number of notifications, and never one that still waits for its answer. */
  #nextSequence(): number {
    do {
      this.#lastSequence = this.#lastSequence === 0xffffffff ? 1 : this.#lastSequence + 1;
    } while (this.#pending.has(this.#lastSequence));
    return this.#lastSequence;
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
    return acknowledgement.errno === 0 ? { kind: 'accepted' } : { kind: 'refused', acknowledgement };
  } catch (error) {
    if (error instanceof IpvigilError) return { kind: 'unknown', error };
    throw error;
  }
}

function settle({ batch, index }: PendingCommand, answer: CommandAnswer): void {
  batch.answers[index] = answer;
  batch.unanswered--;
  if (batch.unanswered > 0) return;
  if (batch.unsent === batch.answers.length && answer.kind === 'unknown') batch.reject(answer.error);
  else batch.resolve(batch.answers);
}
