import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { HttpResponseReader } from '../../lib/health/checkers/http-response.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** What became of a response that came in these pieces, and whether the reader wanted more. */
function read(...pieces: readonly string[]): { status?: number; fault?: string; enough: boolean } {
  const reader = new HttpResponseReader();
  let enough = false;
  for (const piece of pieces) {
    expect(enough, 'nothing is read after the end').to.equal(false);
    enough = reader.read(bytes(piece));
  }
  if (!enough) reader.end();
  return {
    ...(reader.status === undefined ? {} : { status: reader.status }),
    ...(reader.fault === undefined ? {} : { fault: reader.fault }),
    enough,
  };
}

describe('HttpResponseReader', () => {
  const rows: readonly (readonly [name: string, response: string, expected: ReturnType<typeof read>])[] = [
    ['a body of the announced length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', { status: 200, enough: true }],
    ['a body until the end', 'HTTP/1.0 200 OK\r\n\r\nsome text', { status: 200, enough: false }],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, enough: true }],
    ['not modified with a length', 'HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n', { status: 304, enough: true }],
    ['an empty body', 'HTTP/1.1 503 X\r\ncontent-length:0\r\n\r\n', { status: 503, enough: true }],
    ['a body that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', { status: 200, enough: false }],
    ['no reason phrase', 'HTTP/1.1 404\r\n\r\n', { status: 404, enough: false }],
    ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 1\n\nx', { status: 200, enough: true }],
    ['blanks around the length', 'HTTP/1.1 200 OK\r\nContent-Length: \t 1 \r\n\r\nx', { status: 200, enough: true }],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx', { status: 200, enough: false }],
    [
      'a field that only ends like it',
      'HTTP/1.1 200 OK\r\nX-Content-Length: 1\r\n\r\nx',
      { status: 200, enough: false },
    ],
    [
      'an interim response before the final one',
      'HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
      { status: 200, enough: true },
    ],
    ['switching protocols, which is final', 'HTTP/1.1 101 X\r\n\r\n', { status: 101, enough: false }],
    [
      'chunks, which nobody decodes',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      { status: 200, enough: false },
    ],
    ['nothing', '', { fault: 'closed without an answer', enough: false }],
    ['half a status line', 'HTTP/1.1 20', { fault: 'closed in the middle of the header', enough: false }],
    [
      'half a header',
      'HTTP/1.1 200 OK\r\nServer: x\r\n',
      { status: 200, fault: 'closed in the middle of the header', enough: false },
    ],
    [
      'only an interim response',
      'HTTP/1.1 100 X\r\n\r\n',
      { fault: 'closed in the middle of the header', enough: false },
    ],
    ['another protocol', 'SSH-2.0-x\r\n', { fault: 'not an HTTP response: "SSH-2.0-x"', enough: true }],
    ['no status', 'HTTP/1.1 OK\r\n', { fault: 'not an HTTP response: "HTTP/1.1 OK"', enough: true }],
    ['a status of two digits', 'HTTP/1.1 20 X\r\n', { fault: 'not an HTTP response: "HTTP/1.1 20 X"', enough: true }],
    [
      'a status of four digits',
      'HTTP/1.1 2000 X\r\n',
      { fault: 'not an HTTP response: "HTTP/1.1 2000 X"', enough: true },
    ],
    ['an empty first line', '\r\nHTTP/1.1 200 OK\r\n', { fault: 'not an HTTP response: ""', enough: true }],
  ];
  for (const [name, response, expected] of rows) {
    it(`reads ${name}, alike in one piece and split at every byte`, () => {
      if (response !== '') expect(read(response), 'in one piece').to.deep.equal(expected);
      for (let at = 1; at < response.length; at++) {
        const first = response.slice(0, at);
        const enoughAlready = new HttpResponseReader().read(bytes(first));
        const result = enoughAlready ? read(first) : read(first, response.slice(at));
        expect(result, `split at ${at}`).to.deep.equal(expected);
      }
      const reader = new HttpResponseReader();
      let enough = false;
      for (const char of response) enough ||= reader.read(bytes(char));
      if (!enough) reader.end();
      expect([reader.status, reader.fault, enough], 'byte by byte').to.deep.equal([
        expected.status,
        expected.fault,
        expected.enough,
      ]);
    });
  }

  it('gives up on a header without end, in one line or in many, after 64 KiB', () => {
    for (const line of ['x', 'x: y\r\n']) {
      const reader = new HttpResponseReader();
      reader.read(bytes('HTTP/1.1 200 OK\r\n'));
      let sent = 0;
      while (!reader.read(bytes(line.repeat(100)))) {
        sent += line.length * 100;
        expect(sent).to.be.below(70_000);
      }
      expect(sent).to.be.above(64_000);
      expect(reader.fault).to.equal('header longer than 65536 bytes');
    }
  });

  it('gives up on interim responses without end, too', () => {
    const reader = new HttpResponseReader();
    let sent = 0;
    while (!reader.read(bytes('HTTP/1.1 100 Continue\r\n\r\n'))) {
      sent++;
      expect(sent).to.be.below(4000);
    }
    expect(reader.fault).to.equal('header longer than 65536 bytes');
  });

  it('has enough of a body without end after 16 MiB, and keeps its status', () => {
    const reader = new HttpResponseReader();
    reader.read(bytes('HTTP/1.1 200 OK\r\n\r\n'));
    const piece = new Uint8Array(1 << 20);
    let pieces = 1;
    while (!reader.read(piece)) pieces++;
    expect(pieces).to.equal(16);
    expect(reader.status).to.equal(200);
  });

  it('keeps a fault bounded, whatever the peer sends', () => {
    const reader = new HttpResponseReader();
    reader.read(bytes(`${'y'.repeat(5000)}\r\n`));
    expect(reader.fault).to.have.length.below(100);
  });

  it('never throws, and does not depend on where the bytes are split', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 ',
        '200',
        ' ',
        '\r\n',
        '\n',
        '\r',
        'Content-Length: ',
        '3',
        '100',
        '\r\n\r\n',
        '\0',
        'ÿ',
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (some, sizes) => {
          const all = bytes(some.join(''));
          const outcome = (chunks: Iterable<Uint8Array>) => {
            const reader = new HttpResponseReader();
            let enough = false;
            for (const chunk of chunks) enough ||= chunk.length > 0 && reader.read(chunk);
            if (!enough) reader.end();
            return [reader.status, reader.fault];
          };
          const split: Uint8Array[] = [];
          let at = 0;
          for (const size of sizes) {
            if (at >= all.length) break;
            split.push(all.subarray(at, at + size));
            at += size;
          }
          expect(outcome(split)).to.deep.equal(outcome([all]));
        },
      ),
      { numRuns: 500 },
    );
  });
});
