/**
 * One health checker by itself, for users of the library: says when a real server goes up or down, and why. Everything
 * it does is the check runner's; here are the options, their defaults (those of keepalived.conf(5)) and the events.
 */
import { EventEmitter } from 'eventemitter3';
import { type IpAddress, ipFamily, parseIpAddress } from '../address/ip-address.ts';
import { IpvigilError } from '../errors.ts';
import type { CheckResult, VerdictCause } from '../health/check-state.ts';
import type { Prober } from '../health/probe.ts';
import {
  type CheckerConfig,
  type CheckTarget,
  type CheckTiming,
  checkerKeyword,
  type HttpCheck,
  type HttpCheckUrl,
  type PingCheck,
  type StatusRange,
  type TcpCheck,
} from '../model/checker.ts';
import type { AlarmClock } from '../time/clock.ts';
import { milliseconds } from '../time/duration.ts';
import { CheckRunner } from './check-runner.ts';

/** What every checker takes. Times are milliseconds, 0.001 to 4294967295, and may have a fraction. */
export interface CheckerOptions {
  /** IPv4 or IPv6 address of the real server. */
  readonly address: string;
  /** From one check to the next. Default 60000. */
  readonly delayLoop?: number;
  /** Further attempts after a failure, before a server that was up is down: 0 to 4294967295. Default 1. */
  readonly retry?: number;
  /** From a failure to the next attempt. Default 1000, for HTTP 3000. */
  readonly delayBeforeRetry?: number;
  /** The first check comes after a random time up to this; 0 is allowed. Default: delayLoop. */
  readonly warmup?: number;
  /** Down until the first check has passed. Default false: up until the first check has failed. */
  readonly alpha?: boolean;
  /** The longest wait for the connection, and for each read after it (for a ping: for the echo). Default 5000. */
  readonly connectTimeout?: number;
  /** The source address of the checks (bindto); of the same family as `address`. */
  readonly bindAddress?: string;
  /** SO_MARK of the checks' packets, 1 to 4294967295. Needs CAP_NET_ADMIN. */
  readonly fwmark?: number;
  /** Stops the checker when it is aborted. */
  readonly signal?: AbortSignal;
}

export interface TcpCheckerOptions extends CheckerOptions {
  /** 1 to 65535. */
  readonly port: number;
  /** The source port of the checks (bind_port), 1 to 65535. Default: the kernel chooses. */
  readonly bindPort?: number;
}

export interface HttpCheckerUrl {
  /** The request target: begins with `/`, printable ASCII without blanks. */
  readonly path: string;
  /** Accepted status codes, 100 to 999: single ones or inclusive ranges. Default 200 to 299. */
  readonly statusCodes?: readonly (number | StatusRange)[];
  /** The Host header for this url. */
  readonly virtualHost?: string;
}

export interface HttpCheckerOptions extends TcpCheckerOptions {
  /** At least one. One is asked per round; a server that is down is up when all have passed. */
  readonly urls: readonly HttpCheckerUrl[];
  /** `1.0C` is HTTP/1.0 with `Connection: close`. Default `1.0`. */
  readonly httpVersion?: '1.0' | '1.0C' | '1.1';
  /** The Host header. Default: address and port. */
  readonly virtualHost?: string;
}

export type PingCheckerOptions = CheckerOptions;

/** What the events `up` and `down` carry. */
export interface CheckerVerdict {
  /** Nothing was known before: the checker's first verdict. */
  readonly first: boolean;
  readonly cause: VerdictCause;
}

/** The events of a checker and what their listeners get. */
export interface CheckerEvents {
  /** Each check's outcome, and whether the server counts as up after it. Comes before the verdict that it brings. */
  result: (result: CheckResult, up: boolean) => void;
  /** The server works: at the first check, and each time it comes back. */
  up: (verdict: CheckerVerdict) => void;
  /** The server does not. */
  down: (verdict: CheckerVerdict) => void;
}

/** What a checker works with. Tests put ipvigil/testing's FakeClock and ScriptedProber here. */
export interface CheckerParts {
  readonly clock: AlarmClock;
  readonly prober: Prober;
  /** In [0, 1): the part of the warm-up that passes before the first check. */
  readonly random: () => number;
}

/**
 * Checks one real server from {@link HealthChecker.start} to {@link HealthChecker.stop}. While it runs it keeps the
 * process alive. A listener that throws does not stop it: the fault surfaces as an uncaught exception.
 */
export class HealthChecker extends EventEmitter<CheckerEvents> {
  /** What is checked and how, with all defaults filled in; the model's value, as DirectorRunner takes it. */
  readonly config: CheckerConfig;
  readonly #parts: CheckerParts;
  readonly #signal: AbortSignal | undefined;
  #runner: CheckRunner | undefined;
  #up: boolean;

  constructor(config: CheckerConfig, parts: CheckerParts, signal?: AbortSignal) {
    super();
    this.config = config;
    this.#parts = parts;
    this.#signal = signal;
    this.#up = !config.timing.alpha;
  }

