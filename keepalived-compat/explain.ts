/** The long explanation of every diagnostic code, wherever it is kept. */
import { type DiagnosticCode, diagnosticCodes } from '../lib/diagnostics/codes.ts';
import type { Explanation } from '../lib/diagnostics/explanation.ts';
import { readingExplanations } from '../lib/diagnostics/explanations.ts';
import { lints } from './lints/index.ts';

const explanations = new Map<DiagnosticCode, Explanation>([
  ...(Object.entries(readingExplanations) as [DiagnosticCode, Explanation][]),
  ...[...lints.values()].map(({ code, explanation }) => [code, explanation] as const),
]);

export function explanationOf(code: DiagnosticCode): Explanation {
  return explanations.get(code)!;
}

/** Several lines with a final line feed: what it is, why it matters, an example and its better form. */
export function explainCode(code: DiagnosticCode): string {
  const { text, example, better } = explanationOf(code);
  const lint = lints.get(code as never);
  const kind = lint === undefined ? '' : ` (lint, ${lint.severity}; --allow=${code} switches it off)`;
  return [
    `${code}${kind}`,
    '',
    diagnosticCodes[code],
    '',
    reflow(text),
    '',
    'Example:',
    '',
    indent(example),
    ...(better === undefined ? [] : ['', 'Better:', '', indent(better)]),
    '',
  ].join('\n');
}

const width = 80;

/** Lines as long as a terminal is wide; an empty line divides paragraphs. */
function reflow(text: string): string {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => {
      const lines: string[] = [''];
      for (const word of paragraph.split(/\s+/)) {
        const line = lines.at(-1)!;
        if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
        else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
      }
      return lines.join('\n');
    })
    .join('\n\n');
}

function indent(text: string): string {
  return text.trimEnd().replace(/^(?=.)/gm, '    ');
}
