/** The real network's prober: hands each probe to the part that knows its protocol. */
import type { Prober } from '../health/probe.ts';
import { systemCalls } from './native/system-calls.ts';
import { PingProber } from './ping-prober.ts';
import { processReactor } from './reactor.ts';
import { TcpProber } from './tcp-prober.ts';

export function openProber(): Prober {
  const tcp = new TcpProber(systemCalls(), processReactor());
  const ping = new PingProber(systemCalls(), processReactor());
  return {
    start: (request, done) => (request.kind === 'ping' ? ping.start(request, done) : tcp.start(request, done)),
  };
}
