import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  type CheckResult,
  type CheckRules,
  type CheckState,
  initialCheckState,
  stepCheck,
} from '../../lib/health/check-state.ts';
import { makeChecker } from '../../lib/health/checker.ts';
import type { CheckTiming } from '../../lib/model/checker.ts';
import { httpCheck, tcpCheck } from '../../lib/runtime/checker.ts';
import { milliseconds } from '../../lib/time/duration.ts';

const timing = (more: Partial<CheckTiming> = {}): CheckTiming => ({
  delayLoop: milliseconds(10_000),
  retry: 1,
  delayBeforeRetry: milliseconds(1000),
  warmup: milliseconds(10_000),
  alpha: false,
  ...more,
});

const pass: CheckResult = { outcome: 'pass', elapsedMs: 1 };
const fail: CheckResult = { outcome: 'fail', reason: 'connect to 10.0.0.11:80: ECONNREFUSED (connection refused)' };
const postponed: CheckResult = { outcome: 'postponed', reason: 'open a socket: EMFILE' };

/** `+` passed, `-` failed, `?` could not be asked. */
const results: Readonly<Record<string, CheckResult>> = { '+': pass, '-': fail, '?': postponed };

interface Told {
  /** After which result. */
  readonly after: number;
  readonly to: string;
  readonly first: boolean;
  readonly times: number;
  readonly rule: string;
}

/** Each result comes in at the moment it is due. */
function run(rules: CheckRules, script: string, start = initialCheckState(rules, 0, 0)) {
  let state: CheckState = start;
  const told: Told[] = [];
  const due: number[] = [];
  const parts: number[] = [];
  for (const [i, sign] of [...script].entries()) {
    const before = state;
    parts.push(before.part);
    const step = stepCheck(before, results[sign]!, before.dueAt, rules);
    state = step.state;
    due.push(state.dueAt - before.dueAt);
    if (step.verdict !== undefined) {
      const { to, first, cause } = step.verdict;
      told.push({ after: i + 1, to, first, times: cause.times, rule: cause.rule });
    }
  }
  return { state, told, due, parts };
}

const firstUp = { after: 1, to: 'up', first: true, times: 1, rule: 'first-check' };
const firstDown = { after: 1, to: 'down', first: true, times: 1, rule: 'first-check' };

