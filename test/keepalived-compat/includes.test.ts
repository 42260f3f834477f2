import { expect } from 'chai';
import { describe, it } from 'mocha';
import { expandBraces, type FileText, matchesName, readFromMemory } from '../../keepalived-compat/includes.ts';
import { outline, readFiles } from './support.ts';

type Files = Readonly<Record<string, string | FileText>>;

/** The statements, and severity and code of each diagnostic with the file it is in. */
function read(files: Files): { words: unknown[]; diagnostics: string[] } {
  const { tree, diagnostics } = readFiles(files);
  return {
    words: outline(tree.statements),
    // The words of these tests are no keywords.
    diagnostics: diagnostics
      .filter(({ code }) => code !== 'unknown-keyword')
      .map(({ code, severity, span }) => `${severity} ${code} ${span?.file}:${span?.line}`),
  };
}

describe('include', () => {
  it('reads another file at its place, relative to the including file', () => {
    const files = {
      '/etc/k/a.conf': 'a\ninclude sub/b.conf\nc',
      '/etc/k/sub/b.conf': 'include c.conf',
      '/etc/k/sub/c.conf': 'b',
    };
    expect(read(files)).to.deep.equal({ words: [['a'], ['b'], ['c']], diagnostics: [] });
  });

  it('may stand inside a block, also behind its brace', () => {
    const files = { 'a.conf': 'a { include b.conf\ninclude b.conf\n}', 'b.conf': 'x y' };
    expect(read(files)).to.deep.equal({
      words: [
        [
          'a',
          [
            ['x', 'y'],
            ['x', 'y'],
          ],
        ],
      ],
      diagnostics: [],
    });
  });

  it('may close a block of another file', () => {
    const files = { 'a.conf': 'a {\ninclude b.conf\nc', 'b.conf': 'b\n}' };
    expect(read(files)).to.deep.equal({ words: [['a', [['b']]], ['c']], diagnostics: [] });
  });

  it('takes absolute names, wildcards in sorted order, and braces', () => {
    const files = {
      'a.conf': 'include d/*.conf\ninclude /x/{2,1}.conf\ninclude d/[ab].c?nf',
      'd/b.conf': 'b',
      'd/a.conf': 'a',
      'd/.hidden.conf': 'hidden',
      'd/other': 'other',
      '/x/1.conf': 'one',
      '/x/2.conf': 'two',
    };
    expect(read(files)).to.deep.equal({ words: [['a'], ['b'], ['two'], ['one'], ['a'], ['b']], diagnostics: [] });
  });

  it('may come out of a definition', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a configuration
    const files = { '/d/a.conf': '$N=b\ninclude ${_PWD}/${N}.conf', '/d/b.conf': 'b' };
    expect(read(files)).to.deep.equal({ words: [['b']], diagnostics: [] });
  });

  it('says that a named file is missing, and nothing for a wildcard', () => {
    const { diagnostics } = read({ 'a.conf': 'include b.conf\ninclude c*.conf' });
    expect(diagnostics).to.deep.equal(['warning include-missing a.conf:1']);
  });

  for (const kind of ['directory', 'executable', 'not-regular'] as const) {
    it(`skips what is ${kind} and says so`, () => {
      const { diagnostics } = read({ 'a.conf': 'include b', b: { kind } });
      expect(diagnostics).to.deep.equal(['warning include-skipped a.conf:1']);
    });
  }

  const failures: { keyword: string; pattern: string; fails: boolean }[] = [
    { keyword: 'includer', pattern: 'executable', fails: true },
    { keyword: 'includer', pattern: 'missing', fails: false },
    { keyword: 'includer', pattern: 'm*', fails: false },
    { keyword: 'includem', pattern: 'missing', fails: true },
    { keyword: 'includem', pattern: 'm*', fails: false },
    { keyword: 'includew', pattern: 'm*', fails: true },
    { keyword: 'includeb', pattern: 'file{1,2}', fails: true },
    { keyword: 'includeb', pattern: 'missing', fails: false },
    { keyword: 'includea', pattern: 'executable', fails: true },
    { keyword: 'includea', pattern: 'missing', fails: true },
    { keyword: 'includea', pattern: 'm*', fails: true },
    { keyword: 'includea', pattern: 'file{1,2}', fails: true },
    { keyword: 'include', pattern: 'file{1,2}', fails: false },
  ];
  for (const { keyword, pattern, fails } of failures) {
    it(`${keyword} ${pattern} is ${fails ? 'fatal' : 'not fatal'}`, () => {
      const files: Files = { 'a.conf': `${keyword} ${pattern}`, executable: { kind: 'executable' }, file1: 'x' };
      expect(read(files).diagnostics.some((text) => text.startsWith('fatal include-failed'))).to.equal(fails);
    });
  }

  it('of itself is refused', () => {
    const files = { 'a.conf': 'a\ninclude b.conf', 'b.conf': 'b\ninclude a.conf\nc' };
    expect(read(files)).to.deep.equal({ words: [['a'], ['b'], ['c']], diagnostics: ['error include-limit b.conf:2'] });
  });

  it('is bounded in depth', () => {
    const files: Record<string, string> = {};
    for (let i = 0; i < 100; i++) files[`${i}`] = `include ${i + 1}`;
    expect(read(files).diagnostics).to.deep.equal(['error include-limit 32:1']);
  });

  it('is bounded in number', () => {
    const files: Record<string, string> = { main: 'include d/*', leaf: 'x' };
    for (let i = 0; i < 100; i++) files[`d/${i}`] = 'include /e/*';
    for (let i = 0; i < 100; i++) files[`/e/${i}`] = 'x';
    const { words, diagnostics } = read(files);
    expect(words.length).to.be.below(4097);
    expect(diagnostics.every((text) => text.startsWith('error include-limit'))).to.equal(true);
    expect(diagnostics.length).to.be.above(0);
  });

  it('tells in a diagnostic of the included file where it was included', () => {
    const { diagnostics } = readFiles({ 'a.conf': '\ninclude b.conf', 'b.conf': 'nonsense' });
    expect(diagnostics[0]?.related).to.deep.equal([
      { message: 'included from here', span: { file: 'a.conf', start: 9, end: 15, line: 2, column: 9 } },
    ]);
  });
});

