import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { type CheckKey, CheckRunner, checkKey } from '../../lib/runtime/check-runner.ts';
import { FakeClock } from '../../lib/testing/fake-clock.ts';
import { ScriptedProber } from '../../lib/testing/scripted-prober.ts';
import { check } from './fixtures.ts';

describe('CheckRunner', () => {
  let clock: FakeClock;
  let prober: ScriptedProber;
  let told: string[];
  let runner: CheckRunner;
  let random: number;
  let onResult: () => void;
  beforeEach(() => {
    clock = new FakeClock();
    prober = new ScriptedProber(clock, { kind: 'accepts' });
    told = [];
    random = 0;
    onResult = () => {};
    runner = new CheckRunner({
      clock,
      prober,
      random: () => random,
      listener: {
        verdict: (key, { to, first }) => told.push(`${clock.now()} ${nameOf(key)} ${to}${first ? ' first' : ''}`),
        result: () => onResult(),
      },
    });
  });

  /** The last byte of the address. */
  const nameOf = (key: CheckKey): string => JSON.parse(key).address.split('.')[3];

  it('probes equal configurations once, and different ones each', () => {
    runner.configure([check(11), check(11), check(12), check(11, { retry: 2 })]);
    clock.advance(1);
    expect(runner.size).to.equal(3);
    expect(prober.asked('10.0.0.11:80')).to.equal(2);
    expect(runner.probesStarted).to.equal(3);
    expect(told).to.deep.equal(['1 11 up first', '1 12 up first', '1 11 up first']);
  });

  it('probes each delay_loop, and is told of changes only', () => {
    prober.set('10.0.0.11:80', { kind: 'accepts' }, { kind: 'accepts' }, { kind: 'refuses' });
    runner.configure([check(11)]);
    clock.advance(5000);
    expect(told).to.deep.equal(['1 11 up first', '2105 11 down']);
    expect(runner.isUp(checkKey(check(11)))).to.equal(false);
    prober.set('10.0.0.11:80', { kind: 'accepts' });
    clock.advance(1100);
    expect(told).to.have.length(3);
    expect(told[2]).to.match(/^[0-9]+ 11 up$/);
  });

  it('spreads the first checks over the warm-up, and keeps each in its phase', () => {
    for (const [n, chance] of [
      [11, 0.1],
      [12, 0.9],
    ] as const) {
      random = chance;
      runner.configure([...(n === 12 ? [check(11, { warmup: 1000 })] : []), check(n, { warmup: 1000 })]);
    }
    clock.advance(99);
    expect(prober.requests).to.have.length(0);
    clock.advance(2);
    expect(prober.asked('10.0.0.11:80')).to.equal(1);
    clock.advance(9_999);
    expect(prober.asked('10.0.0.11:80')).to.equal(11);
    expect(prober.asked('10.0.0.12:80')).to.equal(10);
  });

  it('starts checks that fall due within 4 ms together, without a drift', () => {
    random = 0.5;
    runner.configure([11, 12, 13].map((n) => check(n, { warmup: n - 10, delayLoop: 1001 })));
    clock.advance(3);
    expect(prober.requests).to.have.length(0);
    clock.advance(1);
    expect(prober.requests).to.have.length(3);
    clock.advance(1001 * 100);
    expect(prober.requests).to.have.length(303);
  });

  it('does not start a probe while the last one is under way', () => {
    prober.set('10.0.0.11:80', { kind: 'silent' });
    runner.configure([check(11, { connectTimeout: 3500 })]);
    clock.advance(3000);
    expect(prober.inFlight).to.equal(1);
    expect(prober.requests).to.have.length(1);
    clock.advance(1000);
    expect(told).to.deep.equal(['3500 11 down first']);
    expect(prober.requests).to.have.length(2);
  });

  it('lets a check that stays go on: its verdict, its failures, its phase', () => {
    prober.set('10.0.0.11:80', { kind: 'refuses' });
    runner.configure([check(11)]);
    clock.advance(500);
    expect(told).to.deep.equal(['1 11 down first']);
    runner.configure([check(12), check(11)]);
    expect(runner.isUp(checkKey(check(11)))).to.equal(false);
    clock.advance(499);
    expect(prober.asked('10.0.0.11:80')).to.equal(1);
    clock.advance(2);
    expect(prober.asked('10.0.0.11:80')).to.equal(2);
    expect(told.filter((line) => line.includes(' 11 '))).to.have.length(1);
  });

  it('does not bring a dead server back when only the timing of its check changes', () => {
    prober.set('10.0.0.11:80', { kind: 'refuses' });
    runner.configure([check(11)]);
    clock.advance(10);
    const slower = check(11, { delayLoop: 60_000, warmup: 60_000 });
    random = 0.5;
    runner.configure([slower], () => true);
    expect(runner.isUp(checkKey(slower))).to.equal(false);
    prober.set('10.0.0.11:80', { kind: 'accepts' });
    clock.advance(30_010);
    expect(told).to.deep.equal(['1 11 down first', '30013 11 up']);
  });

  it('takes a check of another question for untested, and believes what is assumed of it', () => {
    prober.set('10.0.0.11:80', { kind: 'refuses' });
    runner.configure([check(11)]);
    clock.advance(10);
    const other = check(11, { connectTimeout: 400 });
    const alpha = check(12, { alpha: true });
    const adopted = check(13, { alpha: true });
    runner.configure([other, alpha, adopted], (key) => (key === checkKey(adopted) ? true : undefined));
    expect([other, alpha, adopted].map((config) => runner.isUp(checkKey(config)))).to.deep.equal([true, false, true]);
    expect(runner.isUp(checkKey(check(11)))).to.equal(undefined);
  });

  it('cancels what is under way and leaves no alarm when it stops', () => {
    prober.set('10.0.0.11:80', { kind: 'silent' });
    runner.configure([check(11), check(12)]);
    clock.advance(10);
    expect(prober.inFlight).to.equal(1);
    runner.stop();
    expect([prober.inFlight, prober.cancelled, clock.armed, runner.size]).to.deep.equal([0, 1, 0, 0]);
    clock.advance(10_000);
    expect(told).to.deep.equal(['1 12 up first']);
  });

  it('says nothing more of a check that its listener ended', () => {
    onResult = () => runner.stop();
    runner.configure([check(11)]);
    clock.advance(5000);
    expect(told).to.deep.equal([]);
    expect(clock.armed).to.equal(0);
  });

  it('runs a round once after the machine stood still', () => {
    runner.configure([check(11), check(12)]);
    clock.advance(10);
    prober.requests.length = 0;
    clock.stall(3_600_000);
    clock.advance(0);
    expect(prober.requests).to.have.length(2);
    clock.advance(2000);
    expect(prober.requests.length).to.be.within(4, 6);
  });
});
