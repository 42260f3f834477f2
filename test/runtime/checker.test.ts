import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { IpvigilError } from '../../lib/errors.ts';
import { HttpChecker, PingChecker, TcpChecker, type TcpCheckerOptions } from '../../lib/index.ts';
import { FakeClock } from '../../lib/testing/fake-clock.ts';
import { ScriptedProber } from '../../lib/testing/scripted-prober.ts';

const minimal = { address: '10.0.0.11', port: 80 };

describe('a checker of the library', () => {
  let clock: FakeClock;
  let prober: ScriptedProber;
  let told: unknown[];
  beforeEach(() => {
    clock = new FakeClock();
    prober = new ScriptedProber(clock, { kind: 'accepts' });
    told = [];
  });

  function make(options: Partial<TcpCheckerOptions> = {}): TcpChecker {
    const checker = new TcpChecker({ ...minimal, delayLoop: 1000, warmup: 0, ...options }, { clock, prober });
    checker.on('up', (verdict) => told.push(['up', verdict]));
    checker.on('down', (verdict) => told.push(['down', verdict]));
    return checker;
  }

  it('tells of the server going up and down, each with its cause', () => {
    prober.set('10.0.0.11:80', { kind: 'accepts' }, { kind: 'refuses' });
    const checker = make();
    const results: unknown[] = [];
    checker.on('result', ({ outcome }, up) => results.push([outcome, up]));
    expect([checker.up, checker.running]).to.deep.equal([true, false]);
    checker.start();
    clock.advance(3000);
    expect(told).to.deep.equal([
      ['up', { first: true, cause: { reason: 'answered in 1.0 ms', times: 1, rule: 'first-check' } }],
      [
        'down',
        {
          first: false,
          cause: {
            reason: 'connect to 10.0.0.11:80: ECONNREFUSED (connection refused)',
            ...{ times: 2, rule: 'retries-used-up' },
          },
        },
      ],
    ]);
    expect(results).to.deep.equal([
      ['pass', true],
      ['fail', true],
      ['fail', false],
    ]);
    expect([checker.up, checker.running]).to.deep.equal([false, true]);
    checker.stop();
    expect(clock.armed).to.equal(0);
  });

  it('has its new state when its listeners hear of it', () => {
    prober.set('10.0.0.11:80', { kind: 'refuses' });
    const checker = make();
    checker.on('result', () => told.push(checker.up));
    checker.start();
    clock.advance(1);
    expect(told[0]).to.equal(false);
    checker.stop();
  });

  it('starts and stops as often as it is told, and tells nothing after a stop', () => {
    prober.set('10.0.0.11:80', { kind: 'accepts', afterMs: 10 });
    const checker = make();
    checker.start();
    checker.start();
    clock.advance(5);
    expect(prober.inFlight).to.equal(1);
    checker.stop();
    checker.stop();
    clock.advance(5000);
    expect(told).to.deep.equal([]);
    checker.start();
    clock.advance(20);
    expect(told).to.have.length(1);
    checker[Symbol.dispose]();
    expect([clock.armed, prober.inFlight, checker.running]).to.deep.equal([0, 0, false]);
  });

  it('can be stopped by its own listener', () => {
    const checker = make();
    checker.on('result', () => checker.stop());
    checker.start();
    clock.advance(5000);
    expect(told).to.deep.equal([]);
    expect(clock.armed).to.equal(0);
  });

  it('stops when its signal is aborted, and does not start with an aborted one', () => {
    const abort = new AbortController();
    const checker = make({ signal: abort.signal });
    checker.start();
    clock.advance(10);
    abort.abort(new Error('enough'));
    expect([checker.running, clock.armed]).to.deep.equal([false, 0]);
    expect(() => checker.start())
      .to.throw(IpvigilError, 'start TCP_CHECK of 10.0.0.11: its signal is aborted already')
      .with.property('code', 'ERR_ABORTED');
  });

  it("has keepalived's defaults", () => {
    expect(new TcpChecker(minimal).config).to.deep.equal({
      ...{ kind: 'tcp', ...minimal, connectTimeout: 5000 },
      timing: { delayLoop: 60_000, retry: 1, delayBeforeRetry: 1000, warmup: 60_000, alpha: false },
    });
    expect(new HttpChecker({ ...minimal, delayLoop: 500, urls: [{ path: '/' }] }).config).to.deep.equal({
      ...{ kind: 'http', ...minimal, connectTimeout: 5000, httpVersion: '1.0' },
      urls: [{ path: '/', statusCodes: [{ min: 200, max: 299 }] }],
      timing: { delayLoop: 500, retry: 1, delayBeforeRetry: 3000, warmup: 500, alpha: false },
    });
    expect(new PingChecker({ address: '2001:DB8::1', connectTimeout: 900 }).config).to.deep.equal({
      ...{ kind: 'ping', address: '2001:db8::1', timeout: 900 },
      timing: { delayLoop: 60_000, retry: 1, delayBeforeRetry: 1000, warmup: 60_000, alpha: false },
    });
  });

  const wrong: readonly (readonly [name: string, make: () => unknown, message: string])[] = [
    [
      'no address',
      () => new TcpChecker({ port: 80 } as never),
      'option address: it is missing, wanted an IPv4 or IPv6 address',
    ],
    [
      'a host name',
      () => new TcpChecker({ ...minimal, address: 'web1' }),
      'option address: it is "web1", wanted an IPv4',
    ],
    [
      'port 0',
      () => new TcpChecker({ ...minimal, port: 0 }),
      'option port: it is 0, wanted a whole number from 1 to 65535',
    ],
    ['half a port', () => new TcpChecker({ ...minimal, port: 80.5 }), 'option port: it is 80.5, wanted a whole number'],
    ['a port as text', () => new TcpChecker({ ...minimal, port: '80' as never }), 'option port: it is "80", wanted'],
    [
      'no delay',
      () => new TcpChecker({ ...minimal, delayLoop: 0 }),
      'option delayLoop: it is 0, wanted from 0.001 to 4294967295 milliseconds',
    ],
    [
      'a delay that is no number',
      () => new TcpChecker({ ...minimal, delayLoop: Number.NaN }),
      'option delayLoop: it is NaN',
    ],
    [
      'a delay without end',
      () => new TcpChecker({ ...minimal, connectTimeout: Infinity }),
      'option connectTimeout: it is Infinity',
    ],
    [
      'a negative warm-up',
      () => new TcpChecker({ ...minimal, warmup: -1 }),
      'option warmup: it is -1, wanted from 0 to',
    ],
    [
      'a negative retry',
      () => new TcpChecker({ ...minimal, retry: -1 }),
      'option retry: it is -1, wanted a whole number from 0 to 4294967295',
    ],
    [
      'alpha as text',
      () => new TcpChecker({ ...minimal, alpha: 'yes' as never }),
      'option alpha: it is "yes", wanted true or false',
    ],
    ['mark 0', () => new TcpChecker({ ...minimal, fwmark: 0 }), 'option fwmark: it is 0, wanted a whole number from 1'],
    [
      'another family',
      () => new TcpChecker({ ...minimal, bindAddress: '::1' }),
      'option bindAddress: it is "::1", wanted an IPv4 address, as',
    ],
    [
      'a misspelt option',
      () => new TcpChecker({ ...minimal, delay_loop: 1 } as never),
      'option delay_loop: there is no such option; the options are address, delayLoop,',
    ],
    [
      'a port for a ping',
      () => new PingChecker(minimal as never),
      'create a PingChecker: option port: there is no such option',
    ],
    ['no options', () => new TcpChecker(undefined as never), 'option options: it is missing, wanted an object'],
    [
      'no signal',
      () => new TcpChecker({ ...minimal, signal: {} as never }),
      'option signal: it is {}, wanted an AbortSignal',
    ],
    [
      'no urls',
      () => new HttpChecker({ ...minimal, urls: [] }),
      'option urls: it is [], wanted an array of at least one url',
    ],
    [
      'a url as text',
      () => new HttpChecker({ ...minimal, urls: ['/' as never] }),
      'option urls[0]: it is "/", wanted an object',
    ],
    [
      'a relative path',
      () => new HttpChecker({ ...minimal, urls: [{ path: 'x' }] }),
      'option urls[0].path: it is "x", wanted printable',
    ],
    [
      'a path with a second request',
      () => new HttpChecker({ ...minimal, urls: [{ path: '/ HTTP/1.0\r\n\r\nGET /' }] }),
      'option urls[0].path:',
    ],
    [
      'a host with a header',
      () => new HttpChecker({ ...minimal, virtualHost: 'a\r\nX: y', urls: [{ path: '/' }] }),
      'option virtualHost: it is "a\\r\\nX: y"',
    ],
    [
      'a status below 100',
      () => new HttpChecker({ ...minimal, urls: [{ path: '/', statusCodes: [99] }] }),
      'option urls[0].statusCodes: it is [99], wanted',
    ],
    [
      'a range backwards',
      () => new HttpChecker({ ...minimal, urls: [{ path: '/', statusCodes: [{ min: 300, max: 200 }] }] }),
      'option urls[0].statusCodes:',
    ],
    [
      'another protocol',
      () => new HttpChecker({ ...minimal, httpVersion: '2' as never, urls: [{ path: '/' }] }),
      'option httpVersion: it is "2", wanted one of 1.0, 1.0C, 1.1',
    ],
  ];
  for (const [name, attempt, message] of wrong) {
    it(`refuses ${name}`, () => {
      expect(attempt).to.throw(IpvigilError, message).with.property('code', 'ERR_INVALID_ARGUMENT');
    });
  }
});
