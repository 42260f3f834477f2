import { expect } from 'chai';
import * as fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { ipAddress, ipAddressFromBytes } from '../../lib/address/ip-address.ts';
import { IpvigilError } from '../../lib/errors.ts';
import { IPVS_CMD, IPVS_CMD_ATTR, IPVS_DEST_ATTR, IPVS_STATS_ATTR, IPVS_SVC_ATTR } from '../../lib/ipvs/attributes.ts';
import {
  decodeCommand,
  decodeDestinationEntry,
  decodeInfo,
  decodeServiceEntry,
  decodeServiceQuery,
  encodeCommand,
  encodeDestinationEntry,
  encodeInfo,
  encodeServiceEntry,
  encodeServiceQuery,
} from '../../lib/ipvs/codec.ts';
import type { Destination, IpvsCommand, ServiceId, ServiceSettings } from '../../lib/ipvs/service.ts';
import { AttributeWriter, attributesByType } from '../../lib/netlink/attribute.ts';
import { hostIsLittleEndian } from '../../lib/netlink/byte-order.ts';
import { decodeFamily, decodeGeneric, encodeGeneric, encodeGetFamily } from '../../lib/netlink/generic.ts';
import { bytesOf } from '../netlink/bytes.ts';

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(ipAddressFromBytes);
const port = fc.nat({ max: 0xffff });
const serviceId: fc.Arbitrary<ServiceId> = fc.record({
  address,
  port,
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
});
const settings: fc.Arbitrary<ServiceSettings> = fc.record({
  address,
  port,
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
  scheduler: fc.stringMatching(/^[a-z0-9_-]{1,15}$/),
  persistenceTimeoutS: fc.nat({ max: 4294967 }),
  onePacket: fc.boolean(),
});
const destination: fc.Arbitrary<Destination> = fc.record({
  address,
  port,
  weight: fc.nat({ max: 0x7fffffff }),
  forwarding: fc.constantFrom('nat', 'dr', 'tun'),
  uthreshold: fc.nat({ max: 0xffffffff }),
  lthreshold: fc.nat({ max: 0xffffffff }),
});
const command: fc.Arbitrary<IpvsCommand> = fc.oneof(
  fc.record({ kind: fc.constantFrom('NEW_SERVICE', 'SET_SERVICE'), service: settings }),
  fc.record({ kind: fc.constant('DEL_SERVICE'), service: serviceId }),
  fc.record({ kind: fc.constantFrom('NEW_DEST', 'SET_DEST'), service: serviceId, destination }),
  fc.record({ kind: fc.constant('DEL_DEST'), service: serviceId, destination: fc.record({ address, port }) }),
);

const vs: ServiceSettings = {
  address: ipAddress('10.0.0.1'),
  port: 80,
  protocol: 'tcp',
  scheduler: 'wrr',
  persistenceTimeoutS: 360,
  onePacket: false,
};
const rs: Destination = {
  address: ipAddress('10.0.0.11'),
  port: 8080,
  weight: 3,
  forwarding: 'dr',
  uthreshold: 100,
  lthreshold: 50,
};

/** What a kernel would dump for `vs`, with some attributes replaced. */
function serviceEntry(change: (writer: AttributeWriter) => void): Uint8Array {
  const plain = attributesByType(encodeServiceEntry(vs), 'test').get(IPVS_CMD_ATTR.SERVICE)!;
  const writer = new AttributeWriter();
  return writer
    .nest(IPVS_CMD_ATTR.SERVICE, () => {
      for (const { type, payload } of attributesByType(plain.payload, 'test').values()) writer.bytes(type, payload);
      // Of two attributes of one type the last counts.
      change(writer);
    })
    .finish();
}

function destinationEntry(change: (writer: AttributeWriter) => void, of: Destination = rs): Uint8Array {
  const plain = attributesByType(encodeDestinationEntry(of), 'test').get(IPVS_CMD_ATTR.DEST)!;
  const writer = new AttributeWriter();
  return writer
    .nest(IPVS_CMD_ATTR.DEST, () => {
      for (const { type, payload } of attributesByType(plain.payload, 'test').values()) writer.bytes(type, payload);
      change(writer);
    })
    .finish();
}

function flags(value: number): Uint8Array {
  return Uint8Array.of(value, 0, 0, 0, 0xff, 0xff, 0xff, 0xff);
}

