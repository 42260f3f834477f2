import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { maxDiagnostics } from '../../keepalived-compat/diagnostic-list.ts';
import { parseKeepalivedText } from '../../keepalived-compat/index.ts';
import { diagnose, readFiles } from './support.ts';

/** Virtual servers with ten real servers each, as a generator of configurations would write them. */
function generateConf(realServers: number): string {
  const parts: string[] = [];
  for (let v = 0; v < realServers / 10; v++) {
    parts.push(
      `virtual_server 10.${v >> 8}.${v & 255}.1 80 {\n    delay_loop 6\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n`,
    );
    for (let r = 1; r <= 10; r++) {
      parts.push(`
    real_server 10.100.${v & 255}.${r} ${8000 + (v >> 8)} {
        weight 1
        TCP_CHECK {
            connect_timeout 3
            retry 3
        }
    }
`);
    }
    parts.push('}\n');
  }
  return parts.join('');
}

/** Milliseconds of the quickest of three runs. */
function quickest(run: () => void): number {
  const times = [1, 2, 3].map(() => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

describe('reading a configuration', () => {
  it('gives the model of examples/lvs-nat/keepalived.conf, and nothing to report', () => {
    const file = 'examples/lvs-nat/keepalived.conf';
    const { config, diagnostics } = parseKeepalivedText(readFileSync(file, 'utf8'), file);
    expect(diagnostics).to.deep.equal([]);
    const timing = { delayLoop: 1000, retry: 1, delayBeforeRetry: 1000, warmup: 1000, alpha: false };
    const realServer = (address: string, line: number) => ({
      address,
      port: 80,
      weight: 1,
      forwarding: 'nat',
      uthreshold: 0,
      lthreshold: 0,
      inhibitOnFailure: false,
      checkers: [
        {
          kind: 'http',
          timing,
          address,
          port: 80,
          connectTimeout: 1000,
          httpVersion: '1.0',
          urls: [{ path: '/', statusCodes: [{ min: 200, max: 200 }] }],
        },
      ],
      source: { file, line, column: 5 },
    });
    expect(config).to.deep.equal({
      routerId: 'lvs-nat',
      virtualServers: [
        {
          address: '172.16.10.81',
          port: 80,
          protocol: 'tcp',
          scheduler: 'rr',
          persistenceTimeoutS: 0,
          onePacket: false,
          quorum: 1,
          hysteresis: 0,
          realServers: [realServer('192.168.10.71', 36), realServer('192.168.10.72', 49)],
          source: { file, line: 17, column: 1 },
        },
      ],
    });
  });

  it('gives plain JSON', () => {
    const { config } = parseKeepalivedText(generateConf(20));
    expect(JSON.parse(JSON.stringify(config))).to.deep.equal(config);
  });

  it('gives no virtual server when a diagnostic is fatal', () => {
    const { config, diagnostics } = parseKeepalivedText(`${generateConf(10)}}`);
    expect(diagnostics.map(({ severity }) => severity)).to.deep.equal(['fatal']);
    expect(config.virtualServers).to.deep.equal([]);
  });

  it('adds up several global_defs blocks', () => {
    const text = 'global_defs {\nrouter_id a\n}\nglobal_defs {\nvrrp_strict\n}\n';
    expect(parseKeepalivedText(text).config).to.deep.equal({ routerId: 'a', virtualServers: [] });
  });

  it('orders the diagnostics by place, whichever step found them', () => {
    const text = 'nonsense\nglobal_defs {\n  foo "x\n  bar\n}\n$A=x \\';
    expect(diagnose(text).map((line) => line.split(' ')[0])).to.deep.equal(['1:1', '3:7', '4:3', '6:1']);
  });

  it('orders the diagnostics by file, in the order of reading', () => {
    const files = { 'z.conf': 'one\ninclude a.conf\ntwo', 'a.conf': 'three' };
    const places = readFiles(files).diagnostics.map(({ span }) => `${span?.file}:${span?.line}`);
    expect(places).to.deep.equal(['z.conf:1', 'z.conf:3', 'a.conf:1']);
  });

  it('stops counting diagnostics one by one at a bound, and says how many there are', () => {
    const { diagnostics } = parseKeepalivedText('nonsense\n'.repeat(maxDiagnostics + 5));
    expect(diagnostics).to.have.length(maxDiagnostics + 1);
    expect(diagnostics.at(-1)?.message).to.equal('5 more diagnostics are not shown');
  });

  it('takes time in proportion to the size', function () {
    this.timeout(60_000);
    const small = generateConf(5_000);
    const large = generateConf(20_000);
    parseKeepalivedText(small);
    const ratio = quickest(() => parseKeepalivedText(large)) / quickest(() => parseKeepalivedText(small));
    // Four times the text; a quadratic step would make it sixteen.
    expect(ratio).to.be.below(10);
  });

  it('takes time in proportion to the size for one very large block, too', function () {
    this.timeout(60_000);
    const block = (count: number): string => {
      const servers = Array.from(
        { length: count },
        (_, i) => `real_server 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} 80 {\n}\n`,
      );
      return `virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n${servers.join('weight 1\n')}}`;
    };
    parseKeepalivedText(block(1000));
    const ratio =
      quickest(() => parseKeepalivedText(block(20_000))) / quickest(() => parseKeepalivedText(block(5_000)));
    expect(ratio).to.be.below(10);
  });
});
