import { expect } from 'chai';
import { describe, it } from 'mocha';
import { lintKeepalivedConf, parseKeepalivedText } from '../../../keepalived-compat/index.ts';
import { exampleService, httpCheck, tcpCheck, twoServers } from '../../../keepalived-compat/lints/example.ts';
import { lints } from '../../../keepalived-compat/lints/index.ts';
import { type DiagnosticCode, lintCodes } from '../../../lib/diagnostics/codes.ts';
import { short } from '../support.ts';

/** What reading and the lints say together, as `code text`. */
function findAll(text: string, allowed: readonly DiagnosticCode[] = []): string[] {
  const parsed = parseKeepalivedText(text);
  const found = [...parsed.diagnostics, ...lintKeepalivedConf(parsed, new Set(allowed))];
  return found.map((one) => short(one, text).replace(/^\S+ \S+ /, ''));
}

function codes(text: string, allowed: readonly DiagnosticCode[] = []): string[] {
  return findAll(text, allowed).map((line) => line.split(' ')[0]!);
}

describe('the lints', () => {
  it('are one for each code', () => {
    expect([...lints.keys()].sort()).to.deep.equal(Object.keys(lintCodes).sort());
    expect(lints.size).to.be.at.least(25);
  });

  for (const { code, severity, explanation, consequenceOf } of lints.values()) {
    const cause = consequenceOf === undefined ? [] : [consequenceOf];

    it(`${code} is all that there is to say about its example`, () => {
      expect([...new Set(codes(explanation.example, cause))]).to.deep.equal([code]);
      const found = lintKeepalivedConf(parseKeepalivedText(explanation.example), new Set(cause));
      for (const one of found) expect(one.severity).to.equal(severity);
    });

    it(`${code} can be switched off`, () => {
      expect(codes(explanation.example, [code, ...cause])).to.deep.equal([]);
    });

    if (explanation.better !== undefined) {
      it(`${code} has a way out about which there is nothing to say`, () => {
        expect(findAll(explanation.better!)).to.deep.equal([]);
      });
    }
  }

  const places: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
    [
      'no-checker points at the real server',
      exampleService({ servers: [...twoServers(tcpCheck), { at: '192.0.2.13 80' }] }),
      ['no-checker real_server 192.0.2.13 80'],
    ],
    [
      'a setting of the virtual server is reported once for all real servers',
      exampleService({ settings: ['delay_loop 1', 'connect_timeout 3'], servers: twoServers('TCP_CHECK { }') }),
      ['timeout-beyond-delay connect_timeout 3'],
    ],
    [
      'a setting of one real server is reported there',
      exampleService({
        settings: ['connect_timeout 3'],
        servers: [
          { at: '192.0.2.11 80', inside: ['connect_timeout 10', 'TCP_CHECK { }'] },
          { at: '192.0.2.12 80', inside: ['TCP_CHECK { }'] },
        ],
      }),
      ['timeout-beyond-delay connect_timeout 10'],
    ],
    [
      'slow-detection without a delay_loop points at the virtual server',
      exampleService({ settings: ['delay_loop 6'], servers: twoServers(tcpCheck) }).replace(/.*delay_loop.*\n/, ''),
      ['slow-detection virtual_server 192.0.2.1 80'],
    ],
    [
      'a sorry server that unchecked servers alone cannot keep out is as it should be',
      exampleService({
        settings: ['sorry_server 192.0.2.99 80', 'quorum 3', 'hysteresis 1'],
        servers: [...twoServers(tcpCheck), { at: '192.0.2.13 80' }],
      }),
      ['no-checker real_server 192.0.2.13 80'],
    ],
    [
      'a sorry server that unchecked servers keep out through the hysteresis is reported',
      exampleService({
        settings: ['sorry_server 192.0.2.99 80', 'quorum 2', 'hysteresis 1'],
        servers: [...twoServers(tcpCheck), { at: '192.0.2.13 80' }],
      }),
      ['sorry-server-never-used sorry_server 192.0.2.99 80', 'no-checker real_server 192.0.2.13 80'],
    ],
    [
      'a second checker of a kind is told from the first',
      exampleService({
        servers: twoServers(tcpCheck, 'TCP_CHECK { connect_port 81; connect_timeout 1; retry 0 }').slice(0, 1),
        settings: ['sorry_server 192.0.2.99 80'],
      }),
      ['hasty-verdict retry 0'],
    ],
  ];
  for (const [name, text, expected] of places) {
    it(name, () => expect(findAll(text)).to.deep.equal(expected));
  }

  const quiet: readonly (readonly [name: string, text: string])[] = [
    [
      'retry 0 with a timeout in which a lost packet is sent again',
      exampleService({ servers: twoServers('TCP_CHECK { connect_timeout 3; retry 0 }') }),
    ],
    [
      'weights that differ where the scheduler looks at them',
      exampleService({
        settings: ['lb_algo wlc'],
        servers: [
          { at: '192.0.2.11 80', inside: ['weight 3', tcpCheck] },
          { at: '192.0.2.12 80', inside: ['weight 1', tcpCheck] },
        ],
      }),
    ],
    ['quorum 1 without a sorry server', exampleService({ settings: ['quorum 1'], servers: twoServers(tcpCheck) })],
    [
      'a TCP_CHECK that runs more often than the HTTP_GET beside it',
      exampleService({
        servers: twoServers('TCP_CHECK { connect_timeout 1; delay_loop 2 }', httpCheck),
      }),
    ],
    [
      'a check of another port beside one of the own port',
      exampleService({ servers: twoServers(tcpCheck, 'TCP_CHECK { connect_port 81; connect_timeout 3 }') }),
    ],
    [
      'a UDP service that is pinged',
      exampleService({ settings: ['protocol UDP'], servers: twoServers('PING_CHECK { connect_timeout 3 }') }),
    ],
    [
      'a url with a host name of its own',
      exampleService({
        servers: twoServers('HTTP_GET { url { path /; virtualhost www.example.com }; connect_timeout 3 }'),
      }),
    ],
    [
      'equal weights where the scheduler does not look at them',
      exampleService({
        settings: ['lb_algo rr'],
        servers: [...twoServers('weight 5', tcpCheck), { at: '192.0.2.13 80', inside: ['weight 5', tcpCheck] }],
      }),
    ],
    ['a timeout as long as delay_loop', exampleService({ settings: ['delay_loop 3'], servers: twoServers(tcpCheck) })],
  ];
  for (const [name, text] of quiet) {
    it(`say nothing about ${name}`, () => expect(findAll(text)).to.deep.equal([]));
  }

  it('leave to the reader what reading has found', () => {
    // A checker that is not carried out is reported there, with the server that stays up.
    const text = exampleService({ servers: twoServers('SSL_GET { url { path / } }') });
    expect(codes(text)).to.deep.equal(['checker-not-supported', 'checker-not-supported']);
    const idle = exampleService({ servers: twoServers('weight 0', tcpCheck) });
    expect(codes(idle)).to.deep.equal(['setting-conflict']);
  });

  it('make one diagnostic of a pool that lacks the same thing everywhere', () => {
    const servers = Array.from({ length: 100 }, (_, index) => ({ at: `192.0.2.${index + 1} 80` }));
    const found = lintKeepalivedConf(parseKeepalivedText(exampleService({ target: '198.51.100.1 80', servers })));
    expect(found.map(({ code }) => code)).to.deep.equal(['no-checker']);
    expect(found[0]!.related).to.have.length(8);
    expect(found[0]!.related!.at(-1)!.message).to.equal('here as well, and in 91 more places');
  });

  it('find their way in a repetition, where many blocks stand in one place', () => {
    const text = exampleService({ servers: twoServers(tcpCheck) }).replace(
      / {4}real_server/,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a definition of the example
      '~SEQ(v, 21, 23) real_server 192.0.2.${v} 80 { }\n    real_server',
    );
    const parsed = parseKeepalivedText(text);
    expect(parsed.config.virtualServers[0]!.realServers).to.have.length(5);
    const found = lintKeepalivedConf(parsed);
    expect(found.map(({ code, span }) => `${code} ${span?.line}`)).to.deep.equal(['no-checker 6']);
    expect(found[0]!.related).to.equal(undefined);
  });

  it('say nothing about a file that cannot be used', () => {
    const parsed = parseKeepalivedText('virtual_server 192.0.2.1 80 {\n');
    expect(lintKeepalivedConf(parsed)).to.deep.equal([]);
  });

  it('take time in proportion to the file', () => {
    const build = (count: number) =>
      parseKeepalivedText(
        Array.from({ length: count }, (_, index) =>
          exampleService({ target: `10.${index >> 8}.${index & 255}.1 80`, servers: twoServers(tcpCheck) }),
        ).join(''),
      );
    const parsed = build(2_000);
    const start = performance.now();
    expect(lintKeepalivedConf(parsed)).to.deep.equal([]);
    expect(performance.now() - start).to.be.lessThan(2_000);
  });
});
