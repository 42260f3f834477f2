/**
 * Splits one line into tokens. Knows nothing of keywords, except that `include` takes the rest of its line.
 *
 * The rules are keepalived's: words are separated by blanks; `"` quotes, always starts a new word and knows no escapes;
 * `#` and `!` start a comment anywhere outside quotes; `\#` and `\!` are the plain characters; braces stand for
 * themselves wherever they are outside quotes; a trailing `\` means nothing.
 *
 * Differs: `${NAME}` is one piece of a word also when NAME is not defined. keepalived leaves the text as it is and then
 * takes its braces for a block.
 */
import { repetitionLength } from './repetitions.ts';
import type { SourceLine, Token } from './syntax-tree.ts';

/** Bytes that one line may have (keepalived's buffer). A longer one is not read. */
export const maxLineBytes = 1023;

export interface LexedLine {
  /** The line has a `$` outside a comment: definitions may apply. */
  readonly hasDollar: boolean;
  /** A quote that is not closed on its line; the quoted token that it starts. */
  readonly unterminated: Token | undefined;
}

const TAB = 9;
const CR = 13;
const BLANK = 32;
const BANG = 33;
const QUOTE = 34;
const HASH = 35;
const DOLLAR = 36;
const AT = 64;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
const TILDE = 126;
const SMALL_I = 105;
const BYTE_ORDER_MARK = 0xfeff;

