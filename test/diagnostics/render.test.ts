import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Diagnostic, Span } from '../../lib/diagnostics/diagnostic.ts';
import { renderDiagnostic, renderDiagnosticLine } from '../../lib/diagnostics/render.ts';

/** The span of the only occurrence of `word` in `text`. */
function spanOf(text: string, word: string): Span {
  const start = text.indexOf(word);
  const before = text.slice(0, start);
  const line = before.split('\n').length;
  return { file: 'a.conf', start, end: start + word.length, line, column: start - before.lastIndexOf('\n') };
}

function unknownKeyword(text: string, word: string, more: Partial<Diagnostic> = {}): Diagnostic {
  return { code: 'unknown-keyword', severity: 'error', message: 'no such word', span: spanOf(text, word), ...more };
}

function render(text: string, word: string, options: { width?: number; color?: boolean } = {}): string[] {
  return renderDiagnostic(unknownKeyword(text, word), { source: () => text, ...options }).split('\n');
}

describe('rendering a diagnostic', () => {
  it('shows place, severity, code, message, line, caret, effect, hint and related places', () => {
    const text = 'real_server 10.0.0.1 80 {\n}\n    real_servr 10.0.0.2 80 {\n';
    const diagnostic = unknownKeyword(text, 'real_servr', {
      message: '"real_servr" is no keyword in virtual_server',
      inEffect: 'its whole block is skipped',
      hint: 'did you mean real_server?',
      related: [{ span: spanOf(text, '10.0.0.1'), message: 'as here' }],
    });
    expect(renderDiagnostic(diagnostic, { source: () => text })).to.equal(
      [
        'a.conf:3:5: error[unknown-keyword]: "real_servr" is no keyword in virtual_server',
        '    3 |     real_servr 10.0.0.2 80 {',
        '      |     ^^^^^^^^^^',
        '  in effect: its whole block is skipped',
        '  hint: did you mean real_server?',
        'a.conf:1:13: note: as here',
        '    1 | real_server 10.0.0.1 80 {',
        '      |             ^^^^^^^^',
      ].join('\n'),
    );
  });

  it('leaves the source out when it is not at hand', () => {
    expect(renderDiagnostic(unknownKeyword('foo', 'foo'))).to.equal('a.conf:1:1: error[unknown-keyword]: no such word');
  });

  it('has no place when the diagnostic has none', () => {
    const diagnostic: Diagnostic = { code: 'file-unreadable', severity: 'fatal', message: 'x does not exist' };
    expect(renderDiagnostic(diagnostic, { source: () => 'text' })).to.equal('fatal[file-unreadable]: x does not exist');
  });

  it('puts the caret under the word behind tabs', () => {
    expect(render('\ta\tfoo', 'foo').slice(1)).to.deep.equal(['    1 |     a   foo', '      |         ^^^']);
  });

  it('puts the caret under the word behind wide characters', () => {
    expect(render('日本 foo', 'foo')[2]).to.equal('      |      ^^^');
  });

  it('cuts a long line around the caret, on both sides', () => {
    const [, source, caret] = render(`${'a'.repeat(300)} foo ${'b'.repeat(300)}`, 'foo', { width: 40 });
    expect(source).to.have.length.at.most('    1 | '.length + 40);
    expect(source).to.match(/\| …a+ foo b+…$/);
    expect(source!.indexOf('foo')).to.equal(caret!.indexOf('^'));
  });

  it('shows control characters and characters that turn the text around instead of sending them', () => {
    const [, source] = render('a\u0000\u001b[31m\u202e foo', 'foo');
    expect(source).to.equal('    1 | a␀␛[31m<U+202E> foo');
  });

  it('shows control characters of messages, too', () => {
    const line = renderDiagnosticLine(unknownKeyword('foo', 'foo', { message: 'no\nfile\u001b]' }));
    expect(line).to.equal('a.conf:1:1: error[unknown-keyword]: no␊file␛]');
  });

  it('does not show the carriage return at the end of a line', () => {
    expect(render('foo\r\nbar', 'foo')[1]).to.equal('    1 | foo');
  });

  it('colours the severity and the caret, and nothing of the source', () => {
    const [head, source, caret] = render('foo bar', 'bar', { color: true });
    expect(head).to.include('\u001b[1;31merror[unknown-keyword]\u001b[0m');
    expect(source).to.match(/foo bar$/);
    expect(caret).to.match(/\u001b\[1;31m\^\^\^\u001b\[0m$/);
  });

  it('gives one line for logs', () => {
    const diagnostic = unknownKeyword('foo', 'foo', { inEffect: 'skipped', hint: 'write bar' });
    expect(renderDiagnosticLine(diagnostic)).to.equal(
      'a.conf:1:1: error[unknown-keyword]: no such word; in effect: skipped; hint: write bar',
    );
  });

  it('never fails, never writes a control character, and always shows a caret, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(20), fc.nat(60), (text, at, length, width) => {
        const start = at % (text.length + 1);
        const before = text.slice(0, start);
        const line = before.split('\n').length;
        const column = start - before.lastIndexOf('\n');
        const span = { file: 'a', start, end: start + length, line, column };
        const rendered = renderDiagnostic(unknownKeyword('foo', 'foo', { span }), { source: () => text, width });
        expect(rendered).to.match(/\^/);
        expect(rendered.replaceAll('\n', '')).not.to.match(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
