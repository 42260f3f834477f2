/** HTTP_GET: up when each url answers with an accepted status (keepalived.conf(5) HTTP_GET, RFC 9112). */
import { formatEndpoint } from '../../address/endpoint.ts';
import type { HttpCheck, HttpCheckUrl, StatusRange } from '../../model/checker.ts';
import type { CheckResult } from '../check-state.ts';
import type { ExchangeProbeRequest, ProbeReply } from '../probe.ts';
import { HttpResponseReader } from './http-response.ts';
import { judgeUnanswered } from './unanswered.ts';

/** The whole exchange may take this many times the limit of one read: a peer that trickles bytes is cut off. */
const EXCHANGE_LIMIT_FACTOR = 10;

/** One request per url, in the configured order. */
export function httpProbeRequests(check: HttpCheck): ExchangeProbeRequest[] {
  const { address, port, connectTimeout: timeoutMs, bindAddress, bindPort, fwmark } = check;
  return check.urls.map((url) => ({
    kind: 'exchange',
    address,
    port,
    timeoutMs,
    totalTimeoutMs: timeoutMs * EXCHANGE_LIMIT_FACTOR,
    bindAddress,
    bindPort,
    fwmark,
    payload: encodeRequest(check, url),
    reader: () => new HttpResponseReader(),
  }));
}

/** What the reply to the request for `check.urls[part]` says. */
export function judgeHttp(check: HttpCheck, part: number, reply: ProbeReply): CheckResult {
  const url = check.urls[part]!;
  const subject = `GET ${url.path} from ${formatEndpoint(check)}`;
  if (reply.kind !== 'done' && reply.kind !== 'closed') {
    return judgeUnanswered(formatEndpoint(check), reply, `GET ${url.path} from`);
  }
  const reader = reply.reader as HttpResponseReader;
  if (reply.kind === 'closed') reader.end();
  if (reader.fault !== undefined) return { outcome: 'fail', reason: `${subject}: ${reader.fault}` };
  const status = reader.status!;
  if (url.statusCodes.some(({ min, max }) => status >= min && status <= max)) {
    return { outcome: 'pass', elapsedMs: reply.elapsedMs };
  }
  return { outcome: 'fail', reason: `${subject}: status ${status}, wanted ${formatStatusRanges(url.statusCodes)}` };
}

function encodeRequest(check: HttpCheck, url: HttpCheckUrl): Uint8Array {
  const host = url.virtualHost ?? check.virtualHost ?? formatEndpoint(check);
  const version = check.httpVersion === '1.1' ? '1.1' : '1.0';
  const lines = [`GET ${url.path} HTTP/${version}`, 'User-Agent: KeepAliveClient', `Host: ${host}`];
  if (check.httpVersion !== '1.0') lines.push('Connection: close');
  return new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`);
}

function formatStatusRanges(ranges: readonly StatusRange[]): string {
  return ranges.map(({ min, max }) => (min === max ? `${min}` : `${min}-${max}`)).join(' ');
}