  /** The verdict so far; before the first check the assumption (down with alpha, else up). */
  get up(): boolean {
    return this.#up;
  }

  get running(): boolean {
    return this.#runner !== undefined;
  }

  /**
   * Begins to check; does nothing when it runs already. After a stop it begins anew: the first result decides. Throws
   * ERR_ABORTED when the signal is aborted already, ERR_UNSUPPORTED_PLATFORM where there is no Linux.
   */
  start(): void {
    if (this.#runner !== undefined) return;
    if (this.#signal?.aborted) {
      const operation = `start ${checkerKeyword[this.config.kind]} of`;
      const detail = 'its signal is aborted already';
      throw new IpvigilError('ERR_ABORTED', {
        operation,
        subject: this.config.address,
        detail,
        cause: this.#signal.reason,
      });
    }
    const { clock, prober, random } = this.#parts;
    const runner = new CheckRunner({
      clock,
      prober,
      random,
      listener: {
        verdict: (_key, { to, first, cause }) => {
          this.emit(to, { first, cause });
        },
        result: (_key, result, up) => {
          this.#up = up;
          this.emit('result', result, up);
        },
      },
    });
    runner.configure([this.config]);
    this.#up = !this.config.timing.alpha;
    this.#runner = runner;
    this.#signal?.addEventListener('abort', this.#stop, { once: true });
  }

  /** Ends the checks and cancels what is in flight; no event comes afterwards. The verdict stays. Idempotent. */
  stop(): void {
    this.#runner?.stop();
    this.#runner = undefined;
    this.#signal?.removeEventListener('abort', this.#stop);
  }

  /** `using checker = new TcpChecker(...)`. */
  [Symbol.dispose](): void {
    this.stop();
  }

  readonly #stop = (): void => this.stop();
}

/** The model's value for these options. Throws ERR_INVALID_ARGUMENT naming the option, its value and what is allowed. */
export function tcpCheck(options: TcpCheckerOptions): TcpCheck {
  const read = new Options('TcpChecker', options, [...commonOptions, ...connectOptions]);
  return { kind: 'tcp', ...read.target(), timing: read.timing(1000) };
}

/** As {@link tcpCheck}. */
export function httpCheck(options: HttpCheckerOptions): HttpCheck {
  const read = new Options('HttpChecker', options, [...commonOptions, ...connectOptions, ...httpOptions]);
  const target = read.target();
  return {
    kind: 'http',
    ...target,
    timing: read.timing(3000),
    httpVersion: read.oneOf('httpVersion', ['1.0', '1.0C', '1.1'], '1.0'),
    ...read.text('virtualHost', 'virtualHost', options.virtualHost),
    urls: read.urls(),
  };
}

/** As {@link tcpCheck}. */
export function pingCheck(options: PingCheckerOptions): PingCheck {
  const read = new Options('PingChecker', options, commonOptions);
  const { address, connectTimeout: timeout, ...source } = read.source();
  return { kind: 'ping', address, timeout, ...source, timing: read.timing(1000) };
}

const commonOptions = [
  ...['address', 'delayLoop', 'retry', 'delayBeforeRetry', 'warmup', 'alpha', 'connectTimeout', 'bindAddress'],
  ...['fwmark', 'signal'],
];
const connectOptions = ['port', 'bindPort'];
const httpOptions = ['urls', 'httpVersion', 'virtualHost'];
const urlOptions = ['path', 'statusCodes', 'virtualHost'];

const MAX_UINT32 = 0xffffffff;
/** keepalived counts in microseconds. */
const MIN_DURATION = 0.001;

/** Reads the options of one checker. What it was given may come from JavaScript, so nothing is believed. */
class Options {
  readonly #checker: string;
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(checker: string, options: object, known: readonly string[]) {
    this.#checker = checker;
    if (typeof options !== 'object' || options === null) throw this.#refuse('options', options, 'an object');
    this.#options = options as Readonly<Record<string, unknown>>;
    this.#checkNames('', this.#options, known);
  }

