import { expect } from 'chai';
import * as fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { IpvigilError } from '../../lib/errors.ts';
import { hostIsLittleEndian } from '../../lib/netlink/byte-order.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from '../../lib/netlink/linux-netlink.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessages,
  type NetlinkMessage,
} from '../../lib/netlink/message.ts';
import { bytesOf } from './bytes.ts';

const message: fc.Arbitrary<NetlinkMessage> = fc.record({
  type: fc.nat({ max: 0xffff }),
  flags: fc.nat({ max: 0xffff }),
  sequence: fc.nat({ max: 0xffffffff }),
  portId: fc.nat({ max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 40 }),
});

/** Everything that comes out, and the error that ends it. */
function decodeAll(bytes: Uint8Array): { readonly messages: NetlinkMessage[]; readonly error: unknown } {
  const messages: NetlinkMessage[] = [];
  try {
    for (const one of decodeMessages(bytes)) messages.push(one);
    return { messages, error: undefined };
  } catch (error) {
    return { messages, error };
  }
}

function expectMalformed(error: unknown): void {
  expect(error).to.be.instanceOf(IpvigilError);
  expect((error as IpvigilError).code).to.equal('ERR_NETLINK_MALFORMED');
}

const acknowledgement = (flags: number, hex: string, type = NLMSG_ERROR): NetlinkMessage => ({
  type,
  flags,
  sequence: 1,
  portId: 1,
  payload: bytesOf(hex),
});

describe('netlink messages', () => {
  before(function () {
    // The bytes in this file are those of a little-endian machine.
    if (!hostIsLittleEndian) this.skip();
  });

  it('are laid out as struct nlmsghdr says, padded to four bytes', () => {
    const bytes = encodeMessages([
      { type: 0x1c, flags: 0x0305, sequence: 0x01020304, portId: 0x0a0b0c0d, payload: bytesOf('aabbccddee') },
      { type: 2, flags: 0, sequence: 1, portId: 0, payload: new Uint8Array(0) },
    ]);
    expect(bytes).to.deep.equal(
      bytesOf('15000000 1c00 0503 04030201 0d0c0b0a aabbccddee 000000   10000000 0200 0000 01000000 00000000'),
    );
  });

  it('come back as they were, several in one datagram', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
        const { messages: decoded, error } = decodeAll(encodeMessages(messages));
        expect(error).to.equal(undefined);
        expect(decoded).to.deep.equal(messages);
      }),
    );
  });

  it('need no padding behind the last one', () => {
    const bytes = encodeMessages([{ type: 16, flags: 0, sequence: 1, portId: 2, payload: bytesOf('aabbcc') }]);
    expect(decodeAll(bytes.subarray(0, 19)).messages).to.have.length(1);
  });

  it('give what is whole before a truncated one, then a typed error', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), fc.nat(), (messages, cut) => {
        const bytes = encodeMessages(messages);
        const whole = bytes.subarray(0, cut % bytes.length);
        const { messages: decoded, error } = decodeAll(whole);
        expect(messages.slice(0, decoded.length)).to.deep.equal(decoded);
        if (error !== undefined) expectMalformed(error);
      }),
    );
  });

  it('of random bytes end in a typed error or an end, never in a loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { messages, error } = decodeAll(bytes);
        expect(messages.length).to.be.at.most(bytes.length / 16);
        if (error !== undefined) expectMalformed(error);
      }),
      { numRuns: 2000 },
    );
  });

  it('with a length of 0 or below the header are refused', () => {
    for (const length of ['00000000', '0f000000', 'ffffffff', '11000000']) {
      expectMalformed(decodeAll(bytesOf(`${length} 0200 0000 01000000 00000000`)).error);
    }
  });
});

describe('netlink acknowledgements', () => {
  before(function () {
    if (!hostIsLittleEndian) this.skip();
  });

  const request = '14000000 1c00 0500 07000000 00000000';

  it('carry errno 0 or a positive errno', () => {
    expect(decodeAcknowledgement(acknowledgement(NLM_F_CAPPED, `00000000 ${request}`))).to.deep.equal({ errno: 0 });
    expect(decodeAcknowledgement(acknowledgement(NLM_F_CAPPED, `efffffff ${request}`))).to.deep.equal({ errno: 17 });
  });

  it('carry the kernel’s sentence and the offset behind the capped request', () => {
    // NLMSGERR_ATTR_MSG (length 4 + 7) "no way", NLMSGERR_ATTR_OFFS 24.
    const tlvs = '0b00 0100 6e6f2077617900 00  0800 0200 18000000';
    expect(
      decodeAcknowledgement(acknowledgement(NLM_F_CAPPED | NLM_F_ACK_TLVS, `eaffffff ${request} ${tlvs}`)),
    ).to.deep.equal({ errno: 22, text: 'no way', offset: 24 });
  });

  it('carry them behind the whole request when it is not capped, too', () => {
    // The request says 20 bytes: header and four bytes of payload.
    const tlvs = '0b00 0100 6e6f2077617900 00';
    expect(
      decodeAcknowledgement(acknowledgement(NLM_F_ACK_TLVS, `eaffffff ${request} 0f010000 ${tlvs}`)),
    ).to.deep.equal({
      errno: 22,
      text: 'no way',
    });
  });

  it('say which attribute is missing, and at the end of a dump carry errno and sentence, too', () => {
    const missing = '0800 0500 03000000 0800 0600 14000000';
    expect(
      decodeAcknowledgement(acknowledgement(NLM_F_CAPPED | NLM_F_ACK_TLVS, `eaffffff ${request} ${missing}`)),
    ).to.deep.equal({ errno: 22, missingType: 3, missingNest: 20 });
    expect(
      decodeAcknowledgement(acknowledgement(NLM_F_ACK_TLVS, 'eaffffff 0b00 0100 6e6f2077617900 00', NLMSG_DONE)),
    ).to.deep.equal({ errno: 22, text: 'no way' });
    expect(decodeAcknowledgement(acknowledgement(0, '', NLMSG_DONE))).to.deep.equal({ errno: 0 });
  });

  it('keep their errno when the attributes behind it are garbage', () => {
    expect(
      decodeAcknowledgement(acknowledgement(NLM_F_CAPPED | NLM_F_ACK_TLVS, `eaffffff ${request} ffff ffff 00`)),
    ).to.deep.equal({ errno: 22 });
  });

  it('without an errno, or with a positive number for one, are malformed', () => {
    expect(() => decodeAcknowledgement(acknowledgement(0, '0000'))).to.throw(IpvigilError, /2 bytes/);
    expect(() => decodeAcknowledgement(acknowledgement(0, `05000000 ${request}`))).to.throw(IpvigilError, /positive/);
  });

  it('of random bytes give an errno or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat({ max: 0xffff }), fc.boolean(), (payload, flags, done) => {
        try {
          const type = done ? NLMSG_DONE : NLMSG_ERROR;
          expect(decodeAcknowledgement({ type, flags, sequence: 1, portId: 1, payload }).errno).to.be.at.least(0);
        } catch (error) {
          expectMalformed(error);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
