import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type DiagnosticCode, diagnosticCodes } from '../../lib/diagnostics/codes.ts';
import type { Diagnostic, Severity, Span } from '../../lib/diagnostics/diagnostic.ts';
import { jsonReport, type Report, sarifReport } from '../../lib/diagnostics/report.ts';

const span: Span = { file: '/etc/keepalived/keepalived.conf', start: 40, end: 50, line: 3, column: 5 };

const full: Diagnostic = {
  code: 'unknown-keyword',
  severity: 'error',
  message: '"dealy_loop" is no keyword in virtual_server',
  span,
  inEffect: 'the line is skipped',
  hint: 'did you mean delay_loop?',
  related: [{ span: { ...span, file: 'conf.d/a b.conf', line: 9 }, message: 'included from here' }],
};
const bare: Diagnostic = { code: 'file-unreadable', severity: 'fatal', message: 'x.conf does not exist' };

function report(...diagnostics: Diagnostic[]): Report {
  return { tool: { name: 'ipvigil', version: '1.2.3' }, file: 'x.conf', status: 5, diagnostics };
}

const help = (code: DiagnosticCode): string => `help of ${code}`;
const severities: readonly Severity[] = ['fatal', 'error', 'security', 'warning', 'info'];

describe('a report in JSON', () => {
  it('has every field of a diagnostic', () => {
    expect(jsonReport(report(full))).to.deep.equal({
      version: 1,
      tool: { name: 'ipvigil', version: '1.2.3' },
      file: 'x.conf',
      status: 5,
      counts: { fatal: 0, error: 1, security: 0, warning: 0, info: 0 },
      diagnostics: [
        {
          code: 'unknown-keyword',
          severity: 'error',
          message: '"dealy_loop" is no keyword in virtual_server',
          place: { file: '/etc/keepalived/keepalived.conf', line: 3, column: 5, endColumn: 15, start: 40, end: 50 },
          inEffect: 'the line is skipped',
          hint: 'did you mean delay_loop?',
          related: [
            {
              message: 'included from here',
              place: { file: 'conf.d/a b.conf', line: 9, column: 5, endColumn: 15, start: 40, end: 50 },
            },
          ],
        },
      ],
    });
  });

  it('has null and an empty list for what is absent', () => {
    expect(jsonReport(report(bare)).diagnostics).to.deep.equal([
      {
        code: 'file-unreadable',
        severity: 'fatal',
        message: 'x.conf does not exist',
        place: null,
        inEffect: null,
        hint: null,
        related: [],
      },
    ]);
  });
});

type Log = ReturnType<typeof sarifReport>;

