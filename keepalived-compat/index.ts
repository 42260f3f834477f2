/**
 * Reads keepalived.conf: text in, the library's model and located diagnostics out. Opens nothing by itself; files come
 * through the reader that the caller passes in.
 *
 *     lexer, definitions, includes -> parser -> syntax tree -> block-reader (keyword tables) -> lower -> Configuration
 *
 * Facts about keepalived are those of version 2.4.3. A deliberate deviation is marked `Differs:` where it happens.
 */
import type { DiagnosticCode } from '../lib/diagnostics/codes.ts';
import type { Diagnostic } from '../lib/diagnostics/diagnostic.ts';
import type { Configuration } from '../lib/model/configuration.ts';
import { DiagnosticList } from './diagnostic-list.ts';
import { readFromMemory } from './includes.ts';
import { runLints } from './lints/index.ts';
import { lowerTree } from './lower.ts';
import { type ParseOptions, parseFiles } from './parser.ts';
import type { SyntaxTree } from './syntax-tree.ts';

export { configTestStatus } from './config-test.ts';
export { type FileText, type ReadFile, readFromMemory } from './includes.ts';
export type { ParseOptions } from './parser.ts';
export { printSource } from './print.ts';
export type { Body, SourceFile, SourceLine, Statement, SyntaxTree, Token, TokenKind } from './syntax-tree.ts';

export interface ParsedConf {
  /** What is in effect. Without virtual servers when a diagnostic is fatal: then nothing should be started with it. */
  readonly config: Configuration;
  readonly tree: SyntaxTree;
  /** In the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a configuration with its includes. Never throws for what stands in the files. */
export function parseKeepalivedConf(options: ParseOptions): ParsedConf {
  const diagnostics = new DiagnosticList();
  const tree = parseFiles(options, diagnostics);
  // With unbalanced blocks every keyword may stand in the wrong place; further diagnostics would only mislead.
  const config = diagnostics.hasFatal ? { virtualServers: [] } : lowerTree(tree, diagnostics);
  return { config, tree, diagnostics: diagnostics.sorted(tree.files) };
}

/** Reads one text without includes. */
export function parseKeepalivedText(text: string, file = 'keepalived.conf'): ParsedConf {
  return parseKeepalivedConf({ file, read: readFromMemory({ [file]: text }) });
}

/**
 * What is carried out as written and will still surprise somebody: warnings and infos in the order of the text, apart
 * from those of `parsed`. Lints whose code is in `allowed` are not run. Nothing for a configuration that is fatal.
 */
export function lintKeepalivedConf(
  parsed: Pick<ParsedConf, 'config' | 'tree'>,
  allowed: ReadonlySet<DiagnosticCode> = new Set(),
): readonly Diagnostic[] {
  return runLints(parsed, allowed);
}
