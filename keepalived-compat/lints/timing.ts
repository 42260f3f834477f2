/** Lints about when checks run, and how soon a failure counts. */
import { formatDuration } from '../../lib/time/duration.ts';
import type { Place } from '../diagnostic-list.ts';
import { exampleService, tcpCheck, twoServers } from './example.ts';
import type { Finding, Lint } from './lint.ts';
import type { CheckerView, RealServerView, VirtualServerView } from './view.ts';

/** One checker with the blocks around it. */
interface Check {
  readonly checker: CheckerView;
  readonly real: RealServerView;
  readonly service: VirtualServerView;
  /** The longest wait for one answer, in milliseconds. */
  readonly timeout: number;
}

function checksOf(service: VirtualServerView): Check[] {
  return service.realServers.flatMap((real) =>
    real.checkers.map((checker) => {
      const { config } = checker;
      return { checker, real, service, timeout: config.kind === 'ping' ? config.timeout : config.connectTimeout };
    }),
  );
}

/** Where a setting is written that a checker has or inherits. */
function whereSet({ checker, real, service }: Check, ...keywords: readonly string[]): Place | undefined {
  return checker.written(...keywords) ?? real.written(...keywords) ?? service.written(...keywords);
}

const timeoutBeyondDelay: Lint = {
  code: 'timeout-beyond-delay',
  severity: 'warning',
  explanation: {
    text: `While a real server does not answer, a check lasts for connect_timeout (5 s when it is not written). If that is longer than
delay_loop, checks of a hanging server come less often than delay_loop says, at the very time when they matter. Keep
connect_timeout below delay_loop; an answer that takes longer is no use to clients either.`,
    example: exampleService({ settings: ['delay_loop 2'], servers: twoServers('TCP_CHECK { connect_timeout 4 }') }),
    better: exampleService({ settings: ['delay_loop 5'], servers: twoServers('TCP_CHECK { connect_timeout 4 }') }),
  },
  find: (service) =>
    checksOf(service)
      .filter(({ checker: { config }, timeout }) => timeout > config.timing.delayLoop)
      .map((check) => ({
        at: whereSet(check, 'connect_timeout') ?? whereSet(check, 'delay_loop') ?? check.checker.at,
        message: `a check may take ${formatDuration(check.timeout)}, which is longer than delay_loop (${formatDuration(check.checker.config.timing.delayLoop)})`,
        hint: 'write a connect_timeout below delay_loop',
      })),
};

const retryDelayBeyondLoop: Lint = {
  code: 'retry-delay-beyond-loop',
  severity: 'info',
  explanation: {
    text: `After a failure the next attempt comes after delay_before_retry, which is 1 s when it is not written and 3 s for HTTP_GET. If
that is longer than delay_loop, a server is looked at less often once it is in doubt.`,
    example: exampleService({
      settings: ['delay_loop 4', 'delay_before_retry 10', 'retry 2'],
      servers: twoServers(tcpCheck),
    }),
    better: exampleService({
      settings: ['delay_loop 4', 'delay_before_retry 1', 'retry 2'],
      servers: twoServers(tcpCheck),
    }),
  },
  find: (service) =>
    checksOf(service).flatMap((check): Finding[] => {
      const { delayLoop, delayBeforeRetry, retry } = check.checker.config.timing;
      if (retry === 0 || delayBeforeRetry <= delayLoop) return [];
      return [
        {
          at: whereSet(check, 'delay_before_retry') ?? whereSet(check, 'delay_loop') ?? check.checker.at,
          message: `a retry comes after ${formatDuration(delayBeforeRetry)}, later than an ordinary check (${formatDuration(delayLoop)})`,
          hint: 'write a delay_before_retry below delay_loop',
        },
      ];
    }),
};

/** RFC 6298 section 2.1: a lost SYN is sent again after one second. */
const retransmissionMs = 1000;

const hastyVerdict: Lint = {
  code: 'hasty-verdict',
  severity: 'warning',
  explanation: {
    text: `With retry 0 the first failure takes a real server out. A lost packet is such a failure when nothing is sent again in time:
a lost SYN is repeated after one second (RFC 6298), an echo request never. One retry makes a lost packet harmless and
costs delay_before_retry.`,
    example: exampleService({ servers: twoServers('TCP_CHECK { connect_timeout 1; retry 0 }') }),
    better: exampleService({ servers: twoServers('TCP_CHECK { connect_timeout 1; retry 1 }') }),
  },
  find: (service) =>
    checksOf(service)
      .filter(
        ({ checker: { config }, timeout }) =>
          config.timing.retry === 0 && (config.kind === 'ping' || timeout <= retransmissionMs),
      )
      .map((check) => ({
        at: whereSet(check, 'retry', 'nb_get_retry') ?? check.checker.at,
        message: 'with retry 0 one lost packet takes the real server out',
        hint: check.checker.config.kind === 'ping' ? 'write retry 1' : 'write retry 1, or a connect_timeout above 1 s',
      })),
};

const slowMs = 60_000;

const slowDetection: Lint = {
  code: 'slow-detection',
  severity: 'info',
  explanation: {
    text: `From the moment a real server stops answering it takes up to delay_loop, and for each of the retry + 1 attempts a
connect_timeout, with delay_before_retry between them, until it leaves the pool. Here that is more than a minute, in
which its share of the clients waits for nothing. delay_loop is 60 s where it is not written.`,
    example: exampleService({ settings: ['delay_loop 60'], servers: twoServers(tcpCheck) }),
    better: exampleService({ settings: ['delay_loop 6'], servers: twoServers(tcpCheck) }),
  },
  find(service) {
    let slowest: { readonly check: Check; readonly ms: number } | undefined;
    for (const check of checksOf(service)) {
      const { delayLoop, retry, delayBeforeRetry } = check.checker.config.timing;
      const ms = delayLoop + check.timeout + retry * (delayBeforeRetry + check.timeout);
      if (ms > (slowest?.ms ?? slowMs)) slowest = { check, ms };
    }
    if (slowest === undefined) return [];
    const { check, ms } = slowest;
    return [
      {
        at: whereSet(check, 'delay_loop') ?? service.at,
        message: `a real server that stops answering stays in the pool for up to ${formatDuration(ms)}`,
        hint: 'write a shorter delay_loop',
      },
    ];
  },
};

const frequentMs = 100;

const frequentChecks: Lint = {
  code: 'frequent-checks',
  severity: 'warning',
  explanation: {
    text: `A delay_loop below 0.1 s makes more than ten connections per second to each real server, for each checker. They fill its log
and its table of closed connections, and a pause of the director or of the network shorter than any client notices takes
servers out. Often a number was meant in seconds.`,
    example: exampleService({
      settings: ['delay_loop 0.05'],
      servers: twoServers('TCP_CHECK { connect_timeout 0.04; delay_before_retry 0.02 }'),
    }),
    better: exampleService({ settings: ['delay_loop 5'], servers: twoServers(tcpCheck) }),
  },
  find: (service) =>
    checksOf(service)
      .filter(({ checker: { config } }) => config.timing.delayLoop < frequentMs)
      .map((check) => ({
        at: whereSet(check, 'delay_loop') ?? check.checker.at,
        message: `a real server is checked every ${formatDuration(check.checker.config.timing.delayLoop)}`,
        hint: 'delay_loop is in seconds',
      })),
};

export const timingLints: readonly Lint[] = [
  timeoutBeyondDelay,
  retryDelayBeyondLoop,
  hastyVerdict,
  slowDetection,
  frequentChecks,
];
