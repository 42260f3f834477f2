// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of configurations
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseKeepalivedText, printSource } from '../../keepalived-compat/index.ts';
import { parseText } from '../../keepalived-compat/parser.ts';

/** Texts that look like a configuration, so that the interesting paths are taken. */
const confLike = fc
  .array(
    fc.constantFrom(
      ' ',
      '\n',
      '\n',
      '\t',
      '\r\n',
      '{',
      '}',
      '"',
      '#',
      '!',
      '\\',
      '\\#',
      '@id ',
      '@^id ',
      '$A=',
      '${A}',
      '$A ',
      '~SEQ(A,2) ',
      'include x',
      'virtual_server 10.0.0.1 80 ',
      'real_server 10.0.0.2 80 ',
      'TCP_CHECK ',
      'HTTP_GET ',
      'url ',
      'path /',
      'weight ',
      '1',
      '-',
      'é',
      '\0',
      'global_defs ',
      'router_id ',
      'vrrp_instance V ',
      'delay_loop 1.5',
    ),
    { maxLength: 80 },
  )
  .map((parts) => parts.join(''));

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), confLike);

describe('printing a syntax tree', () => {
  it('gives the text that was read, whatever it was', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printSource(parseText(text).files[0]!)).to.equal(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves nothing but blanks outside the tokens', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const line of parseText(text).files[0]!.lines) {
          let position = line.start;
          for (const { start, end } of [...line.tokens, { start: line.end, end: line.end }]) {
            expect(text.slice(position, start)).to.match(/^[\s\ufeff]*$/);
            expect(end).to.be.at.least(start);
            position = end;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('reading', () => {
  it('never throws, and points into the file, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const { span } of parseKeepalivedText(text, 'a.conf').diagnostics) {
          if (span === undefined) continue;
          expect(span.start).to.be.within(0, span.end);
          expect(span.end).to.be.at.most(text.length);
          const before = text.slice(0, span.start);
          expect(span.line).to.equal(before.split('\n').length);
          expect(span.column).to.equal(span.start - before.lastIndexOf('\n'));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws for bytes that are no text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        parseKeepalivedText(new TextDecoder().decode(bytes));
      }),
    );
  });
});
