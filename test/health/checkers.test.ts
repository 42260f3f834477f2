import { expect } from 'chai';
import { describe, it } from 'mocha';
import { errnoNumber, systemCallError } from '../../lib/errors.ts';
import { makeChecker } from '../../lib/health/checker.ts';
import { HttpResponseReader } from '../../lib/health/checkers/http-response.ts';
import type { ExchangeProbeRequest, ProbeReply } from '../../lib/health/probe.ts';
import { type HttpCheckerOptions, httpCheck, pingCheck, tcpCheck } from '../../lib/runtime/checker.ts';

const tcp = makeChecker(tcpCheck({ address: '2001:db8::11', port: 80, connectTimeout: 1500 }));
const ping = makeChecker(pingCheck({ address: '10.0.0.11' }));
const http = (options: Partial<HttpCheckerOptions> = {}) =>
  makeChecker(httpCheck({ address: '10.0.0.11', port: 8080, urls: [{ path: '/health?x=1' }], ...options }));

const refused = (name: 'ECONNREFUSED' | 'ECONNRESET', during: 'connect' | 'receive' | 'echo'): ProbeReply => ({
  kind: 'refused',
  errno: errnoNumber(name),
  during,
});

function answered(text: string, kind: 'done' | 'closed' = 'closed'): ProbeReply {
  const reader = new HttpResponseReader();
  if (text !== '') reader.read(new TextEncoder().encode(text));
  return { kind, elapsedMs: 4, reader };
}

describe('TCP_CHECK', () => {
  it('asks for a connection to the address and port within connect_timeout', () => {
    expect(tcp.requests).to.have.length(1);
    expect(tcp.requests[0]).to.include({ kind: 'tcp', address: '2001:db8::11', port: 80, timeoutMs: 1500 });
  });

  it('passes when connected, and names step, target, errno and limit when not', () => {
    expect(tcp.judge(0, { kind: 'done', elapsedMs: 4 })).to.deep.equal({ outcome: 'pass', elapsedMs: 4 });
    expect(tcp.judge(0, refused('ECONNREFUSED', 'connect'))).to.deep.equal({
      outcome: 'fail',
      reason: 'connect to [2001:db8::11]:80: ECONNREFUSED (connection refused)',
    });
    expect(tcp.judge(0, { kind: 'timeout', timeoutMs: 1500, during: 'connect' })).to.deep.equal({
      outcome: 'fail',
      reason: 'connect to [2001:db8::11]:80: no answer within 1.5 s',
    });
  });

  it('is only postponed by a failure of this machine', () => {
    const error = systemCallError(errnoNumber('EMFILE'), {
      operation: 'open a TCP socket for',
      subject: '10.0.0.11:80',
    });
    expect(tcp.judge(0, { kind: 'local-failure', error })).to.deep.equal({
      outcome: 'postponed',
      reason: error.message,
    });
  });
});

describe('PING_CHECK', () => {
  it('asks for one echo, and names the address when there is none', () => {
    expect(ping.requests).to.deep.equal([
      { kind: 'ping', address: '10.0.0.11', timeoutMs: 5000, bindAddress: undefined, fwmark: undefined },
    ]);
    expect(ping.judge(0, { kind: 'done', elapsedMs: 1 })).to.deep.equal({ outcome: 'pass', elapsedMs: 1 });
    expect(ping.judge(0, { kind: 'timeout', timeoutMs: 5000, during: 'echo' })).to.deep.equal({
      outcome: 'fail',
      reason: 'ICMP echo to 10.0.0.11: no answer within 5 s',
    });
  });
});

describe('HTTP_GET', () => {
  const request = (options?: Partial<HttpCheckerOptions>, part = 0): string =>
    new TextDecoder().decode((http(options).requests[part] as ExchangeProbeRequest).payload);

  it('sends the path with address and port as Host, as HTTP/1.0', () => {
    expect(request()).to.equal(
      'GET /health?x=1 HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 10.0.0.11:8080\r\n\r\n',
    );
    expect(request({ address: '2001:db8::1' })).to.contain('\r\nHost: [2001:db8::1]:8080\r\n');
  });

  it('sends the virtualhost of the url before that of the checker', () => {
    const urls = [{ path: '/a' }, { path: '/b', virtualHost: 'b.example' }];
    expect(request({ virtualHost: 'a.example', urls })).to.contain('\r\nHost: a.example\r\n');
    expect(request({ virtualHost: 'a.example', urls }, 1)).to.contain('\r\nHost: b.example\r\n');
  });

  it('asks the server to close with 1.0C and 1.1', () => {
    expect(request({ httpVersion: '1.0C' })).to.match(/^GET \S+ HTTP\/1\.0\r\n(.*\r\n)*Connection: close\r\n\r\n$/);
    expect(request({ httpVersion: '1.1' })).to.match(/^GET \S+ HTTP\/1\.1\r\n(.*\r\n)*Connection: close\r\n\r\n$/);
    expect(request()).to.not.contain('Connection');
  });

  it('passes with 200 to 299, or with the codes and ranges that were given', () => {
    const passes = (status: number, statusCodes?: HttpCheckerOptions['urls'][0]['statusCodes']): boolean => {
      const url = statusCodes === undefined ? { path: '/' } : { path: '/', statusCodes };
      return http({ urls: [url] }).judge(0, answered(`HTTP/1.1 ${status} X\r\n\r\n`)).outcome === 'pass';
    };
    expect([199, 200, 299, 300].map((status) => passes(status))).to.deep.equal([false, true, true, false]);
    const codes = [404, { min: 500, max: 502 }];
    expect([200, 404, 499, 500, 502, 503].map((status) => passes(status, codes))).to.deep.equal([
      ...[false, true, false, true, true, false],
    ]);
  });

  it('names the request and what came back when it fails', () => {
    const reason = (reply: ProbeReply): string => {
      const result = http({ urls: [{ path: '/health', statusCodes: [204, { min: 300, max: 399 }] }] }).judge(0, reply);
      expect(result.outcome).to.equal('fail');
      return result.outcome === 'fail' ? result.reason : '';
    };
    const subject = 'GET /health from 10.0.0.11:8080';
    expect(reason(answered('HTTP/1.1 503 Busy\r\n\r\n'))).to.equal(`${subject}: status 503, wanted 204 300-399`);
    expect(reason(answered('hello\r\n', 'done'))).to.equal(`${subject}: not an HTTP response: "hello"`);
    expect(reason(answered(''))).to.equal(`${subject}: closed without an answer`);
    expect(reason(refused('ECONNREFUSED', 'connect'))).to.equal(
      'connect to 10.0.0.11:8080: ECONNREFUSED (connection refused)',
    );
    expect(reason(refused('ECONNRESET', 'receive'))).to.equal(`${subject}: ECONNRESET (connection reset by peer)`);
    expect(reason({ kind: 'timeout', timeoutMs: 5000, during: 'receive' })).to.equal(
      `${subject}: no whole answer within 5 s`,
    );
  });

  it('limits the whole exchange to ten times the limit of one read', () => {
    expect(http({ connectTimeout: 200 }).requests[0]).to.include({ timeoutMs: 200, totalTimeoutMs: 2000 });
  });
});