describe('a checker', () => {
  const rows: readonly {
    readonly name: string;
    readonly script: string;
    readonly timing?: Partial<CheckTiming>;
    readonly parts?: number;
    readonly told: readonly Told[];
    /** From each result to the next probe, in ms. */
    readonly due?: readonly number[];
    readonly asked?: readonly number[];
  }[] = [
    {
      name: 'is up after a first pass, and says so once',
      script: '+++',
      told: [firstUp],
      due: [10_000, 10_000, 10_000],
    },
    {
      name: 'is down after one failure when nothing was known, whatever retry says',
      script: '--',
      timing: { retry: 5 },
      told: [firstDown],
      due: [10_000, 10_000],
    },
    {
      name: 'with retry 3 is down after four failures in a row, delay_before_retry apart',
      script: '+----',
      timing: { retry: 3 },
      told: [firstUp, { after: 5, to: 'down', first: false, times: 4, rule: 'retries-used-up' }],
      due: [10_000, 1000, 1000, 1000, 10_000],
    },
    {
      name: 'with retry 0 is down after one failure',
      script: '+-',
      timing: { retry: 0 },
      told: [firstUp, { after: 2, to: 'down', first: false, times: 1, rule: 'retries-used-up' }],
    },
    {
      name: 'forgets failures with every pass: only those in a row count',
      script: '+-+-+-+',
      told: [firstUp],
      due: [10_000, 1000, 10_000, 1000, 10_000, 1000, 10_000],
    },
    {
      name: 'that is down is up after one success',
      script: '-+',
      told: [firstDown, { after: 2, to: 'up', first: false, times: 1, rule: 'passed' }],
    },
    {
      name: 'that is down is asked each delay_loop, without retries, and told of once',
      script: '-----',
      told: [firstDown],
      due: [10_000, 10_000, 10_000, 10_000, 10_000],
    },
    {
      name: 'that came back has all its retries again',
      script: '-+--',
      told: [
        firstDown,
        { after: 2, to: 'up', first: false, times: 1, rule: 'passed' },
        { after: 4, to: 'down', first: false, times: 2, rule: 'retries-used-up' },
      ],
    },
    { name: 'with alpha is up after its first pass', script: '+', timing: { alpha: true }, told: [firstUp] },
    { name: 'with alpha tells of a first failure too', script: '-', timing: { alpha: true }, told: [firstDown] },
    {
      name: 'that could not be asked keeps its verdict and waits for delay_loop',
      script: '+???',
      told: [firstUp],
      due: [10_000, 10_000, 10_000, 10_000],
    },
    {
      name: 'that could not be asked at first is still decided by its first result',
      script: '??-',
      timing: { retry: 5 },
      told: [{ ...firstDown, after: 3 }],
    },
    {
      name: 'that could not be asked between two failures counts both',
      script: '+-?-',
      told: [firstUp, { after: 4, to: 'down', first: false, times: 2, rule: 'retries-used-up' }],
      due: [10_000, 1000, 10_000, 10_000],
    },
    {
      name: 'of three urls asks one per round, in turn',
      script: '++++',
      parts: 3,
      told: [firstUp],
      due: [10_000, 10_000, 10_000, 10_000],
      asked: [0, 1, 2, 0],
    },
    {
      name: 'of three urls repeats the one that failed',
      script: '+--',
      parts: 3,
      told: [firstUp, { after: 3, to: 'down', first: false, times: 2, rule: 'retries-used-up' }],
      asked: [0, 1, 1],
    },
    {
      name: 'of three urls that is down repeats the failing one alone, and is up when all have passed',
      script: '+----+++',
      parts: 3,
      told: [
        firstUp,
        { after: 3, to: 'down', first: false, times: 2, rule: 'retries-used-up' },
        { after: 8, to: 'up', first: false, times: 3, rule: 'passed' },
      ],
      asked: [0, 1, 1, 1, 1, 1, 2, 0],
    },
    {
      name: 'of two urls begins again when another one fails before all have passed',
      script: '-+-+-++',
      parts: 2,
      told: [firstDown, { after: 7, to: 'up', first: false, times: 2, rule: 'passed' }],
      asked: [0, 0, 1, 1, 0, 0, 1],
    },
    {
      name: 'of two urls with alpha is up when both have passed',
      script: '++',
      parts: 2,
      timing: { alpha: true },
      told: [{ after: 2, to: 'up', first: true, times: 2, rule: 'first-check' }],
    },
    {
      name: 'of two urls with alpha is down at a failure of the second',
      script: '+-',
      parts: 2,
      timing: { alpha: true },
      told: [{ after: 2, to: 'down', first: true, times: 1, rule: 'first-check' }],
    },
  ];
  for (const { name, script, timing: more, parts = 1, told, due, asked } of rows) {
    it(`${name} (${script})`, () => {
      const result = run({ timing: timing(more), parts }, script);
      expect(result.told).to.deep.equal(told);
      if (due !== undefined) expect(result.due).to.deep.equal(due);
      if (asked !== undefined) expect(result.parts).to.deep.equal(asked);
    });
  }

  it('is assumed up before its first check, or down with alpha', () => {
    expect(initialCheckState({ timing: timing(), parts: 1 }, 0, 0).up).to.equal(true);
    expect(initialCheckState({ timing: timing({ alpha: true }), parts: 1 }, 0, 0).up).to.equal(false);
  });

  it('is first checked within its warm-up, as chance says', () => {
    const rules = { timing: timing({ warmup: milliseconds(4000) }), parts: 1 };
    expect(initialCheckState(rules, 500, 0).dueAt).to.equal(500);
    expect(initialCheckState(rules, 500, 0.25).dueAt).to.equal(1500);
    expect(initialCheckState(rules, 500, 0.999).dueAt).to.be.below(4500);
  });

  it('by HTTP is asked after the longer of delay_loop and delay_before_retry while it is down', () => {
    const options = { address: '10.0.0.11', port: 80, delayLoop: 1000, delayBeforeRetry: 3000 };
    const http = makeChecker(httpCheck({ ...options, urls: [{ path: '/' }, { path: '/b' }] })).rules;
    //                                    up    retry  down  still down  one of two, both
    expect(run(http, '+---++').due).to.deep.equal([1000, 3000, 3000, 3000, 1000, 1000]);
    const often = makeChecker(httpCheck({ ...options, delayBeforeRetry: 10, urls: [{ path: '/' }] })).rules;
    expect(run(often, '+---').due).to.deep.equal([1000, 10, 1000, 1000]);
    // Others are asked each delay_loop.
    expect(run(makeChecker(tcpCheck(options)).rules, '+---').due).to.deep.equal([1000, 3000, 1000, 1000]);
  });

  it('does not drift: however late the answers come, rounds stay on the grid of the first', () => {
    const rules = { timing: timing(), parts: 1 };
    let state = initialCheckState(rules, 0, 0.3);
    for (let round = 0; round < 1000; round++) {
      state = stepCheck(state, pass, state.dueAt + 5 + (round % 90), rules).state;
      expect(state.dueAt).to.equal(3000 + (round + 1) * 10_000);
    }
  });

  it('runs one round after the machine stood still for an hour, not all that were missed', () => {
    const rules = { timing: timing(), parts: 1 };
    const hour = 3_600_000;
    const state = stepCheck(initialCheckState(rules, 0, 0), pass, hour + 1, rules).state;
    expect(state.dueAt).to.equal(hour + 10_000);
    expect(stepCheck(state, pass, state.dueAt + 1, rules).state.dueAt).to.equal(hour + 20_000);
  });

  it('is never due again before the answer came in, and is never up with a failure that counts', () => {
    const anyRules = fc.record({
      timing: fc.record({
        delayLoop: fc.double({ min: 0.001, max: 1e5, noNaN: true }).map(milliseconds),
        retry: fc.nat(4),
        delayBeforeRetry: fc.double({ min: 0.001, max: 1e5, noNaN: true }).map(milliseconds),
        warmup: fc.constant(milliseconds(0)),
        alpha: fc.boolean(),
      }),
      parts: fc.integer({ min: 1, max: 4 }),
    });
    const anyStep = fc.tuple(fc.constantFrom('+', '-', '?'), fc.double({ min: 0, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(anyRules, fc.array(anyStep, { maxLength: 40 }), (rules, steps) => {
        let state = initialCheckState(rules, 0, 0);
        let up = state.up;
        for (const [sign, late] of steps) {
          const at = state.dueAt + late;
          const step = stepCheck(state, results[sign]!, at, rules);
          expect(step.state.dueAt).to.be.at.least(at);
          expect(step.state.part).to.be.within(0, rules.parts - 1);
          if (step.verdict === undefined) expect(step.state.up).to.equal(up);
          else expect(step.state.up).to.equal(step.verdict.to === 'up');
          if (step.state.up) expect(step.state.failures).to.be.at.most(rules.timing.retry);
          state = step.state;
          up = state.up;
        }
      }),
      { numRuns: 500 },
    );
  });
});
