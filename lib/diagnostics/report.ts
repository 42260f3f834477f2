/**
 * A report on one configuration for programs: JSON of our own, and SARIF 2.1.0 (OASIS) for editors and CI. Both are
 * plain data; docs/diagnostics.md describes the shape of the JSON. A change that breaks a reader raises `version`.
 */
import { type DiagnosticCode, diagnosticCodes } from './codes.ts';
import type { Diagnostic, Severity, Span } from './diagnostic.ts';

export interface Report {
  /** The program that found it. */
  readonly tool: { readonly name: string; readonly version: string };
  /** The main file as it was named. */
  readonly file: string;
  /** Exit status of the check. */
  readonly status: number;
  readonly diagnostics: readonly Diagnostic[];
}

export const reportVersion = 1;

/** Lines and columns count from 1, columns in UTF-16 units; `endColumn` is exclusive, on the same line. */
interface JsonPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  /** UTF-16 units from the start of the file; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface JsonDiagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  readonly place: JsonPlace | null;
  readonly inEffect: string | null;
  readonly hint: string | null;
  readonly related: readonly { readonly message: string; readonly place: JsonPlace }[];
}

export interface JsonReport {
  readonly version: typeof reportVersion;
  readonly tool: Report['tool'];
  readonly file: string;
  readonly status: number;
  readonly counts: Readonly<Record<Severity, number>>;
  readonly diagnostics: readonly JsonDiagnostic[];
}

/** Every field is always there; what is absent is null or an empty list. */
export function jsonReport({ tool, file, status, diagnostics }: Report): JsonReport {
  const counts: Record<Severity, number> = { fatal: 0, error: 0, security: 0, warning: 0, info: 0 };
  for (const { severity } of diagnostics) counts[severity]++;
  return {
    version: reportVersion,
    tool: { name: tool.name, version: tool.version },
    file,
    status,
    counts,
    diagnostics: diagnostics.map(({ code, severity, message, span, inEffect, hint, related = [] }) => ({
      code,
      severity,
      message,
      place: span === undefined ? null : jsonPlace(span),
      inEffect: inEffect ?? null,
      hint: hint ?? null,
      related: related.map((other) => ({ message: other.message, place: jsonPlace(other.span) })),
    })),
  };
}

function jsonPlace({ file, line, column, start, end }: Span): JsonPlace {
  return { file, line, column, endColumn: column + (end - start), start, end };
}

const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  fatal: 'error',
  error: 'error',
  security: 'warning',
  warning: 'warning',
  info: 'note',
};

/**
 * A log of SARIF 2.1.0 with one run. Rules are the codes that occur, in the order of their names.
 *
 * @param help the long explanation of a code, shown by editors beside the result
 */
export function sarifReport({ tool, file, status, diagnostics }: Report, help: (code: DiagnosticCode) => string) {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  const indexOf = new Map(codes.map((code, index) => [code, index] as const));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: tool.name,
            version: tool.version,
            rules: codes.map((code) => ({
              id: code,
              shortDescription: { text: diagnosticCodes[code] },
              help: { text: help(code) },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            // The check itself always comes to its end; what it found is in the exit code.
            executionSuccessful: true,
            exitCode: status,
          },
        ],
        results: diagnostics.map((diagnostic) => {
          const { code, severity, span, related = [] } = diagnostic;
          return {
            ruleId: code,
            ruleIndex: indexOf.get(code)!,
            level: levels[severity],
            message: { text: sarifMessage(diagnostic) },
            locations: [
              { physicalLocation: span === undefined ? { artifactLocation: artifact(file) } : sarifPlace(span) },
            ],
            ...(related.length === 0
              ? {}
              : {
                  relatedLocations: related.map((other, index) => ({
                    id: index + 1,
                    physicalLocation: sarifPlace(other.span),
                    message: { text: other.message },
                  })),
                }),
            properties: { severity },
          };
        }),
      },
    ],
  };
}

function sarifMessage({ message, inEffect, hint }: Diagnostic): string {
  const parts = [message];
  if (inEffect !== undefined) parts.push(`In effect: ${inEffect}`);
  if (hint !== undefined) parts.push(`Hint: ${hint}`);
  const text = parts.join('. ');
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function sarifPlace({ file, line, column, start, end }: Span) {
  return {
    artifactLocation: artifact(file),
    region: {
      startLine: line,
      startColumn: column,
      endLine: line,
      // SARIF section 3.30.8: an end at the start is an insertion point, which is what an empty span is.
      endColumn: column + (end - start),
      charOffset: start,
      charLength: end - start,
    },
  };
}

/** A path as a URI reference (RFC 3986): each segment escaped; an absolute path becomes `file:///...`. */
function artifact(path: string): { readonly uri: string } {
  const escaped = path
    .split('/')
    .map((segment) => encodeURIComponent(segment.replace(/\p{Surrogate}/gu, '\ufffd')))
    .join('/');
  return { uri: path.startsWith('/') ? `file://${escaped}` : escaped };
}
