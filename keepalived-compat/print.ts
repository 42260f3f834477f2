/** Writes a file of the syntax tree back: an unmodified file gives the same text, comments and blanks included. */
import type { SourceFile } from './syntax-tree.ts';

export function printSource(file: SourceFile): string {
  const { text, lines } = file;
  const parts: string[] = [];
  lines.forEach((line, index) => {
    let position = line.start;
    for (const token of line.tokens) {
      parts.push(text.slice(position, token.start), text.slice(token.start, token.end));
      position = token.end;
    }
    parts.push(text.slice(position, line.end));
    if (index < lines.length - 1) parts.push('\n');
  });
  return parts.join('');
}
