/**
 * Definitions (`$NAME=value`) and their use: `${NAME}` anywhere, `$NAME` before a blank, a comma, `)` or the end of the
 * line. A value is looked up when it is used, not when it is defined, so a later redefinition shows through.
 *
 * The result keeps track of where each piece came from, so that a diagnostic can point at the word in the file.
 */
import { lexLine } from './lexer.ts';
import type { SourceLine, Token } from './syntax-tree.ts';

/** Bounds against definitions that grow without end, or that use themselves. */
const maxDepth = 32;
const maxExpandedLength = 65_536;
const maxExpandedLines = 4096;
/** One use costs about as much time as the copying of so many characters. */
const costOfUse = 100;

interface Definition {
  /** At least one line. */
  readonly lines: readonly string[];
  readonly place: Token;
}

/** What the built-in definitions stand for. */
export interface BuiltIns {
  /** `_PWD`: the directory of the file being read. */
  readonly directory: string;
  /** `_INSTANCE`. */
  readonly configId: string;
  /** `_ENV NAME`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `_RANDOM`: 0 up to and excluding 1. */
  readonly random: () => number;
}

export type ExpansionProblem =
  /** `braces`: written as `${NAME}`, which has no other meaning. */
  | { readonly kind: 'undefined'; readonly name: string; readonly braces: boolean; readonly at: Piece }
  | { readonly kind: 'multi-line-not-last'; readonly name: string; readonly place: Token; readonly at: Piece }
  | { readonly kind: 'limit'; readonly name: string; readonly at: Piece };

/** A piece of the file's text. */
interface Piece {
  readonly start: number;
  readonly end: number;
}

/** A stretch of expanded text: literal text of the file, or all that one use of a definition gave. */
interface Segment {
  /** In the expanded text. */
  readonly at: number;
  readonly origin: Piece;
  readonly literal: boolean;
}

interface ExpandedLine {
  text: string;
  readonly segments: Segment[];
}

