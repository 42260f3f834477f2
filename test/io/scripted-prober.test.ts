import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import type { ExchangeProbeRequest, ProbeReply, TcpProbeRequest } from '../../lib/health/probe.ts';
import { FakeClock } from '../../lib/testing/fake-clock.ts';
import { type ScriptedBehaviour, ScriptedProber } from '../../lib/testing/scripted-prober.ts';
import { LineReader, proberContract } from './prober-contract.ts';

const address = ipAddress('10.0.0.11');
const tcp = (port: number): TcpProbeRequest => ({ kind: 'tcp', address, port, timeoutMs: 30 });
const exchange = (port: number): ExchangeProbeRequest => ({
  ...{ kind: 'exchange', address, port, timeoutMs: 200, totalTimeoutMs: 1000, payload: new Uint8Array(1) },
  reader: () => new LineReader(),
});

proberContract('ScriptedProber', async () => {
  const clock = new FakeClock();
  const prober = new ScriptedProber(clock);
  let port = 0;
  const target = (behaviour: ScriptedBehaviour): number => {
    prober.set(`10.0.0.11:${++port}`, behaviour);
    return port;
  };
  return {
    prober,
    wait: async (until) => {
      for (let ms = 0; !until() && ms < 5000; ms++) clock.advance(1);
      expect(until()).to.equal(true);
    },
    pass: async (ms) => clock.advance(ms),
    accepting: async () => tcp(target({ kind: 'accepts' })),
    refusing: async () => tcp(target({ kind: 'refuses' })),
    unanswered: async () => tcp(target({ kind: 'silent' })),
    impossible: async () => tcp(target({ kind: 'local-failure' })),
    responding: async (pieces, open) =>
      exchange(target({ kind: 'responds', bytes: pieces.join(''), open: open === 'open' })),
    echoing: () => {
      prober.set('10.0.0.11', { kind: 'accepts' });
      return { kind: 'ping', address, timeoutMs: 1000 };
    },
    cleanup: async () => {
      expect(prober.inFlight).to.equal(0);
      expect(clock.armed).to.equal(0);
    },
  };
});

describe('ScriptedProber', () => {
  it('answers in turn, and goes on with the last answer', () => {
    const clock = new FakeClock();
    const prober = new ScriptedProber(clock);
    prober.set('10.0.0.11:80', { kind: 'accepts' }, { kind: 'refuses', errno: 'EHOSTUNREACH', afterMs: 3 });
    const kinds: string[] = [];
    for (let i = 0; i < 3; i++) {
      prober.start(tcp(80), ({ kind }) => kinds.push(kind));
      clock.advance(3);
    }
    expect(kinds).to.deep.equal(['done', 'refused', 'refused']);
    expect(prober.asked('10.0.0.11:80')).to.equal(3);
    expect(prober.requests).to.have.length(3);
  });

  it('runs into the time limit when an answer would come later', () => {
    const clock = new FakeClock();
    const prober = new ScriptedProber(clock, { kind: 'accepts', afterMs: 31 });
    const replies: ProbeReply[] = [];
    prober.start(tcp(80), (reply) => replies.push(reply));
    clock.advance(30);
    expect(replies).to.deep.equal([{ kind: 'timeout', timeoutMs: 30, during: 'connect' }]);
  });

  it('can work an answer out from the request', () => {
    const clock = new FakeClock();
    const prober = new ScriptedProber(clock, (request) =>
      request.kind === 'tcp' && request.port === 80 ? { kind: 'accepts' } : { kind: 'refuses' },
    );
    const kinds: string[] = [];
    for (const port of [80, 81]) prober.start(tcp(port), ({ kind }) => kinds.push(kind));
    clock.advance(1);
    expect(kinds).to.deep.equal(['done', 'refused']);
  });

  it('refuses a target that no script is about', () => {
    expect(() => new ScriptedProber(new FakeClock()).start(tcp(80), () => {})).to.throw(RangeError, '10.0.0.11:80');
  });
});