const definitionStart = /\$([A-Za-z_][A-Za-z0-9_]*)=/y;
const includeKeyword = /include[rmwba]?(?=\s|$)/y;
const reference = /\$\{[A-Za-z_][^{}"\n]*\}/y;

/** Blank in the sense of the lexer; the line feed never gets here. */
export function isBlank(code: number): boolean {
  return code === BLANK || (code >= TAB && code <= CR && code !== 10) || code === BYTE_ORDER_MARK;
}

/**
 * Appends the tokens of `text` from `from` up to `to` (one line without its line feed). Their offsets are offsets in
 * `text`; `line` is only noted in them. Never fails; time is linear in the length.
 *
 * @param tokens an empty list
 * @param expanded the text comes out of a definition: conditions and definitions have been dealt with already
 */
export function lexLine(
  tokens: Token[],
  line: SourceLine,
  text: string,
  from: number,
  to: number,
  expanded = false,
): LexedLine {
  let hasDollar = false;
  let unterminated: Token | undefined;
  let atLineStart = !expanded;
  let atStatementStart = true;
  let i = from;

  while (i < to) {
    const code = text.charCodeAt(i);
    if (isBlank(code)) {
      i++;
      continue;
    }
    if (code === HASH || code === BANG) {
      tokens.push({ kind: 'comment', text: text.slice(i, to), line, start: i, end: to });
      break;
    }
    if (code === OPEN || code === CLOSE) {
      const isOpen = code === OPEN;
      tokens.push({ kind: isOpen ? 'open' : 'close', text: isOpen ? '{' : '}', line, start: i, end: i + 1 });
      i++;
      atStatementStart = true;
      atLineStart = false;
      continue;
    }
    if (code === AT && atLineStart) {
      let end = i + 1;
      while (end < to && !isBlank(text.charCodeAt(end))) end++;
      tokens.push({ kind: 'condition', text: text.slice(i + 1, end), line, start: i, end });
      i = end;
      atLineStart = false;
      continue;
    }
    if (code === DOLLAR && !expanded && startsLine(tokens) && matchAt(definitionStart, text, i, to) > 0) {
      const { end, value } = plainText(text, i, to);
      tokens.push({ kind: 'definition', text: value, line, start: i, end });
      i = end;
      atStatementStart = false;
      continue;
    }
    if (code === TILDE && startsLine(tokens)) {
      const length = repetitionLength(text, i, to);
      if (length > 0) {
        tokens.push({ kind: 'repetition', text: text.slice(i, i + length), line, start: i, end: i + length });
        i += length;
        atLineStart = false;
        continue;
      }
    }
    if (atStatementStart && code === SMALL_I) {
      const length = matchAt(includeKeyword, text, i, to);
      if (length > 0) {
        tokens.push({ kind: 'include', text: text.slice(i, i + length), line, start: i, end: i + length });
        i += length;
        while (i < to && isBlank(text.charCodeAt(i))) i++;
        const { end, value } = plainText(text, i, to);
        if (end > i) tokens.push({ kind: 'pattern', text: value, line, start: i, end });
        if (value.includes('$')) hasDollar = true;
        i = end;
        atStatementStart = false;
        continue;
      }
    }
    atLineStart = false;
    atStatementStart = false;
    if (code === QUOTE) {
      const close = text.indexOf('"', i + 1);
      if (close >= 0 && close < to) {
        const value = text.slice(i + 1, close);
        if (value.includes('$')) hasDollar = true;
        tokens.push({ kind: 'quoted', text: value, line, start: i, end: close + 1 });
        i = close + 1;
      } else {
        // A brace that ends the line is taken for one, so that a forgotten quote does not unbalance the whole file.
        let end = to;
        while (end > i + 1 && isBlank(text.charCodeAt(end - 1))) end--;
        if (end > i + 1 && text.charCodeAt(end - 1) === OPEN) end--;
        while (end > i + 1 && isBlank(text.charCodeAt(end - 1))) end--;
        unterminated = { kind: 'quoted', text: text.slice(i + 1, end), line, start: i, end };
        tokens.push(unterminated);
        i = end;
      }
      continue;
    }
    // A bare word: up to a blank, a quote, a brace or a comment.
    const start = i;
    let escapes = false;
    while (i < to) {
      const c = text.charCodeAt(i);
      if (c === BLANK || c === QUOTE || c === OPEN || c === CLOSE || c === HASH || c === BANG || isBlank(c)) break;
      if (c === DOLLAR) {
        hasDollar = true;
        const length = matchAt(reference, text, i, to);
        if (length > 0) {
          i += length;
          continue;
        }
      } else if (c === BACKSLASH && i + 1 < to) {
        const next = text.charCodeAt(i + 1);
        if (next === HASH || next === BANG) {
          escapes = true;
          i++;
        }
      }
      i++;
    }
    const raw = text.slice(start, i);
    tokens.push({ kind: 'word', text: escapes ? unescapeComments(raw) : raw, line, start: start, end: i });
  }
  return { hasDollar, unterminated };
}

/** Text up to a comment, without trailing blanks, quotes kept: the value of a definition, the pattern of an include. */
export function plainText(text: string, from: number, to: number): { readonly end: number; readonly value: string } {
  let quoted = false;
  let escapes = false;
  let end = from;
  while (end < to) {
    const code = text.charCodeAt(end);
    if (code === QUOTE) quoted = !quoted;
    else if (!quoted && (code === HASH || code === BANG)) break;
    else if (!quoted && code === BACKSLASH && end + 1 < to) {
      const next = text.charCodeAt(end + 1);
      if (next === HASH || next === BANG) {
        escapes = true;
        end++;
      }
    }
    end++;
  }
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  const raw = text.slice(from, end);
  return { end, value: escapes ? unescapeComments(raw) : raw };
}

/** Name and value of the text of a `definition` token that starts one. */
export function splitDefinition(text: string): { readonly name: string; readonly value: string } | undefined {
  definitionStart.lastIndex = 0;
  const match = definitionStart.exec(text);
  return match === null ? undefined : { name: match[1]!, value: text.slice(match[0].length) };
}

/** Nothing but a condition and repetitions stand before this place. */
function startsLine(tokens: readonly Token[]): boolean {
  return tokens.every(({ kind }) => kind === 'condition' || kind === 'repetition');
}

function unescapeComments(raw: string): string {
  return raw.replace(/\\([#!])/g, '$1');
}

/** Length of a sticky expression's match at `at`, 0 when there is none or when it reaches beyond `to`. */
function matchAt(expression: RegExp, text: string, at: number, to: number): number {
  expression.lastIndex = at;
  const match = expression.exec(text);
  if (match === null || at + match[0].length > to) return 0;
  return match[0].length;
}
