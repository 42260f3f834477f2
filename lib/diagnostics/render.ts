/**
 * Shows a diagnostic to a person:
 *
 *     /etc/keepalived/keepalived.conf:12:5: error[unknown-keyword]: "dealy_loop" is no keyword in virtual_server
 *        12 |     dealy_loop 6
 *           |     ^^^^^^^^^^
 *       in effect: the line is skipped
 *       hint: did you mean delay_loop?
 *
 * What a file contains is never sent to a terminal as it is: control characters and characters that change the
 * direction of text are written out.
 */
import type { Diagnostic, Severity, Span } from './diagnostic.ts';

export interface RenderOptions {
  /** The text of a file, for the line under the message; undefined when it is not at hand. */
  readonly source?: (file: string) => string | undefined;
  /** ANSI colours; default none. */
  readonly color?: boolean;
  /** Columns that a source line may take, at least 20; a longer one is cut around its caret. Default 100. */
  readonly width?: number;
}

/** Several lines without a final line feed. */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const { code, severity, message, span, inEffect, hint, related = [] } = diagnostic;
  const paint = painter(options.color === true);
  const place = span === undefined ? '' : `${paint('bold', formatPlace(span))}: `;
  const lines = [`${place}${paint(severity, `${severity}[${code}]`)}: ${paint('bold', visible(message))}`];
  if (span !== undefined) lines.push(...renderSource(span, severity, options));
  if (inEffect !== undefined) lines.push(`  ${paint('label', 'in effect:')} ${visible(inEffect)}`);
  if (hint !== undefined) lines.push(`  ${paint('label', 'hint:')} ${visible(hint)}`);
  for (const other of related) {
    lines.push(`${formatPlace(other.span)}: ${paint('label', 'note:')} ${visible(other.message)}`);
    lines.push(...renderSource(other.span, 'info', options));
  }
  return lines.join('\n');
}

/** One line without a line feed, for logs. */
export function renderDiagnosticLine({ code, severity, message, span, inEffect, hint }: Diagnostic): string {
  const place = span === undefined ? '' : `${formatPlace(span)}: `;
  const effect = inEffect === undefined ? '' : `; in effect: ${visible(inEffect)}`;
  return `${place}${severity}[${code}]: ${visible(message)}${effect}${hint === undefined ? '' : `; hint: ${visible(hint)}`}`;
}

/** `FILE:LINE:COLUMN`, which editors and terminals recognize. */
function formatPlace({ file, line, column }: Span): string {
  return `${visible(file)}:${line}:${column}`;
}

const gutterWidth = 5;
const defaultWidth = 100;
const minWidth = 20;
const tabWidth = 4;

function renderSource(span: Span, severity: Severity, options: RenderOptions): string[] {
  const text = options.source?.(span.file);
  if (text === undefined || span.start > text.length) return [];
  const paint = painter(options.color === true);
  const lineStart = span.start === 0 ? 0 : text.lastIndexOf('\n', span.start - 1) + 1;
  const feed = text.indexOf('\n', lineStart);
  const line = text.slice(lineStart, feed < 0 ? text.length : feed).replace(/\r$/, '');
  const from = Math.min(span.start - lineStart, line.length);
  const to = Math.min(Math.max(span.end - lineStart, from + 1), Math.max(line.length, from + 1));
  const { shown, caretAt, caretLength } = cut(
    cellsOf(line),
    from,
    to,
    Math.max(options.width ?? defaultWidth, minWidth),
  );
  const caret = ' '.repeat(caretAt) + paint(severity, '^'.repeat(caretLength));
  return [
    `${paint('gutter', `${String(span.line).padStart(gutterWidth)} |`)} ${shown}`.trimEnd(),
    `${paint('gutter', `${' '.repeat(gutterWidth)} |`)} ${caret}`,
  ];
}

/** One character as it is shown, and the place of the original in its line. */
interface Cell {
  readonly text: string;
  readonly columns: number;
  readonly offset: number;
}

function cellsOf(line: string): Cell[] {
  const cells: Cell[] = [];
  let column = 0;
  let offset = 0;
  for (const char of line) {
    let text = visible(char);
    let columns = text === char ? columnsOf(char) : text.length;
    if (char === '\t') {
      columns = tabWidth - (column % tabWidth);
      text = ' '.repeat(columns);
    }
    cells.push({ text, columns, offset });
    column += columns;
    offset += char.length;
  }
  return cells;
}

/** The part of a line that shows the characters `from` up to `to`, and where the caret goes under it. */
function cut(
  cells: readonly Cell[],
  from: number,
  to: number,
  width: number,
): { readonly shown: string; readonly caretAt: number; readonly caretLength: number } {
  const total = cells.reduce((sum, { columns }) => sum + columns, 0);
  let first = 0;
  let last = cells.length;
  if (total > width) {
    // A third of the width before the word, the rest after it; two columns for the marks of the cut.
    first = cells.findIndex(({ offset }) => offset >= from);
    if (first < 0) first = cells.length;
    for (let room = Math.floor(width / 3); first > 0 && room >= cells[first - 1]!.columns; ) {
      room -= cells[--first]!.columns;
    }
    last = first;
    for (let room = width - 2; last < cells.length && room >= cells[last]!.columns; ) room -= cells[last++]!.columns;
  }
  let shown = first > 0 ? '…' : '';
  let caretAt = first > 0 ? 1 : 0;
  let caretLength = 0;
  for (const { text, columns, offset } of cells.slice(first, last)) {
    shown += text;
    if (offset < from) caretAt += columns;
    else if (offset < to) caretLength += columns;
  }
  if (last < cells.length) shown += '…';
  return { shown, caretAt, caretLength: Math.max(caretLength, 1) };
}

/** Control characters as pictures (`␀`), characters that steer the direction of text or show nothing as `<U+202E>`. */
function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (char) => {
    const code = char.codePointAt(0)!;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}

/** Columns that one character takes in a terminal: 0 for marks that combine, 2 for wide scripts and pictures. */
function columnsOf(char: string): number {
  if (/^\p{M}$/u.test(char)) return 0;
  return /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u.test(
    char,
  )
    ? 2
    : 1;
}

type Style = Severity | 'bold' | 'label' | 'gutter';

const styles: Readonly<Record<Style, string>> = {
  fatal: '1;31',
  error: '1;31',
  security: '1;35',
  warning: '1;33',
  info: '1;36',
  bold: '1',
  label: '1;32',
  gutter: '34',
};

function painter(color: boolean): (style: Style, text: string) => string {
  return (style, text) => (color ? `\u001b[${styles[style]}m${text}\u001b[0m` : text);
}
