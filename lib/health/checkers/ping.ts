/** PING_CHECK: up when an ICMP echo is answered in time. */
import type { PingCheck } from '../../model/checker.ts';
import type { CheckResult } from '../check-state.ts';
import type { PingProbeRequest, ProbeReply } from '../probe.ts';
import { judgeUnanswered } from './unanswered.ts';

export function pingProbeRequest({ address, timeout: timeoutMs, bindAddress, fwmark }: PingCheck): PingProbeRequest {
  return { kind: 'ping', address, timeoutMs, bindAddress, fwmark };
}

export function judgePing(check: PingCheck, reply: ProbeReply): CheckResult {
  if (reply.kind === 'done' || reply.kind === 'closed') return { outcome: 'pass', elapsedMs: reply.elapsedMs };
  return judgeUnanswered(check.address, reply);
}
