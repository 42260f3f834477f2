/**
 * Problems in a configuration are data: collected, located, rendered elsewhere (render.ts). Nothing here throws.
 */
import type { DiagnosticCode } from './codes.ts';

/**
 * - `fatal`: cannot run with this file.
 * - `error`: runs, but what the file asks for at this place is not in effect.
 * - `security`: runs, but not as safely as it should (keepalived's script security class).
 * - `warning`: in effect as written, but probably not as meant.
 * - `info`: worth knowing.
 */
export type Severity = 'fatal' | 'error' | 'security' | 'warning' | 'info';

/** A place in a source file. Offsets count UTF-16 units from 0, `end` is exclusive; line and column count from 1. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
}

export interface RelatedPlace {
  readonly span: Span;
  /** `first defined here`, `included from here`. */
  readonly message: string;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  /** One sentence without a final period, naming the word or value: `delay_loop must be at least 1 microsecond`. */
  readonly message: string;
  /** Absent only where there is no place to point at (the file cannot be read). */
  readonly span?: Span;
  /** What is in effect now: `using 60 s`, `real server skipped`. */
  readonly inEffect?: string;
  /** A way out: the nearest keyword that is valid here, the allowed range. */
  readonly hint?: string;
  readonly related?: readonly RelatedPlace[];
}
