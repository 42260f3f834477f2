import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readTree } from './support.ts';

/** Observed by running keepalived, unless the name says where we differ. */
const facts: { name: string; text: string; words: unknown[] }[] = [
  { name: 'blanks and tabs separate words', text: ' a\t b  c ', words: [['a', 'b', 'c']] },
  { name: 'a comment may be glued to a word', text: 'b#c', words: [['b']] },
  { name: '! starts a comment as well', text: 'a b!c\nd', words: [['a', 'b'], ['d']] },
  { name: 'a line of nothing but a comment is no statement', text: '# a\n! b\n', words: [] },
  { name: 'a comment sign in quotes is an ordinary character', text: '"a#b" "c!d"', words: [['a#b', 'c!d']] },
  { name: 'a backslash before a comment sign makes it plain', text: 'a\\#b c\n\\!x', words: [['a#b', 'c'], ['!x']] },
  { name: 'any other backslash stays', text: 'a\\b c\\', words: [['a\\b', 'c\\']] },
  { name: 'a trailing backslash does not continue the line', text: 'a \\\nb', words: [['a', '\\'], ['b']] },
  { name: 'a quote starts a new word', text: 'a"b c"d', words: [['a', 'b c', 'd']] },
  { name: 'quotes may be empty', text: 'a ""', words: [['a', '']] },
  { name: 'an apostrophe is an ordinary character', text: "a 'b c'", words: [['a', "'b", "c'"]] },
  { name: 'a keyword may be quoted', text: '"router_id" x', words: [['router_id', 'x']] },
  { name: 'the carriage return of a DOS file is no part of a word', text: 'a b\r\nc\r\n', words: [['a', 'b'], ['c']] },
  { name: 'a block may stand on one line', text: 'a { b c }', words: [['a', [['b', 'c']]]] },
  { name: 'braces need no blanks', text: 'a{b}c', words: [['a', [['b']]], ['c']] },
  { name: 'braces in quotes are ordinary characters', text: 'a "{" "}"', words: [['a', '{', '}']] },
  { name: 'a brace may open on the next line', text: 'a b\n{\nc\n}', words: [['a', 'b', [['c']]]] },
  { name: 'a brace may open after comments and blank lines', text: 'a\n\n# x\n{\n}', words: [['a', []]] },
  {
    name: 'one line holds one statement, up to a brace',
    text: '{ weight 1 TCP_CHECK { } }',
    words: [['weight', '1', 'TCP_CHECK', []]],
  },
  {
    name: 'text behind a closing brace is the next statement',
    text: 'a { b } c d',
    words: [
      ['a', [['b']]],
      ['c', 'd'],
    ],
  },
  {
    name: 'a value block takes entries on the lines of its braces',
    text: 'group { a\nb }',
    words: [['group', [['a'], ['b']]]],
  },
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a configuration
  { name: 'differs: an undefined ${NAME} is no block', text: 'a ${B} c', words: [['a', '${B}', 'c']] },
  { name: 'a byte order mark is a blank', text: '\ufeffa b', words: [['a', 'b']] },
];

