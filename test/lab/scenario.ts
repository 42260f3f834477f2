/**
 * What a scenario is: a module that exports `run`. It is started in a process of its own, in fresh name spaces, on a
 * kernel with IPVS, as root; when `run` settles, everything it started and every network it made is gone.
 */

export interface ScenarioContext {
  /** An empty folder on a tmpfs, for files of this run only. */
  readonly scratch: string;
  /** Sends a value that survives JSON to the caller's `onTold` at once. */
  tell(message: unknown): void;
  /** Adds a line to the run's log, which is shown when the run fails. */
  log(line: string): void;
}

/** The export `run` of a scenario module. What it returns must survive JSON. */
export type Scenario<Args, Result> = (context: ScenarioContext, args: Args) => Promise<Result>;
