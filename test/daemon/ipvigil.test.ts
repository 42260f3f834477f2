import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { explanationOf } from '../../keepalived-compat/explain.ts';
import { diagnosticCodes } from '../../lib/diagnostics/codes.ts';
import type { JsonReport } from '../../lib/diagnostics/report.ts';
import { packageRoot } from '../support/package-root.ts';

const ipvigil = fileURLToPath(new URL('../../daemon/ipvigil.js', import.meta.url));
const ipvigild = fileURLToPath(new URL('../../daemon/main.js', import.meta.url));

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

function run(program: string, ...words: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return { status, output: stdout, errors: stderr };
}

describe('ipvigil', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipvigil-check-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function file(text: string): string {
    const path = join(folder, 'keepalived.conf');
    writeFileSync(path, text);
    chmodSync(path, 0o644);
    return path;
  }

  it('is what package.json installs under its name', () => {
    const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    expect(join(packageRoot(), manifest.bin.ipvigil!)).to.equal(ipvigil);
    expect(readFileSync(ipvigil, 'utf8')).to.match(/^#!\/usr\/bin\/env node\n/);
  });

  it('says that there is nothing to say about a good file, with status 0', () => {
    const path = file(explanationOf('no-checker').better!);
    expect(run(ipvigil, 'check', path)).to.deep.equal({
      status: 0,
      output: `${path}: nothing to report\n`,
      errors: '',
    });
  });

  it('shows errors and lints in the order of the text, with the line and a count, and status 5', () => {
    const path = file(`nonsense\n${explanationOf('no-checker').example}`);
    const { status, output, errors } = run(ipvigil, 'check', path);
    expect(status).to.equal(5);
    expect(errors).to.equal('');
    expect(output.match(/^\S+: \w+\[[\w-]+\]/gm)).to.deep.equal([
      `${path}:1:1: error[unknown-keyword]`,
      `${path}:12:5: warning[no-checker]`,
    ]);
    expect(output).to.include('   12 |     real_server 192.0.2.12 80 {\n');
    expect(output).to.match(/: 1 error, 1 warning\n$/);
  });

  it('leaves out what is allowed, and no error', () => {
    const path = file(`nonsense\n${explanationOf('no-checker').example}`);
    const { status, output } = run(ipvigil, 'check', '--allow=no-checker', '--allow=unknown-keyword', path);
    expect(output).to.match(/: 1 error\n$/);
    expect(status).to.equal(5);
    const lintOnly = file(explanationOf('no-checker').example);
    expect(run(ipvigil, 'check', '--allow=no-checker', lintOnly).status).to.equal(0);
  });

  it('gives one JSON text that says what the exit status says', () => {
    const path = file(explanationOf('no-checker').example);
    const { status, output } = run(ipvigil, 'check', '--format=json', path);
    const report = JSON.parse(output) as JsonReport;
    expect(report).to.include({ version: 1, file: path, status: 5 });
    expect(status).to.equal(5);
    expect(report.counts.warning).to.equal(1);
    expect(report.diagnostics.map(({ code }) => code)).to.deep.equal(['no-checker']);
  });

  it('gives SARIF with the explanation of each code', () => {
    const { output } = run(ipvigil, 'check', '--format=sarif', file(explanationOf('no-checker').example));
    const log = JSON.parse(output);
    expect(log.version).to.equal('2.1.0');
    expect(log.runs[0].results[0].ruleId).to.equal('no-checker');
    expect(log.runs[0].tool.driver.rules[0].help.text).to.match(/^IPVS has no health checks of its own/);
  });

  it('ends with 4 for a file that is not there', () => {
    const { status, output } = run(ipvigil, 'check', join(folder, 'none.conf'));
    expect(status).to.equal(4);
    expect(output)
      .to.match(/^fatal\[file-unreadable\]/)
      .and.to.match(/: 1 fatal error\n$/);
  });

  it('selects the lines of one configuration id', () => {
    const path = file(`@lb1 nonsense\n${explanationOf('no-checker').better!}`);
    expect(run(ipvigil, 'check', '--config-id=lb1', path).status).to.equal(5);
    expect(run(ipvigil, 'check', '--config-id=lb2', path).status).to.equal(0);
  });

  it('explains a code, and lists all without one', () => {
    const { status, output } = run(ipvigil, 'explain', 'no-checker');
    expect(status).to.equal(0);
    expect(output)
      .to.match(/^no-checker \(lint, warning/)
      .and.to.include('Better:');
    const listed = run(ipvigil, 'explain').output.trimEnd().split('\n');
    expect(listed.map((line) => line.split(' ')[0])).to.deep.equal(Object.keys(diagnosticCodes));
  });

  it('refuses a wrong command line with status 1', () => {
    const { status, output, errors } = run(ipvigil, 'chekc');
    expect({ status, output }).to.deep.equal({ status: 1, output: '' });
    expect(errors).to.equal(
      'ipvigil: unknown command "chekc"; did you mean check?; ipvigil --help lists the commands\n',
    );
  });

  it('gives the same JSON as ipvigild -t, apart from the lints and the name', () => {
    const path = file('nonsense\n');
    const ours = JSON.parse(run(ipvigil, 'check', '--format=json', path).output) as JsonReport;
    const { status, output } = run(ipvigild, '-t', '--format=json', '-f', path);
    expect(status).to.equal(5);
    expect(JSON.parse(output)).to.deep.equal({ ...ours, tool: { ...ours.tool, name: 'ipvigild' } });
    const report = join(folder, 'report.json');
    writeFileSync(report, 'old');
    run(ipvigild, `-t${report}`, '--format=json', '-f', path);
    expect(readFileSync(report, 'utf8')).to.equal(output);
  });
});
