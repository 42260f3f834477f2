import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseCommandLine } from '../../daemon/cli.ts';

function optionsOf(...words: string[]) {
  const command = parseCommandLine(words);
  if (command.kind !== 'run' && command.kind !== 'test') throw new Error(`not run but ${JSON.stringify(command)}`);
  return command.options;
}

describe('the command line', () => {
  it('has keepalived defaults', () => {
    expect(optionsOf()).to.deep.equal({
      file: '/etc/keepalived/keepalived.conf',
      configId: undefined,
      foreground: false,
      logToConsole: false,
      logDetail: false,
      pidFile: undefined,
      runDirectory: '/run/ipvigil',
      keepTable: false,
      lenient: false,
      dryRun: undefined,
    });
  });

  for (const { name, words } of [
    { name: 'a value as the next word', words: ['-f', 'a.conf'] },
    { name: 'a value glued to its letter', words: ['-fa.conf'] },
    { name: 'letters together, the last with a value', words: ['-nlDf', 'a.conf'] },
    { name: 'a long option with =', words: ['--use-file=a.conf'] },
    { name: 'a long option and the next word', words: ['--use-file', 'a.conf'] },
    { name: 'the last of several', words: ['-f', 'b.conf', '-f', 'a.conf'] },
  ]) {
    it(`takes ${name}`, () => {
      expect(optionsOf(...words).file).to.equal('a.conf');
    });
  }

  it('takes the short flags of keepalived together', () => {
    expect(optionsOf('-nlDI')).to.include({ foreground: true, logToConsole: true, logDetail: true, keepTable: true });
  });

  it('writes a rehearsal to standard output unless a file is named', () => {
    expect(optionsOf('--dry-run').dryRun).to.equal('-');
    expect(optionsOf('--dry-run=commands').dryRun).to.equal('commands');
  });

  it('takes the file of a configuration test only when glued', () => {
    expect(parseCommandLine(['-t'])).to.include({ kind: 'test', output: undefined });
    expect(parseCommandLine(['--config-test=report'])).to.include({ kind: 'test', output: 'report' });
    expect(parseCommandLine(['-treport'])).to.include({ kind: 'test', output: 'report' });
  });

  it('takes a format with a configuration test', () => {
    expect(parseCommandLine(['-t'])).to.include({ kind: 'test', format: 'text' });
    expect(parseCommandLine(['-t', '--format', 'sarif'])).to.include({ kind: 'test', format: 'sarif' });
    expect(parseCommandLine(['--format=json', '-treport'])).to.include({ format: 'json', output: 'report' });
  });

  for (const { words, message } of [
    { words: ['-t', '--format=xml'], message: '--format is one of text, json, sarif' },
    { words: ['--format=json'], message: 'option --format needs --config-test' },
    { words: ['--dry'], message: 'unknown option --dry' },
    { words: ['-q'], message: 'unknown option -q' },
    { words: ['-nq'], message: 'unknown option -q' },
    { words: ['-f'], message: 'option -f needs a value' },
    { words: ['--use-file'], message: 'option --use-file needs a value' },
    { words: ['--use-file='], message: 'option --use-file has an empty value' },
    { words: ['--dont-fork=yes'], message: 'option --dont-fork takes no value' },
    { words: ['a.conf'], message: 'unexpected word "a.conf"' },
    { words: ['--constructor'], message: 'unknown option --constructor' },
  ]) {
    it(`refuses ${words.join(' ')}`, () => {
      expect(parseCommandLine(words)).to.deep.equal({ kind: 'wrong', message });
    });
  }
});
