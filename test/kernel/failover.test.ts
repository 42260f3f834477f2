import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { FailoverArguments, FailoverResult, Failure } from '../lab/scenarios/failover.ts';
import { useLab } from './shared-lab.ts';

const delayLoopMs = 1000;
const retry = 1;
const delayBeforeRetryMs = 1000;
const timeoutMs = 1000;
const allowanceMs = 100;

interface Row {
  readonly failure: Failure;
  readonly name: string;
  /** Attempts that end by their time limit, which no checker can know sooner. */
  readonly timeouts: number;
  readonly cause: RegExp;
}

const rows: readonly Row[] = [
  {
    failure: 'tcp-refused',
    name: 'TCP_CHECK: a killed server',
    timeouts: 0,
    cause: /TCP_CHECK failed 2 times in a row: connect to 192\.168\.10\.72:80: ECONNREFUSED/,
  },
  {
    failure: 'http-refused',
    name: 'HTTP_GET: a killed server',
    timeouts: 0,
    cause: /HTTP_GET failed 2 times in a row: connect to 192\.168\.10\.72:80: ECONNREFUSED/,
  },
  {
    failure: 'http-503',
    name: 'HTTP_GET: a server that answers 503',
    timeouts: 0,
    cause: /HTTP_GET failed 2 times in a row: GET \/ from 192\.168\.10\.72:80: status 503, wanted 200/,
  },
  {
    failure: 'http-hang',
    name: 'HTTP_GET: a server that never answers',
    timeouts: retry + 1,
    cause: /HTTP_GET failed 2 times in a row: GET \/ from 192\.168\.10\.72:80: no whole answer within 1 s/,
  },
  {
    failure: 'ping-silent',
    name: 'PING_CHECK: a host whose cable is pulled',
    timeouts: retry + 1,
    cause: /PING_CHECK failed 2 times in a row: ICMP echo to 192\.168\.10\.72: no answer within 1 s/,
  },
];

describe('a real server that fails under 100 requests/s', function () {
  this.timeout(90_000);
  const lab = useLab();

  for (const { failure, name, timeouts, cause } of rows) {
    it(`leaves the table in time and returns after its first good check (${name})`, async () => {
      const { result } = await lab().run<FailoverResult>(
        'failover',
        { failure, rate: 100 } satisfies FailoverArguments,
        {
          timeLimitMs: 80_000,
        },
      );
      const limit = retry * delayBeforeRetryMs + delayLoopMs + timeouts * timeoutMs + allowanceMs;
      const { deathToRemovalMs, returnToTableMs, requests, failedBefore, failedAfter } = result;
      console.log(
        `      ${failure}: removed ${deathToRemovalMs.toFixed(0)} ms after its death (limit ${limit}), back after ` +
          `${returnToTableMs.toFixed(0)} ms; ${requests} requests, ${failedBefore} failed before the removal, ${failedAfter.length} after`,
      );
      expect(deathToRemovalMs).to.be.at.most(limit);
      expect(failedAfter, JSON.stringify(failedAfter.slice(0, 3))).to.have.length(0);
      expect(result.answeredWhileOut).to.equal(0);
      expect(returnToTableMs).to.be.at.most(delayLoopMs + (timeouts > 0 ? timeoutMs : 0) + allowanceMs);
      const transitions = result.log.filter((line) => line.includes(' is DOWN') || line.includes(' is UP'));
      expect(transitions).to.have.length(2);
      expect(transitions[0]).to.match(cause);
    });
  }
});
