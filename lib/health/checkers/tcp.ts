/** TCP_CHECK: up when the connection is established. */
import { formatEndpoint } from '../../address/endpoint.ts';
import type { TcpCheck } from '../../model/checker.ts';
import type { CheckResult } from '../check-state.ts';
import type { ProbeReply, TcpProbeRequest } from '../probe.ts';
import { judgeUnanswered } from './unanswered.ts';

export function tcpProbeRequest(check: TcpCheck): TcpProbeRequest {
  const { address, port, connectTimeout: timeoutMs, bindAddress, bindPort, fwmark } = check;
  return { kind: 'tcp', address, port, timeoutMs, bindAddress, bindPort, fwmark };
}

export function judgeTcp(check: TcpCheck, reply: ProbeReply): CheckResult {
  if (reply.kind === 'done' || reply.kind === 'closed') return { outcome: 'pass', elapsedMs: reply.elapsedMs };
  return judgeUnanswered(formatEndpoint(check), reply);
}
