import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ipAddress } from '../../lib/address/ip-address.ts';
import { IpvigilError } from '../../lib/errors.ts';
import { DatagramSocket } from '../../lib/io/datagram-socket.ts';
import { AF_INET, encodeLinkSockaddr, encodeSockaddr, SOCK_RAW } from '../../lib/io/native/abi.ts';
import { systemCalls } from '../../lib/io/native/system-calls.ts';
import { PacketSocket } from '../../lib/io/packet-socket.ts';
import { processReactor } from '../../lib/io/reactor.ts';
import { skipWith } from '../kernel/shared-lab.ts';

/** IEEE 802 local experimental EtherType 1, and IP protocol 253 (RFC 3692): nobody else's. */
const EXPERIMENTAL_ETHERTYPE = 0x88b5;
const EXPERIMENTAL_PROTOCOL = 253;

function withinASecond<T>(register: (received: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing came within a second')), 1000);
    register((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

describe('packet and raw sockets', () => {
  it('send a frame on an interface and receive it with its EtherType', async function () {
    let socket: PacketSocket | undefined;
    try {
      const frame = new Uint8Array(60).fill(0x5a);
      frame.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, EXPERIMENTAL_ETHERTYPE >> 8, EXPERIMENTAL_ETHERTYPE & 0xff]);
      const received = await withinASecond<{ bytes: Uint8Array; protocol: number; packetType: number }>((done) => {
        socket = new PacketSocket({ interface: 'lo', etherType: EXPERIMENTAL_ETHERTYPE }, (got) => {
          // lo shows a frame as it leaves (4) and as it comes back.
          if (got.packetType !== 4) done({ ...got, bytes: got.bytes.slice() });
        });
        expect(socket.send(frame)).to.equal(0);
      });
      expect(received.protocol).to.equal(EXPERIMENTAL_ETHERTYPE);
      expect([...received.bytes]).to.deep.equal([...frame]);
      expect(socket?.dropped).to.equal(0);
    } catch (error) {
      if (error instanceof IpvigilError && error.code === 'ERR_PERMISSION') skipWith(this, error.message);
      throw error;
    } finally {
      socket?.close();
    }
  });

  it('carry raw IP packets', async function () {
    let socket: DatagramSocket | undefined;
    try {
      const packet = await withinASecond<Uint8Array>((done) => {
        const opened = DatagramSocket.open(
          systemCalls(),
          processReactor(),
          { family: AF_INET, type: SOCK_RAW, protocol: EXPERIMENTAL_PROTOCOL, name: 'raw socket', maxBytes: 100 },
          (bytes) => done(bytes.slice()),
        );
        if (!(opened instanceof DatagramSocket)) throw opened;
        socket = opened;
        const to = encodeSockaddr({ address: ipAddress('127.0.0.1'), port: 0 });
        expect(socket.send(new Uint8Array(200), to)).to.equal(0);
        expect(socket.send(Uint8Array.of(1, 2, 3), to)).to.equal(0);
      });
      expect([...packet.subarray(20)]).to.deep.equal([1, 2, 3]);
      expect(socket?.dropped, 'the packet that was longer than 100 bytes').to.equal(1);
    } catch (error) {
      if (error instanceof IpvigilError && error.code === 'ERR_PERMISSION') skipWith(this, error.message);
      throw error;
    } finally {
      socket?.close();
    }
  });

  it('name an interface that does not exist, and never leave sysfs for it', () => {
    for (const name of ['none0', '../../../etc/passwd', '', '.', '..', 'a b']) {
      expect(() => new PacketSocket({ interface: name }, () => {})).to.throw(/there is no such network interface/);
    }
  });

  it('lay out sockaddr_ll as linux/if_packet.h says', () => {
    const hex = Buffer.from(encodeLinkSockaddr(0x0806, 3)).toString('hex');
    expect(hex).to.equal(`1100${'0806'}03000000${'00'.repeat(12)}`);
  });
});