const bracedUse = /\$\{([A-Za-z_][A-Za-z0-9_]*)([^{}"\n]*)\}/y;
const bareUse = /\$([A-Za-z_][A-Za-z0-9_]*)(?=[\s,)]|$)/y;

/** Definitions in force at the place that is being read. */
export class Definitions {
  readonly #definitions = new Map<string, Definition>();

  define(name: string, lines: readonly string[], place: Token): void {
    this.#definitions.set(name, { lines, place });
  }

  get(name: string): Definition | undefined {
    return this.#definitions.get(name);
  }
}

export interface ExpandedTokens {
  readonly lines: readonly Token[][];
  readonly problems: readonly ExpansionProblem[];
  readonly unterminated: Token | undefined;
  /** How much work it was: characters of the expanded text, and {@link costOfUse} for each use of a definition. */
  readonly cost: number;
}

/**
 * Replaces the definitions used in a piece of one line and splits the result into tokens, one list for each line that
 * comes out (more than one only for a definition of several lines). Work and result are bounded.
 */
export function expandAndLex(
  line: SourceLine,
  from: number,
  definitions: Definitions,
  builtIns: BuiltIns,
): ExpandedTokens {
  const expansion = new Expansion(definitions, builtIns);
  expansion.run(line.file.text, from, line.end);
  let unterminated: Token | undefined;
  const lines = expansion.lines.map((expanded) => {
    const lexed: Token[] = [];
    const end = lexLine(lexed, line, expanded.text, 0, expanded.text.length, true);
    const tokens = lexed.map((token) => relocate(token, expanded.segments));
    if (end.unterminated !== undefined) unterminated ??= tokens[lexed.indexOf(end.unterminated)];
    return tokens;
  });
  return { lines, problems: expansion.problems, unterminated, cost: expansion.cost };
}

/** The text of one token with the definitions in it replaced; undefined ones stay. */
export function expandText(token: Token, definitions: Definitions, builtIns: BuiltIns): string {
  const expansion = new Expansion(definitions, builtIns);
  expansion.run(token.line.file.text, token.start, token.end);
  return expansion.lines[0]!.text;
}

class Expansion {
  readonly lines: ExpandedLine[] = [{ text: '', segments: [] }];
  readonly problems: ExpansionProblem[] = [];
  readonly #definitions: Definitions;
  readonly #builtIns: BuiltIns;
  #quoted = false;
  cost = 0;
  #length = 0;
  #exhausted = false;

  constructor(definitions: Definitions, builtIns: BuiltIns) {
    this.#definitions = definitions;
    this.#builtIns = builtIns;
  }

  run(text: string, from: number, to: number): void {
    this.#expand(text.slice(from, to), { start: from, end: to }, true, true, 0);
  }

  /**
   * @param origin for the line itself its place, else the place of the outermost use
   * @param literal `text` is the line itself
   * @param last nothing follows `text` on its line
   */
  #expand(text: string, origin: Piece, literal: boolean, last: boolean, depth: number): void {
    let copied = 0;
    const copy = (to: number): void => {
      if (to > copied) {
        const piece = literal ? { start: origin.start + copied, end: origin.start + to } : origin;
        this.#append(text.slice(copied, to), piece, literal);
      }
      copied = to;
    };
    for (let i = 0; i < text.length && !this.#exhausted; i++) {
      const char = text[i];
      if (char === '"') this.#quoted = !this.#quoted;
      else if (char === '\\' && (text[i + 1] === '#' || text[i + 1] === '!')) i++;
      else if (!this.#quoted && (char === '#' || char === '!')) break;
      else if (char === '$') {
        const braced = match(bracedUse, text, i);
        const use = braced ?? match(bareUse, text, i);
        if (use === null) continue;
        const end = i + use[0].length;
        const at = literal ? { start: origin.start + i, end: origin.start + end } : origin;
        const value = this.#value(use[1]!, braced?.[2] ?? '');
        if (value === undefined) {
          this.problems.push({ kind: 'undefined', name: use[1]!, braces: braced !== null, at });
        } else {
          const isLast = last && /^\s*([#!].*)?$/.test(text.slice(end));
          const place = this.#definitions.get(use[1]!)?.place;
          if (value.length > 1 && !isLast && place !== undefined) {
            this.problems.push({ kind: 'multi-line-not-last', name: use[1]!, place, at });
          } else if (depth >= maxDepth) {
            this.problems.push({ kind: 'limit', name: use[1]!, at });
            this.#exhausted = true;
          } else {
            copy(i);
            this.cost += costOfUse;
            value.forEach((part, index) => {
              if (index > 0) this.#newLine();
              this.#expand(part, at, false, isLast || index < value.length - 1, depth + 1);
            });
            copied = end;
            if (this.#exhausted && depth === 0) this.#reportLimit(use[1]!, at);
          }
        }
        i = end - 1;
      }
    }
    copy(text.length);
  }

  #value(name: string, argument: string): readonly string[] | undefined {
    const definition = this.#definitions.get(name);
    if (definition !== undefined && argument === '') return definition.lines;
    const words = argument.trim().split(/\s+/);
    switch (name) {
      case '_PWD':
        return [this.#builtIns.directory];
      case '_INSTANCE':
        return [this.#builtIns.configId];
      // The plain characters, which the lexer must not take for the start of a comment.
      case '_HASH':
        return [this.#quoted ? '#' : '\\#'];
      case '_BANG':
        return [this.#quoted ? '!' : '\\!'];
      case '_ENV': {
        const value = this.#builtIns.environment[words[0]!];
        return value === undefined ? undefined : [value.replaceAll('\n', ' ')];
      }
      case '_RANDOM': {
        const min = words.length > 1 ? Number(words[0]) : words[0] === '' ? 0 : Number(words[0]);
        const max = words.length > 1 ? Number(words[1]) : 32767;
        if (!Number.isInteger(min) || !Number.isInteger(max) || max < min) return undefined;
        return [String(min + Math.floor(this.#builtIns.random() * (max - min + 1)))];
      }
      default:
        return undefined;
    }
  }

  #append(text: string, origin: Piece, literal: boolean): void {
    this.#length += text.length;
    this.cost += text.length;
    if (this.#length > maxExpandedLength) {
      this.#exhausted = true;
      return;
    }
    const line = this.lines.at(-1)!;
    line.segments.push({ at: line.text.length, origin, literal });
    line.text += text;
  }

  #newLine(): void {
    if (this.lines.length >= maxExpandedLines) this.#exhausted = true;
    else this.lines.push({ text: '', segments: [] });
    this.#quoted = false;
  }

  #reportLimit(name: string, at: Piece): void {
    if (!this.problems.some(({ kind }) => kind === 'limit')) this.problems.push({ kind: 'limit', name, at });
  }
}

function match(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

/** The same token, at its place in the file instead of its place in the expanded text. */
function relocate(token: Token, segments: readonly Segment[]): Token {
  const first = segmentAt(segments, token.start);
  const last = segmentAt(segments, token.end - 1);
  return {
    kind: token.kind,
    text: token.text,
    line: token.line,
    start: first.literal ? first.origin.start + (token.start - first.at) : first.origin.start,
    end: last.literal ? last.origin.start + (token.end - last.at) : last.origin.end,
  };
}

/** The last segment that starts at or before `offset`. */
function segmentAt(segments: readonly Segment[], offset: number): Segment {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle]!.at <= offset) low = middle;
    else high = middle - 1;
  }
  return segments[low]!;
}