describe('the main file', () => {
  for (const kind of ['missing', 'directory', 'executable', 'not-regular', 'too-large'] as const) {
    it(`that is ${kind} is fatal`, () => {
      const { config, diagnostics } = readFiles({ 'a.conf': { kind } });
      expect(diagnostics.map(({ code, severity, span }) => [code, severity, span])).to.deep.equal([
        ['file-unreadable', 'fatal', undefined],
      ]);
      expect(config).to.deep.equal({ virtualServers: [] });
    });
  }
});

describe('file names', () => {
  const matches: [pattern: string, name: string, result: boolean][] = [
    ['*.conf', 'a.conf', true],
    ['*.conf', 'a.config', false],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['?', 'a', true],
    ['?', '', false],
    ['[a-c]', 'b', true],
    ['[!a-c]', 'b', false],
    ['[^a-c]', 'd', true],
    ['[]a]', ']', true],
    ['[', '[', true],
    ['*', '', true],
  ];
  for (const [pattern, name, result] of matches) {
    it(`${pattern} ${result ? 'matches' : 'does not match'} ${JSON.stringify(name)}`, () => {
      expect(matchesName(pattern, name)).to.equal(result);
    });
  }

  it('match in little time against many stars', () => {
    expect(matchesName('*a'.repeat(500), 'a'.repeat(499))).to.equal(false);
  });

  it('have alternatives in braces, nested too', () => {
    expect(expandBraces('a{b,c{1,2}}d')).to.deep.equal(['abd', 'ac1d', 'ac2d']);
    expect(expandBraces('a{b')).to.deep.equal(['a{b']);
  });

  it('have a bounded number of alternatives', () => {
    expect(expandBraces('{a,b}'.repeat(30)).length).to.be.below(1000);
  });

  it('in memory are listed by directory', () => {
    const reader = readFromMemory({ '/a/b': '', '/a/c/d': '', e: '' });
    expect(reader.names('/a')).to.deep.equal(['b', 'c']);
    expect(reader.names('.')).to.include('e');
  });
});
