/**
 * A lint finds what is carried out as written and will still surprise somebody. It looks at one virtual server, as a
 * pure function of what is written and what is in effect, and says nothing that reading the file has said already.
 */
import type { LintCode } from '../../lib/diagnostics/codes.ts';
import type { Explanation } from '../../lib/diagnostics/explanation.ts';
import type { DiagnosticText, Place } from '../diagnostic-list.ts';
import type { VirtualServerView } from './view.ts';

export interface Finding extends DiagnosticText {
  readonly at: Place;
}

export interface Lint {
  readonly code: LintCode;
  readonly severity: 'warning' | 'info';
  /** The lint that reports the cause of this one, each at its own line. */
  readonly consequenceOf?: LintCode;
  /** Its example gives this lint (and that of its cause) and no other diagnostic; `better` gives none at all. */
  readonly explanation: Explanation;
  /** Findings with the same message become one diagnostic, which lists the places of all. */
  readonly find: (service: VirtualServerView) => readonly Finding[];
}
