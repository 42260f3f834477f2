/** Checks a configuration without running it, and writes down what was found: for people, as JSON, or as SARIF. */
import { explanationOf } from '../keepalived-compat/explain.ts';
import { configTestStatus, lintKeepalivedConf, type ParsedConf } from '../keepalived-compat/index.ts';
import type { DiagnosticCode } from '../lib/diagnostics/codes.ts';
import type { Diagnostic, Severity } from '../lib/diagnostics/diagnostic.ts';
import { renderDiagnostic } from '../lib/diagnostics/render.ts';
import { jsonReport, sarifReport } from '../lib/diagnostics/report.ts';
import { loadConfiguration } from './config-source.ts';
import { version } from './version.ts';

export const reportFormats = ['text', 'json', 'sarif'] as const;
export type ReportFormat = (typeof reportFormats)[number];

export function isReportFormat(word: string): word is ReportFormat {
  return (reportFormats as readonly string[]).includes(word);
}

export interface CheckedConfiguration {
  readonly file: string;
  readonly parsed: ParsedConf;
  /** In the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
  /** As keepalived -t gives it: see configTestStatus. */
  readonly status: 0 | 4 | 5 | 6;
}

export interface CheckOptions {
  /** Run the lints as well. */
  readonly lint?: boolean;
  /** Codes whose warnings and infos are left out. What is not in effect (errors) cannot be hidden. */
  readonly allow?: ReadonlySet<DiagnosticCode>;
}

/** Never throws for what stands in the files. */
export function checkConfiguration(
  file: string,
  configId: string | undefined,
  { lint = false, allow = new Set() }: CheckOptions = {},
): CheckedConfiguration {
  const parsed = loadConfiguration(file, configId);
  const kept = parsed.diagnostics.filter(({ code, severity }) => !allow.has(code) || !canBeHidden(severity));
  const found = lint ? lintKeepalivedConf(parsed, allow) : [];
  const diagnostics = inTextOrder(parsed, [...kept, ...found]);
  return { file, parsed, diagnostics, status: configTestStatus(diagnostics) };
}

function canBeHidden(severity: Severity): boolean {
  return severity === 'warning' || severity === 'info';
}

/** By file in the order of reading, then by place; what has no place keeps its end of the list. */
function inTextOrder({ tree }: ParsedConf, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const order = new Map<string, number>();
  for (const { path } of tree.files) if (!order.has(path)) order.set(path, order.size);
  const rank = ({ span, code }: Diagnostic): number => {
    if (span !== undefined) return order.get(span.file) ?? order.size;
    return code === 'too-many-diagnostics' ? order.size + 1 : -1;
  };
  return diagnostics.toSorted((a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0));
}

/** Every diagnostic with its source line, and a last line that counts them. */
export function renderTextReport({ file, parsed, diagnostics }: CheckedConfiguration, color: boolean): string {
  const texts = new Map(parsed.tree.files.map(({ path, text }) => [path, text] as const));
  const source = (path: string): string | undefined => texts.get(path);
  const rendered = diagnostics.map((diagnostic) => `${renderDiagnostic(diagnostic, { source, color })}\n`);
  return `${rendered.join('')}${file}: ${countDiagnostics(diagnostics)}\n`;
}

/** `2 errors, 1 warning`; `nothing to report` without any. */
export function countDiagnostics(diagnostics: readonly Pick<Diagnostic, 'severity'>[]): string {
  const names: Readonly<Record<Severity, readonly [one: string, many: string]>> = {
    fatal: ['fatal error', 'fatal errors'],
    error: ['error', 'errors'],
    security: ['security problem', 'security problems'],
    warning: ['warning', 'warnings'],
    info: ['info', 'infos'],
  };
  const parts = (Object.keys(names) as Severity[]).flatMap((severity) => {
    const count = diagnostics.filter((one) => one.severity === severity).length;
    return count === 0 ? [] : [`${count} ${names[severity][count === 1 ? 0 : 1]}`];
  });
  return parts.length === 0 ? 'nothing to report' : parts.join(', ');
}

/** One JSON text with a final line feed. `name` is that of the program. */
export function renderMachineReport(
  { file, diagnostics, status }: CheckedConfiguration,
  format: 'json' | 'sarif',
  name: string,
): string {
  const report = { tool: { name, version: version() }, file, status, diagnostics };
  const data =
    format === 'json'
      ? jsonReport(report)
      : sarifReport(report, (code) => explanationOf(code).text.replace(/\n/g, ' '));
  return `${JSON.stringify(data, undefined, 2)}\n`;
}
