/**
 * A network that answers as a test says. Keeps the contract of the real one (test/io/prober-contract.ts): a reply comes
 * exactly once, never from within start(), and not at all after a cancellation; its time is that of the clock.
 */
import { formatEndpoint } from '../address/endpoint.ts';
import { errnoNumber, IpvigilError } from '../errors.ts';
import type { ProbeReply, ProbeRequest, Prober, ProbeStep } from '../health/probe.ts';
import type { AlarmClock } from '../time/clock.ts';

type ErrnoName = Parameters<typeof errnoNumber>[0];

/** How a target behaves. `afterMs` is the time until it answers, default 1. */
export type ScriptedAnswer =
  /** The connection is accepted, the echo returned. An exchange then hears nothing more. */
  | { readonly kind: 'accepts'; readonly afterMs?: number }
  /** An exchange gets these bytes (text is sent as UTF-8), and then the end of the connection unless `open` is set. */
  | {
      readonly kind: 'responds';
      readonly bytes: Uint8Array | string;
      readonly open?: boolean;
      readonly afterMs?: number;
    }
  /** Default ECONNREFUSED, while connecting (an echo: while it is sent). */
  | { readonly kind: 'refuses'; readonly errno?: ErrnoName; readonly during?: ProbeStep; readonly afterMs?: number }
  /** Nothing comes back: the probe runs into its time limit. */
  | { readonly kind: 'silent' }
  /** This machine cannot ask. */
  | { readonly kind: 'local-failure'; readonly error?: IpvigilError; readonly afterMs?: number };

/** What a target does: one answer for all probes, or one worked out for each request. */
export type ScriptedBehaviour = ScriptedAnswer | ((request: ProbeRequest) => ScriptedAnswer);

/**
 * ```
 * const prober = new ScriptedProber(clock);
 * prober.set('10.0.0.11:80', { kind: 'accepts' });
 * prober.set('10.0.0.12:80', { kind: 'refuses' }, { kind: 'accepts' }); // first refuses, then accepts
 * ```
 */
export class ScriptedProber implements Prober {
  /** Every request so far, in order. Tests may empty it. */
  readonly requests: ProbeRequest[] = [];
  readonly #clock: AlarmClock;
  readonly #otherwise: ScriptedBehaviour | undefined;
  readonly #scripts = new Map<string, ScriptedBehaviour[]>();
  #inFlight = 0;
  #cancelled = 0;

  /** `otherwise` is for targets without a script; without it, asking one throws a RangeError. */
  constructor(clock: AlarmClock, otherwise?: ScriptedBehaviour) {
    this.#clock = clock;
    this.#otherwise = otherwise;
  }

  /** From now on the target (`10.0.0.11:80`; for a ping `10.0.0.11`) does this, in turn; the last one stays. */
  set(target: string, ...behaviours: [ScriptedBehaviour, ...ScriptedBehaviour[]]): void {
    this.#scripts.set(target, behaviours);
  }

  /** Probes that have neither been answered nor cancelled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get cancelled(): number {
    return this.#cancelled;
  }

  /** How often a target was asked. */
  asked(target: string): number {
    return this.requests.filter((request) => targetOf(request) === target).length;
  }

  start(request: ProbeRequest, done: (reply: ProbeReply) => void): () => void {
    const answer = this.#next(request);
    this.requests.push(request);
    const startedAt = this.#clock.now();
    const { afterMs, reply } = replyOf(request, answer);
    let pending = true;
    this.#inFlight++;
    const alarm = this.#clock.alarmAt(startedAt + afterMs, () => {
      pending = false;
      this.#inFlight--;
      done(reply(this.#clock.now() - startedAt));
    });
    return () => {
      if (!pending) return;
      pending = false;
      this.#inFlight--;
      this.#cancelled++;
      alarm.cancel();
    };
  }

  #next(request: ProbeRequest): ScriptedAnswer {
    const target = targetOf(request);
    const script = this.#scripts.get(target);
    const behaviour = script !== undefined && script.length > 1 ? script.shift() : (script?.[0] ?? this.#otherwise);
    if (behaviour === undefined) throw new RangeError(`no script says what ${target} answers`);
    return typeof behaviour === 'function' ? behaviour(request) : behaviour;
  }
}

function targetOf(request: ProbeRequest): string {
  return request.kind === 'ping' ? request.address : formatEndpoint(request);
}

/** When the reply to a request comes at the latest, and what it will be. */
function replyOf(
  request: ProbeRequest,
  answer: ScriptedAnswer,
): { readonly afterMs: number; readonly reply: (elapsedMs: number) => ProbeReply } {
  const { timeoutMs } = request;
  const firstStep: ProbeStep = request.kind === 'ping' ? 'echo' : 'connect';
  const timeout = { afterMs: timeoutMs, reply: () => ({ kind: 'timeout', timeoutMs, during: firstStep }) as const };
  if (answer.kind === 'silent') return timeout;
  const afterMs = answer.afterMs ?? 1;
  if (answer.kind === 'local-failure') {
    return { afterMs, reply: () => ({ kind: 'local-failure', error: answer.error ?? noDescriptor(request) }) };
  }
  if (afterMs >= timeoutMs) return timeout;
  if (answer.kind === 'refuses') {
    const errno = errnoNumber(answer.errno ?? 'ECONNREFUSED');
    return { afterMs, reply: () => ({ kind: 'refused', errno, during: answer.during ?? firstStep }) };
  }
  if (request.kind !== 'exchange') return { afterMs, reply: (elapsedMs) => ({ kind: 'done', elapsedMs }) };

  const reader = request.reader();
  const bytes = answer.kind === 'accepts' ? '' : answer.bytes;
  const sent = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  // A reader is never handed an empty piece.
  const enough = sent.length > 0 && reader.read(sent);
  if (enough) return { afterMs, reply: (elapsedMs) => ({ kind: 'done', elapsedMs, reader }) };
  if (answer.kind === 'responds' && answer.open !== true) {
    return { afterMs, reply: (elapsedMs) => ({ kind: 'closed', elapsedMs, reader }) };
  }
  return {
    afterMs: Math.min(afterMs + timeoutMs, request.totalTimeoutMs),
    reply: () => ({ kind: 'timeout', timeoutMs, during: 'receive', reader }),
  };
}

function noDescriptor(request: ProbeRequest): IpvigilError {
  const errno = { number: errnoNumber('EMFILE'), name: 'EMFILE', text: 'too many open files' };
  return new IpvigilError('ERR_SYSTEM_CALL', { operation: 'open a socket for', subject: targetOf(request), errno });
}
