import { isIPv4, isIPv6 } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  compareIpAddresses,
  type IpAddress,
  ipAddress,
  ipAddressFromBytes,
  ipBytes,
  ipFamily,
  parseIpAddress,
  writeIpBytes,
} from '../../lib/address/ip-address.ts';

describe('parseIpAddress', () => {
  const canonical: readonly (readonly [text: string, canonical: string, why: string])[] = [
    ['192.0.2.1', '192.0.2.1', 'IPv4 is its own form'],
    ['0.0.0.0', '0.0.0.0', 'unspecified'],
    ['255.255.255.255', '255.255.255.255', 'the largest bytes'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1', 'lower case, no leading zeros (RFC 5952 4.1, 4.3)'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1', 'the longest run is shortened (RFC 5952 4.2.1)'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', 'one zero group is not shortened (RFC 5952 4.2.2)'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1', 'and is written out when it was'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', 'the longer of two runs (RFC 5952 4.2.3)'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', 'the first of equal runs (RFC 5952 4.2.3)'],
    ['::', '::', 'unspecified'],
    ['0:0:0:0:0:0:0:0', '::', 'unspecified, written out'],
    ['::1', '::1', 'a run at the beginning'],
    ['1::', '1::', 'a run at the end'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', 'a run of one at the end'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8', 'a run of one at the beginning'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1', 'IPv4-mapped is dotted (RFC 5952 5)'],
    ['::FFFF:c000:0201', '::ffff:192.0.2.1', 'IPv4-mapped in hexadecimal'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221', 'any other with a dotted end becomes hexadecimal'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304', 'six groups and a dotted end'],
  ];
  for (const [text, expected, why] of canonical) {
    it(`reads ${text} as ${expected}: ${why}`, () => {
      expect(parseIpAddress(text)).to.equal(expected);
    });
  }

  const refused: readonly (readonly [text: string, why: string])[] = [
    ['', 'nothing'],
    [' 10.0.0.1', 'a blank before'],
    ['10.0.0.1 ', 'a blank after'],
    ['10.0.0.1\n', 'a line feed after'],
    ['10.0.0', 'three bytes'],
    ['10.0.0.1.2', 'five bytes'],
    ['10.0.0.', 'an empty byte'],
    ['10.0.0.256', 'a byte above 255'],
    ['010.0.0.1', 'a leading zero'],
    ['10.0.0.0x1', 'hexadecimal'],
    ['10.0.0.+1', 'a sign'],
    ['10.0.0.１', 'a digit that is not ASCII'],
    ['10.0.0.1/24', 'a prefix length'],
    ['3232235777', 'one number'],
    [':', 'a colon'],
    [':::', 'three colons'],
    ['1:2:3:4:5:6:7', 'seven groups'],
    ['1:2:3:4:5:6:7:8:9', 'nine groups'],
    ['1:2:3:4:5:6:7:8::', 'a run for no group'],
    ['1::2:3:4:5:6:7:8', 'a run for no group inside'],
    ['1::2::3', 'two runs'],
    [':1:2:3:4:5:6:7', 'a colon before'],
    ['1:2:3:4:5:6:7:', 'a colon after'],
    ['12345::', 'five digits'],
    ['g::', 'no digit'],
    ['::1%eth0', 'a zone'],
    ['[::1]', 'brackets'],
    ['::/0', 'a prefix length'],
    ['1.2.3.4::', 'a dotted beginning'],
    ['::1.2.3.4:5', 'a dotted middle'],
    ['::1.2.3', 'a dotted end of three bytes'],
    ['::01.2.3.4', 'a dotted end with a leading zero'],
    ['1:2:3:4:5:6:7:1.2.3.4', 'a dotted end that is one too many'],
  ];
  for (const [text, why] of refused) {
    it(`refuses ${JSON.stringify(text)}: ${why}`, () => {
      expect(parseIpAddress(text)).to.equal(undefined);
      expect(() => ipAddress(text)).to.throw(RangeError, JSON.stringify(text));
    });
  }

  it('accepts what the platform accepts, whatever the text', () => {
    const piece = fc.constantFrom(':', '::', '.', '0', '1', '255', '256', 'f', 'ffff', '00', 'ABCD', '12345', 'g');
    const text = fc.array(piece, { maxLength: 18 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, (some) => {
        expect(parseIpAddress(some) !== undefined, some).to.equal(isIPv4(some) || isIPv6(some));
      }),
      { numRuns: 2000 },
    );
  });

  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // With runs of zeros, which random bytes hardly have.
    fc
      .array(fc.constantFrom(0, 0, 1, 0xffff), { minLength: 8, maxLength: 8 })
      .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))),
  );

  it('gives back the bytes that an address was made of, in a form that is its own canonical form', () => {
    fc.assert(
      fc.property(bytes, (some) => {
        const text = ipAddressFromBytes(some);
        expect([...ipBytes(text)]).to.deep.equal([...some]);
        const into = new Uint8Array(20).fill(0xaa);
        writeIpBytes(text, into, 3);
        expect([...into]).to.deep.equal([...Array(3).fill(0xaa), ...some, ...Array(17 - some.length).fill(0xaa)]);
        expect(parseIpAddress(text)).to.equal(text);
        expect(parseIpAddress(text.toUpperCase())).to.equal(text);
        expect(ipFamily(text)).to.equal(some.length === 4 ? 4 : 6);
      }),
      { numRuns: 1000 },
    );
  });

  it('shortens as the platform does (the URL standard follows RFC 5952)', () => {
    fc.assert(
      fc.property(bytes, (some) => {
        const text = ipAddressFromBytes(some);
        // The URL standard has no dotted form for IPv4-mapped addresses.
        fc.pre(some.length === 16 && !text.includes('.'));
        expect(new URL(`http://[${text}]/`).hostname).to.equal(`[${text}]`);
      }),
      { numRuns: 1000 },
    );
  });

  it('orders IPv4 before IPv6, then by value and not by text', () => {
    const sorted = ['9.0.0.0', '10.0.0.2', '10.0.0.10', '::', '::9', '::10', '2001:db8::'].map(ipAddress);
    expect(sorted.toReversed().sort(compareIpAddresses)).to.deep.equal(sorted);
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [first, second] = [ipAddressFromBytes(a), ipAddressFromBytes(b)];
        const order = Math.sign(compareIpAddresses(first, second));
        expect(order).to.equal(Math.sign(a.length - b.length || Buffer.compare(a, b)));
        expect(order).to.equal(-Math.sign(compareIpAddresses(second, first)) || 0);
      }),
    );
  });

  it('refuses bytes of any other length, and a brand that lies', () => {
    for (const length of [0, 3, 5, 15, 17]) {
      expect(() => ipAddressFromBytes(new Uint8Array(length))).to.throw(RangeError, `not ${length}`);
    }
    expect(() => ipBytes('localhost' as IpAddress)).to.throw(RangeError, 'localhost');
    expect(() => writeIpBytes('10.0.0' as IpAddress, new Uint8Array(16), 0)).to.throw(RangeError, '10.0.0');
  });
});
