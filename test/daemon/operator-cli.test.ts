import { expect } from 'chai';
import { describe, it } from 'mocha';
import { operatorUsage, parseOperatorCommand } from '../../daemon/operator-cli.ts';

describe('the command line of ipvigil', () => {
  it('checks the usual file with the lints, as text', () => {
    expect(parseOperatorCommand(['check'])).to.deep.equal({
      kind: 'check',
      file: '/etc/keepalived/keepalived.conf',
      format: 'text',
      configId: undefined,
      allow: new Set(),
    });
  });

  it('takes options before and after the file, with = or as the next word', () => {
    const words = [
      'check',
      '--format=json',
      'a.conf',
      '--config-id',
      'lb1',
      '--allow=no-checker',
      '--allow',
      'ping-only',
    ];
    expect(parseOperatorCommand(words)).to.deep.equal({
      kind: 'check',
      file: 'a.conf',
      format: 'json',
      configId: 'lb1',
      allow: new Set(['no-checker', 'ping-only']),
    });
    expect(parseOperatorCommand(['check', '-i', 'lb1'])).to.include({ configId: 'lb1' });
  });

  it('takes a file that begins with a dash after --', () => {
    expect(parseOperatorCommand(['check', '--', '-a.conf'])).to.include({ file: '-a.conf' });
  });

  it('explains a code, also as it stands in a diagnostic', () => {
    expect(parseOperatorCommand(['explain', 'no-checker'])).to.deep.equal({ kind: 'explain', code: 'no-checker' });
    expect(parseOperatorCommand(['explain', 'warning[no-checker]'])).to.include({ code: 'no-checker' });
    expect(parseOperatorCommand(['explain'])).to.deep.equal({ kind: 'explain', code: undefined });
  });

  for (const words of [['--help'], ['-h'], ['help'], ['check', '--help'], ['explain', '-h']]) {
    it(`gives help with ${words.join(' ')}`, () => expect(parseOperatorCommand(words).kind).to.equal('help'));
  }

  for (const { words, message } of [
    { words: [], message: 'no command' },
    { words: ['chekc'], message: 'unknown command "chekc"; did you mean check?' },
    { words: ['check', '--fromat=json'], message: 'unknown option --fromat; did you mean --format?' },
    { words: ['check', '--format=xml'], message: '--format is one of text, json, sarif' },
    { words: ['check', '--format'], message: 'option --format needs a value' },
    { words: ['check', '--config-id='], message: 'option --config-id needs a value' },
    { words: ['check', '--allow=no-cheker'], message: 'there is no diagnostic "no-cheker"; did you mean no-checker?' },
    { words: ['check', '--allow=toString'], message: 'there is no diagnostic "toString"' },
    { words: ['check', 'a.conf', 'b.conf'], message: 'check takes one file' },
    { words: ['explain', 'no-cheker'], message: 'there is no diagnostic "no-cheker"; did you mean no-checker?' },
    { words: ['explain', 'no-checker', 'ping-only'], message: 'explain takes one code' },
  ]) {
    it(`refuses ${words.join(' ') || 'an empty line'}`, () => {
      expect(parseOperatorCommand(words)).to.deep.equal({ kind: 'wrong', message });
    });
  }

  it('fits a terminal with its help', () => {
    for (const line of operatorUsage.split('\n')) expect(line.length, line).to.be.at.most(110);
  });
});
