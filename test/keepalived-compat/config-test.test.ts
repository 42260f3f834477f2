import { expect } from 'chai';
import { describe, it } from 'mocha';
import { configTestStatus } from '../../keepalived-compat/index.ts';
import type { Diagnostic } from '../../lib/diagnostics/diagnostic.ts';
import { readFiles } from './support.ts';

type Reported = Pick<Diagnostic, 'code' | 'severity'>;

const info: Reported = { severity: 'info', code: 'keyword-without-effect' };
const missingInclude: Reported = { severity: 'warning', code: 'include-missing' };
const fatal: Reported = { severity: 'fatal', code: 'unbalanced-brace' };
const warning: Reported = { severity: 'warning', code: 'missing-setting' };
const error: Reported = { severity: 'error', code: 'unknown-keyword' };
const security: Reported = { severity: 'security', code: 'invalid-value' };
const failedInclude: Reported = { severity: 'fatal', code: 'include-failed' };

describe('the exit status of a configuration test', () => {
  const cases: { name: string; reported: Reported[]; status: number }[] = [
    { name: 'nothing', reported: [], status: 0 },
    { name: 'only what is worth knowing', reported: [info], status: 0 },
    { name: 'a file that is not there', reported: [missingInclude, info], status: 4 },
    { name: 'a fatal problem', reported: [fatal], status: 4 },
    { name: 'a warning', reported: [warning], status: 5 },
    { name: 'an error', reported: [error], status: 5 },
    { name: 'an error, which hides a fatal problem', reported: [error, fatal], status: 5 },
    { name: 'a security problem', reported: [security], status: 6 },
    { name: 'a checked include that failed', reported: [failedInclude], status: 6 },
    { name: 'a security problem, which hides all others', reported: [warning, security, fatal], status: 6 },
  ];
  for (const { name, reported, status } of cases) {
    it(`is ${status} for ${name}`, () => {
      expect(configTestStatus(reported)).to.equal(status);
      expect(configTestStatus(reported.toReversed())).to.equal(status);
    });
  }

  it('is 0 for a configuration that is in effect as it is written', () => {
    const text = `virtual_server 10.0.0.1 80 {
      protocol TCP
      lb_algo rr
      lb_kind NAT
      real_server 10.0.1.1 80 {
        TCP_CHECK {
        }
      }
    }`;
    expect(configTestStatus(readFiles({ 'a.conf': text }).diagnostics)).to.equal(0);
  });
});
