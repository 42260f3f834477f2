/** A Markdown table with columns as wide as their longest entry. The first row is the head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[], fill: string) =>
    `| ${row.map((entry, column) => entry.padEnd(widths[column]!, fill)).join(' | ')} |`;
  const [head, ...body] = rows;
  return [
    line(head!, ' '),
    line(
      widths.map(() => ''),
      '-',
    ),
    ...body.map((row) => line(row, ' ')),
  ].join('\n');
}

/** Text for one cell: a bar would end it, an angle bracket would be read as HTML. */
export function markdownCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
