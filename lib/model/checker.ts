/** What a health checker needs to know: a union with one member per keyword (TCP_CHECK, HTTP_GET, PING_CHECK). */
import type { IpAddress } from '../address/ip-address.ts';
import type { Duration } from '../time/duration.ts';

/** When a check runs and how many failures count (keepalived.conf(5); inheritance is already resolved here). */
export interface CheckTiming {
  /** From one check to the next, while nothing is wrong. */
  readonly delayLoop: Duration;
  /** Further attempts after a failure of a server that was up, before it counts as down. 0 means none. */
  readonly retry: number;
  /** From a failure to the next attempt, while retries are left. */
  readonly delayBeforeRetry: Duration;
  /** The first check comes after a random time up to this. */
  readonly warmup: Duration;
  /** Considered down until the first check has passed. */
  readonly alpha: boolean;
}

/** Where a check connects to, and from where. */
export interface CheckTarget {
  readonly address: IpAddress;
  /** 1..65535. */
  readonly port: number;
  /** The longest wait for the connection, and for each read after it. */
  readonly connectTimeout: Duration;
  readonly bindAddress?: IpAddress;
  /** 0 or absent: the kernel chooses. */
  readonly bindPort?: number;
  /** SO_MARK of the check's packets. */
  readonly fwmark?: number;
}

/** Up when the TCP connection is established. */
export interface TcpCheck extends CheckTarget {
  readonly kind: 'tcp';
  readonly timing: CheckTiming;
}

/** An inclusive range of HTTP status codes, 100..999. */
export interface StatusRange {
  readonly min: number;
  readonly max: number;
}

export interface HttpCheckUrl {
  /** Request target, begins with `/`. */
  readonly path: string;
  /** Accepted status codes; never empty. Default 200..299. */
  readonly statusCodes: readonly StatusRange[];
  /** Host header of this url; overrides the checker's. */
  readonly virtualHost?: string;
}

/** Up when every url answers with an accepted status; one url is asked per round. */
export interface HttpCheck extends CheckTarget {
  readonly kind: 'http';
  readonly timing: CheckTiming;
  /** `1.0C` is HTTP/1.0 with `Connection: close`. */
  readonly httpVersion: '1.0' | '1.0C' | '1.1';
  /** Host header; absent means address:port of the target. */
  readonly virtualHost?: string;
  /** Never empty. */
  readonly urls: readonly HttpCheckUrl[];
}

/** Up when an ICMP echo is answered in time. */
export interface PingCheck {
  readonly kind: 'ping';
  readonly timing: CheckTiming;
  readonly address: IpAddress;
  readonly timeout: Duration;
  readonly bindAddress?: IpAddress;
  readonly fwmark?: number;
}

export type CheckerConfig = TcpCheck | HttpCheck | PingCheck;

/** The keyword of a checker in keepalived.conf, for messages. */
export const checkerKeyword = { tcp: 'TCP_CHECK', http: 'HTTP_GET', ping: 'PING_CHECK' } as const;
