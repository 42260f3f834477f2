/** What all checkers have in common: their probes, and what a reply says. One entry per kind of checker. */
import type { CheckerConfig } from '../model/checker.ts';
import { milliseconds } from '../time/duration.ts';
import type { CheckResult, CheckRules } from './check-state.ts';
import { httpProbeRequests, judgeHttp } from './checkers/http.ts';
import { judgePing, pingProbeRequest } from './checkers/ping.ts';
import { judgeTcp, tcpProbeRequest } from './checkers/tcp.ts';
import type { ProbeReply, ProbeRequest } from './probe.ts';

/** A checker ready to run. Made once per configuration; its requests are reused for every probe. */
export interface Checker {
  readonly config: CheckerConfig;
  /** One probe per part; part `n` is asked by `requests[n]`. Never empty. */
  readonly requests: readonly ProbeRequest[];
  /** What stepCheck decides by. */
  readonly rules: CheckRules;
  judge(part: number, reply: ProbeReply): CheckResult;
}

export function makeChecker(config: CheckerConfig): Checker {
  const { timing } = config;
  const onePart: CheckRules = { timing, parts: 1 };
  switch (config.kind) {
    case 'tcp':
      return {
        config,
        requests: [tcpProbeRequest(config)],
        rules: onePart,
        judge: (_part, reply) => judgeTcp(config, reply),
      };
    case 'http': {
      const delayWhileDown = milliseconds(Math.max(timing.delayLoop, timing.delayBeforeRetry));
      return {
        config,
        requests: httpProbeRequests(config),
        rules: { timing, parts: config.urls.length, delayWhileDown },
        judge: (part, reply) => judgeHttp(config, part, reply),
      };
    }
    case 'ping':
      return {
        config,
        requests: [pingProbeRequest(config)],
        rules: onePart,
        judge: (_part, reply) => judgePing(config, reply),
      };
  }
}
