/** What a probe that got no answer says, in one sentence; the same for every checker. */
import { describeErrno } from '../../errors.ts';
import { formatDuration } from '../../time/duration.ts';
import type { CheckResult } from '../check-state.ts';
import type { ProbeReply, ProbeStep } from '../probe.ts';

const attempted: Record<ProbeStep, string> = {
  connect: 'connect to',
  send: 'send the request to',
  receive: 'receive the answer of',
  echo: 'ICMP echo to',
};

/**
 * `subject` is who was asked: `10.0.0.11:80`; `exchange` what was asked once the connection was there: `GET / from`. Pure.
 */
export function judgeUnanswered(
  subject: string,
  reply: Extract<ProbeReply, { kind: 'refused' | 'timeout' | 'local-failure' }>,
  exchange?: string,
): CheckResult {
  const doing = (step: ProbeStep): string => (step !== 'connect' && exchange ? exchange : attempted[step]);
  switch (reply.kind) {
    case 'refused': {
      const { name, text } = describeErrno(reply.errno);
      return { outcome: 'fail', reason: `${doing(reply.during)} ${subject}: ${name} (${text})` };
    }
    case 'timeout': {
      const missing = reply.during === 'receive' ? 'no whole answer' : 'no answer';
      const reason = `${doing(reply.during)} ${subject}: ${missing} within ${formatDuration(reply.timeoutMs)}`;
      return { outcome: 'fail', reason };
    }
    case 'local-failure':
      return { outcome: 'postponed', reason: reply.error.message };
  }
}
