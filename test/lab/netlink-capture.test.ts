import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { countIpvsCommands, genericMessages } from './netlink-capture.ts';

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly command: number;
  readonly payload?: number;
}

function fileHeader(linkType = 253): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(linkType, 20);
  return header;
}

/** One captured packet: pcap record header, cooked header, netlink messages. */
function packet(family: number, messages: readonly Message[]): Buffer {
  const bodies = messages.map(({ type, flags, command, payload = 0 }, index) => {
    const length = 20 + payload;
    const body = Buffer.alloc((length + 3) & ~3);
    body.writeUInt32LE(length, 0);
    body.writeUInt16LE(type, 4);
    body.writeUInt16LE(flags, 6);
    body.writeUInt32LE(index + 1, 8);
    body.writeUInt32LE(4242, 12);
    body.writeUInt8(command, 16);
    return body;
  });
  const cooked = Buffer.alloc(16);
  cooked.writeUInt16BE(824, 2);
  cooked.writeUInt16BE(family, 14);
  const data = Buffer.concat([cooked, ...bodies]);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(1000, 0);
  record.writeUInt32LE(500_000, 4);
  record.writeUInt32LE(data.length, 8);
  record.writeUInt32LE(data.length, 12);
  return Buffer.concat([record, data]);
}

const ipvs = 33;

describe('a capture of netlink messages', () => {
  it('gives every message of a datagram with its time, and leaves other netlink families out', () => {
    const capture = Buffer.concat([
      fileHeader(),
      packet(0, [{ type: 16, flags: 1, command: 0 }]),
      packet(16, [
        { type: ipvs, flags: 5, command: 5, payload: 3 },
        { type: ipvs, flags: 5, command: 7 },
      ]),
    ]);
    expect(genericMessages(capture)).to.deep.equal([
      { at: 1000.5, type: ipvs, flags: 5, sequence: 1, port: 4242, command: 5 },
      { at: 1000.5, type: ipvs, flags: 5, sequence: 2, port: 4242, command: 7 },
    ]);
  });

  it("counts what was asked of the IPVS family by name, and not the kernel's answers", () => {
    const messages = genericMessages(
      Buffer.concat([
        fileHeader(),
        packet(16, [
          { type: ipvs, flags: 0x5, command: 5 },
          { type: ipvs, flags: 0x5, command: 5 },
          { type: ipvs, flags: 0x301, command: 8 },
          { type: ipvs, flags: 0x2, command: 5 },
          { type: ipvs, flags: 0x1, command: 99 },
          { type: 16, flags: 0x1, command: 3 },
        ]),
      ]),
    );
    expect(countIpvsCommands(messages, ipvs)).to.deep.equal({ NEW_DEST: 2, GET_DEST: 1, 'command 99': 1 });
  });

  it('that was cut off anywhere gives the whole packets before the cut', () => {
    const whole = Buffer.concat([
      fileHeader(),
      packet(16, [{ type: ipvs, flags: 1, command: 1 }]),
      packet(16, [{ type: ipvs, flags: 1, command: 2 }]),
    ]);
    const first = 24 + 16 + 16 + 20;
    for (let length = 24; length < whole.length; length += 1) {
      expect(genericMessages(whole.subarray(0, length))).to.have.length(length < first ? 0 : 1);
    }
    expect(genericMessages(whole)).to.have.length(2);
  });

  it('of another link type, or no capture at all, is refused', () => {
    expect(() => genericMessages(fileHeader(1))).to.throw('link type 1');
    expect(() => genericMessages(Buffer.alloc(64))).to.throw('not a pcap file');
  });

  it('with random bytes for messages ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const record = Buffer.alloc(16);
        record.writeUInt32LE(bytes.length + 16, 8);
        const cooked = Buffer.alloc(16);
        cooked.writeUInt16BE(16, 14);
        const messages = genericMessages(Buffer.concat([fileHeader(), record, cooked, bytes]));
        expect(messages.length).to.be.at.most(bytes.length / 16);
      }),
    );
  });
});
