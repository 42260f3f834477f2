// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of configurations
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readFiles, readTree } from './support.ts';

describe('definitions', () => {
  const cases = [
    { name: 'are used with braces anywhere in a word', text: '$A=xx\na${A}b', words: [['axxb']] },
    { name: 'are used without braces at the end of a word', text: '$A=xx\na$A b', words: [['axx', 'b']] },
    { name: 'are used without braces before a comma and )', text: '$A=x\n$A,y $A)', words: [['x,y', 'x)']] },
    { name: 'are not used without braces before other characters', text: '$A=x\n$A:b "$A"', words: [['$A:b', '$A']] },
    { name: 'are used with braces inside quotes', text: '$A=b c\na "${A}"', words: [['a', 'b c']] },
    { name: 'lose the comment behind them', text: '$A=x # y\na $A b', words: [['a', 'x', 'b']] },
    { name: 'may be empty', text: '$A=\na${A}', words: [['a']] },
    { name: 'may contain =', text: '$A=b=c\na $A', words: [['a', 'b=c']] },
    { name: 'may have blanks before them', text: ' $A=b\na $A', words: [['a', 'b']] },
    { name: 'have names that begin with a letter or _', text: '$1=b', words: [['$1=b']] },
    { name: 'use each other', text: '$A=x\n$B=${A}y\na $B', words: [['a', 'xy']] },
    { name: 'are looked up when they are used', text: '$A=x\n$B=$A\n$A=y\na $B', words: [['a', 'y']] },
    {
      name: 'may be given anew at any place',
      text: '$A=x\na $A\n$A=y\nb $A',
      words: [
        ['a', 'x'],
        ['b', 'y'],
      ],
    },
    { name: 'may hold keywords and braces', text: '$A=a {\n$A\nb }', words: [['a', [['b']]]] },
    { name: 'may make a comment', text: '$A=b \\# c\na $A d', words: [['a', 'b']] },
    { name: '_HASH and _BANG make the plain characters', text: 'a${_HASH}b "c${_BANG}"', words: [['a#b', 'c!']] },
    { name: '_PWD is the directory of the file', text: 'a ${_PWD}', words: [['a', '.']] },
    { name: '_INSTANCE is the configuration id', text: 'a $_INSTANCE', words: [['a', 'one']] },
    { name: '_ENV reads the environment', text: 'a ${_ENV HOME}', words: [['a', '/root']] },
    { name: '_RANDOM is within its bounds', text: 'a ${_RANDOM 5 7} ${_RANDOM}', words: [['a', '6', '16384']] },
    { name: 'built-in ones may be given anew', text: '$_INSTANCE=b\na $_INSTANCE', words: [['a', 'b']] },
    {
      name: 'may run over several lines',
      text: '$A=b \\\n c \\\n\\\n d\na $A\ne',
      words: [['a', 'b'], ['c'], ['d'], ['e']],
    },
    { name: 'of several lines may hold a block', text: '$A={ \\\n b c \\\n }\na $A', words: [['a', [['b', 'c']]]] },
    {
      name: 'of several lines may use others',
      text: '$B=x\n$A=b \\\n c $B\na $A',
      words: [
        ['a', 'b'],
        ['c', 'x'],
      ],
    },
    { name: 'do not reach into comments', text: '$A=x\na # $B ${C}', words: [['a']] },
  ];
  for (const { name, text, words } of cases) {
    it(name, () => {
      const options = { configId: 'one', environment: { HOME: '/root' }, random: () => 0.5 };
      expect(readTree(text, options)).to.deep.equal({ outline: words, diagnostics: [] });
    });
  }

  it('that do not exist leave the text as it is, and a use with braces is an error', () => {
    const { outline, diagnostics } = readTree('a ${B} pa$word');
    expect(outline).to.deep.equal([['a', '${B}', 'pa$word']]);
    expect(diagnostics).to.deep.equal(['1:3 error undefined-definition ${B}', '1:10 info undefined-definition $word']);
  });

  it('need their = at once', () => {
    const { outline, diagnostics } = readTree('$A =b');
    expect(outline).to.deep.equal([['$A', '=b']]);
    expect(diagnostics).to.deep.equal(['1:1 info undefined-definition $A']);
  });

  it('of several lines are refused where text follows', () => {
    const { outline, diagnostics } = readTree('$A=b \\\n c\na ${A} d');
    expect(outline).to.deep.equal([['a', '${A}', 'd']]);
    expect(diagnostics).to.deep.equal(['3:3 error multi-line-definition ${A}']);
  });

  it('that use themselves are refused', () => {
    const { outline, diagnostics } = readTree('$A=x $A\na $A\nb');
    expect(outline).to.deep.equal([['b']]);
    expect(diagnostics).to.deep.equal(['2:3 error definition-limit $A']);
  });

  it('that double again and again are refused in little time', () => {
    const doubling = Array.from({ length: 40 }, (_, i) => `$A${i + 1}=\${A${i}}\${A${i}}`).join('\n');
    expect(readTree(`$A0=x\n${doubling}\nb \${A40}`).diagnostics).to.deep.equal(['42:3 error definition-limit ${A40}']);
  });

  it('that are used without end are fatal, and take bounded time', function () {
    this.timeout(20_000);
    const doubling = Array.from({ length: 15 }, (_, i) => `$A${i + 1}=\${A${i}}\${A${i}}`).join('\n');
    const { diagnostics } = readTree(`$A0=x\n${doubling}\n${'b ${A15}\n'.repeat(100_000)}`);
    expect(diagnostics).to.have.length(1);
    expect(diagnostics[0]).to.match(/^\d+:1 fatal definition-limit b \$\{A15\}$/);
  });

  it('that go on at the end of the file are in force as far as they go', () => {
    expect(readTree('$A=x \\').diagnostics).to.deep.equal(['1:1 warning unfinished-definition $A=x \\']);
  });

  it('let diagnostics point at the place where they are used', () => {
    const { diagnostics } = readFiles({ 'a.conf': '$KEY=unknown_word\n  pre${KEY} x' });
    expect(diagnostics.map(({ code, span }) => [code, span?.line, span?.start, span?.end])).to.deep.equal([
      ['unknown-keyword', 2, 20, 29],
    ]);
  });
});

