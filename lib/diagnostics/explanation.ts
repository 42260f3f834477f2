/** What `ipvigil explain CODE` tells beyond the one line of the code. */
export interface Explanation {
  /** Why it matters and what to do, in full sentences; paragraphs are divided by an empty line. */
  readonly text: string;
  /** A piece of configuration that gives the diagnostic. */
  readonly example: string;
  /** The same piece as it should be. */
  readonly better?: string;
}
