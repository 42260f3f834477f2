import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { lints } from '../../keepalived-compat/lints/index.ts';
import { type DiagnosticCode, diagnosticCodes, lintCodes, readingCodes } from '../../lib/diagnostics/codes.ts';
import { jsonReport } from '../../lib/diagnostics/report.ts';
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
  const codes = [['Code', 'Meaning'], ...Object.entries(readingCodes).map(([code, text]) => [`\`${code}\``, text])];
  const found = [
    ['Code', 'Severity', 'Meaning'],
    ...[...lints.values()].map(({ code, severity }) => [`\`${code}\``, severity, lintCodes[code]]),
  ];
  return `# Diagnostics

What ipvigil reports about a configuration file. Each diagnostic has a code from this list, a severity, the place in the
file, what is in effect instead, and a hint where there is a way out.

    ipvigil check FILE         what is wrong with a file, and what will surprise you later
    ipvigil explain CODE       why a diagnostic matters, with an example
    ipvigild -t -f FILE        what is wrong with a file, with the options and exit statuses of keepalived -t

${table(severities)}

Exit status of a configuration test: 0 when there is nothing but \`info\`; 4 when there are only problems with files, or a
fatal one; 5 with any other error or warning; 6 with a security problem or a checked include that failed. The highest
that applies is the status. \`ipvigil check\` has the same statuses, and its lints count like the rest.

## Found when a file is read

${table(codes)}

## Lints

What is carried out as written and will still surprise somebody. \`ipvigil check\` runs them; \`--allow=CODE\`, which may be
repeated, switches one off. \`--allow\` also hides warnings and infos of the codes above, and never an error: what is not in
effect is always said.

${table(found)}

## For programs

\`--format=json\` and \`--format=sarif\` (of \`ipvigil check\` and of \`ipvigild -t\`) write one JSON text to standard output. With
\`ipvigild --config-test=REPORT\` it replaces the content of that file.

SARIF is version 2.1.0 (OASIS): one run, a result for each diagnostic, a rule with its explanation for each code that
occurs. \`fatal\` and \`error\` become the level error, \`security\` and \`warning\` warning, \`info\` note; our own severity is
in the properties of the result.

The JSON has all its fields always; what is absent is \`null\` or an empty list. Fields may be added; a change that breaks a
reader raises \`version\`.

\`\`\`json
${JSON.stringify(exampleReport(), undefined, 2)}
\`\`\`

${table([
  ['Field', 'Meaning'],
  ['`version`', 'of this format: 1'],
  ['`tool`', 'name and version of the program'],
  ['`file`', 'the main file as it was named'],
  ['`status`', 'the exit status'],
  ['`counts`', 'diagnostics of each severity'],
  ['`diagnostics`', 'in the order of the text; included files after the main file'],
  ['`place`', 'null where there is nothing to point at (a file that cannot be read)'],
  ['`line`, `column`', 'from 1; columns are UTF-16 units'],
  ['`endColumn`', 'exclusive, on the same line'],
  ['`start`, `end`', 'UTF-16 units from the start of the file, `end` exclusive'],
  ['`inEffect`', 'what is in effect now, or null'],
  ['`hint`', 'a way out, or null'],
  ['`related`', 'other places with a message each: the first definition, the include'],
])}
`;
}

/** What `ipvigil check --format=json` writes, shortened to one diagnostic. */
function exampleReport() {
  const file = '/etc/keepalived/keepalived.conf';
  const code: DiagnosticCode = 'duplicate-real-server';
  return jsonReport({
    tool: { name: 'ipvigil', version: '1.0.0' },
    file,
    status: 5,
    diagnostics: [
      {
        code,
        severity: 'error',
        message: 'real server 192.0.2.11:80 is defined a second time in this virtual_server',
        span: { file, line: 12, column: 5, start: 241, end: 252 },
        inEffect: 'the first one counts',
        related: [{ message: 'first here', span: { file, line: 6, column: 5, start: 113, end: 124 } }],
      },
    ],
  });
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
