/**
 * When one checker calls its real server up or down, and when it looks again.
 *
 *            first result decides, without retries
 *                 ┌──────────┐
 *                 │ untested │  assumed up, or down with alpha
 *                 └──────────┘
 *          pass │              │ fail
 *               v              v
 *         ┌────────┐  retry+1 failures in a row   ┌────────┐
 *         │   up   │ ───────────────────────────> │  down  │
 *         │        │ <─────────────────────────── │        │
 *         └────────┘      one whole pass          └────────┘
 *
 * A whole pass is one good probe, or one of every part where a checker has several (HTTP_GET's urls): one part is asked
 * per round; a part that failed is asked again until it works, and then all others must work too before a server that is
 * down comes back. A server that is down is asked each delayLoop, by HTTP_GET after the longer of delayLoop and
 * delayBeforeRetry. keepalived.conf(5): delay_loop, retry, delay_before_retry, warmup, alpha.
 */
import type { CheckTiming } from '../model/checker.ts';
import type { Duration } from '../time/duration.ts';

/** What one probe said. A local failure (no descriptor, bind refused) says nothing about the real server. */
export type CheckResult =
  | { readonly outcome: 'pass'; readonly elapsedMs: number }
  /** `reason` is one bounded line: `connect to 10.0.0.1:80: ECONNREFUSED (connection refused)`. */
  | { readonly outcome: 'fail'; readonly reason: string }
  | { readonly outcome: 'postponed'; readonly reason: string };

export interface CheckState {
  readonly up: boolean;
  /** Until a result came, one failure is enough. */
  readonly hasRun: boolean;
  /** Failures in a row since the last pass. */
  readonly failures: number;
  /** Which part (url) is asked next, 0-based. */
  readonly part: number;
  /** Parts in a row that passed since the last failure. */
  readonly passedParts: number;
  /** When the next probe is due, monotonic ms. */
  readonly dueAt: number;
}

/** The part of a checker's configuration that decides. `parts` is 1 but for several urls. */
export interface CheckRules {
  readonly timing: CheckTiming;
  readonly parts: number;
  /** From a failure to the next probe while down. Absent: delayLoop. */
  readonly delayWhileDown?: Duration;
}

export type CheckVerdict = 'up' | 'down';

export interface CheckStep {
  readonly state: CheckState;
  /** The checker's verdict has changed, or is known for the first time (`first`). */
  readonly verdict?: { readonly to: CheckVerdict; readonly first: boolean; readonly cause: VerdictCause };
}

/** Why a verdict was reached, for one sentence in the log. */
export interface VerdictCause {
  /** What the last probe said. */
  readonly reason: string;
  /** Probes in a row with that outcome. */
  readonly times: number;
  readonly rule: 'first-check' | 'retries-used-up' | 'passed';
}

/**
 * The state before the first probe. `random` is in [0, 1) and spreads the first checks over `warmup`.
 * Differs: keepalived waits one more second before that.
 */
export function initialCheckState({ timing }: CheckRules, at: number, random: number): CheckState {
  return {
    up: !timing.alpha,
    hasRun: false,
    failures: 0,
    part: 0,
    passedParts: 0,
    dueAt: at + timing.warmup * random,
  };
}

/** The state after the result of the probe that was due at `state.dueAt` came in `at` (monotonic ms). Pure. */
export function stepCheck(state: CheckState, result: CheckResult, at: number, rules: CheckRules): CheckStep {
  const { delayLoop, delayBeforeRetry, retry } = rules.timing;
  const nextRound = followingRound(state.dueAt, delayLoop, at);
  if (result.outcome === 'postponed') return { state: { ...state, dueAt: nextRound } };
  if (result.outcome === 'pass') return passed(state, result, nextRound, rules);

  const failures = state.failures + 1;
  const failed = { ...state, hasRun: true, failures, passedParts: 0 };
  const decided = !state.hasRun || failures > retry;
  const dueWhileDown = followingRound(state.dueAt, rules.delayWhileDown ?? delayLoop, at);
  if (!state.up && state.hasRun) return { state: { ...failed, dueAt: dueWhileDown } };
  if (!decided) return { state: { ...failed, dueAt: at + delayBeforeRetry } };
  return {
    state: { ...failed, up: false, dueAt: dueWhileDown },
    verdict: {
      to: 'down',
      first: !state.hasRun,
      cause: {
        reason: result.reason,
        times: failures,
        rule: state.hasRun ? 'retries-used-up' : 'first-check',
      },
    },
  };
}

function passed(
  state: CheckState,
  result: { readonly elapsedMs: number },
  dueAt: number,
  { parts }: CheckRules,
): CheckStep {
  const passedParts = Math.min(state.passedParts + 1, parts);
  // A server that is not up yet, be it after a failure or by alpha, must pass in all its parts.
  const up = state.up || passedParts >= parts;
  const next: CheckState = {
    up,
    hasRun: state.hasRun || up,
    failures: 0,
    part: (state.part + 1) % parts,
    passedParts,
    dueAt,
  };
  // Nothing new, as thousands of times a second: no cause is put into words.
  if (!up || (state.up && state.hasRun)) return { state: next };
  const rule = state.hasRun ? 'passed' : 'first-check';
  const cause: VerdictCause = { reason: `answered in ${result.elapsedMs.toFixed(1)} ms`, times: passedParts, rule };
  return { state: next, verdict: { to: 'up', first: !state.hasRun, cause } };
}

/**
 * The first time after `at` on the grid `dueAt + n x delayLoop`: the phase of a check never drifts, and a machine that
 * stood still does not run the missed rounds one after the other.
 */
function followingRound(dueAt: number, delayLoop: number, at: number): number {
  const next = dueAt + delayLoop;
  if (next > at) return next;
  return dueAt + delayLoop * (Math.floor((at - dueAt) / delayLoop) + 1);
}
