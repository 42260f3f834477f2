/**
 * Runs checkers: holds their states, starts the probe that is due, and hands each new verdict on. One check runs for each
 * distinct configuration, however many real servers refer to it. What is decided stands in health/; what touches the
 * network in io/.
 *
 *   alarm ──> probe ──> reply ──> judge ──> stepCheck ──> verdict to the listener
 *     ^                                          │
 *     └────────────── next deadline ─────────────┘
 */
import {
  type CheckResult,
  type CheckState,
  type CheckStep,
  initialCheckState,
  stepCheck,
} from '../health/check-state.ts';
import { type Checker, makeChecker } from '../health/checker.ts';
import type { Prober } from '../health/probe.ts';
import type { CheckerConfig } from '../model/checker.ts';
import type { Alarm, AlarmClock } from '../time/clock.ts';

/** Identifies a check: equal configurations have equal keys. */
export type CheckKey = string & { readonly __brand: 'CheckKey' };

export function checkKey(config: CheckerConfig): CheckKey {
  return JSON.stringify(config) as CheckKey;
}

/** Equal for checks that ask the same of the same target, however often. */
function questionKey({ timing: _, ...question }: CheckerConfig): string {
  return JSON.stringify(question);
}

export interface CheckListener {
  /** A verdict was reached or changed. */
  verdict(key: CheckKey, verdict: NonNullable<CheckStep['verdict']>): void;
  /** Each probe's outcome. */
  result?(key: CheckKey, result: CheckResult, up: boolean): void;
}

export interface CheckRunnerParts {
  readonly clock: AlarmClock;
  readonly prober: Prober;
  readonly listener: CheckListener;
  /** In [0, 1): spreads the first checks. */
  readonly random: () => number;
}

/**
 * Checks that fall due within this many milliseconds start together: thousands of checks a second then wake the process
 * a few hundred times. Every deadline is moved up to the next multiple, so intervals stay what they are.
 */
const COALESCE_MS = 4;

export class CheckRunner {
  readonly #parts: CheckRunnerParts;
  readonly #checks = new Map<CheckKey, RunningCheck>();
  #probesStarted = 0;

  constructor(parts: CheckRunnerParts) {
    this.#parts = parts;
  }

  /**
   * Makes the set of running checks the given one. A check that ran before goes on untouched: verdict, failures, phase.
   * One that differs in its timing only takes the verdict of the one that it replaces: a reload that changes delay_loop
   * does not bring dead servers back. Any other new one is untested; `assumedUp` overrides what is assumed of it (alpha).
   * New ones are scheduled within their warm-up.
   */
  configure(configs: Iterable<CheckerConfig>, assumedUp?: (key: CheckKey) => boolean | undefined): void {
    const wanted = new Map<CheckKey, CheckerConfig>();
    for (const config of configs) wanted.set(checkKey(config), config);
    const replaced = new Map<string, CheckState>();
    for (const [key, check] of this.#checks) {
      if (wanted.has(key)) continue;
      check.stop();
      this.#checks.delete(key);
      if (check.state.hasRun) replaced.set(questionKey(check.config), check.state);
    }
    for (const [key, config] of wanted) {
      if (this.#checks.has(key)) continue;
      const check = new RunningCheck(key, makeChecker(config), this.#parts, () => this.#probesStarted++);
      this.#checks.set(key, check);
      check.start(assumedUp?.(key), replaced.size === 0 ? undefined : replaced.get(questionKey(config)));
    }
  }

  /** The verdict so far, or the assumption; undefined for a check that does not run. */
  isUp(key: CheckKey): boolean | undefined {
    return this.#checks.get(key)?.state.up;
  }

  get size(): number {
    return this.#checks.size;
  }

  /** Since the start of this runner. */
  get probesStarted(): number {
    return this.#probesStarted;
  }

  /** Ends all checks and cancels what is in flight. */
  stop(): void {
    this.configure([]);
  }
}

class RunningCheck {
  state: CheckState;
  readonly #key: CheckKey;
  readonly #checker: Checker;
  readonly #parts: CheckRunnerParts;
  readonly #countProbe: () => void;
  #alarm: Alarm | undefined;
  #cancelProbe: (() => void) | undefined;
  #stopped = false;

  constructor(key: CheckKey, checker: Checker, parts: CheckRunnerParts, countProbe: () => void) {
    this.#key = key;
    this.#checker = checker;
    this.#parts = parts;
    this.#countProbe = countProbe;
    this.state = initialCheckState(checker.rules, parts.clock.now(), parts.random());
  }

  get config(): CheckerConfig {
    return this.#checker.config;
  }

  start(assumedUp: boolean | undefined, replaced: CheckState | undefined): void {
    if (replaced !== undefined) this.state = { ...replaced, dueAt: this.state.dueAt };
    else if (assumedUp !== undefined) this.state = { ...this.state, up: assumedUp };
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#alarm?.cancel();
    this.#cancelProbe?.();
  }

  readonly #probe = (): void => {
    this.#countProbe();
    this.#cancelProbe = this.#parts.prober.start(this.#checker.requests[this.state.part]!, this.#replied);
  };

  readonly #replied = (reply: Parameters<Checker['judge']>[1]): void => {
    this.#cancelProbe = undefined;
    const result = this.#checker.judge(this.state.part, reply);
    const { state, verdict } = stepCheck(this.state, result, this.#parts.clock.now(), this.#checker.rules);
    this.state = state;
    this.#schedule();
    this.#parts.listener.result?.(this.#key, result, state.up);
    // The listener may have ended this check: then it hears no more of it.
    if (verdict !== undefined && !this.#stopped) this.#parts.listener.verdict(this.#key, verdict);
  };

  #schedule(): void {
    const deadline = Math.ceil(this.state.dueAt / COALESCE_MS) * COALESCE_MS;
    this.#alarm = this.#parts.clock.alarmAt(deadline, this.#probe);
  }
}