describe('the IPVS codec', () => {
  before(function () {
    // The bytes in this file are those of a little-endian machine.
    if (!hostIsLittleEndian) this.skip();
  });

  it('writes NEW_SERVICE for IPv4 with the bytes that linux/ip_vs.h asks for', () => {
    expect(encodeCommand({ kind: 'NEW_SERVICE', service: vs })).to.deep.equal({
      command: 1,
      attributes: bytesOf(
        [
          '5400 0180', // IPVS_CMD_ATTR_SERVICE, nested, 84 bytes
          '0600 0100 0200 0000', // AF: AF_INET, host order
          '0600 0200 0600 0000', // PROTOCOL: TCP, host order
          '1400 0300 0a000001 00000000 00000000 00000000', // ADDR: 10.0.0.1 in 16 bytes
          '0600 0400 0050 0000', // PORT: 80, network order
          '0800 0600 77727200', // SCHED_NAME: "wrr"
          '0c00 0700 01000000 ffffffff', // FLAGS: persistent; mask: all
          '0800 0800 68010000', // TIMEOUT: 360
          '0800 0900 ffffffff', // NETMASK: 255.255.255.255
        ].join(''),
      ),
    });
  });

  it('writes the netmask of an IPv6 service as a prefix length in host order', () => {
    const service: ServiceSettings = {
      ...vs,
      address: ipAddress('2001:db8::1'),
      persistenceTimeoutS: 0,
      onePacket: true,
    };
    const { attributes } = encodeCommand({ kind: 'SET_SERVICE', service });
    expect(attributes).to.deep.equal(
      bytesOf(
        '5400 0180 0600 0100 0a00 0000 0600 0200 0600 0000 1400 0300 20010db8 00000000 00000000 00000001' +
          '0600 0400 0050 0000 0800 0600 77727200 0c00 0700 04000000 ffffffff 0800 0800 00000000 0800 0900 80000000',
      ),
    );
  });

  it('writes NEW_DEST with the bytes that linux/ip_vs.h asks for', () => {
    expect(encodeCommand({ kind: 'NEW_DEST', service: vs, destination: rs })).to.deep.equal({
      command: 5,
      attributes: bytesOf(
        [
          '3000 0180 0600 0100 0200 0000 0600 0200 0600 0000',
          '1400 0300 0a000001 00000000 00000000 00000000 0600 0400 0050 0000',
          '4800 0280', // IPVS_CMD_ATTR_DEST, nested, 72 bytes
          '0600 0b00 0200 0000', // ADDR_FAMILY
          '1400 0100 0a00000b 00000000 00000000 00000000', // ADDR: 10.0.0.11
          '0600 0200 1f90 0000', // PORT: 8080, network order
          '0800 0300 03000000', // FWD_METHOD: IP_VS_CONN_F_DROUTE
          '0800 0400 03000000', // WEIGHT
          '0800 0500 64000000', // U_THRESH
          '0800 0600 32000000', // L_THRESH
        ].join(''),
      ),
    });
  });

  it('writes only what identifies them for DEL_SERVICE and DEL_DEST', () => {
    const service =
      '3000 0180 0600 0100 0200 0000 0600 0200 0600 0000 1400 0300 0a000001 00000000 00000000 00000000 0600 0400 0050 0000';
    expect(encodeCommand({ kind: 'DEL_SERVICE', service: vs })).to.deep.equal({
      command: 3,
      attributes: bytesOf(service),
    });
    expect(encodeCommand({ kind: 'DEL_DEST', service: vs, destination: rs })).to.deep.equal({
      command: 7,
      attributes: bytesOf(
        `${service} 2800 0280 0600 0b00 0200 0000 1400 0100 0a00000b 00000000 00000000 00000000 0600 0200 1f90 0000`,
      ),
    });
  });

  it('asks for the family IPVS with the bytes that linux/genetlink.h asks for', () => {
    expect(encodeGetFamily('IPVS')).to.deep.equal({
      type: 16,
      payload: bytesOf('03 01 0000 0900 0200 4950565300 000000'),
    });
  });

  it('reads the kernel’s answer about the family', () => {
    const answer = bytesOf(
      '01 02 0000 0900 0200 4950565300 000000 0600 0100 1c00 0000 0800 0300 01000000 0800 0400 00000000 0800 0500 06000000',
    );
    expect(decodeFamily(answer)).to.deep.equal({ id: 28, name: 'IPVS', version: 1, headerSize: 0, maxAttribute: 6 });
  });

  it('gives every command back as it was', () => {
    fc.assert(
      fc.property(command, (original) => {
        const encoded = encodeCommand(original);
        expect(encoded.command).to.equal(IPVS_CMD[original.kind]);
        expect(decodeCommand(encoded.command, encoded.attributes)).to.deep.equal(original);
      }),
      { numRuns: 500 },
    );
  });

  it('gives services, destinations, queries and information back as they were', () => {
    fc.assert(
      fc.property(settings, destination, fc.nat(), fc.nat(), (service, dest, active, inactive) => {
        expect(decodeServiceEntry(encodeServiceEntry(service))).to.deep.equal({ kind: 'service', service });
        const status = { ...dest, activeConnections: active, inactiveConnections: inactive };
        expect(decodeDestinationEntry(encodeDestinationEntry(status), service)).to.deep.equal(status);
        const { address, port, protocol } = service;
        expect(decodeServiceQuery(encodeServiceQuery(service))).to.deep.equal({ address, port, protocol });
      }),
    );
    const info = { version: '1.2.1', connectionTableSize: 4096 };
    expect(decodeInfo(encodeInfo(info))).to.deep.equal(info);
  });

  it('reads a destination without ADDR_FAMILY (Linux before 3.18) in the family of its service', () => {
    const writer = new AttributeWriter();
    const entry = writer
      .nest(IPVS_CMD_ATTR.DEST, () =>
        writer
          .bytes(IPVS_DEST_ATTR.ADDR, bytesOf('0a00000b 00000000 00000000 00000000'))
          .be16(IPVS_DEST_ATTR.PORT, 80)
          .u32(IPVS_DEST_ATTR.FWD_METHOD, 0)
          .u32(IPVS_DEST_ATTR.WEIGHT, 1)
          .u32(IPVS_DEST_ATTR.U_THRESH, 0)
          .u32(IPVS_DEST_ATTR.L_THRESH, 0),
      )
      .finish();
    expect(decodeDestinationEntry(entry, vs).address).to.equal('10.0.0.11');
    expect(decodeDestinationEntry(entry, { ...vs, address: ipAddress('2001:db8::1') }).address).to.equal('a00:b::');
  });

  it('skips counters and attributes that it does not know', () => {
    const entry = serviceEntry((writer) => {
      writer.nest(IPVS_SVC_ATTR.STATS64, () => writer.u64(IPVS_STATS_ATTR.CONNS, 2n ** 63n));
      writer.nest(IPVS_SVC_ATTR.STATS, () => writer.u32(IPVS_STATS_ATTR.CONNS, 7));
      writer.bytes(99, bytesOf('aabbcc'));
    });
    expect(decodeServiceEntry(entry)).to.deep.equal({ kind: 'service', service: vs });
  });

  it('says what a service has beyond the model', () => {
    const cases: readonly (readonly [(writer: AttributeWriter) => void, object])[] = [
      [(writer) => writer.be32(IPVS_SVC_ATTR.NETMASK, 0xffffff00), { netmask: '255.255.255.0' }],
      [(writer) => writer.string(IPVS_SVC_ATTR.PE_NAME, 'sip'), { persistenceEngine: 'sip' }],
      [(writer) => writer.bytes(IPVS_SVC_ATTR.FLAGS, flags(0x2b)), { schedulerFlags: [1, 3] }],
      [(writer) => writer.u32(IPVS_SVC_ATTR.TIMEOUT, 0), { persistentForNoTime: true }],
    ];
    for (const [change, deviation] of cases) {
      const entry = decodeServiceEntry(serviceEntry(change));
      expect(entry.kind === 'service' && entry.service.deviation).to.deep.equal(deviation);
    }
  });

  it('says what a destination has beyond the model', () => {
    const tun = { ...rs, forwarding: 'tun' } as const;
    const read = (change: (writer: AttributeWriter) => void, of?: Destination): unknown =>
      decodeDestinationEntry(destinationEntry(change, of), vs).deviation;
    expect(read((writer) => writer.u8(IPVS_DEST_ATTR.TUN_TYPE, 1), tun)).to.deep.equal({ tunnelType: 'gue' });
    expect(read((writer) => writer.u8(IPVS_DEST_ATTR.TUN_TYPE, 2), tun)).to.deep.equal({ tunnelType: 'gre' });
    expect(read((writer) => writer.u8(IPVS_DEST_ATTR.TUN_TYPE, 2), rs)).to.equal(undefined);
    expect(read((writer) => writer.u32(IPVS_DEST_ATTR.FWD_METHOD, 1))).to.deep.equal({ forwarding: 'local' });
    expect(read((writer) => writer.u32(IPVS_DEST_ATTR.FWD_METHOD, 4))).to.deep.equal({ forwarding: 'bypass' });
  });

  it('takes only the forwarding method from the connection flags', () => {
    const entry = destinationEntry((writer) => writer.u32(IPVS_DEST_ATTR.FWD_METHOD, 0x1180 | 3));
    expect(decodeDestinationEntry(entry, vs).forwarding).to.equal('dr');
  });

  it('sets services on firewall marks and on other protocols apart', () => {
    expect(decodeServiceEntry(serviceEntry((writer) => writer.u32(IPVS_SVC_ATTR.FWMARK, 5)))).to.deep.equal({
      kind: 'other',
      reason: 'firewall mark 5',
    });
    expect(decodeServiceEntry(serviceEntry((writer) => writer.u16(IPVS_SVC_ATTR.PROTOCOL, 47)))).to.deep.equal({
      kind: 'other',
      reason: 'protocol 47',
    });
  });

  it('refuses values that fit no field, and names the place', () => {
    const cases: readonly (readonly [IpvsCommand, RegExp])[] = [
      [
        { kind: 'NEW_SERVICE', service: { ...vs, scheduler: '' } },
        /^add virtual server 10\.0\.0\.1:80\/tcp: scheduler ""/,
      ],
      [{ kind: 'NEW_SERVICE', service: { ...vs, scheduler: 'a/b' } }, /scheduler "a\/b" is not a name/],
      [{ kind: 'NEW_SERVICE', service: { ...vs, persistenceTimeoutS: 0.5 } }, /persistence timeout 0\.5/],
      [{ kind: 'SET_SERVICE', service: { ...vs, persistenceTimeoutS: 4294968 } }, /4294968 is not/],
      [{ kind: 'DEL_SERVICE', service: { ...vs, port: -1 } }, /port -1/],
      [{ kind: 'SET_DEST', service: vs, destination: { ...rs, weight: 2 ** 31 } }, /weight 2147483648/],
      [{ kind: 'SET_DEST', service: vs, destination: { ...rs, weight: Number.NaN } }, /weight NaN/],
      [{ kind: 'SET_DEST', service: vs, destination: { ...rs, uthreshold: -1 } }, /upper threshold -1/],
      [{ kind: 'SET_DEST', service: vs, destination: { ...rs, lthreshold: 2 ** 32 } }, /lower threshold 4294967296/],
      [{ kind: 'DEL_DEST', service: vs, destination: { ...rs, port: 70000 } }, /port 70000 of the real server/],
    ];
    for (const [refused, message] of cases) {
      expect(() => encodeCommand(refused))
        .to.throw(IpvigilError, message)
        .with.property('code', 'ERR_INVALID_ARGUMENT');
    }
  });

  it('answers random attributes with a value or a typed error, never with anything else', () => {
    // Plausible ones: nests of small attributes with the types that the codec knows.
    const attribute = fc.tuple(fc.integer({ min: 0, max: 16 }), fc.uint8Array({ maxLength: 18 }));
    const nested = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.array(attribute, { maxLength: 16 }));
    const plausible = fc.array(nested, { maxLength: 3 }).map((nests) => {
      const writer = new AttributeWriter();
      for (const [type, attributes] of nests) {
        writer.nest(type, () => {
          for (const [inner, payload] of attributes) writer.bytes(inner, payload);
        });
      }
      return writer.finish();
    });
    const decoders: readonly ((bytes: Uint8Array) => unknown)[] = [
      decodeServiceEntry,
      (bytes) => decodeDestinationEntry(bytes, vs),
      decodeInfo,
      decodeServiceQuery,
      decodeFamily,
      decodeGeneric,
      ...Object.values(IPVS_CMD).map((number) => (bytes: Uint8Array) => decodeCommand(number, bytes)),
    ];
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), plausible), (bytes) => {
        for (const decode of decoders) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).to.be.instanceOf(IpvigilError);
            expect((error as IpvigilError).code).to.equal('ERR_NETLINK_MALFORMED');
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('answers a valid entry that was cut or changed in one byte with a value or a typed error', () => {
    const entries = [
      encodeServiceEntry(vs),
      encodeDestinationEntry(rs),
      encodeGeneric({ command: 1, version: 1, attributes: encodeServiceEntry(vs) }),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...entries),
        fc.nat(),
        fc.nat({ max: 255 }),
        fc.boolean(),
        (entry, at, value, cut) => {
          const bytes = cut ? entry.slice(0, at % entry.length) : entry.with(at % entry.length, value);
          for (const decode of [decodeServiceEntry, (b: Uint8Array) => decodeDestinationEntry(b, vs)]) {
            try {
              decode(bytes);
            } catch (error) {
              expect(error).to.be.instanceOf(IpvigilError);
            }
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});
