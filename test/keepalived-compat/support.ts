/** Short forms of trees and diagnostics, so that a test shows only what it is about. */
import { DiagnosticList } from '../../keepalived-compat/diagnostic-list.ts';
import {
  type ParsedConf,
  parseKeepalivedConf,
  type ReadFile,
  readFromMemory,
  type Statement,
} from '../../keepalived-compat/index.ts';
import { type ParseOptions, parseFiles } from '../../keepalived-compat/parser.ts';
import type { Diagnostic } from '../../lib/diagnostics/diagnostic.ts';

/** A statement as its words; one with a block as its words and the list of what is inside. */
export type Outline = readonly (string | readonly Outline[])[];

export function outline(statements: readonly Statement[]): Outline[] {
  return statements.map(({ words, body }) => {
    const texts = words.map(({ text }) => text);
    return body === undefined ? texts : [...texts, outline(body.statements)];
  });
}

export interface TreeOutline {
  readonly outline: Outline[];
  /** As {@link short} gives them, in the order of the text. */
  readonly diagnostics: string[];
}

/** The tree of a text, and what is wrong with it before keywords are looked at. */
export function readTree(text: string, options: Partial<ParseOptions> = {}): TreeOutline {
  const list = new DiagnosticList();
  const read = readFromMemory({ 'a.conf': text });
  const tree = parseFiles({ file: 'a.conf', read, ...options }, list);
  return { outline: outline(tree.statements), diagnostics: list.sorted(tree.files).map((one) => short(one, text)) };
}

/** `3:5 error unknown-keyword dealy_loop`: place, severity, code and the text that it points at. */
export function short({ span, severity, code }: Diagnostic, text: string): string {
  if (span === undefined) return `${severity} ${code}`;
  return `${span.line}:${span.column} ${severity} ${code} ${text.slice(span.start, span.end)}`;
}

/** A configuration over files in memory; the first one is the main file. */
export function readFiles(
  files: Parameters<typeof readFromMemory>[0],
  options: Partial<ParseOptions> = {},
): ParsedConf {
  const read: ReadFile = readFromMemory(files);
  return parseKeepalivedConf({ file: Object.keys(files)[0]!, read, ...options });
}

/** The diagnostics of a configuration in one file. */
export function diagnose(text: string): string[] {
  return readFiles({ 'a.conf': text }).diagnostics.map((one) => short(one, text));
}
