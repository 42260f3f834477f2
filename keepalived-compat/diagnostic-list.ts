/** Collects what is wrong with a configuration, in the order of the text, without ever growing beyond a bound. */
import type { DiagnosticCode } from '../lib/diagnostics/codes.ts';
import type { Diagnostic, RelatedPlace, Severity, Span } from '../lib/diagnostics/diagnostic.ts';
import { type SourceFile, spanOf, type Token } from './syntax-tree.ts';

export const maxDiagnostics = 10_000;

/** Where a diagnostic points: one word, or from the first to the last of several on one line. */
export type Place = Token | readonly [first: Token, last: Token] | Span;

export interface DiagnosticText {
  readonly message: string;
  readonly inEffect?: string | undefined;
  readonly hint?: string | undefined;
  readonly related?: readonly { readonly at: Place; readonly message: string }[];
}

export class DiagnosticList {
  readonly #target: DiagnosticList | undefined;
  readonly #items: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  #left = 0;
  #hasFatal = false;

  /** @param target takes what is added here, errors as warnings; see {@link advisory} */
  constructor(target?: DiagnosticList) {
    this.#target = target;
  }

  /**
   * A view of this list for what is read and not carried out: an error there changes nothing of what runs, so it is
   * a warning and does not keep the rest of the file from being used.
   */
  advisory(): DiagnosticList {
    return this.#target === undefined ? new DiagnosticList(this) : this;
  }

  add(code: DiagnosticCode, severity: Severity, at: Place | undefined, text: DiagnosticText): void {
    if (this.#target !== undefined) {
      this.#target.add(code, severity === 'error' ? 'warning' : severity, at, text);
      return;
    }
    if (severity === 'fatal') this.#hasFatal = true;
    if (this.#items.length >= maxDiagnostics && severity !== 'fatal') {
      this.#left++;
      return;
    }
    const { message, inEffect, hint, related = [] } = text;
    const span = at === undefined ? undefined : placeSpan(at);
    // A repeated line, or a file that is included twice, has each fault once.
    const key = `${code} ${span?.file} ${span?.start} ${span?.end} ${message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const places: RelatedPlace[] = related.map((place) => ({ span: placeSpan(place.at), message: place.message }));
    const file = at === undefined ? undefined : fileOf(at);
    if (file?.includedBy !== undefined) places.push({ span: spanOf(file.includedBy), message: 'included from here' });
    this.#items.push({
      code,
      severity,
      message,
      ...(span === undefined ? {} : { span }),
      ...(inEffect === undefined ? {} : { inEffect }),
      ...(hint === undefined ? {} : { hint }),
      ...(places.length === 0 ? {} : { related: places }),
    });
  }

  get hasFatal(): boolean {
    return this.#hasFatal;
  }

  /** By file in the order of reading, then by place; those without a place first. */
  sorted(files: readonly SourceFile[]): Diagnostic[] {
    const order = new Map<string, number>();
    for (const { path } of files) if (!order.has(path)) order.set(path, order.size);
    const rank = ({ span }: Diagnostic): number => (span === undefined ? -1 : (order.get(span.file) ?? order.size));
    const sorted = this.#items.toSorted(
      (a, b) =>
        rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0) || (a.span?.end ?? 0) - (b.span?.end ?? 0),
    );
    if (this.#left > 0) {
      sorted.push({
        code: 'too-many-diagnostics',
        severity: 'warning',
        message: `${this.#left} more diagnostics are not shown`,
      });
    }
    return sorted;
  }
}

function placeSpan(at: Place): Span {
  if (isRange(at)) {
    const [first, last] = at;
    return last.line === first.line && last.end >= first.end ? { ...spanOf(first), end: last.end } : spanOf(first);
  }
  return 'kind' in at ? spanOf(at) : at;
}

function fileOf(at: Place): SourceFile | undefined {
  if (isRange(at)) return at[0].line.file;
  return 'kind' in at ? at.line.file : undefined;
}

function isRange(at: Place): at is readonly [Token, Token] {
  return Array.isArray(at);
}