  source(): Pick<CheckTarget, 'address' | 'connectTimeout' | 'bindAddress' | 'fwmark'> {
    const address = this.#address('address');
    const { bindAddress: bind, fwmark } = this.#options;
    const bindAddress = bind === undefined ? undefined : this.#address('bindAddress');
    if (bindAddress !== undefined && ipFamily(bindAddress) !== ipFamily(address)) {
      throw this.#refuse('bindAddress', bind, `an IPv${ipFamily(address)} address, as the address to check is one`);
    }
    return {
      address,
      connectTimeout: milliseconds(this.#number('connectTimeout', 5000, MIN_DURATION)),
      ...(bindAddress === undefined ? {} : { bindAddress }),
      ...(fwmark === undefined ? {} : { fwmark: this.#integer('fwmark', undefined, 1, MAX_UINT32) }),
    };
  }

  target(): CheckTarget {
    return {
      ...this.source(),
      port: this.#integer('port', undefined, 1, 65535),
      ...(this.#options.bindPort === undefined ? {} : { bindPort: this.#integer('bindPort', undefined, 1, 65535) }),
    };
  }

  timing(delayBeforeRetry: number): CheckTiming {
    const delayLoop = this.#number('delayLoop', 60_000, MIN_DURATION);
    const { alpha = false } = this.#options;
    if (typeof alpha !== 'boolean') throw this.#refuse('alpha', alpha, 'true or false');
    const { signal } = this.#options;
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw this.#refuse('signal', signal, 'an AbortSignal');
    return {
      delayLoop: milliseconds(delayLoop),
      retry: this.#integer('retry', 1, 0, MAX_UINT32),
      delayBeforeRetry: milliseconds(this.#number('delayBeforeRetry', delayBeforeRetry, MIN_DURATION)),
      warmup: milliseconds(this.#number('warmup', delayLoop, 0)),
      alpha,
    };
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], byDefault: T): T {
    const value = this.#options[name] ?? byDefault;
    const found = allowed.find((word) => word === value);
    if (found === undefined) throw this.#refuse(name, value, `one of ${allowed.join(', ')}`);
    return found;
  }

  urls(): HttpCheckUrl[] {
    const { urls } = this.#options;
    if (!Array.isArray(urls) || urls.length === 0) throw this.#refuse('urls', urls, 'an array of at least one url');
    return urls.map((url: unknown, i) => {
      const name = `urls[${i}]`;
      if (typeof url !== 'object' || url === null)
        throw this.#refuse(name, url, "an object with a path, { path: '/' }");
      const { path, statusCodes, virtualHost } = url as Readonly<Record<string, unknown>>;
      this.#checkNames(`${name}.`, url as Readonly<Record<string, unknown>>, urlOptions);
      // Blanks and control characters would end the request line.
      if (typeof path !== 'string' || !/^\/[!-~]*$/.test(path)) {
        throw this.#refuse(`${name}.path`, path, 'printable ASCII without blanks that begins with /');
      }
      return {
        path,
        statusCodes: this.#statusCodes(`${name}.statusCodes`, statusCodes),
        ...this.text('virtualHost', `${name}.virtualHost`, virtualHost),
      };
    });
  }

  /** `{ [key]: value }`, or nothing for an absent one. For header values: no line may be added to the request. */
  text<const K extends string>(key: K, name: string, value: unknown): { readonly [key in K]?: string } {
    if (value === undefined) return {};
    if (typeof value !== 'string' || !/^[!-~]+$/.test(value)) {
      throw this.#refuse(name, value, 'printable ASCII without blanks');
    }
    return { [key]: value } as { readonly [key in K]?: string };
  }

  #statusCodes(name: string, value: unknown): StatusRange[] {
    if (value === undefined) return [{ min: 200, max: 299 }];
    const wanted = 'a non-empty array of status codes from 100 to 999, or of ranges { min, max } of them';
    if (!Array.isArray(value) || value.length === 0) throw this.#refuse(name, value, wanted);
    return value.map((code: unknown) => {
      const { min, max } =
        typeof code === 'object' && code !== null ? (code as Record<'min' | 'max', unknown>) : { min: code, max: code };
      if (!isStatus(min) || !isStatus(max) || min > max) throw this.#refuse(name, value, wanted);
      return { min, max };
    });
  }

  #address(name: string): IpAddress {
    const value = this.#options[name];
    const address = typeof value === 'string' ? parseIpAddress(value) : undefined;
    if (address === undefined) throw this.#refuse(name, value, 'an IPv4 or IPv6 address');
    return address;
  }

  #number(name: string, byDefault: number, min: number): number {
    const value = this.#options[name] ?? byDefault;
    if (typeof value === 'number' && value >= min && value <= MAX_UINT32) return value;
    throw this.#refuse(name, value, `from ${min} to ${MAX_UINT32} milliseconds`);
  }

  #integer(name: string, byDefault: number | undefined, min: number, max: number): number {
    const value = this.#options[name] ?? byDefault;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.#refuse(name, value, `a whole number from ${min} to ${max}`);
  }

  #checkNames(prefix: string, options: Readonly<Record<string, unknown>>, known: readonly string[]): void {
    for (const [name, value] of Object.entries(options)) {
      if (known.includes(name) || value === undefined) continue;
      throw new IpvigilError('ERR_INVALID_ARGUMENT', {
        operation: `create a ${this.#checker}:`,
        subject: `option ${prefix}${name}`,
        detail: 'there is no such option',
        hint: `the options are ${known.join(', ')}`,
      });
    }
  }

  #refuse(name: string, value: unknown, allowed: string): IpvigilError {
    const given = value === undefined ? 'it is missing' : `it is ${show(value)}`;
    return new IpvigilError('ERR_INVALID_ARGUMENT', {
      operation: `create a ${this.#checker}:`,
      subject: `option ${name}`,
      detail: `${given}, wanted ${allowed}`,
    });
  }
}

function isStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 999;
}

/** A value for a message; bounded. */
function show(value: unknown): string {
  let text: string | undefined;
  try {
    text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  } catch {
    // Circular, or with a bigint inside: its kind has to do.
  }
  return (text ?? typeof value).slice(0, 80);
}
