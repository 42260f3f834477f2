import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { diagnosticCodes } from '../../lib/diagnostics/codes.ts';
import { markdownTable as table } from '../support/markdown.ts';

const page = 'docs/diagnostics.md';

/** The whole page; `UPDATE_DOCS=1` writes it. */
function expectedPage(): string {
  const severities = [
    ['Severity', 'Meaning'],
    ['fatal', 'The program does not run with this file.'],
    ['error', 'It runs, but what the file asks for at this place is not in effect.'],
    ['security', 'It runs, but not as safely as it should.'],
    ['warning', 'In effect as written, but probably not as meant; or not supported in this version.'],
    ['info', 'Worth knowing.'],
  ];
  const codes = [['Code', 'Meaning'], ...Object.entries(diagnosticCodes).map(([code, text]) => [`\`${code}\``, text])];
  return `# Diagnostics

What ipvigil reports about a configuration file. Each diagnostic has a code from this list, a severity, the place in the
file, what is in effect instead, and a hint where there is a way out.

${table(severities)}

Exit status of a configuration test: 0 when there is nothing but \`info\`; 4 when there are only problems with files, or a
fatal one; 5 with any other error or warning; 6 with a security problem or a checked include that failed. The highest
that applies is the status.

${table(codes)}
`;
}

describe('diagnostic codes', () => {
  it('are all explained in docs/diagnostics.md, and no others', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(page, expectedPage());
    expect(readFileSync(page, 'utf8')).to.equal(expectedPage());
  });

  it('each have one sentence that ends in a full stop and does not break the table', () => {
    for (const text of Object.values(diagnosticCodes)) expect(text).to.match(/^[^|\n]+\.$/);
  });
});