describe('lines and words', () => {
  for (const { name, text, words } of facts) {
    it(name, () => {
      // The outer braces of one fact belong to nothing: give them a keyword.
      const source = text.startsWith('{') ? `x ${text}` : text;
      const expected = text.startsWith('{') ? [['x', words]] : words;
      expect(readTree(source).outline).to.deep.equal(expected);
    });
  }

  it('reports an odd number of quotes and skips the statement', () => {
    const { outline, diagnostics } = readTree('a "b c\nd');
    expect(outline).to.deep.equal([[], ['d']]);
    expect(diagnostics).to.deep.equal(['1:3 error unterminated-quote "b c']);
  });

  it('keeps the file balanced when a forgotten quote hides an opening brace', () => {
    const { outline, diagnostics } = readTree('real_server "10.0.0.1 80 {\n  weight 1\n}\nnext');
    expect(outline).to.deep.equal([['next']]);
    expect(diagnostics).to.deep.equal(['1:13 error unterminated-quote "10.0.0.1 80']);
  });

  it('gives the block on the next line to the statement with the forgotten quote, not to the one before', () => {
    const { outline, diagnostics } = readTree('a\nb "c\n{\nd\n}\n');
    expect(outline).to.deep.equal([['a'], [[['d']]]]);
    expect(diagnostics).to.deep.equal(['2:3 error unterminated-quote "c']);
  });

  it('skips a line of more than 1023 bytes and says so', () => {
    const longest = `a ${'b'.repeat(1021)}`;
    expect(readTree(`${longest}\nc`).outline).to.deep.equal([['a', 'b'.repeat(1021)], ['c']]);
    const { outline, diagnostics } = readTree(`${longest}b\nc`);
    expect(outline).to.deep.equal([['c']]);
    expect(diagnostics).to.deep.equal([`1:1 error line-too-long ${longest}b`]);
  });

  it('counts bytes, not characters, for the longest line', () => {
    expect(readTree(`a ${'é'.repeat(511)}`).diagnostics).to.have.length(1);
    expect(readTree(`a ${'é'.repeat(510)}`).diagnostics).to.deep.equal([]);
  });

  it('skips a line with a NUL byte and points at it', () => {
    const { outline, diagnostics } = readTree('a\nb \0c\nd');
    expect(outline).to.deep.equal([['a'], ['d']]);
    expect(diagnostics).to.deep.equal(['2:3 error nul-byte \0']);
  });
});

describe('braces', () => {
  it('that close nothing are fatal, and the first one is shown', () => {
    expect(readTree('a {\n}\n}\n}\n').diagnostics).to.deep.equal(['3:1 fatal unbalanced-brace }']);
  });

  it('that are not closed are fatal, and the outermost one is shown', () => {
    expect(readTree('a {\nb {\n').diagnostics).to.deep.equal(['1:3 fatal unbalanced-brace {']);
  });

  it('without a keyword are an error, and their block is skipped as a unit', () => {
    const { outline, diagnostics } = readTree('a {\n}\n{ b { c } }\nd');
    expect(outline).to.deep.equal([['a', []], ['d']]);
    expect(diagnostics).to.deep.equal(['3:1 error unexpected-brace {']);
  });

  it('are counted beyond the deepest nesting, without keeping what is inside', () => {
    const depth = 100_000;
    const { outline, diagnostics } = readTree(`${'a {\n'.repeat(depth)}${'}\n'.repeat(depth)}b`);
    expect(outline.at(-1)).to.deep.equal(['b']);
    expect(diagnostics).to.deep.equal(['65:3 error nesting-too-deep {']);
  });
});

describe('conditional lines', () => {
  const cases = [
    { name: 'are read when the id is the configuration id', text: '@one a b', words: [['a', 'b']] },
    { name: 'are not read for another id', text: '@two a b\nc', words: [['c']] },
    { name: 'are read with ^ when the id is another one', text: '@^two a b', words: [['a', 'b']] },
    { name: 'are not read with ^ for the id itself', text: '@^one a b', words: [] },
    { name: 'may have blanks before them', text: ' \t@two a', words: [] },
    { name: 'mean nothing without anything behind the id', text: '@one\nb', words: [['b']] },
    { name: 'may hold the braces of a block', text: '@one a {\n@two b {\nc\n@^two }', words: [['a', [['c']]]] },
    { name: 'may hold a definition', text: '@two $A=x\n@one $A=y\na $A', words: [['a', 'y']] },
    { name: 'are only at the start of a line', text: 'a @two', words: [['a', '@two']] },
  ];
  for (const { name, text, words } of cases) {
    it(name, () => expect(readTree(text, { configId: 'one' }).outline).to.deep.equal(words));
  }

  it('leave out the lines that continue an excluded definition', () => {
    const text = '@two $A=x \\\n y\nb $A';
    expect(readTree(text, { configId: 'one' }).outline).to.deep.equal([['b', '$A']]);
  });
});