describe('~SEQ and ~LST', () => {
  const cases = [
    {
      name: 'run from 1',
      text: '~SEQ(v, 2) a$v b${v}c',
      words: [
        ['a1', 'b1c'],
        ['a2', 'b2c'],
      ],
    },
    { name: 'run from a start', text: '~SEQ(v, 3, 4) a$v', words: [['a3'], ['a4']] },
    { name: 'run in steps', text: '~SEQ(v, 10, -5, 1) a$v', words: [['a10'], ['a5']] },
    { name: 'run down from -1', text: '~SEQ(v, -2) a$v', words: [['a-1'], ['a-2']] },
    { name: 'run down from 1 to 0', text: '~SEQ(v,0) a$v', words: [['a1'], ['a0']] },
    { name: 'give hexadecimal with x', text: '~SEQx(v, 9, 0xb) a$v', words: [['a9'], ['aa'], ['ab']] },
    { name: 'run through a list', text: '~LST(v, p, q) a$v', words: [['ap'], ['aq']] },
    { name: 'leave missing members empty', text: '~LST({v,w}, {1,2}, {3}) a${v}-${w}', words: [['a1-2'], ['a3-']] },
    { name: 'nest', text: '~SEQ(a,2) ~SEQ(b,2) ${a}${b}', words: [['11'], ['12'], ['21'], ['22']] },
    {
      name: 'may use what an outer one defines',
      text: '~SEQ(a,2) ~SEQ(b, $a) ${a}${b}',
      words: [['11'], ['21'], ['22']],
    },
    { name: 'use definitions', text: '$N=2\n~SEQ(v, $N) a$v', words: [['a1'], ['a2']] },
    { name: 'leave their last value', text: '~SEQ(v, 2) a\nb $v', words: [['a'], ['a'], ['b', '2']] },
    { name: 'need no blank behind them', text: '~SEQ(v,1)a$v', words: [['a1']] },
    {
      name: 'repeat the braces of a block',
      text: '~SEQ(v, 2) a$v { b }',
      words: [
        ['a1', [['b']]],
        ['a2', [['b']]],
      ],
    },
    { name: 'do nothing with an empty rest', text: '~SEQ(v, 2)\nb', words: [['b']] },
    { name: 'may stand behind a condition', text: '@one ~SEQ(v,1) a$v', words: [['a1']] },
  ];
  for (const { name, text, words } of cases) {
    it(name, () => expect(readTree(text, { configId: 'one' })).to.deep.equal({ outline: words, diagnostics: [] }));
  }

  for (const spec of [
    '~SEQ(v)',
    '~SEQ(v,x)',
    '~SEQ(1,2)',
    '~SEQ(v,1,-1,5)',
    '~SEQ(v,99999999)',
    '~LST(v)',
    '~LST(v,{1)',
  ]) {
    it(`are refused when wrong: ${spec}`, () => {
      const { outline, diagnostics } = readTree(`${spec} a\nb`);
      expect(outline).to.deep.equal([['b']]);
      expect(diagnostics).to.deep.equal([`1:1 error invalid-repetition ${spec}`]);
    });
  }

  it('have each fault of the repeated line once', () => {
    const { diagnostics } = readTree('~SEQ(v, 3) a ${B}');
    expect(diagnostics).to.deep.equal(['1:14 error undefined-definition ${B}']);
  });

  it('are bounded however they nest', () => {
    const { outline, diagnostics } = readTree('~SEQ(a,60000) ~SEQ(b,60000) x\nlast');
    expect(outline.length).to.be.below(200_002);
    expect(outline.at(-1)).to.deep.equal(['last']);
    expect(diagnostics).to.deep.equal(['1:15 error invalid-repetition ~SEQ(b,60000)']);
  });
});