/** What SARIF 2.1.0 demands of the parts that we write; sections of the OASIS standard. */
function expectSarif(value: Log): void {
  // As a reader gets it.
  const log = JSON.parse(JSON.stringify(value)) as Log;
  expect(log.version).to.equal('2.1.0'); // 3.13.2
  expect(log.$schema).to.match(/^https:\/\/.*sarif.*2\.1\.0\.json$/);
  expect(log.runs).to.have.length(1);
  const run = log.runs[0]!;
  expect(run).to.have.all.keys('tool', 'columnKind', 'invocations', 'results');
  expect(run.columnKind).to.be.oneOf(['utf16CodeUnits', 'unicodeCodePoints']); // 3.14.17
  const driver = run.tool.driver;
  expect(driver.name).to.be.a('string').and.not.equal(''); // 3.19.8
  const ids = driver.rules.map((rule) => rule.id);
  expect(new Set(ids).size, 'rule ids are unique').to.equal(ids.length);
  for (const rule of driver.rules) {
    expect(rule).to.have.all.keys('id', 'shortDescription', 'help');
    for (const text of [rule.shortDescription.text, rule.help.text]) expect(text).to.be.a('string').and.not.equal('');
  }
  expect(run.invocations![0]!.executionSuccessful).to.be.a('boolean'); // 3.20.14
  for (const result of run.results) {
    expect(result).to.include.all.keys('ruleId', 'ruleIndex', 'level', 'message', 'locations');
    expect(ids[result.ruleIndex]).to.equal(result.ruleId); // 3.27.6
    expect(result.level).to.be.oneOf(['none', 'note', 'warning', 'error']); // 3.27.10
    expect(result.message.text).to.be.a('string').and.not.equal('');
    expect(result.locations).to.have.length(1);
    const related = result.relatedLocations ?? [];
    expect(new Set(related.map(({ id }) => id)).size, 'ids of places are unique').to.equal(related.length); // 3.28.2
    for (const { physicalLocation } of [...result.locations, ...related]) {
      const { uri } = physicalLocation.artifactLocation;
      expect(uri).to.match(/^(?:file:\/\/\/)?[\w\-.~!*'()%/]*$/); // 3.4.3, RFC 3986
      expect(() => decodeURI(uri)).not.to.throw();
      if (!('region' in physicalLocation)) continue;
      const { region } = physicalLocation;
      expect(region.startLine).to.be.at.least(1); // 3.30.5
      expect(region.startColumn).to.be.at.least(1);
      expect(region.endLine).to.equal(region.startLine);
      expect(region.endColumn).to.be.at.least(region.startColumn);
      expect(region.charOffset).to.be.at.least(0);
      expect(region.charLength).to.equal(region.endColumn! - region.startColumn);
    }
  }
}

describe('a report in SARIF 2.1.0', () => {
  it('has one result with its rule for a diagnostic', () => {
    const log = sarifReport(report(full), help);
    expectSarif(log);
    expect(log.runs[0]!.tool.driver.rules).to.deep.equal([
      {
        id: 'unknown-keyword',
        shortDescription: { text: diagnosticCodes['unknown-keyword'] },
        help: { text: 'help of unknown-keyword' },
      },
    ]);
    const [result] = log.runs[0]!.results;
    expect(result!.message.text).to.equal(
      '"dealy_loop" is no keyword in virtual_server. In effect: the line is skipped. Hint: did you mean delay_loop?',
    );
    expect(result!.locations[0]!.physicalLocation).to.deep.equal({
      artifactLocation: { uri: 'file:///etc/keepalived/keepalived.conf' },
      region: { startLine: 3, startColumn: 5, endLine: 3, endColumn: 15, charOffset: 40, charLength: 10 },
    });
    expect(result!.relatedLocations![0]!.physicalLocation.artifactLocation).to.deep.equal({
      uri: 'conf.d/a%20b.conf',
    });
  });

  it('points at the main file where a diagnostic has no place', () => {
    const log = sarifReport(report(bare), help);
    expectSarif(log);
    expect(log.runs[0]!.results[0]!.locations).to.deep.equal([
      { physicalLocation: { artifactLocation: { uri: 'x.conf' } } },
    ]);
  });

  it('knows three levels for our five', () => {
    const log = sarifReport(report(...severities.map((severity) => ({ ...full, severity }))), help);
    expect(log.runs[0]!.results.map(({ level }) => level)).to.deep.equal([
      ...['error', 'error', 'warning', 'warning', 'note'],
    ]);
  });

  it('is well formed with nothing to report', () => expectSarif(sarifReport(report(), help)));

  it('keeps its structure whatever stands in a configuration', function () {
    this.timeout(20_000);
    const anySpan = fc.record({
      file: fc.string({ unit: 'binary' }).map((name) => `/${name.replace(/^\/+/, '')}`),
      start: fc.nat(),
      length: fc.nat(1000),
      line: fc.integer({ min: 1, max: 1e6 }),
      column: fc.integer({ min: 1, max: 1e6 }),
    });
    const place = anySpan.map(({ length, ...rest }) => ({ ...rest, end: rest.start + length }));
    const diagnostic = fc.record(
      {
        code: fc.constantFrom(...(Object.keys(diagnosticCodes) as DiagnosticCode[])),
        severity: fc.constantFrom(...severities),
        message: fc.string({ unit: 'binary', minLength: 1 }),
        span: place,
        related: fc.array(fc.record({ span: place, message: fc.string({ minLength: 1 }) }), { maxLength: 3 }),
      },
      { requiredKeys: ['code', 'severity', 'message'] },
    );
    fc.assert(
      fc.property(fc.array(diagnostic, { maxLength: 5 }), (diagnostics) => {
        expectSarif(sarifReport(report(...diagnostics), help));
      }),
      { numRuns: 50 },
    );
  });
});
