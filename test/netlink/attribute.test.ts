import { expect } from 'chai';
import * as fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { IpvigilError } from '../../lib/errors.ts';
import {
  AttributeWriter,
  attributePathAt,
  attributesByType,
  decodeAttributes,
  readBe16,
  readBe32,
  readI32,
  readString,
  readU8,
  readU16,
  readU32,
  readU64,
} from '../../lib/netlink/attribute.ts';
import { hostIsLittleEndian } from '../../lib/netlink/byte-order.ts';
import { bytesOf } from './bytes.ts';

function expectMalformed(attempt: () => unknown): void {
  expect(attempt).to.throw(IpvigilError).with.property('code', 'ERR_NETLINK_MALFORMED');
}

describe('netlink attributes', () => {
  before(function () {
    // The bytes in this file are those of a little-endian machine.
    if (!hostIsLittleEndian) this.skip();
  });

  it('are laid out as struct nlattr says, with ports in network order and nests marked', () => {
    const writer = new AttributeWriter();
    writer
      .nest(1, () => writer.u16(1, 2).be16(4, 80).string(6, 'wrr').u8(13, 1))
      .u32(9, 0x01020304)
      .be32(9, 0x01020304);
    expect(writer.finish()).to.deep.equal(
      bytesOf(
        '2400 0180  0600 0100 0200 0000  0600 0400 0050 0000  0800 0600 77727200  0500 0d00 01 000000' +
          '0800 0900 04030201  0800 0900 01020304',
      ),
    );
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 0xff }),
        fc.nat({ max: 0xffff }),
        fc.nat({ max: 0xffffffff }),
        fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
        fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\0')),
        fc.uint8Array({ maxLength: 600 }),
        (u8, u16, u32, u64, text, bytes) => {
          const written = new AttributeWriter()
            .u8(1, u8)
            .u16(2, u16)
            .be16(3, u16)
            .u32(4, u32)
            .be32(5, u32)
            .u64(6, u64)
            .string(7, text)
            .bytes(8, bytes)
            .finish();
          expect(written.length % 4).to.equal(0);
          const read = attributesByType(written, 'test');
          expect(readU8(read.get(1)!)).to.equal(u8);
          expect(readU16(read.get(2)!)).to.equal(u16);
          expect(readBe16(read.get(3)!)).to.equal(u16);
          expect(readU32(read.get(4)!)).to.equal(u32);
          expect(readI32(read.get(4)!)).to.equal(u32 | 0);
          expect(readBe32(read.get(5)!)).to.equal(u32);
          expect(readU64(read.get(6)!)).to.equal(u64);
          expect(readString(read.get(7)!)).to.equal(text);
          expect(read.get(8)!.payload).to.deep.equal(bytes);
        },
      ),
    );
  });

  it('leave the writer empty when they are taken, so that later ones do not change them', () => {
    const writer = new AttributeWriter(8).u32(1, 1);
    const first = writer.finish();
    expect(writer.length).to.equal(0);
    const second = writer.u32(2, 2).finish();
    expect([first, second]).to.deep.equal([bytesOf('0800 0100 01000000'), bytesOf('0800 0200 02000000')]);
  });

  it('that do not fit are a typed error, after those that do', () => {
    const types: number[] = [];
    expectMalformed(() => {
      for (const { type } of decodeAttributes(bytesOf('0800 0100 01000000 0900 0200 02000000'), 'test'))
        types.push(type);
    });
    expect(types).to.deep.equal([1]);
    for (const bytes of ['0300 0100', '0000 0100', '04', 'ffff 0100 00000000']) {
      expectMalformed(() => [...decodeAttributes(bytesOf(bytes), 'test')]);
    }
  });

  it('with less payload than their value needs are a typed error', () => {
    const [short] = decodeAttributes(bytesOf('0500 0100 01 000000'), 'test');
    for (const read of [readU16, readBe16, readU32, readI32, readBe32, readU64]) expectMalformed(() => read(short!));
    const [empty] = decodeAttributes(bytesOf('0400 0100'), 'test');
    expectMalformed(() => readU8(empty!));
    expect(readString(empty!)).to.equal('');
  });

  it('of random bytes end, with at most one per four bytes, or in a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        let count = 0;
        try {
          for (const { type, payload } of decodeAttributes(bytes, 'test')) {
            count++;
            expect(type).to.be.within(0, 0x3fff);
            expect(payload.length).to.be.below(bytes.length);
          }
        } catch (error) {
          expect(error).to.be.instanceOf(IpvigilError);
        }
        expect(count).to.be.at.most(bytes.length / 4);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse to be written longer than their length field can say', () => {
    expect(() => new AttributeWriter().bytes(1, new Uint8Array(65532))).to.throw(RangeError);
    const writer = new AttributeWriter();
    expect(() => writer.nest(1, () => writer.bytes(2, new Uint8Array(65000)).bytes(3, new Uint8Array(1000)))).to.throw(
      RangeError,
    );
  });
});

describe('attributePathAt', () => {
  const writer = new AttributeWriter();
  const bytes = writer
    .nest(1, () => writer.u16(1, 2).nest(7, () => writer.u32(3, 1)))
    .u32(4, 1)
    .finish();

  it('names the attributes that enclose an offset, outermost first', () => {
    // 0: nest 1, 4: attribute 1, 12: nest 7, 16: attribute 3, 24: attribute 4.
    const paths = [0, 4, 8, 12, 16, 20, 24, 28].map((offset) => attributePathAt(bytes, offset));
    expect(paths).to.deep.equal([[1], [1, 1], [1, 1], [1, 7], [1, 7, 3], [1, 7, 3], [4], [4]]);
    expect(attributePathAt(bytes, 32)).to.deep.equal([]);
  });

  it('follows a bounded number of nests, and ends on any bytes', () => {
    const deep = new AttributeWriter();
    const nest = (depth: number): void => {
      if (depth > 0) deep.nest(1, () => nest(depth - 1));
    };
    nest(100);
    expect(attributePathAt(deep.finish(), 399)).to.have.length(8);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 120 }), (random, offset) => {
        expect(attributePathAt(random, offset).length).to.be.at.most(8);
      }),
    );
  });
});
