/**
 * What the host and the agent in the guest say to each other: one JSON object per line, over the guest's first serial
 * line. Measured with user-mode Linux 6.1: 0.4 ms for a question and its answer; towards the host any length arrives
 * (15 MB/s); towards the guest a line longer than its tty buffer of 4096 bytes can be lost. So what goes to the guest
 * is short, and anything longer lies in a file of the shared folder.
 */

/** Longest line, in bytes, that may be sent to the agent. */
export const longestRequest = 1024;

/** Host to agent. */
export type Request =
  /** Run what `requests/ID.json` in the shared folder (a {@link RunRequest}) describes. */
  | { readonly op: 'run'; readonly id: number }
  | { readonly op: 'cancel'; readonly id: number }
  | { readonly op: 'ping'; readonly id: number };

export interface RunRequest {
  /** Path of the compiled scenario module, the same in the guest as on the host. */
  readonly scenario: string;
  readonly args: unknown;
  readonly timeLimitMs: number;
}

/** Agent to host. */
export type Report =
  | { readonly event: 'ready'; readonly facts: MachineFacts }
  | { readonly event: 'pong'; readonly id: number }
  /** A line the scenario, or a program it started, printed. */
  | { readonly event: 'log'; readonly id: number; readonly line: string }
  /** Something the scenario wants its caller to know at once. */
  | { readonly event: 'told'; readonly id: number; readonly message: unknown }
  | { readonly event: 'done'; readonly id: number; readonly outcome: Outcome; readonly tookMs: number };

export type Outcome =
  | { readonly kind: 'returned'; readonly result: unknown }
  | { readonly kind: 'threw'; readonly message: string; readonly stack: string }
  | { readonly kind: 'timed-out'; readonly timeLimitMs: number }
  | { readonly kind: 'cancelled' }
  /** The scenario's process ended without a result. */
  | { readonly kind: 'died'; readonly code: number | null; readonly signal: string | null };

/** What the agent found when it started. */
export interface MachineFacts {
  /** Kernel release, e.g. `6.1.176`. */
  readonly kernel: string;
  /** Version the kernel's ip_vs prints in /proc/net/ip_vs, e.g. `1.2.1`. */
  readonly ipvs: string;
  readonly node: string;
  /** Seconds since the kernel started, when the agent was ready. */
  readonly uptimeSeconds: number;
}

/** Agent to the process that runs one scenario, over node's IPC. */
export interface ScenarioOrder {
  readonly id: number;
  readonly scenario: string;
  readonly args: unknown;
}

/** The scenario's process to the agent. */
export type ScenarioReport =
  | { readonly event: 'waiting' }
  | { readonly event: 'told'; readonly message: unknown }
  | { readonly event: 'done'; readonly outcome: Outcome };
