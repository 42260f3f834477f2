/**
 * What a checker asks of the network and what comes back. The checkers (checkers/*.ts) turn a configuration into a
 * request and a reply into a result; io/ carries the request out. Callbacks, not promises: there are thousands a second.
 */
import type { IpAddress } from '../address/ip-address.ts';
import type { IpvigilError } from '../errors.ts';

interface ConnectRequest {
  readonly address: IpAddress;
  readonly port: number;
  readonly timeoutMs: number;
  readonly bindAddress?: IpAddress | undefined;
  readonly bindPort?: number | undefined;
  readonly fwmark?: number | undefined;
}

/** Open a TCP connection and close it at once. */
export interface TcpProbeRequest extends ConnectRequest {
  readonly kind: 'tcp';
}

/** Open a TCP connection, send `payload`, and hand what comes back to `reader` until it has enough. */
export interface ExchangeProbeRequest extends ConnectRequest {
  readonly kind: 'exchange';
  readonly payload: Uint8Array;
  /** Limit of the whole exchange; `timeoutMs` holds for the connection and for each read. */
  readonly totalTimeoutMs: number;
  /** Made afresh for each probe. */
  readonly reader: () => ResponseReader;
}

/** Takes the bytes of one response. Bounded by its own rules: it says when it has enough. */
export interface ResponseReader {
  /** Gives true when no more bytes are wanted. The bytes are valid only during the call. */
  read(bytes: Uint8Array): boolean;
}

/** Send one ICMP echo and wait for its answer. */
export interface PingProbeRequest {
  readonly kind: 'ping';
  readonly address: IpAddress;
  readonly timeoutMs: number;
  readonly bindAddress?: IpAddress | undefined;
  readonly fwmark?: number | undefined;
}

export type ProbeRequest = TcpProbeRequest | ExchangeProbeRequest | PingProbeRequest;

export type ProbeReply =
  /** Connected; for an exchange: and the reader has enough; for a ping: the echo came back. */
  | { readonly kind: 'done'; readonly elapsedMs: number; readonly reader?: ResponseReader }
  /** The peer closed the connection before the reader had enough. */
  | { readonly kind: 'closed'; readonly elapsedMs: number; readonly reader: ResponseReader }
  /** The network or the peer refused (ECONNREFUSED, EHOSTUNREACH, ECONNRESET ...). `during` names the step. */
  | { readonly kind: 'refused'; readonly errno: number; readonly during: ProbeStep }
  | {
      readonly kind: 'timeout';
      /** The limit that was reached: that of a step, or of the whole exchange. */
      readonly timeoutMs: number;
      readonly during: ProbeStep;
      readonly reader?: ResponseReader;
    }
  /** This machine could not even ask (no descriptor, bind refused): says nothing about the real server. */
  | { readonly kind: 'local-failure'; readonly error: IpvigilError };

export type ProbeStep = 'connect' | 'send' | 'receive' | 'echo';

/** Carries out probes. Implemented by io/, and by testing/'s scripted probes. */
export interface Prober {
  /**
   * Starts one probe. `done` is called exactly once, never synchronously, unless the probe is cancelled first.
   * Returns a function that cancels it; calling it later does nothing.
   */
  start(request: ProbeRequest, done: (reply: ProbeReply) => void): () => void;
}
