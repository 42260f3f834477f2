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

/** `subject` is what was asked: `10.0.0.11:80`. Pure. */
export function judgeUnanswered(
  subject: string,
  reply: Extract<ProbeReply, { kind: 'refused' | 'timeout' | 'local-failure' }>,
): CheckResult {
  switch (reply.kind) {
    case 'refused': {
      const { name, text } = describeErrno(reply.errno);
      return { outcome: 'fail', reason: `${attempted[reply.during]} ${subject}: ${name} (${text})` };
    }
    case 'timeout': {
      const missing = reply.during === 'receive' ? 'no whole answer' : 'no answer';
      const reason = `${attempted[reply.during]} ${subject}: ${missing} within ${formatDuration(reply.timeoutMs)}`;
      return { outcome: 'fail', reason };
    }
    case 'local-failure':
      return { outcome: 'postponed', reason: reply.error.message };
  }
}
