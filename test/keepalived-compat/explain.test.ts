import { expect } from 'chai';
import { describe, it } from 'mocha';
import { maxDiagnostics } from '../../keepalived-compat/diagnostic-list.ts';
import { explainCode, explanationOf } from '../../keepalived-compat/explain.ts';
import { type ParsedConf, parseKeepalivedConf, readFromMemory } from '../../keepalived-compat/index.ts';
import { type DiagnosticCode, diagnosticCodes, type ReadingCode, readingCodes } from '../../lib/diagnostics/codes.ts';

function parse(text: string | undefined, others: Parameters<typeof readFromMemory>[0] = {}): ParsedConf {
  const files = text === undefined ? others : { 'keepalived.conf': text, ...others };
  return parseKeepalivedConf({ file: 'keepalived.conf', read: readFromMemory(files) });
}

/** Where what a page shows cannot be read as it stands. */
const inputs: Partial<Record<ReadingCode, (example: string) => ParsedConf>> = {
  'file-unreadable': () => parse(undefined),
  'include-skipped': (example) => parse(example, { 'conf.d': { kind: 'directory' } }),
  'nul-byte': (example) => parse(example.replace('␀', '\0')),
  'line-too-long': () => parse(`router_id ${'a'.repeat(1100)}\n`),
  'too-many-diagnostics': () => parse('nonsense\n'.repeat(maxDiagnostics + 1)),
};

describe('the explanation of', () => {
  for (const code of Object.keys(readingCodes) as ReadingCode[]) {
    const { example, better } = explanationOf(code);

    it(`${code} has an example that gives it`, () => {
      const { diagnostics } = (inputs[code] ?? parse)(example);
      expect(diagnostics.map((one) => one.code)).to.include(code);
    });

    if (better !== undefined) {
      it(`${code} shows a way out that reads without a diagnostic`, () => {
        expect(parse(better).diagnostics).to.deep.equal([]);
      });
    }
  }

  for (const code of Object.keys(diagnosticCodes) as DiagnosticCode[]) {
    it(`${code} says more than its line, in full sentences that fit a terminal`, () => {
      const { text } = explanationOf(code);
      expect(text).to.match(/^[A-Za-z~$][\s\S]*\.$/);
      const page = explainCode(code);
      expect(page)
        .to.match(new RegExp(`^${code}[ \n]`))
        .and.include(diagnosticCodes[code]);
      const words = page.slice(0, page.indexOf('Example:'));
      for (const line of words.split('\n').slice(3)) expect(line.length, line).to.be.at.most(80);
    });
  }
});
