/**
 * What a keepalived.conf says, before anybody asks what it means. Two views of the same tokens:
 *
 *     SourceFile -> SourceLine -> Token      each file as it is written; prints back to the same text (print.ts)
 *     Statement -> words, body -> Statement  the blocks, with includes, conditions and definitions already applied
 *
 * A token of the second view that came out of a definition points at the place where the definition was used.
 */
import type { Span } from '../lib/diagnostics/diagnostic.ts';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly SourceLine[];
  /** The `include` that brought this file in; absent for the main file. */
  readonly includedBy?: Token;
}

/** One line of a file; offsets count UTF-16 units in the file's text. */
export interface SourceLine {
  readonly file: SourceFile;
  /** From 1. */
  readonly number: number;
  readonly start: number;
  /** Of the text without its line feed. */
  readonly end: number;
  /** In the order of the text, without overlap; between them stand only blanks. */
  readonly tokens: readonly Token[];
}

/**
 * - `word`: a bare word; `quoted`: a word in double quotes.
 * - `open`, `close`: a brace. `comment`: from `#` or `!` to the end of the line.
 * - `condition`: `@ID` or `@^ID`. `definition`: `$NAME=value`, or a line that continues one.
 * - `repetition`: `~SEQ(...)` or `~LST(...)` at the start of a line.
 * - `include`: the keyword; `pattern`: the file name after it.
 * - `dropped`: a line that is not read at all (too long, a NUL byte).
 */
export type TokenKind =
  | 'word'
  | 'quoted'
  | 'open'
  | 'close'
  | 'comment'
  | 'condition'
  | 'definition'
  | 'repetition'
  | 'include'
  | 'pattern'
  | 'dropped';

export interface Token {
  readonly kind: TokenKind;
  /** What it stands for: without its quotes, with `\#` and `\!` resolved. */
  readonly text: string;
  readonly line: SourceLine;
  /** Where it is written, in the text of the line's file. `end` is exclusive. */
  readonly start: number;
  readonly end: number;
}

/** One keyword with its words, and the block it opens if there is one. */
export interface Statement {
  /** The keyword first. Empty only where a statement could not be read; it has been reported. */
  readonly words: readonly Token[];
  readonly body?: Body;
}

export interface Body {
  readonly open: Token;
  /** Absent when the text ended first. */
  readonly close?: Token;
  readonly statements: readonly Statement[];
}

export interface SyntaxTree {
  /** The main file first, then the included ones in the order of reading; one file may occur several times. */
  readonly files: readonly SourceFile[];
  readonly statements: readonly Statement[];
}

/** Where a token is written. */
export function spanOf(token: Token): Span {
  const { line, start, end } = token;
  return { file: line.file.path, start, end, line: line.number, column: start - line.start + 1 };
}
