/**
 * A client that starts requests at a steady rate, each on a new connection. On `node:net` with a request written by
 * hand: in a guest, where system calls are slow, an HTTP client library would halve the rate it can keep up.
 */
import net from 'node:net';
import { monotonicMs } from '../monotonic.ts';

export interface LoadOrder {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly rate: number;
  readonly timeoutMs: number;
}

/** One request. */
export interface LoadRecord {
  /** Start, in milliseconds of CLOCK_MONOTONIC. */
  readonly at: number;
  readonly endedAt: number;
  readonly status?: number;
  /** Trimmed body of the answer. */
  readonly answer?: string;
  /** Why there was no answer: `ECONNREFUSED`, `ECONNRESET`, `timeout`, `closed` (before an answer), ... */
  readonly failure?: string;
}

export type LoadReport =
  | { readonly event: 'ready' }
  | { readonly event: 'ended'; readonly records: readonly LoadRecord[] }
  | { readonly event: 'stopped' };

/** Bodies are short; more than this is cut. */
const longestAnswer = 4096;
/** Records travel in bunches, since each message costs the guest's only CPU. */
const bunchMs = 50;

let bunch: LoadRecord[] = [];
let underWay = 0;
let order: LoadOrder | undefined;
let startedAt = 0;
let started = 0;
let timer: NodeJS.Timeout | undefined;
let stopping = false;

function send(report: LoadReport): void {
  process.send!(report);
}

function flush(): void {
  if (bunch.length > 0) {
    send({ event: 'ended', records: bunch });
    bunch = [];
  }
  if (stopping && underWay === 0) {
    send({ event: 'stopped' });
  }
}

function ask({ address, port, path, timeoutMs }: LoadOrder): void {
  const at = monotonicMs();
  let text = '';
  let done = false;
  underWay += 1;
  const socket = net.connect({ host: address, port });
  const end = (rest: Omit<LoadRecord, 'at' | 'endedAt'>): void => {
    if (done) {
      return;
    }
    done = true;
    clearTimeout(limit);
    underWay -= 1;
    bunch.push({ at, endedAt: monotonicMs(), ...rest });
    socket.destroy();
  };
  const limit = setTimeout(() => end({ failure: 'timeout' }), timeoutMs);
  socket.setEncoding('latin1');
  socket.write(`GET ${path} HTTP/1.0\r\nHost: ${address}\r\n\r\n`);
  socket.on('data', (chunk: string) => {
    text = (text + chunk).slice(0, longestAnswer);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => end({ failure: error.code ?? error.message }));
  socket.on('close', () => {
    const status = /^HTTP\/1\.\d (\d{3})/.exec(text)?.[1];
    const body = text.indexOf('\r\n\r\n');
    end(
      status === undefined || body < 0
        ? { failure: 'closed' }
        : { status: Number(status), answer: text.slice(body + 4).trim() },
    );
  });
}

function tick(): void {
  if (order === undefined || stopping) {
    return;
  }
  const now = monotonicMs();
  // Starts that are due are started, a late timer or not: the rate holds on average.
  while (startedAt + (started * 1000) / order.rate <= now) {
    started += 1;
    ask(order);
  }
  timer = setTimeout(tick, Math.max(1, startedAt + (started * 1000) / order.rate - now));
}

process.on('message', (message: LoadOrder | 'stop') => {
  if (message === 'stop') {
    stopping = true;
    clearTimeout(timer);
  } else {
    order = message;
    startedAt = monotonicMs();
    tick();
  }
});
process.on('disconnect', () => process.exit(0));
setInterval(flush, bunchMs);
send({ event: 'ready' });
